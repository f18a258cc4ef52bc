//! Strangers come in a few at a time, and take no more than their share.
//!
//! Whoever floods the server has a request ready on each connection at any time. Were all of them worked on
//! at once, each step for somebody who is known would wait behind as many of theirs, and for a core besides.
//! So a request on a connection whose last one proved nothing waits here until one before it has been worked
//! on; and while others who have proved themselves are served, until strangers' share of the cores allows
//! it. Where there is nobody to protect, nobody waits. No answer is held back.

use std::{
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::{Method, StatusCode, http::request::Parts};
use tokio::time::sleep;

use super::line::{Line, Passage};
use crate::web::{guards::SessionSeen, routes::place_of};

/// Strangers' share of the cores, in hundredths, while somebody who is known is served.
const SHARE: u32 = 10;

/// What HTTP and the kernel take for a request, beside its handler. It cannot be measured here; on a machine
/// of 2026 it is about this.
const AROUND: Duration = Duration::from_micros(30);

/// What a handler is taken to have taken at most: beyond it, the scheduler had given its core to others. So
/// many requests of strangers come through that none waits in line until its time is over.
const HANDLER: Duration = Duration::from_micros(100);

/// What they may take at once, of each core.
const AT_ONCE: Duration = Duration::from_millis(5);

/// What is remembered of what they took beyond, of each core: it was nobody's loss while nobody was there.
const MOST_DEBT: Duration = Duration::from_millis(20);

/// How long after their last request those who are known are taken to be there, in tenths of a second.
const ABSENCE: u64 = 10;

/// The gate of a listener.
pub(super) struct Gate {
    cores: u32,
    line: Line,
    account: Mutex<Account>,
    began: Instant,
    /// When somebody who is known last came, in tenths of a second from `began` on; 0 for never.
    known_at: AtomicU64,
}

struct Account {
    /// What strangers have taken beyond their share, up to `at`.
    debt: Duration,
    at: Instant,
}

/// Whether a connection's last request has proved who sends it.
#[derive(Default)]
pub(super) struct Acquaintance(AtomicBool);

impl Gate {
    /// One that keeps the cores of this machine busy, and no more.
    pub(super) fn of_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let began = Instant::now();
        Self {
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            line: Line::of(2 * cores),
            account: Mutex::new(Account { debt: Duration::ZERO, at: began }),
            began,
            known_at: AtomicU64::new(0),
        }
    }

    /// Waits until the next request may be worked on. Others wait for as long as the passage is held.
    pub(super) async fn pass(&self, who: &Acquaintance, address: IpAddr) -> Option<Passage> {
        if who.is_known() {
            self.see();
            return None;
        }
        let passage = self.line.pass(address).await;
        while let Some(wait) = self.wait() {
            sleep(wait).await;
        }
        passage
    }

    /// The tenths of a second since the start, and one.
    fn now(&self) -> u64 {
        1 + u64::try_from(self.began.elapsed().as_millis() / 100).unwrap_or(u64::MAX - 1)
    }

    /// Somebody who is known is served. Written ten times a second at most: the cores share it.
    fn see(&self) {
        let now = self.now();
        if self.known_at.load(Ordering::Relaxed) != now {
            self.known_at.store(now, Ordering::Relaxed);
        }
    }

    fn has_somebody_known(&self) -> bool {
        let at = self.known_at.load(Ordering::Relaxed);
        at > 0 && self.now().saturating_sub(at) <= ABSENCE
    }

    /// Puts a request to the account of strangers; its handler took so long.
    pub(super) fn charge(&self, taken: Duration) {
        let mut account = self.account();
        account.debt = (account.debt + taken.min(HANDLER) + AROUND).min(MOST_DEBT * self.cores);
    }

    fn account(&self) -> std::sync::MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long until strangers have paid.
    fn wait(&self) -> Option<Duration> {
        let mut account = self.account();
        let now = Instant::now();
        let paid = now.duration_since(account.at) * self.cores * SHARE / 100;
        (account.debt, account.at) = (account.debt.saturating_sub(paid), now);
        if !self.has_somebody_known() {
            return None;
        }
        let beyond = account.debt.checked_sub(AT_ONCE * self.cores)?;
        Some(beyond * 100 / SHARE / self.cores)
    }
}

impl Acquaintance {
    pub(super) fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Judges by an answer, and by whether a guard has found a session. Where a secret, a token or a password
    /// is asked for, it was right where it was not refused; public addresses prove nothing.
    pub(super) fn judge(&self, request: &Parts, status: StatusCode, session: &SessionSeen) {
        let segments: Vec<&str> =
            request.uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
        let asks_for_proof = place_of(&segments).asks_for_proof;
        let is_served = status.as_u16() < 400 && request.method != Method::OPTIONS;
        let known = is_served && (asks_for_proof || session.is_so());
        self.0.store(known, Ordering::Relaxed);
    }
}
