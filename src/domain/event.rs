//! What happens in a tenant: the list of it, which the audit trail is written from.

use std::borrow::Cow;

use super::{Ending, FamilyId, SecretId, SessionId, Slug, UserId};
use crate::protocol::Scope;

/// Declares the events: for each its name, what it was done to, and why or how it ended.
macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $event:ident { $($field:ident: $type:ty),* } = $name:literal, to $target:expr, because $reason:expr;
    )+) => {
        /// Something that happened, which whoever looks after a tenant may ask for later.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the fields are what their names say; each event is described")]
        pub enum Event {
            $($(#[$doc])* $event { $($field: $type),* },)+
        }

        #[allow(unused_variables, reason = "not every line of the list speaks of every field")]
        impl Event {
            /// Its name, the `action` of the trail.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$event { .. } => $name,)+
                }
            }

            /// What it happened to.
            pub fn target(&self) -> String {
                match self {
                    $(Self::$event { $($field),* } => $target.to_string(),)+
                }
            }

            /// Why, or how it ended.
            pub fn reason(&self) -> String {
                match self {
                    $(Self::$event { $($field),* } => $reason.to_string(),)+
                }
            }
        }
    };
}

events! {
    /// A user signed in: a session began at a page, or through a client.
    SessionStarted { session: SessionId, via: String } = "session.started", to session, because via;
    /// Its user signed out.
    SessionEnded { session: SessionId, by: &'static str } = "session.ended", to session, because by;
    /// A user ended everything they had.
    SessionsEnded { user: UserId } = "session.ended", to "all", because "by its user";
    /// An administrator ended a session, or all of a user, a client or the tenant.
    SessionForcedLogout { what: Ending, tenant: Slug, sessions: usize, families: usize, more: bool } = "session.forced_logout",
        to ended(what, tenant), because reached(*sessions, *families, *more);
    /// A user ended what one client was granted.
    GrantEnded { grant: FamilyId } = "grant.ended", to grant, because "logout";
    /// A client gave a token back (RFC 7009), or an administrator refused it.
    TokenRevoked { token: String, by: &'static str } = "token.revoked", to token, because by;
    /// An older refresh token came again (RFC 9700 §4.14).
    RefreshReuse { family: FamilyId } = "refresh.reuse", to family,
        because "an older refresh token came again: its family and access tokens were ended";
    /// An authorization code came again (RFC 6749 §4.1.2).
    CodeReuse { family: FamilyId } = "code.reuse", to family,
        because "an authorization code came again: the tokens of its grant were ended";
    /// A user allowed a client what it asked for.
    ConsentGiven { client_id: String, scope: Scope } = "consent.given", to client_id, because scope;
    /// A user did not.
    ConsentDenied { client_id: String } = "consent.denied", to client_id, because "the user said no";
    /// What a user had allowed a client was taken back, and what the client had of it was ended.
    ConsentWithdrawn { user: UserId, client_id: String, grants: usize } = "consent.withdrawn", to client_id,
        because format!("user:{user}: {grants} grants ended");

    /// A client was registered.
    ClientCreated { client_id: String } = "client.created", to client_id, because "";
    /// Its registration was changed.
    ClientChanged { client_id: String } = "client.changed", to client_id, because "";
    /// It was deleted with everything it had.
    ClientDeleted { client_id: String } = "client.deleted", to client_id, because "";
    /// It got a new secret.
    ClientSecretCreated { client_id: String, secret: SecretId } = "client.secret_created", to client_id, because secret;
    /// A secret was removed.
    ClientSecretDeleted { client_id: String, secret: SecretId } = "client.secret_deleted", to client_id, because secret;
    /// A secret that had leaked was removed, and what the client had was ended.
    ClientSecretWithdrawn { client_id: String, secret: SecretId } = "client.secret_withdrawn",
        to client_id, because secret;
    /// A user was added.
    UserCreated { user: UserId, username: String } = "user.created", to user, because username;
    /// A user was changed; perhaps so that everything they had was ended.
    UserChanged { user: UserId, ended: bool } = "user.changed", to user,
        because if *ended { "sessions ended" } else { "" };
    /// A user was deleted.
    UserDeleted { user: UserId, username: String } = "user.deleted", to user, because username;
    /// Another key signs.
    KeysRotated { kid: String, before: String } = "keys.rotated", to kid, because before;
    /// A key that had leaked was withdrawn.
    KeysWithdrawn { kid: String } = "keys.withdrawn", to kid, because "";
    /// A tenant was made.
    TenantCreated { slug: Slug } = "tenant.created", to slug, because "";
    /// Its name, settings, scopes or resources were changed.
    TenantChanged { slug: Slug } = "tenant.changed", to slug, because "";
    /// It serves no more.
    TenantSuspended { slug: Slug } = "tenant.suspended", to slug, because "";
    /// It serves again.
    TenantResumed { slug: Slug } = "tenant.resumed", to slug, because "";
    /// It was deleted with everything in it.
    TenantPurged { slug: Slug } = "tenant.purged", to slug, because "";

    /// Somebody was not signed in.
    LoginRefused { who: String, why: Cow<'static, str> } = "login.refused", to who, because why;
    /// A client did not authenticate.
    ClientRefused { client_id: String, why: Cow<'static, str> } = "client.refused", to client_id, because why;
    /// No token was issued for a grant.
    TokenRefused { grant: String, why: Cow<'static, str> } = "token.refused", to grant, because why;
    /// An authorization request was refused.
    AuthorizeRefused { client_id: String, why: Cow<'static, str> } = "authorize.refused", to client_id, because why;
    /// A client tried to revoke what is not its own.
    RevokeRefused { why: Cow<'static, str> } = "revoke.refused", to "token", because why;
    /// Something of one tenant was presented to another.
    TenantMismatch { what: &'static str, why: Cow<'static, str> } = "tenant.mismatch", to what, because why;
    /// An administrator may not do what they tried, at the console, the API, or in the tenant.
    AdminRefused { door: &'static str, why: Cow<'static, str> } = "admin.refused", to door, because why;
    /// A form came without its token, as if another site had sent it.
    FormForged { page: &'static str } = "csrf", to page, because "form token missing or wrong";
    /// Refusals that came at the rate of an attack, counted instead of written.
    RefusalsCounted { count: u64 } = "audit.held_back", to count,
        because "refusals beyond the rate, not written one by one";
}

fn ended(what: &Ending, tenant: &Slug) -> String {
    match what {
        Ending::Tenant => format!("tenant:{tenant}"),
        Ending::User(id) => format!("user:{id}"),
        Ending::Session(id) => format!("session:{id}"),
        Ending::Grant(id) => format!("grant:{id}"),
        Ending::Client(id) | Ending::Token(id) | Ending::Key(id) => format!("{}:{id}", what.kind()),
    }
}

fn reached(sessions: usize, families: usize, more: bool) -> String {
    let more = if more { " at least" } else { "" };
    format!("{sessions} sessions, {families} families{more}")
}
