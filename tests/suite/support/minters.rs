//! Tasks that mint tokens without a pause, each in its own way.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
};

use rocket::{
    http::Method,
    tokio::{
        self,
        time::{Duration, Instant},
    },
};
use serde_json::json;

use super::{Agent, CALLBACK, Reply, TestApp, Tokens, VERIFIER, basic};

/// From when a request was sent until when it was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
}

impl Span {
    pub(crate) fn now() -> Self {
        Self { sent: Instant::now(), answered: Instant::now() }
    }

    pub(crate) async fn of<T>(work: impl Future<Output = T>) -> (T, Self) {
        let sent = Instant::now();
        let done = work.await;
        (done, Self { sent, answered: Instant::now() })
    }
}

/// A client of tenant `acme`, and a user who signs in through it.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) client_id: String,
    pub(crate) secret: Option<String>,
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Who {
    /// `username` at the public client `app`.
    pub(crate) fn at_app(username: &str) -> Self {
        let password = super::PASSWORD.to_owned();
        Self { client_id: "app".into(), secret: None, username: username.into(), password }
    }

    /// Posts to a protocol endpoint as the client.
    pub(crate) async fn post(
        &self,
        node: &TestApp,
        endpoint: &str,
        pairs: &[(&str, &str)],
    ) -> Reply {
        match &self.secret {
            Some(secret) => {
                node.acme().post_basic(endpoint, &basic(&self.client_id, secret), pairs).await
            }
            None => {
                node.acme()
                    .post(endpoint, &[&[("client_id", self.client_id.as_str())], pairs].concat())
                    .await
            }
        }
    }

    pub(crate) async fn refresh(&self, node: &TestApp, token: &str) -> Reply {
        self.post(node, "token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn credentials(&self, node: &TestApp) -> Reply {
        self.post(node, "token", &[("grant_type", "client_credentials"), ("scope", "reports.read")])
            .await
    }

    pub(crate) async fn password(&self, node: &TestApp) -> Reply {
        let pairs = [
            ("grant_type", "password"),
            ("username", &self.username),
            ("password", &self.password),
        ];
        self.post(node, "token", &pairs).await
    }

    /// Signs in where the client's own kind does: a confidential one is served at the token endpoint alone.
    pub(crate) async fn login(&self, node: &TestApp) -> Reply {
        if self.secret.is_some() {
            return self.password(node).await;
        }
        let Self { username, password, client_id, .. } = self;
        let body = json!({ "username": username, "password": password, "client_id": client_id });
        node.acme().post_json("/auth/login", body).await
    }

    pub(crate) async fn redeem(&self, node: &TestApp, code: &str) -> Reply {
        let grant = [("grant_type", "authorization_code"), ("code", code)];
        self.post(
            node,
            "token",
            &[&grant[..], &[("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]].concat(),
        )
        .await
    }

    /// Signs in at the login page, where there is one.
    pub(crate) async fn browse<'a>(&self, node: &'a TestApp) -> Agent<'a> {
        let mut agent = Agent::new(node);
        let page = agent.get("/t/acme/login").await;
        if page.status != 200 {
            return agent;
        }
        let csrf = page.hidden("csrf_token");
        let fields = [
            ("csrf_token", csrf.as_str()),
            ("username", &self.username),
            ("password", &self.password),
        ];
        agent.post("/t/acme/login", &fields).await;
        agent
    }

    /// A code of the browser's session, where it is still signed in.
    pub(crate) async fn code(
        &self,
        node: &TestApp,
        agent: &mut Agent<'_>,
    ) -> Result<String, Reply> {
        let path = node.acme().authorization(&self.client_id, &[]);
        let reply = agent.authorize(&path).await;
        let to = reply.header("location").unwrap_or_default();
        if !to.starts_with(CALLBACK) {
            return Err(reply);
        }
        reply.callback().get("code").cloned().ok_or(reply)
    }

    /// `count` codes of one browser session, not yet redeemed.
    pub(crate) async fn codes(
        &self,
        node: &TestApp,
        agent: &mut Agent<'_>,
        count: usize,
    ) -> Vec<String> {
        let mut codes = Vec::new();
        for _ in 0..count {
            codes.push(self.code(node, agent).await.unwrap_or_else(|reply| panic!("{reply:?}")));
        }
        codes
    }
}

/// A way to mint.
#[derive(Clone, Debug)]
pub(crate) enum Mint {
    /// Rotates at the token endpoint.
    Refresh(Tokens),
    /// Rotates at `/auth/refresh`.
    FirstParty(Tokens),
    /// The password grant.
    Password,
    /// `/auth/login`.
    Login,
    /// Client credentials.
    Credentials,
    /// Redeems codes: two before the ending, the others while it runs and after it.
    Codes(Vec<String>),
    /// Authorizes in a browser session and redeems what it is given.
    Browser(BTreeMap<String, String>),
}

impl Mint {
    fn name(&self) -> &'static str {
        match self {
            Self::Refresh(_) => "refresh",
            Self::FirstParty(_) => "first-party refresh",
            Self::Password => "password",
            Self::Login => "login",
            Self::Credentials => "credentials",
            Self::Codes(_) => "code",
            Self::Browser(_) => "browser",
        }
    }

    /// How many tokens it makes before the ending may be asked for, and how often it tries after the answer.
    fn before_and_after(&self) -> (usize, usize) {
        match self {
            Self::Refresh(_) | Self::FirstParty(_) => (5, 10),
            Self::Password | Self::Login => (1, 1),
            Self::Credentials => (10, 40),
            Self::Codes(_) => (2, usize::MAX),
            Self::Browser(_) => (1, 3),
        }
    }
}

/// What was minted: how, where, and since when what it comes from is there.
#[derive(Clone, Debug)]
pub(crate) struct Born {
    pub(crate) how: &'static str,
    pub(crate) minter: usize,
    pub(crate) node: usize,
    /// The sign-in that it comes from.
    pub(crate) session: Span,
    /// The authorization that it comes from.
    pub(crate) grant: Span,
    /// The request that made it.
    pub(crate) request: Span,
    pub(crate) tokens: Tokens,
}

pub(crate) const MINTING: u8 = 0;
pub(crate) const ENDING: u8 = 1;
pub(crate) const ENDED: u8 = 2;

/// What all minters of a siege have made.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) born: Mutex<Vec<Born>>,
    pub(crate) phase: AtomicU8,
    /// Minters that have not made enough yet.
    pub(crate) cold: AtomicUsize,
    pub(crate) faults: Mutex<Vec<String>>,
}

/// One minter at its work.
pub(crate) struct Minter {
    pub(crate) number: usize,
    pub(crate) at: usize,
    pub(crate) node: Arc<TestApp>,
    pub(crate) who: Who,
    pub(crate) mint: Mint,
    pub(crate) ledger: Arc<Ledger>,
}

/// What came of one try.
enum Try {
    Made,
    Refused(Reply),
    /// The server could not say.
    Busy,
    /// Nothing is left to try.
    Done,
}

impl Minter {
    pub(crate) async fn run(mut self) {
        let began = Span::now();
        let (mut before, mut after) = self.mint.before_and_after();
        let (mut busy, mut made, mut refused) = (0, 0, 0);
        loop {
            // An ending that is slow shall not make the test slow.
            if made > 150 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let phase = self.ledger.phase.load(Ordering::SeqCst);
            if matches!(self.mint, Mint::Codes(_)) && phase == MINTING && before == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            if phase == ENDED {
                if after == 0 {
                    break;
                }
                after -= 1;
            }
            match self.once(began).await {
                Try::Made => {
                    made += 1;
                    if before == 1 {
                        self.ledger.cold.fetch_sub(1, Ordering::SeqCst);
                    }
                    before = before.saturating_sub(1);
                }
                Try::Refused(reply) if reply.status >= 500 => {
                    self.fault(format!("{}: {} {}", self.mint.name(), reply.status, reply.body));
                }
                // Every code is tried; a machine may be served again; the others will not be.
                Try::Refused(_) if phase != MINTING => match self.mint {
                    Mint::Codes(_) => {}
                    Mint::Credentials if refused < 20 => {
                        refused += 1;
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                    _ => break,
                },
                // The ending may have been asked for while this was on its way.
                Try::Refused(_) if self.ledger.phase.load(Ordering::SeqCst) != MINTING => {}
                Try::Refused(reply) => {
                    self.fault(format!(
                        "{} refused before the ending: {reply:?}",
                        self.mint.name()
                    ));
                    break;
                }
                Try::Busy => {
                    busy += 1;
                    if busy > 500 {
                        self.fault(format!("{}: 503 without end", self.mint.name()));
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Try::Done => break,
            }
        }
        if before > 0 {
            self.ledger.cold.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn fault(&self, what: String) {
        self.ledger.faults.lock().unwrap().push(what);
    }

    async fn once(&mut self, began: Span) -> Try {
        let (node, who) = (Arc::clone(&self.node), self.who.clone());
        let how = self.mint.name();
        let (reply, request, grant) = match &mut self.mint {
            Mint::Refresh(held) => {
                let (reply, request) = Span::of(who.refresh(&node, &held.refresh)).await;
                (reply, request, Some(began))
            }
            Mint::FirstParty(held) => {
                // A confidential client's are rotated where it proves itself.
                let rotating = async {
                    match who.secret {
                        Some(_) => who.refresh(&node, &held.refresh).await,
                        None => {
                            node.acme().bearer(Method::Post, "/auth/refresh", &held.refresh).await
                        }
                    }
                };
                let (reply, request) = Span::of(rotating).await;
                (reply, request, Some(began))
            }
            Mint::Password => {
                let (reply, request) = Span::of(who.password(&node)).await;
                (reply, request, None)
            }
            Mint::Login => {
                let (reply, request) = Span::of(who.login(&node)).await;
                (reply, request, None)
            }
            Mint::Credentials => {
                let (reply, request) = Span::of(who.credentials(&node)).await;
                (reply, request, None)
            }
            Mint::Codes(codes) => {
                let Some(code) = codes.pop() else { return Try::Done };
                let (reply, request) = Span::of(who.redeem(&node, &code)).await;
                if reply.status == 503 {
                    codes.push(code);
                }
                (reply, request, Some(began))
            }
            Mint::Browser(cookies) => {
                let mut agent = Agent::new(&node);
                agent.cookies = cookies.clone();
                let (code, grant) = Span::of(who.code(&node, &mut agent)).await;
                match code {
                    Ok(code) => {
                        let (reply, request) = Span::of(who.redeem(&node, &code)).await;
                        (reply, request, Some(grant))
                    }
                    Err(reply) => (reply, grant, Some(grant)),
                }
            }
        };
        match reply.status {
            200 if reply.body.contains("access_token") => {
                let tokens = reply.tokens();
                if let Mint::Refresh(held) | Mint::FirstParty(held) = &mut self.mint {
                    *held = tokens.clone();
                }
                let grant = grant.unwrap_or(request);
                let session = if matches!(self.mint, Mint::Browser(_)) { began } else { grant };
                let (minter, node) = (self.number, self.at);
                let born = Born { how, minter, node, session, grant, request, tokens };
                self.ledger.born.lock().unwrap().push(born);
                Try::Made
            }
            503 => Try::Busy,
            _ => Try::Refused(reply),
        }
    }
}
