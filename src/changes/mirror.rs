//! Redis: carries endings to other nodes at once, and to gateways that read the lists.
//!
//! Nothing depends on it. It is written to by a task of its own, so no request waits for it;
//! while it is away, nodes follow SQL on their timer. A marker key tells a Redis that was
//! flushed, which is then filled again.
//!
//! Keys: `portcullis:cutoff:{tenant id}:{kind}:{subject}` = the number of the event; for a user, a
//! client and a tenant it refuses tokens whose `rev` is lower, for the others every token.
//! `portcullis:{installation}:head` = the highest number of an event: a database that knows less
//! was restored from a backup.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncCommands, Client, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};
use tracing::Instrument as _;

use super::registry::{InForce, Registry};
use crate::domain::{Change, EventNumber, NodeId, RevocationEvent};

const CHANNEL: &str = "portcullis:events";
const MARKER: &str = "portcullis:marker";
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
const LOOK_EACH: Duration = Duration::from_secs(1);
/// Events that wait for Redis; past this the marker is dropped and all is sent anew.
const QUEUE: usize = 10_000;

/// Raises a number and never lowers it.
const RAISE: &str = "local known = tonumber(redis.call('GET', KEYS[1]) or '-1') \
     if tonumber(ARGV[1]) > known then redis.call('SET', KEYS[1], ARGV[1]) end";

/// Whether an event is announced to others, or has been.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Announce,
    Keep,
}

/// The connection to Redis.
pub struct Mirror {
    connection: ConnectionManager,
    head: String,
    queue: mpsc::Sender<(RevocationEvent, Delivery)>,
    /// Redis may lack something: fill it again at the next look.
    dirty: Arc<AtomicBool>,
    /// A look is under way; there is one at a time.
    looking: Arc<AtomicBool>,
    looked: Mutex<Option<Instant>>,
}

impl Mirror {
    /// Connects in the background; `wake` is rung at every event that another node announces.
    ///
    /// # Errors
    /// A URL that is none of Redis's.
    pub async fn connect(
        url: &str,
        installation: NodeId,
        wake: Arc<Notify>,
    ) -> Result<Self, RedisError> {
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
        let head = format!("portcullis:{installation}:head");
        let carry = carry(connection.clone(), head.clone(), waiting, Arc::clone(&dirty));
        tokio::spawn(carry.instrument(tracing::error_span!(parent: None, "job", job = "redis")));
        Ok(Self {
            connection,
            head,
            queue,
            dirty,
            looking: Arc::default(),
            looked: Mutex::default(),
        })
    }

    /// The highest number of an event that Redis remembers; `None` where it knows or says nothing.
    pub async fn remembered_head(&self) -> Option<EventNumber> {
        let mut connection = self.connection.clone();
        let asked = async move { connection.get::<_, Option<i64>>(&self.head).await };
        match tokio::time::timeout(ANSWER_WITHIN, asked).await {
            Ok(Ok(known)) => known.map(EventNumber),
            _ => None,
        }
    }

    /// Has events of this node written to the lists and announced. Never waits.
    pub fn announce(&self, events: &[RevocationEvent]) {
        self.send(events, Delivery::Announce);
    }

    /// Has events of another process written to the lists: one that was killed, or a command
    /// that ended at once, may not have come to it. Never waits.
    pub fn keep(&self, events: &[RevocationEvent]) {
        self.send(events, Delivery::Keep);
    }

    fn send(&self, events: &[RevocationEvent], how: Delivery) {
        for event in events {
            if self.queue.try_send((event.clone(), how)).is_err() {
                self.dirty.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Looks, once a second, whether Redis has what it should, and fills it where it has not.
    pub fn tend(&self, registry: &Arc<Registry>) {
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.is_some_and(|at| at.elapsed() < LOOK_EACH)
                || self.looking.swap(true, Ordering::SeqCst)
            {
                return;
            }
            *looked = Some(Instant::now());
        }
        let mut connection = self.connection.clone();
        let (dirty, looking) = (Arc::clone(&self.dirty), Arc::clone(&self.looking));
        let registry = Arc::clone(registry);
        // In a task of its own: the one who calls follows SQL, and must not wait for Redis.
        let tending = async move {
            if let Err(why) = refill(&mut connection, &dirty, &registry).await {
                dirty.store(true, Ordering::SeqCst);
                tracing::warn!(error = %why, "Redis does not answer: endings travel by SQL alone");
            }
            looking.store(false, Ordering::SeqCst);
        };
        tokio::spawn(tending.instrument(tracing::error_span!(parent: None, "job", job = "redis")));
    }

    /// Whether Redis answers now.
    pub async fn answers(&self) -> bool {
        let mut connection = self.connection.clone();
        let ping = async move { redis::cmd("PING").query_async::<String>(&mut connection).await };
        matches!(tokio::time::timeout(ANSWER_WITHIN, ping).await, Ok(Ok(_)))
    }
}

async fn refill(
    connection: &mut ConnectionManager,
    dirty: &AtomicBool,
    registry: &Registry,
) -> Result<(), RedisError> {
    connection.subscribe(CHANNEL).await?;
    let marked: bool = connection.exists(MARKER).await?;
    if marked && !dirty.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let (mut tick, mut count) = (0, 0);
    while let Some((next, part)) = registry.part_after(tick) {
        for some in part.chunks(500) {
            let mut pipe = redis::pipe();
            for in_force in some {
                set(&mut pipe, in_force);
            }
            pipe.query_async::<()>(connection).await?;
            count += some.len();
        }
        tick = next;
    }
    connection.set::<_, _, ()>(MARKER, 1).await?;
    dirty.store(false, Ordering::SeqCst);
    tracing::info!(endings = count, "Redis was filled with the endings in force");
    Ok(())
}

fn set(pipe: &mut redis::Pipeline, in_force: &InForce) {
    let InForce { tenant, ending, number, lives } = in_force;
    let key = format!("portcullis:cutoff:{tenant}:{}:{}", ending.kind(), ending.subject(*tenant));
    let lives = u64::try_from(lives.as_millis()).unwrap_or(u64::MAX).max(1);
    pipe.pset_ex(key, number.0, lives).ignore();
}

/// Carries events to Redis, as many at a time as are waiting.
async fn carry(
    mut connection: ConnectionManager,
    head: String,
    mut waiting: mpsc::Receiver<(RevocationEvent, Delivery)>,
    dirty: Arc<AtomicBool>,
) {
    let raise = Script::new(RAISE);
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, 500).await > 0 {
        let (mut pipe, mut highest) = (redis::pipe(), EventNumber::ZERO);
        for (event, how) in batch.drain(..) {
            highest = highest.max(event.seq);
            if let Change::Ending(tenant, ending) = event.change {
                let lives =
                    Duration::from_millis(u64::try_from(event.lives_ms).unwrap_or_default());
                set(&mut pipe, &InForce { tenant, ending, number: event.seq, lives });
            }
            if how == Delivery::Announce {
                pipe.publish(CHANNEL, event.seq.0).ignore();
            }
        }
        // Changes of another process that end nothing leave nothing to send, which Redis takes for an error.
        let sent = match pipe.is_empty() {
            true => Ok(()),
            false => pipe.query_async::<()>(&mut connection).await,
        };
        let raised = raise.key(&head).arg(highest.0).invoke_async::<()>(&mut connection).await;
        if let Err(why) = sent.and(raised) {
            dirty.store(true, Ordering::SeqCst);
            tracing::warn!(error = %why, "an event did not reach Redis: it travels by SQL");
        }
    }
}
