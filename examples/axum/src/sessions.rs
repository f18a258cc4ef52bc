//! Who is signed in here: by an unguessable cookie, and in memory. In production keep sessions where all instances of
//! the program reach them, sealed, and let one instance at a time refresh what one session has.

use std::{sync::Arc, time::Duration};

use openidconnect::CsrfToken;

use crate::{provider::Pending, renewal::Renewed};

/// The cookie's name.
pub const COOKIE: &str = "session";

/// A sign-in that takes longer is begun again.
const SIGN_IN_WITHIN: Duration = Duration::from_secs(600);

/// How long people stay signed in here, and how many.
const KEPT_FOR: Duration = Duration::from_secs(8 * 3600);
const MOST: u64 = 10_000;

/// Somebody who is signed in.
pub struct Session {
    /// What they are called.
    pub name: String,
    /// What says at the sign-out whose it is.
    pub id_token: String,
    /// What the client calls the API with.
    pub tokens: Arc<Renewed>,
}

/// All of them.
pub struct Sessions {
    pending: moka::sync::Cache<String, Arc<Pending>>,
    signed_in: moka::sync::Cache<String, Arc<Session>>,
}

impl Default for Sessions {
    fn default() -> Self {
        let pending = moka::sync::Cache::builder().max_capacity(MOST).time_to_live(SIGN_IN_WITHIN);
        let signed_in = moka::sync::Cache::builder().max_capacity(MOST).time_to_live(KEPT_FOR);
        Self { pending: pending.build(), signed_in: signed_in.build() }
    }
}

/// 256 random bits.
fn unguessable() -> String {
    CsrfToken::new_random_len(32).into_secret()
}

impl Sessions {
    /// Keeps a sign-in that has begun; the cookie's value.
    pub fn begin(&self, pending: Pending) -> String {
        let id = unguessable();
        self.pending.insert(id.clone(), Arc::new(pending));
        id
    }

    /// The sign-in that this browser has begun, once.
    pub fn take(&self, id: &str) -> Option<Arc<Pending>> {
        self.pending.remove(id)
    }

    /// Keeps somebody who has signed in; the cookie's value, which nobody has seen before.
    pub fn keep(&self, session: Session) -> String {
        let id = unguessable();
        self.signed_in.insert(id.clone(), Arc::new(session));
        id
    }

    /// Who is signed in by this cookie.
    pub fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.signed_in.get(id)
    }

    /// Forgets them.
    pub fn forget(&self, id: &str) -> Option<Arc<Session>> {
        self.signed_in.remove(id)
    }
}
