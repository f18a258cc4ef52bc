//! An entry of the audit trail as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{AuditEntry, Timestamp};

/// An entry of the audit trail.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditView {
    /// Its identifier, ordered by time.
    pub id: String,
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who, `kind:name`.
    pub actor: String,
    /// What, `noun.verb`.
    pub action: String,
    /// To what.
    pub target: String,
    /// Why, or how it ended.
    pub reason: String,
    /// From which address.
    pub ip: String,
    /// With which program.
    pub user_agent: String,
    /// In which request, as its answer's `X-Request-Id` said, or by which command of the shell.
    pub request_id: Option<String>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            reason: entry.reason,
            ip: entry.origin.ip,
            user_agent: entry.origin.user_agent,
            request_id: entry.origin.request_id.map(|id| id.to_string()),
        }
    }
}
