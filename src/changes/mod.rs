//! Endings: known here at once, everywhere within two seconds, whatever fails.
//!
//! SQL holds the truth as a numbered sequence of events. Each node follows it: woken by
//! Redis where there is one, and by a timer always. A node whose view of the sequence is
//! older than [`BOUND`] no longer answers from memory, nor does one that holds no lease.

mod feed;
mod memo;
mod mirror;
mod registry;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use feed::Feeds;
pub use feed::{Crowded, Follower};
pub use mirror::Mirror;
pub use registry::{Registry, Subjects};

use crate::{
    domain::{Change, Effectiveness, EventNumber, NodeId, RevocationEvent, Tenant},
    keys::Keystore,
    memory::{Directory, View},
    storage::{CommitListener, EveryTenant, LEASE, Storage, StorageError},
};

/// When an ending is in force at every node, whatever fails: a node that has not applied it by
/// then answers from SQL, or says that it cannot say.
pub const BOUND: Duration = Duration::from_secs(2);

/// How often a node looks even if nobody has woken it.
const POLL: Duration = Duration::from_millis(250);

/// How often a node says how far it is, even if nothing has changed. SQLite pays an fsync for it.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How long a node that has said how far it is waits until it says so again: each time is a commit, and
/// endings come by the thousand a second.
const PACE: Duration = Duration::from_millis(50);

/// Events read at a time.
const SOME: i64 = 1000;

/// Endings as one node sees them.
pub struct Revocations {
    node: NodeId,
    storage: Storage,
    view: Arc<View>,
    registry: Arc<Registry>,
    directory: Arc<Directory>,
    keys: Arc<Keystore>,
    mirror: Option<Mirror>,
    wake: Arc<Notify>,
    feeds: Feeds,
    /// Rung by what this node has committed and applied: there is nothing to read, and something to say.
    advanced: Notify,
    /// Rung by each ending that leaves rows to settle.
    ended: Notify,
    /// Where this node remembers the last number, for a database that is a file.
    memo: Option<PathBuf>,
    installation: NodeId,
    /// Why the last lease could not be written.
    refused: Mutex<Option<String>>,
}

/// What [`Revocations`] works with.
pub struct Parts {
    /// The name of this run.
    pub node: NodeId,
    /// The database.
    pub storage: Storage,
    /// How old everything in memory is.
    pub view: Arc<View>,
    /// Tenants and clients in memory.
    pub directory: Arc<Directory>,
    /// Keys in memory.
    pub keys: Arc<Keystore>,
    /// Redis.
    pub mirror: Option<Mirror>,
    /// What Redis rings.
    pub wake: Arc<Notify>,
    /// The installation.
    pub installation: NodeId,
}

impl Revocations {
    /// Endings as this node sees them.
    pub fn new(parts: Parts) -> Self {
        let Parts { node, storage, view, directory, keys, mirror, wake, installation } = parts;
        let memo = storage.file().map(memo::beside);
        let registry = Arc::default();
        let (advanced, ended) = (Notify::new(), Notify::new());
        let refused = Mutex::default();
        Self {
            node,
            storage,
            view,
            registry,
            directory,
            keys,
            mirror,
            wake,
            feeds: Feeds::default(),
            advanced,
            ended,
            memo,
            installation,
            refused,
        }
    }

    /// The name of this run of the server.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Follows the endings of a tenant from `after` on.
    ///
    /// # Errors
    /// [`Crowded`].
    pub fn follower(&self, tenant: &Arc<Tenant>, after: EventNumber) -> Result<Follower, Crowded> {
        self.feeds.follow(&self.storage, &self.view, tenant, after)
    }

    /// Waits for an ending of this node that leaves rows to settle.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Whether the token that `subjects` speaks of is refused.
    ///
    /// # Errors
    /// [`StorageError::Away`] where this node cannot say: its view is old and SQL is away.
    pub async fn refuses(
        &self,
        tenant: &Tenant,
        subjects: &Subjects<'_>,
    ) -> Result<bool, StorageError> {
        // Whether memory may be asked is asked before memory: the other way round, a node that is
        // held up in between would answer from what it knew before, and call that fresh.
        let is_fresh = self.view.is_fresh();
        if self.registry.refuses(tenant.id, subjects) {
            return Ok(true);
        }
        if is_fresh {
            return Ok(false);
        }
        let mut unit = self.storage.read(tenant).await?;
        let endings = unit.tenant(tenant).find_endings(subjects.names(tenant.id)).await?;
        Ok(endings.iter().any(|(number, ending)| subjects.met_by(*number, ending)))
    }

    /// Reads what is remembered elsewhere of the highest number, and begins a new epoch where the
    /// database knows less: it was restored from a backup. Before anything is served.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn check_restored(&self) -> Result<(), StorageError> {
        let head = self.storage.read_apart(EveryTenant::Installation).await?.head().await?;
        let mut known = self.memo.as_deref().and_then(|path| memo::read(path, self.installation));
        if let Some(mirror) = &self.mirror {
            known = known.max(mirror.remembered_head().await);
        }
        match known {
            Some(known) if known > head => self.begin_epoch(known).await,
            _ => Ok(()),
        }
    }

    async fn begin_epoch(&self, known: EventNumber) -> Result<(), StorageError> {
        let begun = self.storage.begin_epoch(known).await?;
        tracing::error!(
            %known, %begun,
            "the database knows less than was known before: it was restored from a backup. \
             Everything that was signed in has been ended; everybody signs in again"
        );
        Ok(())
    }

    /// Reads the events that came since the last look; answers how many there were.
    ///
    /// # Errors
    /// [`StorageError`]: the view grows older.
    pub async fn follow(&self) -> Result<usize, StorageError> {
        // The view is as old as the moment the question was put, not the moment of the answer.
        let asked = Instant::now();
        // What is applied is read before the head: this node may commit in between, and is then
        // ahead of the head that it has read without anything having been restored.
        let mut applied = self.view.applied();
        let mut unit = self.storage.read_apart(EveryTenant::Installation).await?;
        let head = unit.head().await?;
        if head < applied {
            drop(unit);
            self.view.give_up();
            self.begin_epoch(applied).await?;
            return Ok(0);
        }
        let mut seen = 0;
        while applied < head {
            let events = unit.list_events(applied, head, SOME).await?;
            for event in &events {
                // Numbers are gapless, so a gap is a sweep that this node has slept through.
                if event.seq.0 != applied.0 + 1 {
                    self.forget_all();
                }
                self.apply(event);
                applied = event.seq;
            }
            if let Some(mirror) = &self.mirror {
                mirror.keep(&events);
            }
            seen += events.len();
            if i64::try_from(events.len()).is_ok_and(|count| count < SOME) {
                if applied < head {
                    self.forget_all();
                }
                applied = head;
            }
            // First what is known, then that it is known.
            self.view.advance(applied);
            self.feeds.ring(&events);
        }
        self.view.refreshed(asked);
        self.registry.prune();
        Ok(seen)
    }

    fn forget_all(&self) {
        self.directory.forget_all();
        self.keys.forget_all();
    }

    fn apply(&self, event: &RevocationEvent) {
        if let Change::Ending(tenant, ending) = &event.change {
            let lives = Duration::from_millis(u64::try_from(event.lives_ms).unwrap_or_default());
            self.registry.insert(*tenant, ending, event.seq, lives);
        }
        match &event.change {
            Change::Keys(tenant)
            | Change::Tenant(tenant)
            | Change::Ending(tenant, crate::domain::Ending::Key(_)) => {
                self.keys.forget(*tenant);
            }
            Change::Client(..) | Change::Ending(..) => {}
        }
        self.directory.apply(&event.change);
    }

    /// Follows the events for as long as the process runs.
    pub async fn run(&self) {
        let mut said: Option<(EventNumber, Instant)> = None;
        let mut looked: Option<Instant> = None;
        let mut is_rung = false;
        loop {
            if is_rung || looked.is_none_or(|at| at.elapsed() >= POLL) {
                looked = Some(Instant::now());
                if let Err(why) = self.follow().await {
                    tracing::warn!(error = %why, "the events cannot be read: this node soon asks the database each time");
                }
                if let Some(mirror) = &self.mirror {
                    mirror.tend(&self.registry);
                }
            }
            let applied = self.view.applied();
            self.remember(applied);
            let has_news = said.is_none_or(|(known, _)| known != applied);
            let wait = if has_news { PACE } else { HEARTBEAT };
            let is_due = said.is_none_or(|(_, at)| at.elapsed() >= wait);
            if is_due {
                match self.say().await {
                    Ok(()) => said = Some((applied, Instant::now())),
                    Err(why) => tracing::warn!(error = %why, "this node could not renew its lease"),
                }
            }
            // Nobody may have rung; either way it is time to look.
            let look = if has_news && !is_due { PACE } else { POLL };
            is_rung = tokio::select! {
                () = self.wake.notified() => true,
                () = self.advanced.notified() => false,
                () = tokio::time::sleep(look) => false,
            };
        }
    }

    /// Notes beside the database how far this node is.
    fn remember(&self, applied: EventNumber) {
        if let Some(path) = &self.memo {
            memo::write(path, self.installation, applied);
        }
    }

    /// Says how far this node is, and takes a lease by it.
    ///
    /// # Errors
    /// [`StorageError`]: the lease runs out, and with it the right to answer from memory.
    pub async fn say(&self) -> Result<(), StorageError> {
        let said = self.write_lease().await;
        let refused =
            said.as_ref().err().map(StorageError::cause).filter(|why| tells_of_the_disk(why));
        let refused = refused.map(str::to_owned);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
        said
    }

    /// Why the database takes no writes, in its own words, where that is not over by itself: its disk
    /// is full, or takes reads alone.
    pub fn last_refusal(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn write_lease(&self) -> Result<(), StorageError> {
        let asked = Instant::now();
        let applied = self.view.applied();
        let mut unit = self.storage.write_apart(EveryTenant::Installation).await?;
        unit.put_node(self.node, applied).await?;
        unit.commit().await?;
        // Counted from before the database counts it.
        self.view.leased(asked + LEASE);
        self.remember(applied);
        Ok(())
    }

    /// Says good-bye, so that nobody waits for this node.
    ///
    /// # Errors
    /// [`StorageError`]: others wait until its lease is over.
    pub async fn leave(&self) -> Result<(), StorageError> {
        self.view.give_up();
        let mut unit = self.storage.write_apart(EveryTenant::Installation).await?;
        unit.delete_node(self.node).await?;
        unit.commit().await.map(|_| ())
    }

    /// Where `event` has been applied by now.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn effectiveness(&self, event: EventNumber) -> Result<Effectiveness, StorageError> {
        let mut unit = self.storage.read(EveryTenant::Installation).await?;
        let nodes = unit.list_nodes().await?;
        let settling = unit.settling_of(event).await?;
        let everywhere = nodes.iter().all(|node| node.seq >= event.0);
        let bound_ms = u64::try_from(BOUND.as_millis()).unwrap_or(u64::MAX);
        Ok(Effectiveness { event: event.0, everywhere, nodes: Some(nodes), bound_ms, settling })
    }

    /// How many endings are held.
    pub fn held(&self) -> usize {
        self.registry.len()
    }

    /// Whether Redis answers; `None` where none is configured.
    pub async fn mirror_answers(&self) -> Option<bool> {
        match &self.mirror {
            Some(mirror) => Some(mirror.answers().await),
            None => None,
        }
    }
}

fn tells_of_the_disk(why: &str) -> bool {
    let why = why.to_lowercase();
    ["full", "disk", "no space", "readonly", "read-only"].iter().any(|word| why.contains(word))
}

#[async_trait::async_trait]
impl CommitListener for Revocations {
    async fn committed(&self, events: &[RevocationEvent]) {
        for event in events {
            self.apply(event);
        }
        // Where nothing lies in between, this node is as far as its own events.
        if let (Some(first), Some(last)) = (events.first(), events.last())
            && first.seq.0 == self.view.applied().0 + 1
        {
            self.view.advance(last.seq);
            self.feeds.ring(events);
            self.advanced.notify_one();
        } else {
            self.wake.notify_one();
        }
        if let Some(mirror) = &self.mirror {
            mirror.announce(events);
        }
        let leaves_rows = |event: &RevocationEvent| matches!(&event.change, Change::Ending(_, what) if what.spares_later());
        if events.iter().any(leaves_rows) {
            self.ended.notify_one();
        }
    }
}
