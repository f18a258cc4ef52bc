//! Revocation: SQL is the truth, Redis carries it, memory answers.
//!
//! A change is committed together with a numbered event. The node that wrote it applies it
//! before it answers; every other node follows the events, woken by Redis or by a timer
//! each [`POLL`]. A node that has not been able to follow for [`FRESH`] asks SQL itself, and
//! where SQL is away too it answers that it cannot say. So an event is effective everywhere
//! [`FRESH`] after it was committed, whatever happens to Redis or to any node.

mod mirror;
mod registry;

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};

pub use mirror::Mirror;
pub use registry::{Registry, Subjects};

use crate::{
    domain::{Change, RevocationEvent, Tenant},
    effects::Effects,
    keys::Keystore,
    storage::{CommitListener, Directory, NodeSeen, Storage, StorageError},
};

/// How often a node reads the events when nothing wakes it.
pub const POLL: Duration = Duration::from_millis(250);

/// How old a node's view may be before it no longer answers from it.
pub const FRESH: Duration = Duration::from_secs(2);

/// How often a node says how far it is.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Nodes that have not been heard of for this many seconds are not waited for.
const SILENT_AFTER: i64 = 15;

/// Revocations as a node sees them.
pub struct Revocations {
    node: String,
    effects: Effects,
    storage: Storage,
    registry: Registry,
    directory: Arc<Directory>,
    keys: Arc<Keystore>,
    mirror: Option<Mirror>,
    wake: Arc<Notify>,
}

/// Where an event has been applied.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Effectiveness {
    /// The event.
    pub event: i64,
    /// Whether every node that runs has applied it.
    pub everywhere: bool,
    /// The nodes that run, and how far each is.
    pub nodes: Vec<NodeSeen>,
    /// Milliseconds after which a node that has not applied it no longer trusts its own view.
    pub bound_ms: u64,
}

impl Revocations {
    /// Revocations over `storage`, carried by `mirror` where there is one.
    pub fn new(
        effects: Effects,
        storage: Storage,
        directory: Arc<Directory>,
        keys: Arc<Keystore>,
        mirror: Option<Mirror>,
        wake: Arc<Notify>,
    ) -> Self {
        let node = effects.uuid().simple().to_string();
        Self { node, effects, storage, registry: Registry::default(), directory, keys, mirror, wake }
    }

    /// Whether the token that `subjects` speaks of is refused.
    ///
    /// # Errors
    /// [`StorageError::Away`] where this node cannot say: its view is old and SQL is away.
    pub async fn refuses(&self, tenant: &Tenant, subjects: &Subjects<'_>) -> Result<bool, StorageError> {
        if self.registry.refuses(tenant.id, subjects) {
            return Ok(true);
        }
        if self.registry.age() <= FRESH {
            return Ok(false);
        }
        let cutoffs = self.storage.read().await?.tenant(tenant).find_cutoffs(subjects.names(tenant.id)).await?;
        Ok(cutoffs.iter().any(|cutoff| subjects.met_by(cutoff)))
    }

    /// Reads the events that came since the last look; answers how many there were.
    ///
    /// # Errors
    /// [`StorageError`]: the view grows older.
    pub async fn follow(&self) -> Result<usize, StorageError> {
        // The view is as old as the moment the question was put, not the moment of the answer.
        let asked = Instant::now();
        let mut unit = self.storage.read().await?;
        let mut seen = 0;
        loop {
            let events = unit.list_events(self.registry.applied(), 1000).await?;
            for event in &events {
                // Numbers are gapless, so a gap is a sweep that this node has slept through.
                if event.seq != self.registry.applied() + 1 {
                    self.directory.forget_all();
                    self.keys.forget_all();
                }
                self.apply(event);
                self.registry.advance(event.seq);
            }
            if let Some(mirror) = &self.mirror {
                mirror.keep(&events);
            }
            seen += events.len();
            if events.len() < 1000 {
                break;
            }
        }
        // A database restored from a backup has fewer events than this node has seen.
        if seen == 0 && unit.last_event().await? < self.registry.applied() {
            self.directory.forget_all();
            self.keys.forget_all();
            self.registry.restart();
            return Ok(0);
        }
        self.registry.refreshed(asked);
        self.registry.prune(self.effects.now());
        Ok(seen)
    }

    fn apply(&self, event: &RevocationEvent) {
        match &event.change {
            Change::Cutoff(cutoff) => self.registry.insert(cutoff.clone()),
            Change::Keys(tenant) => self.keys.forget(*tenant),
            Change::Tenant(tenant) => {
                self.keys.forget(*tenant);
                self.directory.apply(&event.change);
            }
            Change::Client(..) => self.directory.apply(&event.change),
        }
    }

    /// Follows the events for as long as the process runs.
    pub async fn run(&self) {
        let mut said = None;
        let mut said_at = Instant::now();
        loop {
            if let Err(why) = self.follow().await {
                tracing::warn!(error = %why, "revocation events cannot be read");
            }
            let applied = self.registry.applied();
            // SQLite pays an fsync for each heartbeat, and there one node is the rule.
            let due = self.storage.backend() != "sqlite" && said_at.elapsed() >= HEARTBEAT;
            if said != Some(applied) || due {
                match self.heartbeat(applied).await {
                    Ok(()) => (said, said_at) = (Some(applied), Instant::now()),
                    Err(why) => tracing::warn!(error = %why, "this node cannot say how far it is"),
                }
            }
            if let Some(mirror) = &self.mirror {
                mirror.tend(|| self.registry.live(self.effects.now())).await;
            }
            let _ = tokio::time::timeout(POLL, self.wake.notified()).await;
        }
    }

    async fn heartbeat(&self, applied: i64) -> Result<(), StorageError> {
        let mut unit = self.storage.write().await?;
        unit.put_node(&self.node, applied, self.effects.now()).await?;
        unit.commit().await.map(|_| ())
    }

    /// Says good-bye, so that nobody waits for this node.
    ///
    /// # Errors
    /// [`StorageError`]: others wait until it counts as silent.
    pub async fn leave(&self) -> Result<(), StorageError> {
        let mut unit = self.storage.write().await?;
        unit.delete_node(&self.node).await?;
        unit.commit().await.map(|_| ())
    }

    /// Where `event` has been applied by now.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn effectiveness(&self, event: i64) -> Result<Effectiveness, StorageError> {
        let since = match self.storage.backend() {
            "sqlite" => crate::domain::Timestamp::from_millis(0),
            _ => self.effects.now().plus(-SILENT_AFTER),
        };
        let mut nodes = self.storage.read().await?.list_nodes(since).await?;
        // SQLite has the nodes of earlier runs too; only this one can be running.
        if self.storage.backend() == "sqlite" {
            nodes.retain(|node| node.id == self.node);
        }
        let everywhere = nodes.iter().all(|node| node.seq >= event);
        let bound_ms = u64::try_from(FRESH.as_millis()).unwrap_or(u64::MAX);
        Ok(Effectiveness { event, everywhere, nodes, bound_ms })
    }

    /// How old this node's view of the events is.
    pub fn age(&self) -> Duration {
        self.registry.age()
    }

    /// How many cut-offs are held.
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

#[async_trait::async_trait]
impl CommitListener for Revocations {
    async fn committed(&self, events: &[RevocationEvent]) {
        for event in events {
            self.apply(event);
        }
        if let Some(mirror) = &self.mirror {
            mirror.announce(events);
        }
        self.wake.notify_one();
    }
}
