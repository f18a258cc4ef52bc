//! Rotations that wait for the same commit, written together.
//!
//! Each database pays for a commit with a wait for its disk, and PostgreSQL for each statement with a
//! way there and back: what a whole batch rests on is asked for at once, and what is to be moved on is
//! moved on at once.

use std::collections::HashSet;

use super::rotations::{Decision, Rotation, RotationRequest};
use crate::storage::{
    EveryTenant, Storage, StorageError,
    engine::gathered::{Gather, Outcomes},
};

impl Gather for RotationRequest {
    /// `None` where it must be rotated by itself: somebody else is at its family.
    type Answer = Option<Rotation>;
    const TOGETHER: usize = 128;
    const NAME: &'static str = "rotations";
    // Who has stopped waiting was told that it cannot be done now.
    const OUTLIVES_ITS_CALLER: bool = false;

    async fn write(
        storage: &Storage,
        batch: &[Self],
    ) -> Result<Outcomes<Self::Answer>, StorageError> {
        // One of each family: a second one must find what the first has made of it.
        let mut families = HashSet::new();
        let mut firsts: Vec<(usize, &Self)> =
            batch.iter().enumerate().filter(|(_, one)| families.insert(one.family)).collect();
        // In one order at every node, so that two never wait for each other's rows in turn.
        firsts.sort_by_key(|(_, one)| one.family);
        let requests: Vec<&Self> = firsts.iter().map(|(_, one)| *one).collect();
        let mut outcomes: Outcomes<Self::Answer> = batch.iter().map(|_| Ok(None)).collect();
        for ((at, _), met) in firsts.iter().zip(write_together(storage, &requests).await?) {
            if let Some(outcome) = outcomes.get_mut(*at) {
                *outcome = met;
            }
        }
        Ok(outcomes)
    }
}

/// Writes requests for as many families, in their order.
async fn write_together(
    storage: &Storage,
    batch: &[&RotationRequest],
) -> Result<Outcomes<Option<Rotation>>, StorageError> {
    let mut unit = storage.write_gathered(EveryTenant::GatheredRotations).await?;
    let wanted = batch.iter().map(|one| (one.tenant.id, one.family)).collect();
    let found = unit.family_standings(wanted).await?;
    let mut outcomes: Outcomes<Option<Rotation>> = Vec::with_capacity(batch.len());
    let (mut writes, mut written) = (Vec::new(), Vec::new());
    for (request, found) in batch.iter().zip(found) {
        if let Err(StorageError::Away(why)) = found {
            return Err(StorageError::Away(why));
        }
        outcomes.push(found.map(|found| match request.decide(found) {
            Decision::Answer(rotation) => Some(rotation),
            Decision::Advance(rotated) => {
                writes.push(request.advance(&rotated));
                written.push((outcomes.len(), rotated));
                None
            }
        }));
    }
    for ((at, rotated), moved) in written.into_iter().zip(unit.advance_families(writes).await?) {
        match (moved, outcomes.get_mut(at)) {
            (Ok(true), Some(outcome)) => *outcome = Ok(Some(Rotation::Granted(rotated))),
            // Whoever was first is found out about by itself.
            (Ok(false), _) | (Ok(true), None) => {}
            // Somebody holds a row for longer than the others should wait for it. Nothing was written.
            (Err(_), _) => return Ok(batch.iter().map(|_| Ok(None)).collect()),
        }
    }
    unit.commit().await?;
    Ok(outcomes)
}
