//! Requests that come at the rate of the load, worked off together: what waits while a batch is
//! under way goes into the next one.

use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use crate::storage::{Storage, StorageError, engine::deadline};

/// What each request of a batch has come to.
pub(in crate::storage) type Outcomes<A> = Vec<Result<A, StorageError>>;

/// A request that may be worked off together with others of its kind.
pub(in crate::storage) trait Gather: Send + Sync + Sized + 'static {
    /// What it is answered.
    type Answer: Send + 'static;

    /// How many are worked off together at most.
    const TOGETHER: usize;

    /// What they are called where they cannot be worked off.
    const NAME: &'static str;

    /// Whether one is worked off though its caller waits no longer.
    const OUTLIVES_ITS_CALLER: bool;

    /// Works a batch off, and lets last what it writes. An error of the whole is everybody's.
    fn work_off(
        storage: &Storage,
        batch: &[Self],
    ) -> impl Future<Output = Result<Outcomes<Self::Answer>, StorageError>> + Send;
}

/// Requests that wait at most; past this one is told that the database is busy.
const QUEUE: usize = 4096;

struct Waiting<R: Gather> {
    request: R,
    answer: oneshot::Sender<Result<R::Answer, StorageError>>,
}

/// The entrance to the one who works them off.
pub(in crate::storage) struct Gathered<R: Gather>(mpsc::Sender<Waiting<R>>);

impl<R: Gather> Gathered<R> {
    pub(in crate::storage) fn start(storage: Storage) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        // Of no request, though one may have been the first to need it.
        tokio::spawn(
            run(storage, waiting)
                .instrument(tracing::error_span!(parent: None, "job", job = R::NAME)),
        );
        Self(queue)
    }

    /// Has a request worked off, and answers when what it writes has lasted.
    pub(in crate::storage) async fn ask(&self, request: R) -> Result<R::Answer, StorageError> {
        let (answer, answered) = oneshot::channel();
        let full = |_| StorageError::away(format!("too many {} wait", R::NAME));
        self.0.try_send(Waiting { request, answer }).map_err(full)?;
        match tokio::time::timeout(deadline::UNIT, answered).await {
            Ok(answered) => answered
                .map_err(|_| StorageError::away(format!("the writer of {} is gone", R::NAME)))?,
            Err(_) => Err(StorageError::away(format!(
                "the writer of {} did not come back in time",
                R::NAME
            ))),
        }
    }
}

async fn run<R: Gather>(storage: Storage, mut waiting: mpsc::Receiver<Waiting<R>>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, R::TOGETHER).await > 0 {
        let wanted = batch
            .drain(..)
            .filter(|one: &Waiting<R>| R::OUTLIVES_ITS_CALLER || !one.answer.is_closed());
        let (requests, answers): (Vec<_>, Vec<_>) =
            wanted.map(|one| (one.request, one.answer)).unzip();
        if requests.is_empty() {
            continue;
        }
        // Whoever asked may have gone by now.
        match storage.at_once(R::work_off(&storage, &requests)).await {
            Ok(outcomes) => answers
                .into_iter()
                .zip(outcomes)
                .for_each(|(answer, outcome)| drop(answer.send(outcome))),
            Err(why) => answers
                .into_iter()
                .for_each(|answer| drop(answer.send(Err(StorageError::away(&why))))),
        }
    }
}
