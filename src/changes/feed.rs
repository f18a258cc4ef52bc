//! The endings of one tenant as they come, for resource servers that follow them.
//!
//! All who follow a tenant at this node share one reader. It reads SQL once for all of them each time that
//! endings of the tenant have come, and hands on what it has read. Nobody waits for anybody: who does not
//! take it in time reads what was missed from SQL.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, broadcast};
use tracing::Instrument as _;

use crate::{
    domain::{Change, EndingsPage, EventNumber, RevocationEvent, Tenant, TenantEnding, TenantId},
    memory::View,
    storage::{Storage, StorageError},
};

/// Followers of one tenant at one node.
const MOST_FOLLOWERS: usize = 1_000;

/// Pages that are kept for those who have not taken them yet.
const KEPT: usize = 64;

/// Endings read at a time.
const SOME: i64 = 500;

/// How often a reader looks whether anybody follows.
const LOOK: Duration = Duration::from_secs(5);

/// How long the reader waits where SQL is away.
const AGAIN: Duration = Duration::from_millis(250);

/// Endings after `after`, which go on to the page's end.
struct Part {
    after: EventNumber,
    page: EndingsPage,
}

/// The reader of one tenant's endings.
struct Reader {
    tenant: Arc<Tenant>,
    parts: broadcast::Sender<Arc<Part>>,
    /// The number of the last ending of the tenant that was applied here since it reads.
    applied: AtomicI64,
    wake: Notify,
}

/// Who follows which tenant here.
#[derive(Default)]
pub(super) struct Feeds(Mutex<HashMap<TenantId, Weak<Reader>>>);

/// There are too many who follow this tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowded;

impl Feeds {
    fn readers(&self) -> MutexGuard<'_, HashMap<TenantId, Weak<Reader>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These events have been applied here, and all before them.
    pub(super) fn ring(&self, events: &[RevocationEvent]) {
        let readers = self.readers();
        if readers.is_empty() {
            return;
        }
        for event in events {
            let Change::Ending(tenant, _) = &event.change else { continue };
            if let Some(reader) = readers.get(tenant).and_then(Weak::upgrade) {
                reader.applied.fetch_max(event.seq.0, Ordering::SeqCst);
                reader.wake.notify_one();
            }
        }
    }

    /// Follows a tenant from `after` on.
    pub(super) fn follow(
        &self,
        storage: &Storage,
        view: &Arc<View>,
        tenant: &Arc<Tenant>,
        after: EventNumber,
    ) -> Result<Follower, Crowded> {
        let mut readers = self.readers();
        readers.retain(|_, reader| reader.strong_count() > 0);
        let known = readers.get(&tenant.id).and_then(Weak::upgrade);
        let reader = known.unwrap_or_else(|| {
            let from = view.applied();
            let (parts, _) = broadcast::channel(KEPT);
            let (applied, wake) = (AtomicI64::default(), Notify::new());
            let reader = Arc::new(Reader { tenant: Arc::clone(tenant), parts, applied, wake });
            readers.insert(tenant.id, Arc::downgrade(&reader));
            let reading = read(Arc::downgrade(&reader), storage.clone(), from);
            tokio::spawn(
                reading.instrument(tracing::error_span!(parent: None, "job", job = "feed")),
            );
            reader
        });
        if reader.parts.receiver_count() >= MOST_FOLLOWERS {
            return Err(Crowded);
        }
        let parts = reader.parts.subscribe();
        // Read after the subscription: what comes later is handed on.
        let missed = Some(view.applied());
        Ok(Follower { storage: storage.clone(), reader, parts, at: after, missed })
    }
}

/// Reads for all who follow, from `at` on, until nobody does.
async fn read(reader: Weak<Reader>, storage: Storage, mut at: EventNumber) {
    while let Some(reader) = reader.upgrade() {
        // What others end in between is none of this tenant's.
        let to = EventNumber(reader.applied.load(Ordering::SeqCst));
        if to <= at {
            // Looked at now and then, so that a reader whom nobody needs ends.
            let _ = tokio::time::timeout(LOOK, reader.wake.notified()).await;
            continue;
        }
        match page(&storage, &reader.tenant, at, to).await {
            Ok(page) => {
                let next = page.to;
                // Nobody may be left.
                let _ = reader.parts.send(Arc::new(Part { after: at, page }));
                at = next;
            }
            Err(why) => {
                tracing::warn!(error = %why, "the endings of a tenant cannot be read: its resource servers hear nothing");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn page(
    storage: &Storage,
    tenant: &Tenant,
    after: EventNumber,
    to: EventNumber,
) -> Result<EndingsPage, StorageError> {
    storage.read(tenant).await?.tenant(tenant).endings_between(after, to, SOME).await
}

/// One who follows a tenant's endings.
pub struct Follower {
    storage: Storage,
    reader: Arc<Reader>,
    parts: broadcast::Receiver<Arc<Part>>,
    /// Everything up to here was handed on.
    at: EventNumber,
    /// Where it goes on from SQL until then.
    missed: Option<EventNumber>,
}

impl Follower {
    /// The endings that come next, or none where only the number goes on. It may be dropped at any time,
    /// and loses nothing.
    ///
    /// # Errors
    /// [`StorageError`]: nothing is lost, and it may be asked again.
    pub async fn next(&mut self) -> Result<Vec<TenantEnding>, StorageError> {
        loop {
            if let Some(to) = self.missed {
                if self.at < to {
                    let page = page(&self.storage, &self.reader.tenant, self.at, to).await?;
                    self.at = page.to;
                    return Ok(page.endings);
                }
                self.missed = None;
            }
            match self.parts.recv().await {
                Ok(part) if part.page.to <= self.at => {}
                Ok(part) if part.after > self.at => self.missed = Some(part.page.to),
                Ok(part) => {
                    let at = std::mem::replace(&mut self.at, part.page.to);
                    let new = part.page.endings.iter().filter(|ending| ending.number > at);
                    return Ok(new.cloned().collect());
                }
                // The next one tells how far it has come meanwhile.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => {
                    return Err(StorageError::Away("the reader of a feed is gone".into()));
                }
            }
        }
    }

    /// Whether everything was handed on that was applied here.
    pub fn is_whole(&self) -> bool {
        let applied = EventNumber(self.reader.applied.load(Ordering::SeqCst));
        self.missed.is_none_or(|to| to <= self.at) && applied <= self.at
    }
}
