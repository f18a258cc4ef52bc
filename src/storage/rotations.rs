//! Rotations, gathered: the one write that comes at the rate of the load.
//!
//! SQLite has one writer and pays an fsync a commit, so rotations that wait for it are written
//! in one transaction (group commit). PostgreSQL gathers commits itself: there a rotation is its
//! one statement, committed by itself. Either way it has lasted by the time it is told.

use tokio::sync::{mpsc, oneshot};

use super::{Rotation, Storage, StorageError};
use crate::domain::{FamilyId, Tenant, Timestamp};

/// A rotation that is asked for.
#[derive(Clone)]
pub struct RotationRequest {
    /// The tenant.
    pub tenant: Tenant,
    /// The family.
    pub family: FamilyId,
    /// The generation that was presented.
    pub presented: u32,
    /// The client that presented it.
    pub client_id: String,
    /// The instant of the request.
    pub now: Timestamp,
}

struct Waiting {
    request: RotationRequest,
    answer: oneshot::Sender<Result<Rotation, StorageError>>,
}

/// Rotations written together at most.
const TOGETHER: usize = 128;
/// Rotations that wait at most; past this a request is told that the database is busy.
const QUEUE: usize = 4096;

/// The entrance to the writer of gathered rotations.
#[derive(Clone)]
pub(super) struct Rotations(mpsc::Sender<Waiting>);

impl Rotations {
    pub(super) fn start(storage: Storage) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(write(storage, waiting));
        Self(queue)
    }

    async fn rotate(&self, request: RotationRequest) -> Result<Rotation, StorageError> {
        let away = |why: &str| StorageError::Away(why.to_owned());
        let (answer, told) = oneshot::channel();
        self.0.try_send(Waiting { request, answer }).map_err(|_| away("too many rotations wait"))?;
        told.await.map_err(|_| away("the writer of rotations is gone"))?
    }
}

impl Storage {
    /// Rotates a family, and lets it last before it answers. An outcome of [`Rotation::Reused`]
    /// has changed nothing yet.
    ///
    /// # Errors
    /// [`StorageError`]: nothing was changed.
    pub async fn rotate_family(&self, request: RotationRequest) -> Result<Rotation, StorageError> {
        match self.gathered() {
            Some(rotations) => rotations.rotate(request).await,
            None => {
                // No transaction was begun: the statement commits itself.
                let mut unit = self.read().await?;
                let RotationRequest { tenant, family, presented, client_id, now } = &request;
                unit.tenant(tenant).rotate_family(*family, *presented, client_id, &tenant.settings, *now).await
            }
        }
    }
}

async fn write(storage: Storage, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
        let (requests, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|Waiting { request, answer }| (request, answer)).unzip();
        match write_together(&storage, requests).await {
            Ok(rotations) => {
                for (answer, rotation) in answers.into_iter().zip(rotations) {
                    // Whoever asked may have gone; a retry inside the grace gets the same answer.
                    let _ = answer.send(Ok(rotation));
                }
            }
            Err(why) => {
                for answer in answers {
                    let _ = answer.send(Err(StorageError::Away(why.to_string())));
                }
            }
        }
    }
}

/// All of them last, or none.
async fn write_together(storage: &Storage, requests: Vec<RotationRequest>) -> Result<Vec<Rotation>, StorageError> {
    let mut unit = storage.write().await?;
    let mut rotations = Vec::with_capacity(requests.len());
    for RotationRequest { tenant, family, presented, client_id, now } in &requests {
        let mut store = unit.tenant(tenant);
        rotations.push(store.rotate_family(*family, *presented, client_id, &tenant.settings, *now).await?);
    }
    unit.commit().await?;
    Ok(rotations)
}
