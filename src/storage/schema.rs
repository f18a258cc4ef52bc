//! Every table; each stands in the file of its queries. They are alike on both
//! databases, and `migrations/` is the truth.

use diesel::allow_tables_to_appear_in_same_query;

pub(super) use super::events::audit::audit_events;
pub(super) use super::events::nodes::nodes;
pub(super) use super::events::revocation_events::{revocation_events, revocation_head};
pub(super) use super::grants::codes::authorization_codes;
pub(super) use super::grants::consents::consents;
pub(super) use super::grants::families::token_families;
pub(super) use super::identity::clients::{client_assertions, client_secrets, clients};
pub(super) use super::identity::tenants::tenants;
pub(super) use super::identity::users::users;
pub(super) use super::jobs::queue::jobs;
pub(super) use super::keys::installation::installation;
pub(super) use super::keys::signing_keys::signing_keys;
pub(super) use super::sessions::rows::sessions;

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
