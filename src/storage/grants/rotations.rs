//! Rotations: the one write that comes at the rate of the load.
//!
//! Everything a rotation rests on is read in one statement and decided here; a compare-and-set on
//! the family's one row then moves it on. Those that wait for a commit are written together by the
//! next one (`gathered_rotations`). A rotation has lasted by the time it is told.

use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::{
    EventNumber, FamilyId, FamilyStanding, Session, Standing, Tenant, Timestamp, TokenFamily, User,
};
use crate::storage::{
    Storage, StorageError, TenantStore, engine::deadline, grants::families::Advance,
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

    /// What is to be done, by what was found of the family.
    pub(super) fn decide(&self, found: Option<FamilyStanding>) -> Decision {
        let Some(FamilyStanding { mut family, session, standing, database_now }) = found else {
            return Decision::Answer(Rotation::Refused("unknown family"));
        };
        if let Some(refused) = self.refusal(&family, &session, &standing) {
            return Decision::Answer(refused);
        }
        let is_good = self.presented == family.generation;
        if is_good {
            family.expires_at = self.slid(&family);
            family.generation += 1;
        } else {
            let is_last = self.presented + 1 == family.generation;
            let since =
                family.rotated_at.map_or(i64::MAX, |at| database_now.millis() - at.millis());
            if !is_last || (since >= self.grace_ms() && !self.is_owed) {
                return Decision::Answer(Rotation::Reused);
            }
        }
        let known = standing.head;
        let rotated = Box::new(Rotated { family, session, user: standing.user, known });
        if is_good {
            Decision::Advance(rotated)
        } else {
            Decision::Answer(Rotation::Granted(rotated))
        }
    }

    /// The write by which its family comes to be as `rotated` says.
    pub(super) fn advance(&self, rotated: &Rotated) -> Advance {
        Advance {
            tenant: self.tenant.id,
            family: self.family,
            from: self.presented,
            expires_at: rotated.family.expires_at,
        }
    }
}

/// What a rotation comes to, by what its family rests on.
pub(super) enum Decision {
    /// Nothing is to be written.
    Answer(Rotation),
    /// The family is to be moved on, unless somebody else has done so by now.
    Advance(Box<Rotated>),
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
        let found = self.family_standing(request.family).await?;
        match request.decide(found) {
            Decision::Answer(rotation) => Ok(Some(rotation)),
            Decision::Advance(rotated) => {
                let moved = self.unit.advance_families(vec![request.advance(&rotated)]).await?;
                let moved = moved.into_iter().next().unwrap_or(Ok(false))?;
                Ok(moved.then_some(Rotation::Granted(rotated)))
            }
        }
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
        let until = Instant::now() + deadline::UNIT;
        let key = (request.family, request.presented);
        request.is_owed = self.unanswered.contains_key(&key);
        let rotation = match self.gathered_rotations().write(request.clone()).await {
            Ok(Some(rotation)) => Ok(rotation),
            Ok(None) => self.rotate_by_itself(&request, until).await,
            Err(why) => Err(why),
        };
        match &rotation {
            // It may have been committed: its retry, however late, is no theft.
            Err(StorageError::Away(_)) => self.unanswered.insert(key, ()),
            _ => self.unanswered.invalidate(&key),
        }
        rotation
    }

    async fn rotate_by_itself(
        &self,
        request: &RotationRequest,
        until: Instant,
    ) -> Result<Rotation, StorageError> {
        let mut unit = self.write_until(&*request.tenant, until).await?;
        let rotation = unit.tenant(&request.tenant).rotate(request).await?;
        unit.commit().await?;
        Ok(rotation)
    }
}
