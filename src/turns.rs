//! Turns at work that holds a core: so much at once, and who waits is served fairly by tenant.
//!
//! A password hash takes 60 ms to 2 s, as its tenant has chosen, and an RSA key as long. Whoever
//! waits is served in the order of what each tenant has had so far, so a tenant of slow work waits
//! for its own.

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

/// Requests of one tenant that wait at most.
const WAITING_OF_A_TENANT: usize = 32;

/// Requests that wait at most, of all tenants.
const WAITING: usize = 512;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many at once, and those who wait.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<State>>);

struct State {
    free: usize,
    permits: usize,
    waiting: usize,
    /// What the tenant that was served last had had before: whoever comes anew begins there.
    turn: u64,
    lanes: HashMap<TenantId, Lane>,
}

#[derive(Default)]
struct Lane {
    /// The work that was done for the tenant, in units of the least work.
    served: u64,
    queue: VecDeque<Waiting>,
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
        Self(Arc::new(Mutex::new(State { free: permits, permits, waiting: 0, turn: 0, lanes: HashMap::new() })))
    }

    /// Waits for a turn; `work` is what it will take, in any unit.
    ///
    /// # Errors
    /// [`Busy`] where too many wait, or for too long.
    pub async fn wait(&self, tenant: TenantId, work: u64) -> Result<Turn, Busy> {
        match self.enter(tenant, work)? {
            Entered::Now(turn) => Ok(turn),
            Entered::Called(call) => tokio::time::timeout(PATIENCE, call).await.map_err(|_| Busy)?.map_err(|_| Busy),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, tenant: TenantId, work: u64) -> Result<Entered, Busy> {
        let mut state = self.state();
        let turn = state.turn;
        if state.free > 0 {
            state.free -= 1;
            let lane = state.lanes.entry(tenant).or_default();
            lane.served = lane.served.max(turn) + work;
            return Ok(Entered::Now(Turn(self.clone())));
        }
        let (call, called) = oneshot::channel();
        let lane = state.lanes.entry(tenant).or_default();
        if lane.queue.len() >= WAITING_OF_A_TENANT {
            // Who has given up waiting holds no place.
            let before = lane.queue.len();
            lane.queue.retain(|waiting| !waiting.call.is_closed());
            let gone = before - lane.queue.len();
            state.waiting -= gone;
        }
        let full = state.waiting >= WAITING;
        let lane = state.lanes.entry(tenant).or_default();
        if full || lane.queue.len() >= WAITING_OF_A_TENANT {
            return Err(Busy);
        }
        lane.served = lane.served.max(turn);
        lane.queue.push_back(Waiting { work, call });
        state.waiting += 1;
        Ok(Entered::Called(called))
    }

    /// The one whose tenant has had the least; where nobody waits, the permit is free again.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut state = self.state();
        let waiting = state.lanes.iter().filter(|(_, lane)| !lane.queue.is_empty());
        let next = waiting.min_by_key(|(_, lane)| lane.served).map(|(tenant, _)| *tenant);
        let lane = next.and_then(|tenant| state.lanes.get_mut(&tenant));
        let Some((lane, Waiting { work, call })) = lane.and_then(|lane| lane.queue.pop_front().map(|who| (lane, who)))
        else {
            state.free += 1;
            if state.free == state.permits {
                // What was done while nobody waited is no debt.
                state.lanes.clear();
                state.turn = 0;
            }
            return None;
        };
        let turn = lane.served;
        lane.served += work;
        state.turn = turn;
        state.waiting -= 1;
        state.lanes.retain(|_, lane| !lane.queue.is_empty() || lane.served > turn);
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
