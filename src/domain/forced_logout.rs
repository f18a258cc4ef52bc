//! Forced logout: what is selected, what it reaches, and how far it has come.

use super::{SessionId, Timestamp, UserId};

/// Which sessions an ending reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// One session.
    Session(SessionId),
    /// Every session of a user.
    User(UserId),
    /// Every grant of a client, and the sessions that were made through it alone.
    Client(String),
    /// Every session of the tenant.
    Tenant,
}

/// What an ending reaches, counted up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Reached {
    /// Sessions.
    pub sessions: usize,
    /// Refresh token families.
    pub families: usize,
    /// Whether there may be more: so many rows were looked at that it was left at that.
    pub more: bool,
}

/// How far a job has come that settles what was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Settling {
    /// Rows marked or removed by now.
    pub rows: i64,
    /// Whether all are.
    pub finished: bool,
}

/// One node and what it has seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct NodeSeen {
    /// The node's name for this run.
    pub id: String,
    /// The last event it has applied.
    pub seq: i64,
    /// When it last said so.
    #[schema(value_type = String)]
    pub seen_at: Timestamp,
}

/// Where an event has been applied.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Effectiveness {
    /// The event.
    pub event: i64,
    /// Whether every node that may answer from memory has applied it.
    pub everywhere: bool,
    /// The nodes that may, and how far each is; for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NodeSeen>>,
    /// Milliseconds after which a node that has not applied it no longer answers from memory.
    pub bound_ms: u64,
    /// How far lists and rows have followed; the ending itself does not wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settling: Option<Settling>,
}
