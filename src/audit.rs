//! Writing the audit trail.
//!
//! What succeeds is written in the transaction that it tells of. Refusals come at the rate
//! of an attack, so they wait in a bounded buffer and are written together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    domain::{Actor, AuditEvent, AuditId, Origin, Tenant},
    effects::Effects,
    storage::Storage,
};

const WAITING: usize = 4096;
const GATHER: Duration = Duration::from_millis(100);

enum Message {
    Event(Box<AuditEvent>),
    Flush(oneshot::Sender<()>),
}

/// The audit trail's entrance.
#[derive(Clone)]
pub struct AuditLog {
    effects: Effects,
    queue: mpsc::Sender<Message>,
    dropped: Arc<AtomicU64>,
}

impl AuditLog {
    /// Starts the task that writes what waits.
    pub fn start(effects: Effects, storage: Storage) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        tokio::spawn(write(storage, waiting));
        Self { effects, queue, dropped: Arc::default() }
    }

    /// An entry, for the transaction of what it tells.
    pub fn event(
        &self,
        tenant: &Tenant,
        actor: &Actor,
        action: &str,
        target: &str,
        reason: &str,
        origin: &Origin,
    ) -> AuditEvent {
        AuditEvent {
            tenant_id: tenant.id,
            id: AuditId::new(&self.effects),
            at: self.effects.now(),
            actor: actor.to_text(),
            action: action.to_owned(),
            target: short(target),
            reason: short(reason),
            origin: Origin { ip: origin.ip.clone(), user_agent: short(&origin.user_agent), device: None },
        }
    }

    /// Writes an entry soon; drops and counts it where an attack has filled the buffer.
    pub fn note(&self, tenant: &Tenant, actor: &Actor, action: &str, target: &str, reason: &str, origin: &Origin) {
        let event = self.event(tenant, actor, action, target, reason, origin);
        // Structured fields: a line break in a value stays a value (CWE-117).
        tracing::info!(
            tenant = %tenant.slug, actor = event.actor, action, target = event.target,
            reason = event.reason, ip = event.origin.ip, "audit"
        );
        if self.queue.try_send(Message::Event(Box::new(event))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything noted so far is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            // An error means that the writer is gone, and with it what waited; it has logged why.
            let _ = written.await;
        }
    }

    /// How many entries an attack has pushed out since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// At most 400 bytes of what came from outside.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(400).collect()
}

async fn write(storage: Storage, mut waiting: mpsc::Receiver<Message>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, 256).await > 0 {
        let (mut events, mut flushes) = (Vec::new(), Vec::new());
        for message in batch.drain(..) {
            match message {
                Message::Event(event) => events.push(*event),
                Message::Flush(done) => flushes.push(done),
            }
        }
        if let Err(why) = store(&storage, &events).await {
            tracing::error!(error = %why, lost = events.len(), "audit entries could not be written");
        }
        let waited_for = !flushes.is_empty();
        for done in flushes {
            // The one who asked may have gone away meanwhile.
            let _ = done.send(());
        }
        if !waited_for {
            tokio::time::sleep(GATHER).await;
        }
    }
}

async fn store(storage: &Storage, events: &[AuditEvent]) -> Result<(), crate::storage::StorageError> {
    if events.is_empty() { Ok(()) } else { storage.write_audit(events).await }
}
