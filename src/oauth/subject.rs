//! Whom tokens speak of.

use crate::domain::{Authentication, FamilyId, SessionId, User};

/// Whom a token speaks of, and what that rests on.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A user, in a session, by a grant.
    User {
        user: &'a User,
        session: SessionId,
        grant: FamilyId,
        /// What it was granted by, which may lie before the session's last.
        authentication: &'a Authentication,
    },
    /// The client itself (RFC 6749 §4.4).
    Client,
}
