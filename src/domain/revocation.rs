//! Endings: what no longer counts, and from which event on.
//!
//! Everything that happens to the installation as a whole has a number. What can be ended bears
//! the number that was last known when it was made; an ending of everything of a user, a client
//! or a tenant has a number of its own, and what was born before it is dead. No clock decides.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FamilyId, SessionId, TenantId, Timestamp, UserId};

/// The number of an event: gapless within an epoch, and in the order of the commits.
///
/// The upper bits are the epoch, which a restored backup raises, so that whatever was born before
/// the restore is older than everything after it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EventNumber(pub i64);

impl EventNumber {
    /// Before everything.
    pub const ZERO: Self = Self(0);

    /// Bits below the epoch. Numbers stay below 2^53, which JSON readers keep exactly, for 8,192
    /// epochs of a million million events each.
    const EPOCH_BITS: u32 = 40;

    /// The epoch: how often the database was restored from a backup.
    pub const fn epoch(self) -> i64 {
        self.0 >> Self::EPOCH_BITS
    }

    /// What comes before the first number of this epoch.
    pub const fn epoch_begin(self) -> Self {
        let first = self.epoch() << Self::EPOCH_BITS;
        Self(if first == 0 { 0 } else { first - 1 })
    }

    /// The first number of the epoch after this one.
    pub const fn next_epoch(self) -> Self {
        Self((self.epoch() + 1) << Self::EPOCH_BITS)
    }
}

impl fmt::Display for EventNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an ending speaks of, within a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Everything of the tenant that was born before.
    Tenant,
    /// Everything of a client that was born before.
    Client(String),
    /// Everything of a user that was born before.
    User(UserId),
    /// A session and everything in it.
    Session(SessionId),
    /// A grant and its tokens.
    Grant(FamilyId),
    /// One access token, by its `jti`.
    Token(String),
    /// Every token that was signed with a key, by its `kid`.
    Key(String),
}

impl Ending {
    /// The word for its kind, in the database, in Redis and in feeds.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Client(_) => "client",
            Self::User(_) => "user",
            Self::Session(_) => "session",
            Self::Grant(_) => "grant",
            Self::Token(_) => "token",
            Self::Key(_) => "key",
        }
    }

    /// What it names: an identifier within the tenant, and the tenant's own for a whole tenant.
    pub fn subject(&self, tenant: TenantId) -> String {
        match self {
            Self::Tenant => tenant.to_string(),
            Self::User(id) => id.to_string(),
            Self::Session(id) => id.to_string(),
            Self::Grant(id) => id.to_string(),
            Self::Client(id) | Self::Token(id) | Self::Key(id) => id.clone(),
        }
    }

    /// The ending of this kind and subject, where both are ones that this version writes.
    pub fn read(kind: &str, subject: &str) -> Option<Self> {
        Some(match kind {
            "tenant" => Self::Tenant,
            "client" => Self::Client(subject.to_owned()),
            "user" => Self::User(subject.parse().ok()?),
            "session" => Self::Session(subject.parse().ok()?),
            "grant" => Self::Grant(subject.parse().ok()?),
            "token" => Self::Token(subject.to_owned()),
            "key" => Self::Key(subject.to_owned()),
            _ => return None,
        })
    }

    /// Whether it spares what was born after it. A session, a grant, a token and a withdrawn key
    /// never come back.
    pub fn spares_later(&self) -> bool {
        matches!(self, Self::Tenant | Self::Client(_) | Self::User(_))
    }
}

/// What every node must hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something was ended. For a tenant or a client it is a change of it too.
    Ending(TenantId, Ending),
    /// A tenant was made, changed or removed.
    Tenant(TenantId),
    /// A client of the tenant was made, changed or removed.
    Client(TenantId, String),
    /// The tenant's keys changed.
    Keys(TenantId),
}

/// An ending of a tenant, as its resource servers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantEnding {
    /// The number of its event.
    pub number: EventNumber,
    /// What was ended.
    pub ending: Ending,
    /// When the last token that it speaks of has expired.
    pub until: Timestamp,
}

/// Endings of a tenant, in order, and how far they go: nothing of it lies between them, or between the last
/// of them and that number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndingsPage {
    /// The endings.
    pub endings: Vec<TenantEnding>,
    /// The number up to which this is all.
    pub to: EventNumber,
}

/// A change with its place in the order in which changes were committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationEvent {
    /// Its number.
    pub seq: EventNumber,
    /// What changed.
    pub change: Change,
    /// Milliseconds from when it was read until the last token that it speaks of has expired.
    pub lives_ms: i64,
}
