//! Work that is done some rows at a time: the queue, settling of endings, and the sweep.

pub(in crate::storage) mod queue;
pub(in crate::storage) mod settle;
pub(in crate::storage) mod sweep;
