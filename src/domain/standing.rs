//! What a session and all that descends from it rest on.

use super::{EventNumber, Session, Timestamp, TokenFamily, User};

/// What one statement of the database said of a user's session, its tenant and its client.
///
/// `head` was read in that same statement: whatever is made from it bears this number, so that
/// an event which came later outlives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The number of the last event.
    pub head: EventNumber,
    /// Whether the tenant serves.
    pub tenant_is_active: bool,
    /// When everything of the tenant was last ended.
    pub tenant_ended: EventNumber,
    /// When everything of the client was last ended; `None` where there is no such client.
    pub client_ended: Option<EventNumber>,
    /// The user.
    pub user: User,
}

impl Standing {
    /// Why nothing may be issued to the user at all, in a word for the audit trail.
    pub fn refusal(&self) -> Option<&'static str> {
        if !self.tenant_is_active {
            return Some("tenant suspended");
        }
        (!self.user.is_active()).then_some("user disabled")
    }

    /// Why nothing may be issued to a client, in a word for the audit trail.
    pub fn client_refusal(&self) -> Option<&'static str> {
        if self.client_ended.is_none() { Some("client gone") } else { self.refusal() }
    }

    /// Whether something of the user, born at `born`, was ended with the user or the tenant.
    fn is_ended(&self, born: EventNumber) -> bool {
        born < self.user.ended_seq || born < self.tenant_ended
    }

    /// Why `session` is not good, in a word for the audit trail.
    pub fn session_refusal(&self, session: &Session, now: Timestamp) -> Option<&'static str> {
        if session.is_live(now) && !self.is_ended(session.born_seq) {
            self.refusal()
        } else {
            Some("session ended")
        }
    }

    /// Why a grant in `session` that was born at `born` is not good, in a word for the trail.
    pub fn grant_refusal(
        &self,
        session: &Session,
        born: EventNumber,
        now: Timestamp,
    ) -> Option<&'static str> {
        if let Some(why) = self.session_refusal(session, now) {
            return Some(why);
        }
        match self.client_ended {
            None => Some("client gone"),
            Some(ended) if born < ended || self.is_ended(born) => Some("grant ended"),
            Some(_) => None,
        }
    }
}

/// A family of refresh tokens and what it rests on, as one statement of the database said it.
#[derive(Debug, Clone)]
pub struct FamilyStanding {
    /// The family.
    pub family: TokenFamily,
    /// Its session.
    pub session: Session,
    /// What both rest on.
    pub standing: Standing,
    /// The present instant of the database, by which the grace of a rotation is measured.
    pub database_now: Timestamp,
}
