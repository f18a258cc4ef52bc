-- Instants are milliseconds since the Unix epoch. Lists and settings are JSON text.
-- Every scoped table has (tenant_id, id) as its key: a row cannot be reached without its tenant.

CREATE TABLE tenants (
    id          TEXT PRIMARY KEY,
    slug        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    status      TEXT NOT NULL,
    settings    TEXT NOT NULL,
    scopes      TEXT NOT NULL,
    resources   TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE clients (
    tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    client_id   TEXT NOT NULL,
    metadata    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id)
);

CREATE TABLE client_secrets (
    tenant_id   TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    id          TEXT NOT NULL,
    digest      BLOB NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT,
    PRIMARY KEY (tenant_id, client_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
);

-- The identifiers of client assertions that were used (RFC 7523), so that none counts twice.
CREATE TABLE client_assertions (
    tenant_id   TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    jti_digest  BLOB NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id, jti_digest),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
);
CREATE INDEX client_assertions_expiry ON client_assertions (expires_at);

CREATE TABLE users (
    tenant_id      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id             TEXT NOT NULL,
    username       TEXT NOT NULL,
    username_key   TEXT NOT NULL,
    email          TEXT,
    email_key      TEXT,
    email_verified BOOLEAN NOT NULL,
    name           TEXT,
    password_hash  TEXT,
    roles          TEXT NOT NULL,
    status         TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, username_key)
);
CREATE UNIQUE INDEX users_email ON users (tenant_id, email_key) WHERE email_key IS NOT NULL;

CREATE TABLE sessions (
    tenant_id     TEXT NOT NULL,
    id            TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    kind          TEXT NOT NULL,
    cookie_digest BLOB,
    auth_time     BIGINT NOT NULL,
    amr           TEXT NOT NULL,
    ip            TEXT NOT NULL,
    user_agent    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    end_reason    TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX sessions_cookie ON sessions (tenant_id, cookie_digest) WHERE cookie_digest IS NOT NULL;
CREATE INDEX sessions_user ON sessions (tenant_id, user_id, id);
CREATE INDEX sessions_live ON sessions (tenant_id, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE token_families (
    tenant_id   TEXT NOT NULL,
    id          TEXT NOT NULL,
    session_id  TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    scope       TEXT NOT NULL,
    resource    TEXT NOT NULL,
    generation  BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    rotated_at  BIGINT,
    expires_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    end_reason  TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
);
CREATE INDEX token_families_session ON token_families (tenant_id, session_id);
CREATE INDEX token_families_client ON token_families (tenant_id, client_id, id);
CREATE INDEX token_families_expiry ON token_families (expires_at);

CREATE TABLE authorization_codes (
    tenant_id          TEXT NOT NULL,
    digest             BLOB NOT NULL,
    client_id          TEXT NOT NULL,
    user_id            TEXT NOT NULL,
    session_id         TEXT NOT NULL,
    family_id          TEXT NOT NULL,
    redirect_uri       TEXT NOT NULL,
    redirect_uri_given BOOLEAN NOT NULL,
    scope              TEXT NOT NULL,
    resource           TEXT NOT NULL,
    code_challenge     TEXT NOT NULL,
    nonce              TEXT,
    created_at         BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    used_at            BIGINT,
    PRIMARY KEY (tenant_id, digest),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
);
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at);

CREATE TABLE consents (
    tenant_id   TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    scope       TEXT NOT NULL,
    granted_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
);

CREATE TABLE signing_keys (
    tenant_id      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    kid            TEXT NOT NULL,
    alg            TEXT NOT NULL,
    state          TEXT NOT NULL,
    public_jwk     TEXT NOT NULL,
    sealed_private BLOB NOT NULL,
    created_at     BIGINT NOT NULL,
    activated_at   BIGINT,
    expires_at     BIGINT,
    PRIMARY KEY (tenant_id, kid)
);
-- Two nodes that rotate at once make one active and one next key.
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (tenant_id) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (tenant_id) WHERE state = 'next';

-- One row. Raising it locks it until commit, so events are numbered gaplessly and in commit
-- order on both databases; a sequence would let a later number become visible first.
CREATE TABLE revocation_head (
    id   BIGINT PRIMARY KEY,
    seq  BIGINT NOT NULL
);
INSERT INTO revocation_head (id, seq) VALUES (1, 0);

-- No reference to tenants: the event that a tenant is gone must outlive it.
CREATE TABLE revocation_events (
    seq         BIGINT PRIMARY KEY,
    tenant_id   TEXT NOT NULL,
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    cutoff_at   BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX revocation_events_subject ON revocation_events (tenant_id, subject);
CREATE INDEX revocation_events_expiry ON revocation_events (expires_at);

-- How far each running node has read the events: what "effective everywhere" is read off.
CREATE TABLE nodes (
    id       TEXT PRIMARY KEY,
    seq      BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL
);

CREATE TABLE audit_events (
    tenant_id   TEXT NOT NULL,
    id          TEXT NOT NULL,
    at          BIGINT NOT NULL,
    actor       TEXT NOT NULL,
    action      TEXT NOT NULL,
    target      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    ip          TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_events_action ON audit_events (tenant_id, action, id);
