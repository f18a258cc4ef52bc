//! What Diesel tells of its statements.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

/// Each statement that was run in this process while it was listened to.
pub(super) static HEARD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Each of them that a connection keeps prepared.
pub(super) static KEPT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Listens to each connection that is opened from now on.
pub(super) fn listen() {
    set_default_instrumentation(|| Some(Box::new(Listener))).unwrap();
}

struct Listener;

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let (list, text) = match event {
            InstrumentationEvent::StartQuery { query, .. } => (&HEARD, query.to_string()),
            InstrumentationEvent::CacheQuery { sql, .. } => (&KEPT, sql.to_owned()),
            _ => return,
        };
        let text = text.split(" -- binds:").next().unwrap().trim().to_owned();
        list.lock().unwrap_or_else(PoisonError::into_inner).insert(text);
    }
}
