//! What somebody waits for, who does the same thing over and over beside what is measured.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::Connection;

/// What another tenant's writes have waited, in milliseconds, by what they do.
#[derive(Default)]
pub(crate) struct Waits {
    times: Mutex<Vec<(&'static str, f64)>>,
    refused: Mutex<Vec<String>>,
    pub(crate) over: AtomicBool,
}

impl Waits {
    /// Prints what was waited since the last time.
    pub(crate) fn print(&self, beside: &str) {
        let times = std::mem::take(&mut *self.times.lock().unwrap());
        for kind in ["refresh", "change of a user", "logout of a user"] {
            let mut of_kind: Vec<f64> =
                times.iter().filter(|(is, _)| *is == kind).map(|(_, time)| *time).collect();
            of_kind.sort_by(f64::total_cmp);
            let Some(longest) = of_kind.last() else { continue };
            println!(
                "    another tenant's {kind} beside {beside}: {} times, p50 {:.1}, p99 {:.1}, longest {longest:.1} ms",
                of_kind.len(),
                of_kind[of_kind.len() / 2],
                of_kind[of_kind.len() * 99 / 100],
            );
        }
        let refused = std::mem::take(&mut *self.refused.lock().unwrap());
        if let Some(first) = refused.first() {
            println!("    REFUSED {} times: {first}", refused.len());
        }
    }
}

/// The request after an answer; the same again where there is none.
pub(crate) type Next = fn(&str) -> Option<String>;

/// Sends what `next` makes of the last answer, over and over, and notes the times.
pub(crate) async fn probe(
    waits: Arc<Waits>,
    port: u16,
    kind: &'static str,
    start: String,
    next: Next,
) {
    let mut connection = Connection::open(port).await;
    let mut request = start;
    while !waits.over.load(Ordering::Relaxed) {
        let sent = Instant::now();
        let (status, body) = connection.send(&request).await;
        waits.times.lock().unwrap().push((kind, sent.elapsed().as_secs_f64() * 1000.0));
        if status >= 300 {
            waits.refused.lock().unwrap().push(format!("{kind}: {status} {body}"));
        } else if let Some(after) = next(&body) {
            request = after;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
