DROP TABLE audit_events, jobs, nodes, revocation_events, revocation_head, installation, signing_keys, consents,
    authorization_codes, token_families, sessions, users, client_assertions, client_secrets,
    clients, tenants;
DROP FUNCTION portcullis_now_ms(BIGINT);
