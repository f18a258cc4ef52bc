-- Instants are milliseconds since the Unix epoch. Lists and settings are JSON text.
-- Identifiers are 16 bytes (UUID v7). Every scoped table has (tenant_id, id) as its key: a row
-- cannot be reached without its tenant.
--
-- *_seq are numbers of events (docs/adr/0006): born_seq is the number that was last known when a
-- thing was made, ended_seq the number of the last event that ended everything of a tenant, a
-- client or a user. What was born before it is dead, whatever its own row says.
--
-- Rows that come by the million (users, sessions, families, codes, consents) refer to nobody:
-- their owners are ended and deleted by one row, and jobs remove what is left, some at a time.

-- The clock of leases, graces and expiring events: one for all nodes.
CREATE FUNCTION portcullis_now_ms(plus BIGINT) RETURNS BIGINT
    LANGUAGE sql VOLATILE PARALLEL SAFE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT + plus $$;

CREATE TABLE tenants (
    id                 UUID PRIMARY KEY,
    slug               TEXT COLLATE "C" NOT NULL UNIQUE,
    name               TEXT NOT NULL,
    status             TEXT NOT NULL,
    settings           TEXT NOT NULL,
    scopes             TEXT NOT NULL,
    resources          TEXT NOT NULL,
    version            BIGINT NOT NULL,
    ended_seq          BIGINT NOT NULL,
    -- access_token_ttl in seconds; the longest one of before, and until when (database's clock)
    -- tokens of it may live: endings are remembered for as long.
    access_ttl         BIGINT NOT NULL,
    longest_ttl        BIGINT NOT NULL,
    longest_ttl_until  BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);

CREATE TABLE clients (
    tenant_id   UUID NOT NULL,
    client_id   TEXT COLLATE "C" NOT NULL,
    metadata    TEXT NOT NULL,
    version     BIGINT NOT NULL,
    -- The number that was known when it was made. What a client of the same name had that was
    -- deleted before is older, and nothing of this one's.
    born_seq    BIGINT NOT NULL,
    -- At first the same.
    ended_seq   BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id)
);

CREATE TABLE client_secrets (
    tenant_id   UUID NOT NULL,
    client_id   TEXT COLLATE "C" NOT NULL,
    id          UUID NOT NULL,
    digest      BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT,
    PRIMARY KEY (tenant_id, client_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
);

-- The identifiers of client assertions that were used (RFC 7523), so that none counts twice.
CREATE TABLE client_assertions (
    tenant_id   UUID NOT NULL,
    client_id   TEXT COLLATE "C" NOT NULL,
    jti_digest  BYTEA NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id, jti_digest)
);
CREATE INDEX client_assertions_expiry ON client_assertions (expires_at);

CREATE TABLE users (
    tenant_id      UUID NOT NULL,
    id             UUID NOT NULL,
    username       TEXT NOT NULL,
    username_key   TEXT COLLATE "C" NOT NULL,
    email          TEXT,
    email_key      TEXT COLLATE "C",
    email_verified BOOLEAN NOT NULL,
    name           TEXT,
    password_hash  TEXT,
    roles          TEXT NOT NULL,
    status         TEXT NOT NULL,
    version        BIGINT NOT NULL,
    ended_seq      BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_username UNIQUE (tenant_id, username_key)
);
CREATE UNIQUE INDEX users_email ON users (tenant_id, email_key) WHERE email_key IS NOT NULL;

CREATE TABLE sessions (
    tenant_id     UUID NOT NULL,
    id            UUID NOT NULL,
    user_id       UUID NOT NULL,
    kind          TEXT NOT NULL,
    -- The client it was made through, where it has no cookie: that client's end is its own.
    client_id     TEXT COLLATE "C",
    cookie_digest BYTEA,
    born_seq      BIGINT NOT NULL,
    auth_time     BIGINT NOT NULL,
    amr           TEXT NOT NULL,
    ip            TEXT COLLATE "C" NOT NULL,
    user_agent    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    end_reason    TEXT,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX sessions_cookie ON sessions (tenant_id, cookie_digest) WHERE cookie_digest IS NOT NULL;
CREATE INDEX sessions_user ON sessions (tenant_id, user_id, id);
CREATE INDEX sessions_client ON sessions (tenant_id, client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX sessions_ip ON sessions (tenant_id, ip, id);
CREATE INDEX sessions_live ON sessions (tenant_id, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended ON sessions (tenant_id, id) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_due ON sessions (expires_at) WHERE ended_at IS NULL;

-- expires_at slides at each rotation and is in no index, so that a rotation rewrites none of
-- them (PostgreSQL: heap-only tuples); families are swept with their sessions.
CREATE TABLE token_families (
    tenant_id   UUID NOT NULL,
    id          UUID NOT NULL,
    session_id  UUID NOT NULL,
    user_id     UUID NOT NULL,
    client_id   TEXT COLLATE "C" NOT NULL,
    scope       TEXT NOT NULL,
    resource    TEXT NOT NULL,
    generation  BIGINT NOT NULL,
    born_seq    BIGINT NOT NULL,
    -- Of the sign-in that it was granted by, whatever its session has seen since.
    auth_time   BIGINT NOT NULL,
    amr         TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    -- By the database's clock: whether a retry lies within the grace is asked at any node.
    rotated_at  BIGINT,
    expires_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    end_reason  TEXT,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE INDEX token_families_session ON token_families (tenant_id, session_id, id);
CREATE INDEX token_families_client ON token_families (tenant_id, client_id, session_id, id);
CREATE INDEX token_families_user ON token_families (tenant_id, user_id, id);

CREATE TABLE authorization_codes (
    tenant_id          UUID NOT NULL,
    digest             BYTEA NOT NULL,
    client_id          TEXT COLLATE "C" NOT NULL,
    user_id            UUID NOT NULL,
    session_id         UUID NOT NULL,
    family_id          UUID NOT NULL,
    redirect_uri       TEXT NOT NULL,
    redirect_uri_given BOOLEAN NOT NULL,
    scope              TEXT NOT NULL,
    resource           TEXT NOT NULL,
    code_challenge     TEXT NOT NULL,
    nonce              TEXT,
    born_seq           BIGINT NOT NULL,
    auth_time          BIGINT NOT NULL,
    amr                TEXT NOT NULL,
    created_at         BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    used_at            BIGINT,
    PRIMARY KEY (tenant_id, digest)
);
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at);

CREATE TABLE consents (
    tenant_id   UUID NOT NULL,
    user_id     UUID NOT NULL,
    client_id   TEXT COLLATE "C" NOT NULL,
    scope       TEXT NOT NULL,
    born_seq    BIGINT NOT NULL,
    granted_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id)
);
CREATE INDEX consents_client ON consents (tenant_id, client_id, user_id);

CREATE TABLE signing_keys (
    tenant_id      UUID NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    kid            TEXT COLLATE "C" NOT NULL,
    alg            TEXT NOT NULL,
    state          TEXT NOT NULL,
    public_jwk     TEXT NOT NULL,
    sealed_private BYTEA NOT NULL,
    created_at     BIGINT NOT NULL,
    activated_at   BIGINT,
    expires_at     BIGINT,
    PRIMARY KEY (tenant_id, kid)
);
-- Two nodes that rotate at once make one active and one next key.
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (tenant_id) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (tenant_id) WHERE state = 'next';

-- One row. Raising seq is the last thing a transaction does before it commits: the row's lock
-- lasts until then, so numbers are gapless and become visible in order. The upper bits of seq
-- are the epoch, which a restored backup raises.
CREATE TABLE revocation_head (
    id            BIGINT PRIMARY KEY,
    seq           BIGINT NOT NULL,
    installation  UUID NOT NULL
);
INSERT INTO revocation_head (id, seq, installation) VALUES (1, 0, gen_random_uuid());

-- What tells the master key that everything here was sealed under; one row once there is one.
CREATE TABLE installation (
    id                BIGINT PRIMARY KEY CHECK (id = 1),
    master_key_check  BYTEA NOT NULL
);

-- No reference to tenants: the event that a tenant is gone must outlive it.
CREATE TABLE revocation_events (
    seq          BIGINT PRIMARY KEY,
    tenant_id    UUID NOT NULL,
    kind         TEXT NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    -- Both by the database's clock.
    happened_at  BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX revocation_events_subject ON revocation_events (tenant_id, subject);
CREATE INDEX revocation_events_tenant ON revocation_events (tenant_id, seq);
CREATE INDEX revocation_events_expiry ON revocation_events (expires_at);

-- How far each running node has applied the events: what "effective everywhere" is read off. A
-- node whose lease is over (database's clock) does not answer from memory.
CREATE TABLE nodes (
    id           UUID PRIMARY KEY,
    seq          BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    lease_until  BIGINT NOT NULL
);

-- Work that is done some rows at a time, by whichever node holds the lease.
CREATE TABLE jobs (
    id           UUID PRIMARY KEY,
    kind         TEXT NOT NULL,
    tenant_id    UUID NOT NULL,
    -- The event it settles.
    event_seq    BIGINT NOT NULL,
    payload      TEXT NOT NULL,
    position     TEXT NOT NULL,
    rows_done    BIGINT NOT NULL,
    leased_by    UUID,
    lease_until  BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    finished_at  BIGINT
);
CREATE INDEX jobs_waiting ON jobs (lease_until, id) WHERE finished_at IS NULL;
CREATE INDEX jobs_event ON jobs (event_seq);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE audit_events (
    tenant_id   UUID NOT NULL,
    id          UUID NOT NULL,
    at          BIGINT NOT NULL,
    actor       TEXT COLLATE "C" NOT NULL,
    action      TEXT COLLATE "C" NOT NULL,
    target      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    ip          TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    request_id  UUID,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_events_action ON audit_events (tenant_id, action, id);
CREATE INDEX audit_events_actor ON audit_events (tenant_id, actor, id);
CREATE INDEX audit_events_actor_action ON audit_events (tenant_id, actor, action, id);

-- What the planner is to think of these tables however few rows it has counted: a tenant may have
-- all of them, and what a list or a job asks for has a small part (a negative number: that part of
-- the rows are different). Else it takes a tenant of a million rows for a few, or a client for all
-- of a tenant, and reads the tenant.
DO $$
DECLARE
    hint RECORD;
BEGIN
    FOR hint IN SELECT * FROM (VALUES
        ('users', 'tenant_id', 1), ('sessions', 'tenant_id', 1), ('token_families', 'tenant_id', 1),
        ('authorization_codes', 'tenant_id', 1), ('client_assertions', 'tenant_id', 1), ('consents', 'tenant_id', 1),
        ('revocation_events', 'tenant_id', 1), ('audit_events', 'tenant_id', 1),
        ('sessions', 'user_id', -0.1), ('sessions', 'client_id', 100), ('sessions', 'ip', 1000),
        ('token_families', 'user_id', -0.1), ('token_families', 'client_id', 100),
        ('token_families', 'session_id', -0.5), ('consents', 'client_id', 100),
        ('audit_events', 'action', 100), ('audit_events', 'actor', 1000)
    ) AS hints (large, part, kinds) LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET (n_distinct = %s)', hint.large, hint.part, hint.kinds);
    END LOOP;
END $$;

-- Behind the tenant in every query stands the tenant of the unit of work: a filter that was
-- forgotten finds nothing. A unit says whose rows it works on (portcullis.tenant), or that it
-- works on many tenants' (portcullis.every_tenant; storage/scope.rs lists who may). The server's
-- role must not be a superuser and must not have BYPASSRLS.
DO $$
DECLARE
    scoped TEXT;
BEGIN
    FOREACH scoped IN ARRAY ARRAY['clients', 'client_secrets', 'client_assertions', 'users',
        'sessions', 'token_families', 'authorization_codes', 'consents', 'signing_keys',
        'audit_events']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', scoped);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', scoped);
        EXECUTE format($policy$CREATE POLICY own_tenant ON %I USING (
            tenant_id = nullif(current_setting('portcullis.tenant', true), '')::uuid
            OR current_setting('portcullis.every_tenant', true) = 'on')$policy$, scoped);
    END LOOP;
END
$$;
