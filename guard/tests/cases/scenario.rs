//! What happens at an issuer in turn, and what a program answers meanwhile.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    keys::Key,
    table::{Answer, HTTP, WITHIN, ask},
    tenant::{Event, Introspection, Manner, Tenant},
    tokens::{Described, Mint},
    world::World,
};

/// A course of things at a tenant of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    #[serde(default, rename = "id")]
    _id: Option<String>,
    case: String,
    /// What the program was told to do while nothing is heard.
    pub(crate) when_behind: Option<String>,
    /// A tenant that the world has in a way of its own, or not at all.
    tenant: Option<String>,
    /// What was ended before the program has read the feed.
    #[serde(default)]
    before: Vec<Event>,
    steps: Vec<Step>,
}

/// One thing: something that happens, or that is asked, or looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Step {
    event: Option<Event>,
    keys: Option<String>,
    feed: Option<String>,
    introspection: Option<Introspection>,
    token: Option<Described>,
    times: Option<usize>,
    status: Option<u16>,
    until: Option<u16>,
    until_figures: Option<Map<String, Value>>,
    figures: Option<Map<String, Value>>,
    fetched: Option<usize>,
    answered: Option<usize>,
}

impl Scenario {
    /// Plays it; what is wrong.
    pub(crate) async fn play(&self, world: Arc<World>, base: &str, at: usize) -> Option<String> {
        let tenant = match &self.tenant {
            Some(name) => Arc::new(world.stranger(name)),
            None => world.tenant(&format!("s{at}"), self.before.clone()),
        };
        let neighbour = Arc::clone(&tenant);
        let mint = Mint::new(world, tenant, neighbour);
        if self.tenant.is_none() {
            mint.until_heard(base).await;
        }
        for (at, step) in self.steps.iter().enumerate() {
            if let Some(what) = step.take(&mint, base).await {
                return Some(format!("{}: step {at}: {what}", self.case));
            }
        }
        None
    }
}

impl Step {
    async fn take(&self, mint: &Mint, base: &str) -> Option<String> {
        self.happen(&mint.tenant);
        if let Some(described) = &self.token {
            let wrong = match (self.until, &self.until_figures) {
                (Some(status), _) => until(mint, base, described, status).await,
                (_, Some(figures)) => self.until_figures(mint, base, described, figures).await,
                _ => self.ask(mint, base, described).await,
            };
            if wrong.is_some() {
                return wrong;
            }
        }
        if let Some(wanted) = &self.figures {
            let began = Instant::now();
            while !reached(base, wanted).await {
                if began.elapsed() > WITHIN {
                    return Some(format!("the figures do not reach {wanted:?}"));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        let fetched = mint.tenant.fetched.load(Ordering::SeqCst);
        if self.fetched.is_some_and(|wanted| fetched != wanted) {
            return Some(format!("the keys were fetched {fetched} times"));
        }
        let asked = mint.world.asked_for(mint.name());
        self.answered
            .is_some_and(|most| asked > most)
            .then(|| format!("it was asked for {asked} times"))
    }

    fn happen(&self, tenant: &Tenant) {
        if let Some(event) = &self.event {
            tenant.change(|now| now.events.push(event.clone()));
        }
        match self.keys.as_deref() {
            None => {}
            Some("away") => tenant.change(|now| now.keys_are_away = true),
            Some("retold") => tenant.change(|now| now.leaves_alg_out = true),
            Some("roll") => tenant.change(|now| {
                now.keys.remove("one");
                now.keys.insert("two".to_owned(), Arc::new(Key::p256()));
            }),
            Some(other) => panic!("keys {other}"),
        }
        match self.feed.as_deref() {
            None => {}
            Some("cut") => tenant.change(|now| now.cuts = true),
            Some("anew") => tenant.change(|now| {
                now.events.clear();
                now.streams += 1;
            }),
            Some("forget") => tenant.change(|now| {
                now.tokens.clear();
                now.streams += 1;
            }),
            Some("silent") => tenant.change(|now| now.manner = Manner::Silent),
            Some("away") => tenant.change(|now| now.manner = Manner::Away),
            Some("speaks") => tenant.change(|now| {
                now.manner = Manner::Speaks;
                now.streams += 1;
            }),
            Some(other) => panic!("feed {other}"),
        }
        if let Some(said) = self.introspection {
            tenant.change(|now| now.introspection = said);
        }
    }

    /// Asks so many times at once.
    async fn ask(&self, mint: &Mint, base: &str, described: &Described) -> Option<String> {
        let times = 0..self.times.unwrap_or(1);
        let answers = join_all(times.map(|_| one(mint, base, described))).await;
        let is_wrong =
            |answer: &&Answer| Some(answer.status) != self.status || answer.wrong().is_some();
        answers.iter().find(is_wrong).map(|answer| format!("it is answered {answer:?}"))
    }

    /// Asks until the program has counted so much more; each is answered alike.
    async fn until_figures(
        &self,
        mint: &Mint,
        base: &str,
        described: &Described,
        wanted: &Map<String, Value>,
    ) -> Option<String> {
        let (began, before) = (Instant::now(), figures(base).await);
        let more = |(name, count): (&String, &Value)| {
            let sum = before[name].as_f64().unwrap() + count.as_f64().unwrap();
            (name.clone(), sum.into())
        };
        let wanted: Map<String, Value> = wanted.iter().map(more).collect();
        while !reached(base, &wanted).await {
            if began.elapsed() > WITHIN {
                return Some(format!("the figures do not reach {wanted:?}"));
            }
            if let Some(wrong) = self.ask(mint, base, described).await {
                return Some(wrong);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }
}

async fn one(mint: &Mint, base: &str, described: &Described) -> Answer {
    let token = mint.token(described);
    ask(&format!("{base}/me"), &[format!("Bearer {token}")]).await
}

/// Asks until it is answered so. What comes before must be one of the answers that a token may have meanwhile.
async fn until(mint: &Mint, base: &str, described: &Described, status: u16) -> Option<String> {
    let began = Instant::now();
    loop {
        let answer = one(mint, base, described).await;
        if let Some(wrong) = answer.wrong() {
            return Some(wrong);
        }
        if answer.status == status {
            return None;
        }
        if began.elapsed() > WITHIN {
            return Some(format!("it is still answered {answer:?}"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What the program has counted.
pub(crate) async fn figures(base: &str) -> Value {
    HTTP.get(format!("{base}/figures")).send().await.unwrap().json().await.unwrap()
}

/// Whether the program has counted at least so much.
async fn reached(base: &str, wanted: &Map<String, Value>) -> bool {
    let figures = figures(base).await;
    let is_reached = |(name, least): (&String, &Value)| figures[name].as_f64() >= least.as_f64();
    wanted.iter().all(is_reached)
}
