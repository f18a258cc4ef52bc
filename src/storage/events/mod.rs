//! What happened: the numbered events that every node follows, who follows them, and the audit trail.

pub(in crate::storage) mod audit;
mod ended_rows;
pub(in crate::storage) mod epoch;
pub(in crate::storage) mod nodes;
pub(in crate::storage) mod revocation_events;
mod seal;
