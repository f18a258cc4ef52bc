//! Writing the audit trail.
//!
//! What succeeds is written in the transaction that it tells of. Refusals come at the rate of an
//! attack, so there is a rate for them, by origin and by tenant: what comes beyond it is counted and
//! told as a figure. They wait in a bounded buffer and are written together; while the database is
//! away they go on waiting.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};
use tracing::Instrument as _;

use crate::{
    domain::{Actor, AuditEntry, AuditId, Event, Occurrence, Origin, Tenant, TenantId},
    effects::Effects,
    storage::{Storage, StorageError},
    throttle::{self, Throttle},
};

const WAITING: usize = 8192;
const GATHER: Duration = Duration::from_millis(100);

/// Between two tries to write, where the database is away.
const AGAIN: Duration = Duration::from_millis(250);

/// How long somebody who reads the trail waits for what is not written yet.
const PATIENCE: Duration = Duration::from_millis(700);

/// Entries that are not written one by one are told as a figure so often.
const TELL_EACH: Duration = Duration::from_secs(10);

enum Message {
    Entry(Box<AuditEntry>),
    Flush(oneshot::Sender<()>),
}

/// The audit trail's entrance.
#[derive(Clone)]
pub struct AuditLog {
    effects: Effects,
    queue: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

struct Shared {
    effects: Effects,
    storage: Storage,
    /// Refusals from one network at one tenant: 200 at once, then two a second.
    of_origin: Throttle,
    /// Refusals at one tenant: 2000 at once, then twenty a second.
    of_tenant: Throttle,
    /// How many of each tenant were held back since it was last told.
    held_back: Mutex<HashMap<TenantId, u64>>,
    dropped: AtomicU64,
}

impl AuditLog {
    /// Starts the task that writes what waits.
    pub fn start(effects: Effects, storage: Storage) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let shared = Arc::new(Shared {
            of_origin: Throttle::new(effects.clock(), throttle::TRAIL_OF_ORIGIN),
            of_tenant: Throttle::new(effects.clock(), throttle::TRAIL_OF_TENANT),
            held_back: Mutex::default(),
            dropped: AtomicU64::default(),
            effects: effects.clone(),
            storage,
        });
        tokio::spawn(
            Arc::clone(&shared)
                .write(waiting)
                .instrument(tracing::error_span!("job", job = "audit trail")),
        );
        Self { effects, queue, shared }
    }

    /// Something that happened, for the transaction that it happens in.
    pub fn occurrence(
        &self,
        tenant: &Tenant,
        actor: &Actor,
        event: Event,
        origin: &Origin,
    ) -> Occurrence {
        Occurrence {
            tenant_id: tenant.id,
            id: self.effects.id::<AuditId>(),
            at: self.effects.now(),
            actor: actor.clone(),
            event,
            origin: origin.clone(),
        }
    }

    /// Writes a refusal soon. Beyond the rate of its origin or its tenant it is counted instead.
    pub fn refused(&self, tenant: &Tenant, actor: &Actor, event: Event, origin: &Origin) {
        // Neither is given back: they are forgiven by time.
        let within = self.shared.of_origin.enter((tenant.id, origin.network())).is_ok()
            && self.shared.of_tenant.enter(tenant.id).is_ok();
        if !within {
            *self.shared.held_back().entry(tenant.id).or_default() += 1;
            return;
        }
        let entry = AuditEntry::from(&self.occurrence(tenant, actor, event, origin));
        // Structured fields: a line break in a value stays a value (CWE-117).
        tracing::info!(
            tenant = %tenant.slug, actor = entry.actor, action = entry.action, target = entry.target,
            reason = entry.reason, ip = entry.origin.ip, "a request was refused"
        );
        if self.queue.try_send(Message::Entry(Box::new(entry))).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything noted so far is written, for as long as the database answers.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        let flushed = async {
            if self.queue.send(Message::Flush(done)).await.is_ok() {
                // An error means that the writer is gone, and with it what waited; it has logged why.
                let _ = written.await;
            }
        };
        let _ = timeout(PATIENCE, flushed).await;
    }

    /// How many entries were lost since the start: the buffer was full, or the database refused them.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn held_back(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, u64>> {
        self.held_back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(self: Arc<Self>, mut waiting: mpsc::Receiver<Message>) {
        let mut batch = Vec::new();
        let mut told_at = tokio::time::Instant::now();
        loop {
            // Nothing for so long is no end: there may be figures to tell.
            if let Ok(0) = timeout(TELL_EACH, waiting.recv_many(&mut batch, 256)).await {
                return;
            }
            let (mut entries, mut flushes) = (Vec::new(), Vec::new());
            for message in batch.drain(..) {
                match message {
                    Message::Entry(entry) => entries.push(*entry),
                    Message::Flush(done) => flushes.push(done),
                }
            }
            if !flushes.is_empty() || told_at.elapsed() >= TELL_EACH {
                told_at = tokio::time::Instant::now();
                entries.extend(self.figures());
            }
            self.store(&entries).await;
            let waited_for = !flushes.is_empty();
            for done in flushes {
                // The one who asked may have gone away meanwhile.
                let _ = done.send(());
            }
            if !waited_for {
                sleep(GATHER).await;
            }
        }
    }

    /// What was held back, an entry for each tenant.
    fn figures(&self) -> Vec<AuditEntry> {
        let held_back = std::mem::take(&mut *self.held_back());
        let entry = |(tenant_id, count): (TenantId, u64)| {
            AuditEntry::from(&Occurrence {
                tenant_id,
                id: self.effects.id::<AuditId>(),
                at: self.effects.now(),
                actor: Actor::Anonymous,
                event: Event::RefusalsCounted { count },
                origin: Origin::default(),
            })
        };
        held_back.into_iter().map(entry).collect()
    }

    /// Writes entries, for as long as it takes while the database is away. One that it refuses takes no
    /// other with it.
    async fn store(&self, entries: &[AuditEntry]) {
        if entries.is_empty() {
            return;
        }
        let mut has_said = false;
        loop {
            match self.storage.write_audit(entries).await {
                Ok(()) => return,
                Err(StorageError::Away(why)) => {
                    if !has_said {
                        tracing::warn!(
                            error = why,
                            waiting = entries.len(),
                            "audit entries wait for the database"
                        );
                    }
                    has_said = true;
                    sleep(AGAIN).await;
                }
                Err(why) if entries.len() == 1 => {
                    tracing::error!(error = %why, "an audit entry could not be written and is lost");
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Err(_) => break,
            }
        }
        for entry in entries {
            Box::pin(self.store(std::slice::from_ref(entry))).await;
        }
    }
}
