//! Endings of one session, grant or token, gathered: every logout is one, so they come at the
//! rate of the load. What waits while a commit is under way goes into the next one together.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{EveryTenant, Place, Storage, StorageError, Unit, deadline};
use crate::domain::{AuditEvent, EndReason, EventNumber, FamilyId, SessionId, Tenant, Timestamp};

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

/// An ending that is asked for.
pub struct EndRequest {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// What is to be ended.
    pub what: EndOne,
    /// Why.
    pub reason: EndReason,
    /// What the audit trail says of it, in the same commit.
    pub audit: AuditEvent,
    /// The instant of the request.
    pub now: Timestamp,
}

struct Waiting {
    request: EndRequest,
    answer: oneshot::Sender<Result<EventNumber, StorageError>>,
}

/// Endings written together at most.
const TOGETHER: usize = 64;
/// Endings that wait at most; past this a request is told that the database is busy.
const QUEUE: usize = 4096;

/// The entrance to the writer of gathered endings.
#[derive(Clone)]
pub(super) struct GatheredEndings(mpsc::Sender<Waiting>);

impl GatheredEndings {
    pub(super) fn start(storage: Storage) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(write(storage, waiting));
        Self(queue)
    }
}

impl Storage {
    /// Ends one session, grant or token. When it answers, this node refuses every token of it.
    ///
    /// # Errors
    /// [`StorageError`]: it was not ended, or it cannot be told whether it was.
    pub async fn end_one(&self, request: EndRequest) -> Result<EventNumber, StorageError> {
        let (answer, told) = oneshot::channel();
        let full = |_| StorageError::away("too many endings wait");
        self.gathered_endings().0.try_send(Waiting { request, answer }).map_err(full)?;
        match tokio::time::timeout(deadline::UNIT, told).await {
            Ok(told) => told.map_err(|_| StorageError::away("the writer of endings is gone"))?,
            Err(_) => Err(StorageError::away("an ending did not come back in time")),
        }
    }
}

async fn write(storage: Storage, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
        match write_together(&storage, &batch).await {
            Ok(numbers) => {
                for (Waiting { answer, .. }, number) in batch.drain(..).zip(numbers) {
                    // Whoever asked may have gone; what they asked for has happened.
                    let _ = answer.send(Ok(number));
                }
            }
            Err(why) => {
                for Waiting { answer, .. } in batch.drain(..) {
                    let _ = answer.send(Err(StorageError::away(&why)));
                }
            }
        }
    }
}

async fn write_together(storage: &Storage, batch: &[Waiting]) -> Result<Vec<EventNumber>, StorageError> {
    let mut unit = storage.write(EveryTenant::GatheredEndings).await?;
    let mut places = Vec::with_capacity(batch.len());
    for Waiting { request, .. } in batch {
        places.push(write_one(&mut unit, request).await?);
    }
    let events = unit.commit().await?;
    Ok(places.iter().map(|place| place.in_events(&events)).collect())
}

async fn write_one(unit: &mut Unit, request: &EndRequest) -> Result<Place, StorageError> {
    let EndRequest { tenant, what, reason, audit, now } = request;
    let mut store = unit.tenant(tenant);
    store.insert_audit(audit).await?;
    match what {
        EndOne::Session(id) => store.end_session(*id, *reason, *now).await,
        EndOne::Grant(id) => store.end_family(*id, *reason, *now).await,
        EndOne::Token(jti, ttl) => Ok(store.end_token(jti, *ttl)),
    }
}
