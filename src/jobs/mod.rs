//! What is done beside the requests: one file a job, and the one loop that runs them.
//!
//! Work that is left by an ending waits in the database's table of jobs, some rows of it a step, under a
//! lease by the database's clock. A round that comes again and again is one node's, whoever is first.

mod audit_retention;
mod settle;
mod sweep;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::{
    changes::Revocations,
    effects::Effects,
    storage::{Step, Storage, StorageError},
};

/// What a job works with.
pub struct Work {
    /// Time.
    pub effects: Effects,
    /// The database.
    pub storage: Storage,
    /// What rings where an ending has left something, and the name of this node.
    pub revocations: Arc<Revocations>,
}

/// Something that is done beside the requests, some rows at a time.
#[async_trait::async_trait]
trait Job: Send + Sync {
    /// Its name, in the log, in figures and in the table of jobs.
    fn name(&self) -> &'static str;

    /// When its next round begins: it is waited for here. `false` where another node has that round.
    async fn next_round(&self, work: &Work) -> Result<bool, StorageError>;

    /// Does some rows of the round, and lets them last.
    async fn step(&self, work: &Work) -> Result<Step, StorageError>;
}

/// Every job. A new one is a file and a line here.
fn all() -> [Arc<dyn Job>; 3] {
    [
        Arc::<settle::Settle>::default(),
        Arc::<sweep::Sweeping>::default(),
        Arc::<audit_retention::AuditRetention>::default(),
    ]
}

/// Between two steps others are left this many times as long as the step took, and no less than this.
const REST: (u32, Duration) = (2, Duration::from_millis(5));

/// After a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// What a job has done since the start.
#[derive(Default)]
struct Counts {
    rows: AtomicU64,
    failures: AtomicU64,
}

/// The tasks of a running server.
#[derive(Default)]
pub struct Jobs {
    tasks: Mutex<Vec<JoinHandle<()>>>,
    counts: Mutex<Vec<(&'static str, Arc<Counts>)>>,
}

impl Jobs {
    /// Starts following the events, and every job.
    pub fn start(&self, work: Work) {
        let work = Arc::new(work);
        let following = Arc::clone(&work.revocations);
        let following = async move { following.run().await };
        let mut tasks =
            vec![tokio::spawn(following.instrument(tracing::error_span!("job", job = "events")))];
        for job in all() {
            let counts = Arc::new(Counts::default());
            lock(&self.counts).push((job.name(), Arc::clone(&counts)));
            let span = tracing::error_span!("job", job = job.name());
            tasks.push(tokio::spawn(supervise(job, Arc::clone(&work), counts).instrument(span)));
        }
        lock(&self.tasks).extend(tasks);
    }

    /// Stops them.
    pub fn stop(&self) {
        lock(&self.tasks).drain(..).for_each(|task| task.abort());
    }

    /// Of each job, the rows that it has done and how often it failed.
    pub fn counts(&self) -> Vec<(&'static str, u64, u64)> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        lock(&self.counts)
            .iter()
            .map(|(name, counts)| (*name, read(&counts.rows), read(&counts.failures)))
            .collect()
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Aborts its task with itself: who stops the supervisor stops the job.
struct Child(JoinHandle<()>);

impl Drop for Child {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a job for as long as the server does, whatever becomes of one run.
async fn supervise(job: Arc<dyn Job>, work: Arc<Work>, counts: Arc<Counts>) {
    loop {
        let run = rounds(Arc::clone(&job), Arc::clone(&work), Arc::clone(&counts));
        let mut child = Child(tokio::spawn(run.in_current_span()));
        if let Err(why) = (&mut child.0).await {
            tracing::error!(error = %why, "a job broke down and is started again");
            counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn rounds(job: Arc<dyn Job>, work: Arc<Work>, counts: Arc<Counts>) {
    loop {
        if let Err(why) = round(&*job, &work, &counts).await {
            tracing::warn!(error = %why, "a job could not go on and is tried again");
            counts.failures.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn round(job: &dyn Job, work: &Work, counts: &Counts) -> Result<(), StorageError> {
    if !job.next_round(work).await? {
        return Ok(());
    }
    let mut all = 0;
    while let Step::Done { rows, took } = job.step(work).await? {
        all += rows;
        counts.rows.fetch_add(u64::try_from(rows).unwrap_or(u64::MAX), Ordering::Relaxed);
        let (times, least) = REST;
        tokio::time::sleep((took * times).max(least)).await;
    }
    if all > 0 {
        tracing::debug!(rows = all, "a job has done a round");
    }
    Ok(())
}
