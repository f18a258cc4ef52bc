//! Those who wait at the gate: one of each network after the other, so that whoever comes from elsewhere
//! waits for one of theirs and not for all.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// The line, and how many more may be let through.
#[derive(Clone)]
pub(super) struct Line(Arc<Mutex<State>>);

struct State {
    free: usize,
    waiting: HashMap<IpAddr, VecDeque<oneshot::Sender<Passage>>>,
    /// The networks that have somebody in line, in the order of their turns.
    round: VecDeque<IpAddr>,
}

/// The way through, for one. Dropped, it is the next one's.
pub(super) struct Passage(Line);

impl Line {
    /// One through which so many may go at once.
    pub(super) fn of(free: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free, waiting: HashMap::new(), round: VecDeque::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of somebody from `address`.
    pub(super) async fn pass(&self, address: IpAddr) -> Option<Passage> {
        let called = {
            let mut guard = self.state();
            let state = &mut *guard;
            if state.free > 0 {
                state.free -= 1;
                return Some(Passage(self.clone()));
            }
            let (call, called) = oneshot::channel();
            let network = network(address);
            let lane = state.waiting.entry(network).or_default();
            if lane.is_empty() {
                state.round.push_back(network);
            }
            lane.push_back(call);
            called
        };
        // Nobody drops a call without calling.
        called.await.ok()
    }

    /// Who goes next; where nobody waits, one more may be let through.
    fn next(&self) -> Option<oneshot::Sender<Passage>> {
        let mut guard = self.state();
        let state = &mut *guard;
        while let Some(network) = state.round.pop_front() {
            let lane = state.waiting.entry(network).or_default();
            // Who has gone away costs their network no turn.
            let call = std::iter::from_fn(|| lane.pop_front()).find(|call| !call.is_closed());
            if lane.is_empty() {
                state.waiting.remove(&network);
            } else {
                state.round.push_back(network);
            }
            if call.is_some() {
                return call;
            }
        }
        state.free += 1;
        None
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if let Some(call) = self.0.next() {
            // Whoever has gone away drops it again, and it goes to the next.
            let _ = call.send(Self(self.0.clone()));
        }
    }
}

/// An address, or the first half of one of IPv6: the other half is its owner's to choose.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn one_of_each_network_goes_after_the_other_and_who_has_gone_away_holds_nobody_up() {
        let line = Line::of(1);
        let first = line.pass([10, 0, 0, 1].into()).await;
        let (gone, mut order) = mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for (name, address) in [
            ("one of many", "10.0.0.1"),
            ("two of many", "10.0.0.1"),
            ("three of many", "::ffff:10.0.0.1"),
            ("a half of IPv6", "2001:db8::1"),
            ("the same half", "2001:db8::ffff:2"),
            ("another", "10.0.0.2"),
        ] {
            let (line, gone) = (line.clone(), gone.clone());
            tasks.push(tokio::spawn(async move {
                let passage = line.pass(address.parse().unwrap_or([0, 0, 0, 0].into())).await;
                let _ = gone.send(name);
                drop(passage);
            }));
            tokio::task::yield_now().await;
        }
        if let Some(impatient) = tasks.get(1) {
            impatient.abort();
        }
        tokio::task::yield_now().await;
        drop((first, gone));
        let mut names = Vec::new();
        while let Some(name) = order.recv().await {
            names.push(name);
        }
        assert_eq!(
            names,
            ["one of many", "a half of IPv6", "another", "three of many", "the same half"]
        );
        assert!(line.state().waiting.is_empty() && line.state().free == 1);
    }
}
