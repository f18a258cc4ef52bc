//! Rotations: the one write that comes at the rate of the load.
//!
//! Everything a rotation rests on is read in one statement and decided here; a compare-and-set on
//! the family's one row then moves it on, together with those of others who wait at that moment
//! (`gathered_rotations`). A rotation has lasted by the time it is told.

use std::sync::Arc;

use crate::domain::{
    EventNumber, FamilyId, FamilyStanding, Session, Standing, Tenant, Timestamp, TokenFamily, User,
};
use crate::storage::{Storage, StorageError, TenantStore, grants::families::Advance};

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

    /// What is to be done, by what was found of the family.
    fn decide(&self, found: Option<FamilyStanding>) -> Decision {
        let Some(FamilyStanding { mut family, session, standing, database_now }) = found else {
            return Decision::Answer(Rotation::Refused("unknown family"));
        };
        if let Some(refused) = self.refusal(&family, &session, &standing) {
            return Decision::Answer(refused);
        }
        let known = standing.head;
        let rotated = |family| Box::new(Rotated { family, session, user: standing.user, known });
        if self.presented == family.generation {
            family.expires_at = self.slid(&family);
            family.generation += 1;
            let advance = Advance {
                tenant: self.tenant.id,
                family: self.family,
                from: self.presented,
                expires_at: family.expires_at,
            };
            return Decision::Advance(advance, rotated(family));
        }
        let is_last = self.presented + 1 == family.generation;
        let since = family.rotated_at.map_or(i64::MAX, |at| database_now.millis() - at.millis());
        if is_last && (since < self.grace_ms() || self.is_owed) {
            Decision::Answer(Rotation::Granted(rotated(family)))
        } else {
            Decision::Answer(Rotation::Reused)
        }
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

/// What a rotation comes to, by what its family rests on.
enum Decision {
    /// Nothing is to be written.
    Answer(Rotation),
    /// The family is to be moved on, unless somebody else has done so by now.
    Advance(Advance, Box<Rotated>),
}

/// Whoever loses the compare-and-set finds the family moved on, or ended.
const TRIES: usize = 3;

fn contended() -> StorageError {
    StorageError::away("others rotate the same family without end")
}

impl TenantStore<'_> {
    /// Rotates a family where it may be rotated, in this unit, and says how it was met.
    pub async fn rotate(&mut self, request: &RotationRequest) -> Result<Rotation, StorageError> {
        for _ in 0..TRIES {
            match request.decide(self.family_standing(request.family).await?) {
                Decision::Answer(rotation) => return Ok(rotation),
                Decision::Advance(advance, rotated) => {
                    if self.advance_family(advance).await? {
                        return Ok(Rotation::Granted(rotated));
                    }
                }
            }
        }
        Err(contended())
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
        let rotation = self.rotate_with_others(request).await;
        match &rotation {
            // It may have been committed: its retry, however late, is no theft.
            Err(StorageError::Away(_)) => self.unanswered.insert(key, ()),
            _ => self.unanswered.invalidate(&key),
        }
        rotation
    }

    async fn rotate_with_others(
        &self,
        mut request: RotationRequest,
    ) -> Result<Rotation, StorageError> {
        for _ in 0..TRIES {
            let found = self.family_standing(&request.tenant, request.family).await?;
            let (advance, rotated) = match request.decide(found) {
                Decision::Answer(rotation) => return Ok(rotation),
                Decision::Advance(advance, rotated) => (advance, rotated),
            };
            let moved = match self.gathered_advances().ask(advance).await? {
                Some(moved) => moved,
                None => {
                    // It may have been moved on after all, and whoever reads it again must not take
                    // its own rotation for another's.
                    request.is_owed = true;
                    let mut unit = self.read(&*request.tenant).await?;
                    // No transaction is begun: the statement commits itself.
                    unit.tenant(&request.tenant).advance_family(advance).await?
                }
            };
            if moved {
                return Ok(Rotation::Granted(rotated));
            }
        }
        Err(contended())
    }
}
