//! `portcullis doctor`.

use secrecy::ExposeSecret as _;

use serde_json::{Value, json};

use super::{
    Done, Failure, open_storage,
    output::{Out, say},
};
use crate::{
    changes::Mirror,
    config::Config,
    domain::NodeId,
    effects::{Effects, is_open_to_others},
    keys::{Keystore, MasterKey},
    storage::Storage,
};

/// How far the database's clock may be from ours, in seconds.
const SKEW: i64 = 5;

/// What was found of a part: that it is well, and how it stands; or what is wrong with it.
#[derive(Debug)]
pub struct Finding {
    /// The part.
    pub part: &'static str,
    /// What was found.
    pub found: Result<String, String>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (word, text) = match &self.found {
            Ok(text) => ("ok", text),
            Err(text) => ("WRONG", text),
        };
        write!(f, "{word:<6}{:<10}{text}", self.part)
    }
}

impl Finding {
    fn as_json(&self) -> Value {
        let (status, text) = match &self.found {
            Ok(text) => ("ok", text),
            Err(text) => ("wrong", text),
        };
        json!({ "part": self.part, "status": status, "found": text })
    }
}

/// What is found, told at once to people, and whole to programs.
struct Report {
    out: Out,
    findings: Vec<Finding>,
}

impl Report {
    fn tell(&mut self, part: &'static str, found: Result<String, String>) -> Done {
        let finding = Finding { part, found };
        if !self.out.is_structured() {
            say(&finding.to_string())?;
        }
        self.findings.push(finding);
        Ok(())
    }

    fn end(self) -> Done {
        if self.out.is_structured() {
            self.out.one(&self.findings.iter().map(Finding::as_json).collect::<Vec<_>>())?;
        }
        match self.findings.iter().filter(|finding| finding.found.is_err()).count() {
            0 => Ok(()),
            count => Err(Failure(format!("{count} of these need your attention"))),
        }
    }
}

pub(super) async fn run(config: &Config, out: Out) -> Done {
    let mut report = Report { out, findings: Vec::new() };
    report.tell("base url", base_url(config))?;
    let storage = match config.has_database() {
        true => open_storage(config).await.map_err(|Failure(why)| why),
        // It looks, and makes nothing.
        false => {
            Err("there is none yet: `portcullis serve` or `portcullis migrate` makes it".into())
        }
    };
    let schema = match &storage {
        Ok(storage) => schema(storage).await,
        Err(why) => Err(why.clone()),
    };
    let migrated = schema.is_ok();
    report.tell("database", schema)?;
    if let Some(storage) = storage.ok().filter(|_| migrated) {
        if let Some(policies) = policies(&storage).await {
            report.tell("policies", policies)?;
        }
        report.tell("keys", keys(config, &storage).await)?;
        report.tell("clock", clock(&storage).await)?;
        report.tell("files", files(config, &storage))?;
    }
    report.tell("proxies", proxies(config))?;
    report.tell("redis", redis(config).await)?;
    report.end()
}

fn base_url(config: &Config) -> Result<String, String> {
    match config.is_https() {
        true => Ok(config.base_url.clone()),
        false => Ok(format!(
            "{} (cookies are not marked Secure: for this machine alone)",
            config.base_url
        )),
    }
}

async fn schema(storage: &Storage) -> Result<String, String> {
    let pending = storage.pending_migrations().await.map_err(|why| why.to_string())?;
    match pending.as_slice() {
        [] => Ok(format!("{}, at this version", storage.backend())),
        some => Err(format!("lacks {} migrations: run `portcullis migrate`", some.len())),
    }
}

/// Whether the policies that stand behind the tenant filter hold this role, where there are some.
async fn policies(storage: &Storage) -> Option<Result<String, String>> {
    match storage.policies_hold().await {
        Ok(None) => None,
        Ok(Some(true)) => Some(Ok("row-level security holds this role".into())),
        Ok(Some(false)) => Some(Err("this role bypasses row-level security: \
             connect as one that is no superuser and has no BYPASSRLS"
            .into())),
        Err(why) => Some(Err(why.to_string())),
    }
}

async fn keys(config: &Config, storage: &Storage) -> Result<String, String> {
    let master = MasterKey::load(&config.master_key_file).map_err(|why| why.to_string())?;
    let keystore = Keystore::new(master, storage.clone(), std::sync::Arc::default());
    let (mut after, mut count) = (String::new(), 0);
    loop {
        let page = async { storage.read_installation().await?.list_tenants(&after, 200).await };
        let page = page.await.map_err(|why| why.to_string())?;
        for tenant in &page.items {
            keystore.of(tenant).await.map_err(|why| format!("tenant {}: {why}", tenant.slug))?;
            count += 1;
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(format!("the master key opens the keys of {count} tenants")),
        }
    }
}

/// Whether what holds secrets is its owner's alone.
fn files(config: &Config, storage: &Storage) -> Result<String, String> {
    let open = [Some(&*config.master_key_file), storage.file()]
        .into_iter()
        .flatten()
        .find(|file| is_open_to_others(file));
    match open {
        // Some platforms mount secrets so: it is for the operator to judge.
        Some(file) => {
            Ok(format!("NOTE {} may be read by others than its owner: chmod 600", file.display()))
        }
        None => Ok("the master key, and a database that is a file, are their owner's alone".into()),
    }
}

fn proxies(config: &Config) -> Result<String, String> {
    match config.trusted_proxies.as_slice() {
        [] if config.is_https() => Ok(
            "none is trusted: behind one, sessions and the trail show its address for everybody's"
                .into(),
        ),
        [] => Ok("none is trusted".into()),
        some => Ok(format!("X-Forwarded-For is believed from {} networks", some.len())),
    }
}

async fn clock(storage: &Storage) -> Result<String, String> {
    let theirs = async { storage.read_installation().await?.database_time().await };
    let theirs = theirs.await.map_err(|why| why.to_string())?;
    let apart = theirs.since(Effects::system().now()).abs();
    if apart > SKEW {
        return Err(format!("{apart} s apart from the database's: run a time service on both"));
    }
    Ok("agrees with the database's".into())
}

async fn redis(config: &Config) -> Result<String, String> {
    let Some(url) = &config.redis_url else {
        return Ok("none: revocations stay in this process".into());
    };
    let mirror = Mirror::connect(
        url.expose_secret(),
        Effects::system().id::<NodeId>(),
        std::sync::Arc::default(),
    )
    .await;
    let mirror = mirror.map_err(|why| format!("PORTCULLIS_REDIS_URL: {why}"))?;
    match mirror.answers().await {
        true => Ok("answers".into()),
        false => Err("does not answer: revocations travel by SQL alone".into()),
    }
}
