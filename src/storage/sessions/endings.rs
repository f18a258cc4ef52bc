//! Endings of one session, grant or token, gathered: every logout is one, so they come at the
//! rate of the load. What waits while a commit is under way goes into the next one together.

use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::{EndReason, EventNumber, FamilyId, Occurrence, SessionId, Tenant, Timestamp};
use crate::storage::{
    EveryTenant, Place, Storage, StorageError, Unit,
    engine::deadline,
    engine::gathered::{Gather, Outcomes},
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
        self.gathered_endings().write(request).await
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
    async fn write(
        storage: &Storage,
        batch: &[Self],
    ) -> Result<Outcomes<EventNumber>, StorageError> {
        let begun = Instant::now();
        let mut left: Vec<(usize, &Self)> = batch.iter().enumerate().collect();
        // In one order at every node, so that two never wait for each other's rows in turn.
        left.sort_by_key(|(_, request)| request.what.row());
        let mut outcomes = Vec::with_capacity(batch.len());
        loop {
            match write_together(storage, &left).await {
                Ok(numbers) => {
                    outcomes.extend(
                        left.iter().zip(numbers).map(|((at, _), number)| (*at, Ok(number))),
                    );
                    break;
                }
                // Past that time nobody waits any longer, and others do.
                Err(Failed { at: Some(at), why })
                    if left.len() > 1 && begun.elapsed() < deadline::UNIT =>
                {
                    let (at, _) = left.remove(at);
                    outcomes.push((at, Err(why)));
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

/// Why a batch was not written, and which of it is to blame, where one is.
struct Failed {
    at: Option<usize>,
    why: StorageError,
}

async fn write_together(
    storage: &Storage,
    batch: &[(usize, &EndRequest)],
) -> Result<Vec<EventNumber>, Failed> {
    let all = |why| Failed { at: None, why };
    let mut unit = storage.write(EveryTenant::GatheredEndings).await.map_err(all)?;
    let mut places = Vec::with_capacity(batch.len());
    for (at, (_, request)) in batch.iter().enumerate() {
        places
            .push(write_one(&mut unit, request).await.map_err(|why| Failed { at: Some(at), why })?);
    }
    let events = unit.commit().await.map_err(all)?;
    places.iter().map(|place| place.in_events(&events).map_err(all)).collect()
}

async fn write_one(unit: &mut Unit, request: &EndRequest) -> Result<Place, StorageError> {
    let EndRequest { tenant, what, reason, occurrence, now } = request;
    let mut store = unit.tenant(tenant);
    store.tell(occurrence).await?;
    match what {
        EndOne::Session(id) => store.end_session(*id, *reason, *now).await,
        EndOne::Grant(id) => store.end_family(*id, *reason, *now).await,
        EndOne::Token(jti, ttl) => Ok(store.end_token(jti, *ttl)),
    }
}
