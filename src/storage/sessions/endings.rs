//! Endings of one session, grant or token, gathered: every logout is one, so they come at the
//! rate of the load. What waits while a commit is under way goes into the next one together.

use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::{EndReason, EventNumber, FamilyId, Occurrence, SessionId, Tenant, Timestamp};
use crate::storage::{
    EveryTenant, Key, Storage, StorageError,
    engine::blame::{Blame, Failed},
    engine::deadline,
    engine::gathered::{Gather, Outcomes},
    engine::marks::Mark,
};

/// What is to be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndOne {
    /// A session, with everything in it.
    Session(SessionId),
    /// A grant, with its family and its tokens.
    Grant(FamilyId),
    /// One access token by its `jti`, and the seconds it lives where they are known.
    Token(String, Option<i64>),
}

impl EndOne {
    fn session(&self) -> Option<SessionId> {
        if let Self::Session(id) = self { Some(*id) } else { None }
    }

    fn grant(&self) -> Option<FamilyId> {
        if let Self::Grant(id) = self { Some(*id) } else { None }
    }

    /// The row that its ending takes first, in the order in which rows are taken.
    fn row(&self) -> (u8, [u8; 16]) {
        match self {
            Self::Session(id) => (0, *id.as_bytes()),
            Self::Grant(id) => (1, *id.as_bytes()),
            Self::Token(..) => (2, [0; 16]),
        }
    }
}

/// An ending that is asked for.
pub struct EndRequest {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// What is to be ended.
    pub what: EndOne,
    /// Why.
    pub reason: EndReason,
    /// What the audit trail says of it, in the same commit.
    pub occurrence: Occurrence,
    /// The instant of the request.
    pub now: Timestamp,
}

impl Storage {
    /// Ends one session, grant or token. When it answers, this node refuses every token of it.
    ///
    /// # Errors
    /// [`StorageError`]: it was not ended, or it cannot be told whether it was.
    pub async fn end_one(&self, request: EndRequest) -> Result<EventNumber, StorageError> {
        self.gathered_endings().ask(request).await
    }
}

impl Gather for EndRequest {
    type Answer = EventNumber;
    const TOGETHER: usize = 64;
    const NAME: &'static str = "endings";
    // Whoever asked for an end and has gone meant it.
    const OUTLIVES_ITS_CALLER: bool = true;

    /// One that cannot be written, since somebody holds its row, is nobody else's trouble: the
    /// others are written without it.
    async fn work_off(
        storage: &Storage,
        batch: &[Self],
    ) -> Result<Outcomes<EventNumber>, StorageError> {
        let begun = Instant::now();
        let mut left: Vec<(usize, &Self)> = batch.iter().enumerate().collect();
        // In one order at every node, so that two never wait for each other's rows in turn.
        left.sort_by_key(|(_, request)| request.what.row());
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut one_by_one = false;
        loop {
            match write_together(storage, &left, one_by_one).await {
                Ok(numbers) => {
                    outcomes.extend(
                        left.iter().zip(numbers).map(|((at, _), number)| (*at, Ok(number))),
                    );
                    break;
                }
                // Past that time nobody waits any longer, and others do.
                Err(Failed { by: Blame::One(at), why })
                    if left.len() > 1 && begun.elapsed() < deadline::UNIT =>
                {
                    let (at, _) = left.remove(at);
                    outcomes.push((at, Err(why)));
                }
                Err(Failed { by: Blame::Somebody, .. })
                    if !one_by_one && begun.elapsed() < deadline::UNIT =>
                {
                    one_by_one = true;
                }
                Err(Failed { why, .. }) => {
                    outcomes
                        .extend(left.iter().map(|(at, _)| (*at, Err(StorageError::away(&why)))));
                    break;
                }
            }
        }
        outcomes.sort_by_key(|(at, _)| *at);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }
}

async fn write_together(
    storage: &Storage,
    batch: &[(usize, &EndRequest)],
    one_by_one: bool,
) -> Result<Vec<EventNumber>, Failed> {
    let mut unit = storage.begin_gathered(EveryTenant::GatheredEndings).await?;
    unit.tells_one_by_one = one_by_one;
    batch.iter().for_each(|(_, request)| unit.tell(&request.occurrence));
    let mut places = unit.end_sessions(&marks(batch, EndOne::session)).await?;
    places.extend(unit.end_families(&marks(batch, EndOne::grant)).await?);
    for (_, request) in batch {
        if let EndOne::Token(jti, ttl) = &request.what {
            places.push(unit.tenant(&request.tenant).end_token(jti, *ttl));
        }
    }
    let events = unit.commit_uncut().await?;
    places.into_iter().map(|place| Ok(place.in_events(&events)?)).collect()
}

/// The rows that are to be marked, of one table: sessions come before grants, and grants before tokens.
fn marks<Id: Into<Key>>(
    batch: &[(usize, &EndRequest)],
    row: impl Fn(&EndOne) -> Option<Id>,
) -> Vec<Mark> {
    let mark = |(at, (_, request)): (usize, &(usize, &EndRequest))| {
        let EndRequest { tenant, what, reason, now, .. } = request;
        row(what).map(|id| Mark {
            at,
            tenant: tenant.id,
            row: id.into(),
            reason: *reason,
            now: *now,
        })
    };
    batch.iter().enumerate().filter_map(mark).collect()
}
