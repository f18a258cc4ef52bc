//! What becomes of an event after it has happened: it goes into the audit trail.

mod trail;

pub use trail::AuditLog;
