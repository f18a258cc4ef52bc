//! What rotations read and write, together with those of others who wait at that moment.
//!
//! SQLite has one writer and pays for each commit with a wait for the disk: what is to be moved on while
//! one lasts goes into the next one. PostgreSQL pays for each statement besides: what is to be read while
//! one is answered goes into the next one, too.

use crate::domain::{FamilyId, FamilyStanding, Tenant, TenantId};
use crate::storage::{
    EveryTenant, Storage, StorageError,
    engine::gathered::{Gather, Outcomes},
    grants::families::Advance,
};

impl Storage {
    /// A family and what it rests on.
    pub(in crate::storage) async fn family_standing(
        &self,
        tenant: &Tenant,
        family: FamilyId,
    ) -> Result<Option<FamilyStanding>, StorageError> {
        self.gathered_families().ask(Wanted { tenant: tenant.id, family }).await
    }
}

/// A family that is asked for.
pub(in crate::storage) struct Wanted {
    tenant: TenantId,
    family: FamilyId,
}

impl Gather for Wanted {
    type Answer = Option<FamilyStanding>;
    const TOGETHER: usize = 64;
    const NAME: &'static str = "reads of families";
    const OUTLIVES_ITS_CALLER: bool = false;

    async fn work_off(
        storage: &Storage,
        batch: &[Self],
    ) -> Result<Outcomes<Self::Answer>, StorageError> {
        let wanted = batch.iter().map(|one| (one.tenant, one.family)).collect();
        let mut unit = storage.read_gathered(EveryTenant::GatheredRotations).await?;
        unit.family_standings(wanted).await
    }
}

impl Gather for Advance {
    /// Whether it was moved on. `None` where that cannot be told, since somebody holds a row of those that it
    /// was with: it is to be moved on by itself.
    type Answer = Option<bool>;
    const TOGETHER: usize = 128;
    const NAME: &'static str = "rotations";
    // Who has stopped waiting was told that it cannot be done now.
    const OUTLIVES_ITS_CALLER: bool = false;

    async fn work_off(
        storage: &Storage,
        batch: &[Self],
    ) -> Result<Outcomes<Self::Answer>, StorageError> {
        let mut rows: Vec<(usize, Self)> = batch.iter().copied().enumerate().collect();
        // In one order at every node, so that two never wait for each other's rows in turn.
        rows.sort_by_key(|(_, row)| *row.family.as_bytes());
        let mut unit = storage.write_gathered(EveryTenant::GatheredRotations).await?;
        let moved = unit.advance_families(rows.iter().map(|(_, row)| *row).collect()).await?;
        let is_written = moved.iter().all(Result::is_ok);
        let places = rows.iter().map(|(at, _)| *at);
        let mut outcomes: Vec<(usize, Option<bool>)> = places
            .zip(moved)
            .map(|(at, moved)| (at, moved.ok().filter(|_| is_written).map(|rows| rows == 1)))
            .collect();
        outcomes.sort_by_key(|(at, _)| *at);
        Ok(outcomes.into_iter().map(|(_, outcome)| Ok(outcome)).collect())
    }
}
