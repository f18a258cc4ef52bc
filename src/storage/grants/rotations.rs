//! Rotations: the one write that comes at the rate of the load.
//!
//! Everything a rotation rests on is read in one statement and decided here; a compare-and-set on
//! the family's one row then moves it on. SQLite has one writer and pays an fsync a commit, so
//! rotations that wait for it are written in one transaction (group commit). Either way a
//! rotation has lasted by the time it is told.

use std::sync::Arc;

use crate::domain::{
    EventNumber, FamilyId, Session, Standing, Tenant, Timestamp, TokenFamily, User,
};
use crate::storage::{
    EveryTenant, Storage, StorageError, TenantStore,
    engine::gathered::{Gather, Outcomes},
};

/// A rotation that is asked for.
#[derive(Clone)]
pub struct RotationRequest {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The family.
    pub family: FamilyId,
    /// The generation that was presented.
    pub presented: u32,
    /// The client that presented it.
    pub client_id: String,
    /// Whether that client has proven who it is: a copy of the token alone is then worth nothing.
    pub is_confidential: bool,
    /// The last event that its proof was checked by.
    pub proven_by: EventNumber,
    /// Whether this node owes it the answer to this very rotation: it may have been committed and
    /// could not be answered.
    pub is_owed: bool,
    /// The instant of the request.
    pub now: Timestamp,
}

/// A family that may be granted from, and what its tokens speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The family, in the generation that is owed.
    pub family: TokenFamily,
    /// Its session.
    pub session: Session,
    /// Its user.
    pub user: User,
    /// The number of the last event that this was decided by.
    pub known: EventNumber,
}

/// How a presented refresh token was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It was the good one, and the family has moved on; or it was the last one and is retried,
    /// and the same successor is owed.
    Granted(Box<Rotated>),
    /// It was an older one: somebody holds a copy. Nothing was changed yet.
    Reused,
    /// It was good for nothing; the word is for the audit trail.
    Refused(&'static str),
    /// Its client was ended since it proved who it is: it must prove it anew.
    Overtaken,
}

/// How long a client that proves who it is may retry a rotation whose successor nobody has used.
const CONFIDENTIAL_GRACE_MS: i64 = 3_600_000;

impl RotationRequest {
    /// How long after a rotation its token may be retried, in milliseconds; 0 for never.
    fn grace_ms(&self) -> i64 {
        let grace = self.tenant.settings.refresh_reuse_grace * 1000;
        if grace > 0 && self.is_confidential { grace.max(CONFIDENTIAL_GRACE_MS) } else { grace }
    }

    /// Why a family may not be rotated; `None` where its generation decides.
    fn refusal(
        &self,
        family: &TokenFamily,
        session: &Session,
        standing: &Standing,
    ) -> Option<Rotation> {
        let refused = |why| Some(Rotation::Refused(why));
        // Another client's token revokes nothing: else anyone could end anyone's session.
        if family.client_id != self.client_id {
            return refused("another client's token");
        }
        if family.ended_at.is_some() {
            return refused("family ended");
        }
        if self.now >= family.expires_at {
            return refused("expired");
        }
        if let Some(why) = standing.grant_refusal(session, family.born_seq, self.now) {
            return refused(why);
        }
        if standing.client_ended.is_some_and(|ended| ended > self.proven_by) {
            return Some(Rotation::Overtaken);
        }
        if self.presented > family.generation {
            tracing::error!(
                family = %family.id,
                "a refresh token came from a rotation that this database never saw: was a backup restored?"
            );
            return refused("a generation that was never made");
        }
        None
    }

    fn slid(&self, family: &TokenFamily) -> Timestamp {
        let settings = &self.tenant.settings;
        if settings.refresh_token_sliding {
            self.now.plus(settings.refresh_token_ttl)
        } else {
            family.expires_at
        }
    }
}

impl TenantStore<'_> {
    /// Rotates a family where it may be rotated, and says how it was met.
    pub async fn rotate(&mut self, request: &RotationRequest) -> Result<Rotation, StorageError> {
        // Whoever loses the compare-and-set finds the family moved on, or ended.
        for _ in 0..3 {
            if let Some(rotation) = self.try_rotate(request).await? {
                return Ok(rotation);
            }
        }
        Err(StorageError::away("others rotate the same family without end"))
    }

    async fn try_rotate(
        &mut self,
        request: &RotationRequest,
    ) -> Result<Option<Rotation>, StorageError> {
        let Some((mut family, session, standing, database_now)) =
            self.family_standing(request.family).await?
        else {
            return Ok(Some(Rotation::Refused("unknown family")));
        };
        if let Some(refused) = request.refusal(&family, &session, &standing) {
            return Ok(Some(refused));
        }
        if request.presented == family.generation {
            let expires_at = request.slid(&family);
            if !self.advance_family(family.id, request.presented, expires_at).await? {
                return Ok(None);
            }
            (family.generation, family.expires_at) = (family.generation + 1, expires_at);
        } else {
            let is_last = request.presented + 1 == family.generation;
            let since =
                family.rotated_at.map_or(i64::MAX, |at| database_now.millis() - at.millis());
            if !is_last || (since >= request.grace_ms() && !request.is_owed) {
                return Ok(Some(Rotation::Reused));
            }
        }
        let known = standing.head;
        Ok(Some(Rotation::Granted(Box::new(Rotated {
            family,
            session,
            user: standing.user,
            known,
        }))))
    }
}

impl Storage {
    /// Rotates a family, and lets it last before it answers.
    ///
    /// # Errors
    /// [`StorageError`]: nothing was changed, or it cannot be told whether it was; then the client
    /// retries within the grace.
    pub async fn rotate_family(
        &self,
        mut request: RotationRequest,
    ) -> Result<Rotation, StorageError> {
        let key = (request.family, request.presented);
        request.is_owed = self.unanswered.contains_key(&key);
        let rotation = match self.gathered_rotations() {
            Some(rotations) => rotations.write(request).await,
            None => self.rotate_by_itself(&request).await,
        };
        match &rotation {
            // It may have been committed: its retry, however late, is no theft.
            Err(StorageError::Away(_)) => self.unanswered.insert(key, ()),
            _ => self.unanswered.invalidate(&key),
        }
        rotation
    }

    /// No transaction is begun: the compare-and-set commits itself.
    async fn rotate_by_itself(&self, request: &RotationRequest) -> Result<Rotation, StorageError> {
        let mut unit = self.read(&*request.tenant).await?;
        unit.tenant(&request.tenant).rotate(request).await
    }
}

impl Gather for RotationRequest {
    type Answer = Rotation;
    const TOGETHER: usize = 128;
    const NAME: &'static str = "rotations";
    // Who has stopped waiting was told that it cannot be done now.
    const OUTLIVES_ITS_CALLER: bool = false;

    /// All that can be read are written together; one row that cannot is nobody else's trouble.
    async fn write(storage: &Storage, batch: &[Self]) -> Result<Outcomes<Rotation>, StorageError> {
        let mut unit = storage.write(EveryTenant::GatheredRotations).await?;
        let mut rotations = Vec::with_capacity(batch.len());
        for request in batch {
            let rotation = unit.tenant(&request.tenant).rotate(request).await;
            if let Err(StorageError::Away(why)) = rotation {
                return Err(StorageError::Away(why));
            }
            rotations.push(rotation);
        }
        unit.commit().await?;
        Ok(rotations)
    }
}
