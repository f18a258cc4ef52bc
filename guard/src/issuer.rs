//! The issuers whose tokens are taken: those that are named, and those of a pattern.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use tokio::{sync::Semaphore, task::AbortHandle};

use crate::{
    Clock, Feed,
    endings::Endings,
    feed,
    keys::{Keys, NoKey},
};

/// What stands for a tenant in a pattern.
pub(crate) const TENANT: &str = "{tenant}";

/// Tenants of a pattern that are held. Each was seen to answer.
const MOST_TENANTS: usize = 10_000;

/// Names that answered nothing are not asked for again for so long, as many as these.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);
const MOST_UNKNOWN: u64 = 10_000;

/// Names whose issuer did not answer are not asked for again for so long.
const AWAY_FOR: Duration = Duration::from_secs(1);

/// Tenants that are asked for at once, since anybody can make up a name.
const ASKED_AT_ONCE: usize = 16;

/// How long one waits for its turn to be asked for.
const TURN_WITHIN: Duration = Duration::from_secs(2);

/// One issuer.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) tenant: Option<String>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) endings: Endings,
    pub(crate) http: reqwest::Client,
    clock: Arc<dyn Clock>,
    leeway: u64,
}

impl Issuer {
    /// What is over before then can meet no token.
    pub(crate) fn long_gone(&self) -> u64 {
        self.clock.now().saturating_sub(self.leeway)
    }
}

/// What every issuer is made with.
pub(crate) struct Common {
    pub(crate) http: reqwest::Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) leeway: u64,
    pub(crate) feed: Option<Feed>,
}

/// Those whose tokens are taken.
pub(crate) struct Issuers {
    common: Common,
    named: HashMap<String, Arc<Issuer>>,
    patterns: Vec<(String, String)>,
    tenants: RwLock<HashMap<String, Arc<Issuer>>>,
    unknown: moka::sync::Cache<String, ()>,
    away: moka::sync::Cache<String, ()>,
    asked_for: moka::sync::Cache<String, Arc<tokio::sync::Mutex<()>>>,
    asking: Semaphore,
    following: Mutex<Vec<AbortHandle>>,
}

impl Drop for Issuers {
    fn drop(&mut self) {
        let following = self.following.get_mut().unwrap_or_else(PoisonError::into_inner);
        following.drain(..).for_each(|task| task.abort());
    }
}

impl Issuers {
    pub(crate) fn of(names: Vec<String>, patterns: Vec<(String, String)>, common: Common) -> Self {
        let mut issuers = Self {
            common,
            named: HashMap::new(),
            patterns,
            tenants: RwLock::default(),
            unknown: failed(UNKNOWN_FOR),
            away: failed(AWAY_FOR),
            asked_for: moka::sync::Cache::new(MOST_UNKNOWN),
            asking: Semaphore::new(ASKED_AT_ONCE),
            following: Mutex::default(),
        };
        for name in names {
            let issuer = issuers.made(&name, None);
            issuers.follow(&issuer);
            issuers.named.insert(name, issuer);
        }
        issuers
    }

    fn made(&self, url: &str, tenant: Option<&str>) -> Arc<Issuer> {
        let Common { http, clock, leeway, .. } = &self.common;
        Arc::new(Issuer {
            url: url.to_owned(),
            tenant: tenant.map(str::to_owned),
            keys: Arc::new(Keys::of(url, http)),
            endings: Endings::default(),
            http: http.clone(),
            clock: Arc::clone(clock),
            leeway: *leeway,
        })
    }

    fn follow(&self, issuer: &Arc<Issuer>) {
        if let Some(feed) = &self.common.feed {
            let task = tokio::spawn(feed::follow(Arc::clone(issuer), feed.clone()));
            let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
            following.push(task.abort_handle());
        }
    }

    /// The issuer of this name, where its tokens are taken.
    pub(crate) async fn find(self: &Arc<Self>, name: &str) -> Result<Arc<Issuer>, NoKey> {
        if let Some(issuer) = self.named.get(name).cloned().or_else(|| self.tenant(name)) {
            return Ok(issuer);
        }
        let tenant = self.patterns.iter().find_map(|pattern| tenant_in(pattern, name));
        let tenant = tenant.ok_or(NoKey::Unknown)?;
        self.has_not_failed(name)?;
        let (this, name, tenant) = (Arc::clone(self), name.to_owned(), tenant.to_owned());
        // It is done though its caller may go.
        let asked = tokio::spawn(async move {
            // Whoever comes meanwhile shares the answer.
            let same = this.asked_for.get_with_by_ref(&name, Arc::default);
            let _one = same.lock().await;
            this.ask(&name, &tenant).await
        });
        asked.await.unwrap_or(Err(NoKey::Away))
    }

    /// Asks a tenant's issuer for its keys, and keeps it where it has answered.
    async fn ask(&self, name: &str, tenant: &str) -> Result<Arc<Issuer>, NoKey> {
        // One that came in between has asked for the same.
        if let Some(issuer) = self.tenant(name) {
            return Ok(issuer);
        }
        self.has_not_failed(name)?;
        let turn = tokio::time::timeout(TURN_WITHIN, self.asking.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(NoKey::Away) };
        let issuer = self.made(name, Some(tenant));
        if let Err(why) = issuer.keys.begin().await {
            let held = if why == NoKey::Unknown { &self.unknown } else { &self.away };
            held.insert(name.to_owned(), ());
            return Err(why);
        }
        self.keep(issuer)
    }

    /// Whether a name may be asked for: it has not just been, in vain.
    fn has_not_failed(&self, name: &str) -> Result<(), NoKey> {
        if self.unknown.contains_key(name) {
            return Err(NoKey::Unknown);
        }
        if self.away.contains_key(name) { Err(NoKey::Away) } else { Ok(()) }
    }

    fn tenant(&self, name: &str) -> Option<Arc<Issuer>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The one that is kept: this, or one that was kept meanwhile.
    fn keep(&self, issuer: Arc<Issuer>) -> Result<Arc<Issuer>, NoKey> {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tenants.get(&issuer.url) {
            return Ok(Arc::clone(known));
        }
        if tenants.len() >= MOST_TENANTS {
            tracing::error!(most = MOST_TENANTS, "there are more tenants than a guard holds");
            return Err(NoKey::Away);
        }
        tenants.insert(issuer.url.clone(), Arc::clone(&issuer));
        self.follow(&issuer);
        Ok(issuer)
    }

    pub(crate) fn feed(&self) -> Option<&Feed> {
        self.common.feed.as_ref()
    }

    /// Every issuer that is held.
    pub(crate) fn all(&self) -> Vec<Arc<Issuer>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        self.named.values().chain(tenants.values()).cloned().collect()
    }
}

fn failed(held_for: Duration) -> moka::sync::Cache<String, ()> {
    moka::sync::Cache::builder().max_capacity(MOST_UNKNOWN).time_to_live(held_for).build()
}

/// The tenant that `name` names by a pattern, whose two sides stand around it: one segment of a path or one label
/// of a host, of letters, digits, `-` and `_`.
fn tenant_in<'n>((before, after): &(String, String), name: &'n str) -> Option<&'n str> {
    let tenant = name.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!tenant.is_empty() && tenant.len() <= 63 && tenant.chars().all(is_name)).then_some(tenant)
}

#[cfg(test)]
mod tests {
    use super::tenant_in;

    #[test]
    fn a_pattern_takes_one_name_and_nothing_that_leads_elsewhere() {
        let pattern = ("https://id.example/t/".to_owned(), String::new());
        assert_eq!(tenant_in(&pattern, "https://id.example/t/acme"), Some("acme"));
        for other in [
            "https://id.example/t/",
            "https://id.example/t/acme/x",
            "https://id.example/t/../admin",
            "https://id.example/t/acme?x",
            "https://id.example.evil/t/acme",
            "http://id.example/t/acme",
        ] {
            assert_eq!(tenant_in(&pattern, other), None, "{other}");
        }
        let by_host = ("https://".to_owned(), ".id.example".to_owned());
        assert_eq!(tenant_in(&by_host, "https://acme.id.example"), Some("acme"));
        assert_eq!(tenant_in(&by_host, "https://evil.example/.id.example"), None);
    }
}
