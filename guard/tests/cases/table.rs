//! The table: what is asked of a program, and what it must answer.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
    time::Duration,
};

use reqwest::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    programs,
    scenario::{Scenario, figures},
    tokens::{Described, Mint},
    world::World,
};

/// How long something may take that is waited for.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);

/// Each request has a connection of its own: what one leaves behind is no other's. A client for each would take longer
/// to make than some programs wait for a request's head.
pub(crate) static HTTP: LazyLock<reqwest::Client> =
    LazyLock::new(|| reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap());

/// One request, and its answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Case {
    id: Option<String>,
    case: String,
    header: serde_json::Map<String, Value>,
    claims: serde_json::Map<String, Value>,
    payload: Option<Value>,
    key: Option<String>,
    raw: Option<String>,
    authorization: Option<Vec<String>>,
    path: Option<String>,
    status: u16,
    error: Option<String>,
    challenge: Option<String>,
    body: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    tokens: Vec<Value>,
    scenarios: Vec<Scenario>,
}

/// What a program has answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    challenge: Option<String>,
    retry_after: Option<String>,
    body: String,
}

/// Asks a program.
pub(crate) async fn ask(address: &str, authorization: &[String]) -> Answer {
    let mut asked = HTTP.get(address).timeout(WITHIN);
    for line in authorization {
        asked = asked.header(AUTHORIZATION, line);
    }
    let answer = asked.send().await.unwrap();
    let header = |name: &reqwest::header::HeaderName| {
        let mut lines = answer.headers().get_all(name).iter();
        let line = lines.next().map(|line| line.to_str().unwrap().to_owned());
        assert!(lines.next().is_none(), "{name} twice");
        line
    };
    let (challenge, retry_after) = (header(&WWW_AUTHENTICATE), header(&RETRY_AFTER));
    let status = answer.status().as_u16();
    Answer { status, challenge, retry_after, body: answer.text().await.unwrap() }
}

impl Answer {
    /// What is wrong with it, whatever was asked.
    pub(crate) fn wrong(&self) -> Option<String> {
        let is_right = match self.status {
            200 => self.challenge.is_none(),
            400 | 401 | 403 => self.challenge.as_deref().is_some_and(|it| it.starts_with("Bearer")),
            503 => self.challenge.is_none() && self.retry_after.as_deref() == Some("1"),
            _ => false,
        };
        (!is_right).then(|| format!("{self:?}"))
    }
}

impl Case {
    fn described(&self) -> Described {
        Described {
            header: self.header.clone(),
            claims: self.claims.clone(),
            payload: self.payload.clone(),
            key: self.key.clone(),
            same: None,
        }
    }

    /// The `Authorization` headers, and the address.
    fn request(&self, mint: &Mint, base: &str) -> (Vec<String>, String) {
        let token = mint.token(&self.described());
        let cut = token.rsplit_once('.').unwrap().0;
        let fill = |text: &str| {
            text.replace("{token}", &token)
                .replace("{token-without-signature}", cut)
                .replace("{a-thousand-letters}", &"A".repeat(1_000))
        };
        let one = vec![format!("Bearer {}", self.raw.as_deref().unwrap_or("{token}"))];
        let lines = self.authorization.as_ref().unwrap_or(&one);
        let path = self.path.as_deref().unwrap_or("/me");
        (lines.iter().map(|line| fill(line)).collect(), fill(&format!("{base}{path}")))
    }

    fn wrong(&self, answer: &Answer, mint: &Mint) -> Option<String> {
        if answer.status != self.status {
            return Some(format!("it is answered {answer:?}"));
        }
        let code = self.error.as_ref().map(|code| format!("Bearer error=\"{code}\", "));
        let challenge = answer.challenge.as_deref().unwrap_or_default();
        if code.is_some_and(|code| !challenge.starts_with(&code))
            || self.challenge.as_ref().is_some_and(|wanted| challenge != wanted)
        {
            return Some(format!("the challenge is {challenge}"));
        }
        let wanted: Value =
            serde_json::from_str(&mint.fill(&self.body.as_ref()?.to_string())).unwrap();
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let differs = |(name, value): (&String, &Value)| said.get(name) != Some(value);
        wanted.as_object().unwrap().iter().any(differs).then(|| format!("it says {said}"))
    }
}

impl Table {
    pub(crate) fn read() -> Self {
        serde_json::from_str(&programs::read("guard/cases.json")).unwrap()
    }

    /// What programs are told to do while nothing is heard; none, where it is not said.
    pub(crate) fn choices(&self) -> BTreeSet<Option<&str>> {
        self.scenarios.iter().map(|it| it.when_behind.as_deref()).collect()
    }

    pub(crate) fn scenarios(&self, when_behind: Option<&str>) -> impl Iterator<Item = &Scenario> {
        self.scenarios.iter().filter(move |it| it.when_behind.as_deref() == when_behind)
    }

    /// Asks for each token; what is wrong.
    pub(crate) async fn ask_tokens(&self, world: &Arc<World>, base: &str) -> Vec<String> {
        let tenant = world.tenant("table", Vec::new());
        let neighbour = world.tenant("neighbour", Vec::new());
        let mint = Mint::new(Arc::clone(world), tenant, neighbour);
        mint.until_heard(base).await;
        let mut wrong = Vec::new();
        for case in &self.tokens {
            let case: Case = serde_json::from_value(case.clone()).unwrap();
            let (authorization, address) = case.request(&mint, base);
            let answer = ask(&address, &authorization).await;
            let what = answer.wrong().or_else(|| case.wrong(&answer, &mint));
            wrong.extend(what.map(|what| format!("{}: {what}", case.case)));
        }
        wrong
    }
}

impl Mint {
    /// Waits until the tenant's feed was heard.
    pub(crate) async fn until_heard(&self, base: &str) {
        let good = || vec![format!("Bearer {}", self.token(&Described::default()))];
        let heard = async {
            // One that does not refuse while it is behind says by its figures alone that it is not.
            while ask(&format!("{base}/me"), &good()).await.status == 503
                || figures(base).await["silent_for_ms"].is_null()
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(WITHIN, heard).await.is_ok(), "the feed is not heard");
    }
}
