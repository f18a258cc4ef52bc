//! Who works off what is gathered, each begun when the first request comes.

use std::sync::OnceLock;

use crate::storage::{
    Storage,
    engine::gathered::Gathered,
    grants::{families::Advance, gathered_rotations::Wanted},
    sessions::endings::EndRequest,
};

#[derive(Default)]
pub(in crate::storage) struct Gatherers {
    families: OnceLock<Gathered<Wanted>>,
    rotations: OnceLock<Gathered<Advance>>,
    endings: OnceLock<Gathered<EndRequest>>,
}

impl Storage {
    /// The reader of what rotations rest on.
    pub(in crate::storage) fn gathered_families(&self) -> &Gathered<Wanted> {
        self.gatherers.families.get_or_init(|| Gathered::start(self.detached()))
    }

    /// The writer of gathered rotations.
    pub(in crate::storage) fn gathered_advances(&self) -> &Gathered<Advance> {
        self.gatherers.rotations.get_or_init(|| Gathered::start(self.detached()))
    }

    /// The writer of gathered endings.
    pub(in crate::storage) fn gathered_endings(&self) -> &Gathered<EndRequest> {
        self.gatherers.endings.get_or_init(|| Gathered::start(self.detached()))
    }
}
