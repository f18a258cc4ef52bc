//! A grant that is decided and ready to become tokens.

use super::{Cx, confirmation::Confirmation, subject::Subject};
use crate::{
    domain::{Client, EventNumber},
    protocol::Scope,
};

/// A grant that is decided and ready to become tokens.
pub(super) struct Decided<'a> {
    /// Whom the tokens speak of.
    pub(super) subject: Subject<'a>,
    /// To whom they are issued.
    pub(super) client_id: &'a str,
    /// Whether that is an app of the tenant's own.
    pub(super) is_first_party: bool,
    /// What whoever presents them has to prove besides.
    pub(super) confirmation: Confirmation,
    /// The last event that was known when this was decided; the tokens bear its number.
    pub(super) known: EventNumber,
    pub(super) scope: Scope,
    pub(super) resource: &'a [String],
    /// Seconds an access token lives.
    pub(super) ttl: i64,
    pub(super) nonce: Option<String>,
    /// The generation whose refresh token goes with it.
    pub(super) generation: Option<u32>,
}

impl<'a> Decided<'a> {
    /// Nothing yet for a client that acts for itself (RFC 6749 §4.4.3): no session, no refresh token.
    pub(super) fn of_client(cx: &Cx<'_>, client_id: &'a str) -> Self {
        Self {
            subject: Subject::Client,
            client_id,
            is_first_party: false,
            confirmation: Confirmation::Bearer,
            known: EventNumber::ZERO,
            scope: Scope::default(),
            resource: &[],
            ttl: cx.tenant.settings.access_token_ttl,
            nonce: None,
            generation: None,
        }
    }

    /// Nothing yet for `subject`, through `client`.
    pub(super) fn of(cx: &Cx<'_>, client: &'a Client, subject: Subject<'a>) -> Self {
        Self {
            subject,
            is_first_party: client.is_first_party(),
            ..Self::of_client(cx, &client.client_id)
        }
    }
}
