//! The tokens of one session, renewed once for all who wait: E to H of RFC 6749's picture.

use std::{
    future::ready,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt as _, future::Shared};

/// An access token, and what the next is had for.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// What the API is called with.
    pub access: String,
    /// What is good for one refresh.
    pub refresh: String,
}

/// Why there is no new pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// What the session had is ended: only a new sign-in is left.
    #[error("signed out")]
    Ended,
    /// It cannot be said now.
    #[error("Portcullis does not answer")]
    Away,
}

type Running = Shared<Pin<Box<dyn Future<Output = Result<Pair, Lost>> + Send>>>;

/// The pair of a session.
pub struct Renewed(Mutex<State>);

struct State {
    pair: Pair,
    running: Option<Running>,
}

impl Renewed {
    /// The first pair.
    pub fn new(pair: Pair) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { pair, running: None })))
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The access token of now.
    pub fn access(&self) -> String {
        self.with(|state| state.pair.access.clone())
    }

    /// An access token in the place of one that was refused. Whoever comes while one is fetched waits for that one; it is
    /// fetched to the end though everybody who waited has gone, since the refresh token is used up with it.
    ///
    /// # Errors
    /// [`Lost`].
    pub async fn instead_of<F>(
        self: &Arc<Self>,
        refused: &str,
        refresh: impl FnOnce(String) -> F,
    ) -> Result<String, Lost>
    where
        F: Future<Output = Result<Pair, Lost>> + Send + 'static,
    {
        let running = self.with(|state| {
            if state.pair.access != refused {
                return ready(Ok(state.pair.clone())).boxed().shared();
            }
            let begin = || self.run(refresh(state.pair.refresh.clone()));
            state.running.get_or_insert_with(begin).clone()
        });
        running.await.map(|pair| pair.access)
    }

    fn run(
        self: &Arc<Self>,
        refreshed: impl Future<Output = Result<Pair, Lost>> + Send + 'static,
    ) -> Running {
        let this = Arc::clone(self);
        let task = tokio::spawn(async move {
            let answer = refreshed.await;
            this.with(|state| {
                state.running = None;
                if let Ok(pair) = &answer {
                    state.pair = pair.clone();
                }
            });
            answer
        });
        // One that broke down has said nothing.
        task.map(|ended| ended.unwrap_or(Err(Lost::Away))).boxed().shared()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "it may stop where it stands")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    fn pair(name: &str) -> Pair {
        Pair { access: format!("access {name}"), refresh: format!("refresh {name}") }
    }

    #[tokio::test]
    async fn twenty_who_wait_are_served_by_one_refresh() {
        let (renewed, count) = (Renewed::new(pair("1")), Arc::new(AtomicUsize::new(0)));
        let asked = (0..20).map(|_| {
            let count = Arc::clone(&count);
            renewed.instead_of("access 1", move |refresh| async move {
                assert_eq!(refresh, "refresh 1");
                count.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(pair("2"))
            })
        });
        assert!(join_all(asked).await.iter().all(|access| access.as_deref() == Ok("access 2")));
        assert_eq!(count.load(Ordering::SeqCst), 1);
        // One that comes late with the old token is given the new one.
        let late = renewed.instead_of("access 1", |_| async { Err(Lost::Away) }).await;
        assert_eq!(late.as_deref(), Ok("access 2"));
    }

    #[tokio::test]
    async fn one_that_fails_is_told_to_all_who_wait_and_tried_again_by_the_next() {
        let renewed = Renewed::new(pair("1"));
        let asked = (0..5).map(|_| renewed.instead_of("access 1", |_| async { Err(Lost::Away) }));
        assert!(join_all(asked).await.iter().all(|access| *access == Err(Lost::Away)));
        let next = renewed.instead_of("access 1", |_| async { Ok(pair("2")) }).await;
        assert_eq!(next.as_deref(), Ok("access 2"));
    }

    #[tokio::test]
    async fn whoever_goes_away_takes_no_refresh_along() {
        let (renewed, go) = (Renewed::new(pair("1")), Arc::new(Notify::new()));
        let wait = Arc::clone(&go);
        let mut asked = Box::pin(renewed.instead_of("access 1", |_| async move {
            wait.notified().await;
            Ok(pair("2"))
        }));
        assert!(asked.as_mut().now_or_never().is_none());
        drop(asked);
        go.notify_one();
        let next = renewed.instead_of("access 1", |_| async { Err(Lost::Ended) }).await;
        assert_eq!(next.as_deref(), Ok("access 2"));
    }
}
