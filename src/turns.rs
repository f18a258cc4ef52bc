//! Turns at work that holds a core: so much at once, and who waits is served fairly by tenant.
//!
//! A password hash takes 60 ms to 2 s, as its tenant has chosen, and an RSA key as long. Whoever
//! waits is served in the order of what each tenant has had so far, so a tenant of slow work waits
//! for its own. Within a tenant, strangers wait for those who have been here before: however many of
//! them guess, they take up what is left over.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::domain::TenantId;

/// No turn can be had now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// Who waits, as far as it can be told before the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Has signed in from there before, or is signed in.
    Known,
    /// Everybody else.
    Stranger,
}

/// Requests of one tenant and standing that wait at most.
const WAITING_OF_A_TENANT: usize = 32;

/// Strangers' requests that wait at most, of all tenants.
const WAITING: usize = 512;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many at once, and those who wait.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<State>>);

struct State {
    free: usize,
    permits: usize,
    strangers: usize,
    /// What the tenant that was served last had had before: whoever comes anew begins there.
    turn: u64,
    lanes: HashMap<TenantId, Lane>,
}

#[derive(Default)]
struct Lane {
    /// The work that was done for the tenant, in units of the least work.
    served: u64,
    known: VecDeque<Waiting>,
    strangers: VecDeque<Waiting>,
}

impl Lane {
    fn is_empty(&self) -> bool {
        self.known.is_empty() && self.strangers.is_empty()
    }
}

struct Waiting {
    work: u64,
    call: oneshot::Sender<Turn>,
}

/// A turn. It belongs to the work, not to the request: a client that hangs up frees no core, so it
/// must not free its turn either.
pub struct Turn(Turns);

enum Entered {
    Now(Turn),
    Called(oneshot::Receiver<Turn>),
}

impl Turns {
    /// `permits` at once.
    pub fn new(permits: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: permits,
            permits,
            strangers: 0,
            turn: 0,
            lanes: HashMap::new(),
        })))
    }

    /// Waits for a turn; `work` is what it will take, in any unit.
    ///
    /// # Errors
    /// [`Busy`] where too many wait, or for too long.
    pub async fn wait(
        &self,
        tenant: TenantId,
        standing: Standing,
        work: u64,
    ) -> Result<Turn, Busy> {
        match self.enter(tenant, standing, work)? {
            Entered::Now(turn) => Ok(turn),
            Entered::Called(call) => {
                tokio::time::timeout(PATIENCE, call).await.map_err(|_| Busy)?.map_err(|_| Busy)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, tenant: TenantId, standing: Standing, work: u64) -> Result<Entered, Busy> {
        let mut guard = self.state();
        let state = &mut *guard;
        let lane = state.lanes.entry(tenant).or_default();
        lane.served = lane.served.max(state.turn);
        if state.free > 0 {
            state.free -= 1;
            lane.served += work;
            return Ok(Entered::Now(Turn(self.clone())));
        }
        let queue = match standing {
            Standing::Known => &mut lane.known,
            Standing::Stranger => &mut lane.strangers,
        };
        let before = queue.len();
        if before >= WAITING_OF_A_TENANT {
            // Who has given up waiting holds no place.
            queue.retain(|waiting| !waiting.call.is_closed());
        }
        if standing == Standing::Stranger {
            state.strangers -= before - queue.len();
        }
        let full = standing == Standing::Stranger && state.strangers >= WAITING;
        if full || queue.len() >= WAITING_OF_A_TENANT {
            return Err(Busy);
        }
        let (call, called) = oneshot::channel();
        queue.push_back(Waiting { work, call });
        if standing == Standing::Stranger {
            state.strangers += 1;
        }
        Ok(Entered::Called(called))
    }

    /// The one whose tenant has had the least; where nobody waits, the permit is free again.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut guard = self.state();
        let state = &mut *guard;
        let waiting = state.lanes.values_mut().filter(|lane| !lane.is_empty());
        let Some(lane) = waiting.min_by_key(|lane| lane.served) else {
            state.free += 1;
            if state.free == state.permits {
                // What was done while nobody waited is no debt.
                state.lanes.clear();
                state.turn = 0;
            }
            return None;
        };
        let next = lane.known.pop_front().or_else(|| {
            state.strangers -= 1;
            lane.strangers.pop_front()
        });
        let Waiting { work, call } = next?;
        let turn = lane.served;
        lane.served += work;
        state.turn = turn;
        state.lanes.retain(|_, lane| !lane.is_empty() || lane.served > turn);
        Some(call)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(call) = self.0.next() {
            // Whoever has given up drops it again, and it goes to the next.
            let _ = call.send(Self(self.0.clone()));
        }
    }
}
