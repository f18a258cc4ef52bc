//! The tables, alike on both databases; `migrations/` is the truth.

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    tenants (id) {
        id -> Id16,
        slug -> Text,
        name -> Text,
        status -> Text,
        settings -> Text,
        scopes -> Text,
        resources -> Text,
        version -> BigInt,
        ended_seq -> BigInt,
        access_ttl -> BigInt,
        longest_ttl -> BigInt,
        longest_ttl_until -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    clients (tenant_id, client_id) {
        tenant_id -> Id16,
        client_id -> Text,
        metadata -> Text,
        version -> BigInt,
        born_seq -> BigInt,
        ended_seq -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    client_secrets (tenant_id, client_id, id) {
        tenant_id -> Id16,
        client_id -> Text,
        id -> Id16,
        digest -> Binary,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    client_assertions (tenant_id, client_id, jti_digest) {
        tenant_id -> Id16,
        client_id -> Text,
        jti_digest -> Binary,
        expires_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    users (tenant_id, id) {
        tenant_id -> Id16,
        id -> Id16,
        username -> Text,
        username_key -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        email_verified -> Bool,
        name -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        roles -> Text,
        status -> Text,
        version -> BigInt,
        ended_seq -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    sessions (tenant_id, id) {
        tenant_id -> Id16,
        id -> Id16,
        user_id -> Id16,
        kind -> Text,
        client_id -> Nullable<Text>,
        cookie_digest -> Nullable<Binary>,
        born_seq -> BigInt,
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
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    token_families (tenant_id, id) {
        tenant_id -> Id16,
        id -> Id16,
        session_id -> Id16,
        user_id -> Id16,
        client_id -> Text,
        scope -> Text,
        resource -> Text,
        generation -> BigInt,
        born_seq -> BigInt,
        auth_time -> BigInt,
        amr -> Text,
        created_at -> BigInt,
        rotated_at -> Nullable<BigInt>,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    authorization_codes (tenant_id, digest) {
        tenant_id -> Id16,
        digest -> Binary,
        client_id -> Text,
        user_id -> Id16,
        session_id -> Id16,
        family_id -> Id16,
        redirect_uri -> Text,
        redirect_uri_given -> Bool,
        scope -> Text,
        resource -> Text,
        code_challenge -> Text,
        nonce -> Nullable<Text>,
        born_seq -> BigInt,
        auth_time -> BigInt,
        amr -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    consents (tenant_id, user_id, client_id) {
        tenant_id -> Id16,
        user_id -> Id16,
        client_id -> Text,
        scope -> Text,
        born_seq -> BigInt,
        granted_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    signing_keys (tenant_id, kid) {
        tenant_id -> Id16,
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
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    revocation_head (id) {
        id -> BigInt,
        seq -> BigInt,
        installation -> Id16,
    }
}

table! {
    use diesel::sql_types::*;

    installation (id) {
        id -> BigInt,
        master_key_check -> Binary,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    revocation_events (seq) {
        seq -> BigInt,
        tenant_id -> Id16,
        kind -> Text,
        subject -> Text,
        happened_at -> BigInt,
        expires_at -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    nodes (id) {
        id -> Id16,
        seq -> BigInt,
        seen_at -> BigInt,
        lease_until -> BigInt,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    jobs (id) {
        id -> Id16,
        kind -> Text,
        tenant_id -> Id16,
        event_seq -> BigInt,
        payload -> Text,
        position -> Text,
        rows_done -> BigInt,
        leased_by -> Nullable<Id16>,
        lease_until -> BigInt,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::*;
    use super::super::columns::Id16;

    audit_events (tenant_id, id) {
        tenant_id -> Id16,
        id -> Id16,
        at -> BigInt,
        actor -> Text,
        action -> Text,
        target -> Text,
        reason -> Text,
        ip -> Text,
        user_agent -> Text,
    }
}

allow_tables_to_appear_in_same_query!(
    sessions,
    token_families,
    authorization_codes,
    consents,
    users,
    clients,
    tenants,
    revocation_head,
);
