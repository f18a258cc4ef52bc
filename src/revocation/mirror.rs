//! Redis: carries revocations to other nodes at once, and to gateways that read the lists.
//!
//! Nothing depends on it. It is written to by a task of its own, so no request waits for it;
//! while it is away, nodes follow SQL on their timer. A marker key tells a Redis that was
//! flushed, which is then filled again.
//!
//! Keys: `portcullis:cutoff:{tenant id}:{kind}:{subject}` = the cut-off in milliseconds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncCommands, Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use crate::domain::{Change, Cutoff, RevocationEvent};

const CHANNEL: &str = "portcullis:events";
const MARKER: &str = "portcullis:marker";
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
const LOOK_EACH: Duration = Duration::from_secs(1);
/// Events that wait for Redis; past this the marker is dropped and all is sent anew.
const QUEUE: usize = 10_000;

/// Whether others have to be told of an event, or have been.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Announce,
    Keep,
}

/// The connection to Redis.
pub struct Mirror {
    connection: ConnectionManager,
    queue: mpsc::Sender<(RevocationEvent, Told)>,
    /// Redis may lack something: fill it again at the next look.
    dirty: Arc<AtomicBool>,
    looked: std::sync::Mutex<Option<Instant>>,
}

impl Mirror {
    /// Connects in the background; `wake` is rung at every event that another node announces.
    ///
    /// # Errors
    /// A URL that is none of Redis's.
    pub async fn connect(url: &str, wake: Arc<Notify>) -> Result<Self, RedisError> {
        let with_protocol = match url.contains("protocol=") {
            true => url.to_owned(),
            false => format!("{url}{}protocol=resp3", if url.contains('?') { '&' } else { '?' }),
        };
        let client = Client::open(with_protocol)?;
        let rung = Arc::clone(&wake);
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(ANSWER_WITHIN))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1))
            // A message, or a connection that was lost and made again: either way there may be news.
            .set_push_sender(move |_: redis::PushInfo| {
                rung.notify_one();
                Ok::<(), redis::aio::SendError>(())
            })
            .set_automatic_resubscription();
        let connection = ConnectionManager::new_lazy_with_config(client, config)?;
        let dirty = Arc::new(AtomicBool::new(true));
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(carry(connection.clone(), waiting, Arc::clone(&dirty)));
        Ok(Self { connection, queue, dirty, looked: std::sync::Mutex::default() })
    }

    /// Has events of this node written to the lists and announced. Never waits.
    pub fn announce(&self, events: &[RevocationEvent]) {
        self.send(events, Told::Announce);
    }

    /// Has events of another process written to the lists: one that was killed, or a command
    /// that ended at once, may not have come to it. Never waits.
    pub fn keep(&self, events: &[RevocationEvent]) {
        self.send(events, Told::Keep);
    }

    fn send(&self, events: &[RevocationEvent], told: Told) {
        for event in events {
            if self.queue.try_send((event.clone(), told)).is_err() {
                self.dirty.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Looks, once a second, whether Redis has what it should, and fills it where it has not.
    pub async fn tend(&self, live: impl FnOnce() -> Vec<Cutoff>) {
        {
            let mut looked = self.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if looked.is_some_and(|at| at.elapsed() < LOOK_EACH) {
                return;
            }
            *looked = Some(Instant::now());
        }
        let mut connection = self.connection.clone();
        let dirty = Arc::clone(&self.dirty);
        let cutoffs = live();
        // In a task of its own: the one who calls follows SQL, and must not wait for Redis.
        tokio::spawn(async move {
            if let Err(why) = refill(&mut connection, &dirty, &cutoffs).await {
                dirty.store(true, Ordering::SeqCst);
                tracing::warn!(error = %why, "redis does not answer; revocations travel by SQL alone");
            }
        });
    }

    /// Whether Redis answers now.
    pub async fn answers(&self) -> bool {
        let mut connection = self.connection.clone();
        let ping = async move { redis::cmd("PING").query_async::<String>(&mut connection).await };
        matches!(tokio::time::timeout(ANSWER_WITHIN, ping).await, Ok(Ok(_)))
    }
}

async fn refill(connection: &mut ConnectionManager, dirty: &AtomicBool, cutoffs: &[Cutoff]) -> Result<(), RedisError> {
    connection.subscribe(CHANNEL).await?;
    let marked: bool = connection.exists(MARKER).await?;
    if marked && !dirty.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    for some in cutoffs.chunks(500) {
        let mut pipe = redis::pipe();
        for cutoff in some {
            set(&mut pipe, cutoff);
        }
        pipe.query_async::<()>(connection).await?;
    }
    connection.set::<_, _, ()>(MARKER, 1).await?;
    dirty.store(false, Ordering::SeqCst);
    tracing::info!(cutoffs = cutoffs.len(), "redis filled");
    Ok(())
}

fn set(pipe: &mut redis::Pipeline, cutoff: &Cutoff) {
    let Cutoff { tenant_id, kind, subject, .. } = cutoff;
    let key = format!("portcullis:cutoff:{tenant_id}:{}:{subject}", kind.as_str());
    let lives = u64::try_from(cutoff.expires_at.millis() - cutoff.at.millis()).unwrap_or(1).max(1);
    pipe.pset_ex(key, cutoff.at.millis(), lives).ignore();
}

/// Carries events to Redis, as many at a time as are waiting.
async fn carry(
    mut connection: ConnectionManager,
    mut waiting: mpsc::Receiver<(RevocationEvent, Told)>,
    dirty: Arc<AtomicBool>,
) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, 500).await > 0 {
        let (mut pipe, mut empty) = (redis::pipe(), true);
        for (event, told) in batch.drain(..) {
            if let Change::Cutoff(cutoff) = &event.change {
                set(&mut pipe, cutoff);
                empty = false;
            }
            if told == Told::Announce {
                pipe.publish(CHANNEL, event.seq).ignore();
                empty = false;
            }
        }
        if empty {
            continue;
        }
        if let Err(why) = pipe.query_async::<()>(&mut connection).await {
            dirty.store(true, Ordering::SeqCst);
            tracing::warn!(error = %why, "an event did not reach redis; it travels by SQL");
        }
    }
}
