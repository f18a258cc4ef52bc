//! The tables, alike on both databases; `migrations/` is the truth.

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    tenants (id) {
        id -> Text,
        slug -> Text,
        name -> Text,
        status -> Text,
        settings -> Text,
        scopes -> Text,
        resources -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    clients (tenant_id, client_id) {
        tenant_id -> Text,
        client_id -> Text,
        metadata -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    client_secrets (tenant_id, client_id, id) {
        tenant_id -> Text,
        client_id -> Text,
        id -> Text,
        digest -> Binary,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

table! {
    client_assertions (tenant_id, client_id, jti_digest) {
        tenant_id -> Text,
        client_id -> Text,
        jti_digest -> Binary,
        expires_at -> BigInt,
    }
}

table! {
    users (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        username -> Text,
        username_key -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        email_verified -> Bool,
        name -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        roles -> Text,
        status -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    sessions (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        user_id -> Text,
        kind -> Text,
        cookie_digest -> Nullable<Binary>,
        auth_time -> BigInt,
        amr -> Text,
        ip -> Text,
        user_agent -> Text,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
    }
}

table! {
    token_families (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        session_id -> Text,
        user_id -> Text,
        client_id -> Text,
        scope -> Text,
        resource -> Text,
        generation -> BigInt,
        created_at -> BigInt,
        rotated_at -> Nullable<BigInt>,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
    }
}

table! {
    authorization_codes (tenant_id, digest) {
        tenant_id -> Text,
        digest -> Binary,
        client_id -> Text,
        user_id -> Text,
        session_id -> Text,
        family_id -> Text,
        redirect_uri -> Text,
        redirect_uri_given -> Bool,
        scope -> Text,
        resource -> Text,
        code_challenge -> Text,
        nonce -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

table! {
    consents (tenant_id, user_id, client_id) {
        tenant_id -> Text,
        user_id -> Text,
        client_id -> Text,
        scope -> Text,
        granted_at -> BigInt,
    }
}

table! {
    signing_keys (tenant_id, kid) {
        tenant_id -> Text,
        kid -> Text,
        alg -> Text,
        state -> Text,
        public_jwk -> Text,
        sealed_private -> Binary,
        created_at -> BigInt,
        activated_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
    }
}

table! {
    revocation_head (id) {
        id -> BigInt,
        seq -> BigInt,
    }
}

table! {
    revocation_events (seq) {
        seq -> BigInt,
        tenant_id -> Text,
        kind -> Text,
        subject -> Text,
        cutoff_at -> BigInt,
        expires_at -> BigInt,
    }
}

table! {
    nodes (id) {
        id -> Text,
        seq -> BigInt,
        seen_at -> BigInt,
    }
}

table! {
    audit_events (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        at -> BigInt,
        actor -> Text,
        action -> Text,
        target -> Text,
        reason -> Text,
        ip -> Text,
        user_agent -> Text,
    }
}

allow_tables_to_appear_in_same_query!(sessions, token_families, users, clients);
