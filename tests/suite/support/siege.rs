//! A siege: tokens are minted on every node while one ending runs; then each of them is looked at.
//!
//! What the ending speaks of must be dead at every node once it is answered and the bound is over,
//! and what comes after it must be good. Both are counted, and said together at the end.

use std::sync::{Arc, atomic::Ordering};

use rocket::{
    http::Method,
    tokio::{
        self,
        task::JoinSet,
        time::{Duration, Instant},
    },
};
use serde_json::{Value, json};

use super::{
    CALLBACK, Ended, Mint, PassingTime, Reply, SECRET, TestApp, Tokens, Ways, Who,
    minters::{Born, ENDED, ENDING, Ledger, MINTING, Minter, Span},
    on_four_threads,
};

/// How long a good server may take to serve an honest client again, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(8);

/// Makes a test of each scene on one node, and one on two.
macro_rules! besieged {
    ($($scene:ident)*) => {
        mod on_one_node {
            $(#[test] fn $scene() { crate::support::besiege(1, super::$scene); })*
        }
        mod on_two_nodes {
            $(#[test] fn $scene() { crate::support::besiege(2, super::$scene); })*
        }
    };
}
pub(crate) use besieged;

/// Runs a scene on so many nodes.
pub(crate) fn besiege<F: Future<Output = ()>>(nodes: usize, scene: impl FnOnce(Siege) -> F) {
    on_four_threads(async { scene(Siege::of(nodes).await).await });
}

/// Nodes under siege.
pub(crate) struct Siege {
    pub(crate) nodes: Vec<Arc<TestApp>>,
    /// Who asks about tokens: a client and its secret.
    pub(crate) asks: (String, String),
    pub(crate) ledger: Arc<Ledger>,
    minters: JoinSet<()>,
    faults: Vec<String>,
    _time: Option<PassingTime>,
}

impl Siege {
    /// A new installation of `count` nodes, whose clock goes.
    pub(crate) async fn of(count: usize) -> Self {
        let mut nodes = vec![TestApp::start().await];
        for _ in 1..count {
            let another = nodes[0].another_node().await;
            nodes.push(another);
        }
        let time = nodes[0].let_time_pass();
        Self { _time: Some(time), ..Self::at(nodes.into_iter().map(Arc::new).collect()) }
    }

    /// Two nodes, the second with a clock that is `seconds` ahead; both clocks go.
    pub(crate) async fn with_clocks_apart(seconds: i64) -> Self {
        let first = TestApp::start().await;
        let second = first.another_node_with_clock(seconds).await;
        let time = first.let_time_pass();
        Self { _time: Some(time), ..Self::at(vec![Arc::new(first), Arc::new(second)]) }
    }

    /// Two nodes, the second of which can be cut off; their clock goes.
    pub(crate) async fn with_ways() -> (Self, Ways) {
        let first = TestApp::start().await;
        let (second, ways) = first.another_node_that_can_be_cut_off().await;
        let time = first.let_time_pass();
        (Self { _time: Some(time), ..Self::at(vec![Arc::new(first), Arc::new(second)]) }, ways)
    }

    /// A siege of these nodes, whose clocks are the test's business.
    pub(crate) fn at(nodes: Vec<Arc<TestApp>>) -> Self {
        let asks = ("robot".to_owned(), SECRET.to_owned());
        let (ledger, minters) = (Arc::default(), JoinSet::new());
        Self { nodes, asks, ledger, minters, faults: Vec::new(), _time: None }
    }

    pub(crate) fn app(&self) -> &TestApp {
        &self.nodes[0]
    }

    pub(crate) fn last(&self) -> usize {
        self.nodes.len() - 1
    }

    /// A confidential client that may do everything, with `username` at it.
    pub(crate) async fn client(&self, client_id: &str, username: &str) -> Who {
        let fields = json!({
            "client_id": client_id, "client_secret": SECRET, "client_name": client_id, "skip_consent": true,
            "redirect_uris": [CALLBACK], "scope": "openid profile email offline_access reports.read",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials", "password"],
        });
        self.app().api(Method::Post, "/tenants/acme/clients", fields).await.ok();
        Who { client_id: client_id.into(), secret: Some(SECRET.into()), ..Who::at_app(username) }
    }

    /// A user of this name with the usual password; their identifier.
    pub(crate) async fn user(&self, username: &str) -> String {
        let fields = json!({ "username": username, "password": super::PASSWORD, "name": username });
        let made = self.app().api(Method::Post, "/tenants/acme/users", fields).await.ok();
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Lets a new task mint at a node.
    pub(crate) fn mint(&mut self, at: usize, who: &Who, mint: Mint) {
        let at = at % self.nodes.len();
        let (node, ledger) = (Arc::clone(&self.nodes[at]), Arc::clone(&self.ledger));
        self.ledger.cold.fetch_add(1, Ordering::SeqCst);
        let minter =
            Minter { number: self.minters.len(), at, node, who: who.clone(), mint, ledger };
        self.minters.spawn(minter.run());
    }

    /// Rotation in two ways, codes and a browser, spread over the nodes: what a user's session makes.
    pub(crate) async fn mint_for_user(&mut self, who: &Who) {
        let (first, last) = (Arc::clone(&self.nodes[0]), Arc::clone(&self.nodes[self.last()]));
        let held = who.password(&first).await.tokens();
        let held_too = who.login(&first).await.tokens();
        let mut agent = who.browse(&last).await;
        let codes = who.codes(&last, &mut agent, 8).await;
        let browser = agent.cookies;
        self.mint(0, who, Mint::Refresh(held));
        self.mint(1, who, Mint::FirstParty(held_too));
        self.mint(1, who, Mint::Codes(codes));
        self.mint(0, who, Mint::Browser(browser));
    }

    /// Sends the ending once every minter is warm, and waits until all have stopped.
    pub(crate) async fn end(
        &mut self,
        node: usize,
        method: Method,
        path: &str,
        body: Value,
    ) -> Ended {
        let at = Arc::clone(&self.nodes[node]);
        let ended = self.end_by(node, until_served(|| at.api(method, path, body.clone()))).await;
        assert!(
            (200..300).contains(&ended.reply.status),
            "the ending {method} {path}: {:?}",
            ended.reply
        );
        ended
    }

    /// The same with an ending of the test's own.
    pub(crate) async fn end_by(
        &mut self,
        node: usize,
        ending: impl Future<Output = Reply>,
    ) -> Ended {
        let began = Instant::now();
        while self.ledger.cold.load(Ordering::SeqCst) > 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "the minters do not get warm");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.ledger.phase.store(ENDING, Ordering::SeqCst);
        let (reply, span) = Span::of(ending).await;
        self.ledger.phase.store(ENDED, Ordering::SeqCst);
        while let Some(done) = self.minters.join_next().await {
            done.unwrap();
        }
        self.faults.append(&mut self.ledger.faults.lock().unwrap());
        let event =
            serde_json::from_str::<Value>(&reply.body).ok().and_then(|body| body["event"].as_i64());
        Ended { span, node, reply, event }
    }

    /// Counts tokens that the test has made itself among the minted ones.
    pub(crate) fn note(&self, held: &Tokens) {
        self.put("given", 0, Span::now(), held);
    }

    /// The same of client credentials, made at this node.
    pub(crate) fn note_machine(&self, node: usize, held: &Tokens) {
        self.put("credentials", node, Span::now(), held);
    }

    /// The same of a sign-in of this span.
    pub(crate) fn note_sign_in(&self, span: Span, held: &Tokens) {
        self.put("sign-in", 0, span, held);
    }

    fn put(&self, how: &'static str, node: usize, span: Span, held: &Tokens) {
        let (minter, tokens) = (usize::MAX, held.clone());
        let born = Born { how, minter, node, session: span, grant: span, request: span, tokens };
        self.ledger.born.lock().unwrap().push(born);
    }

    /// Takes what was minted, and makes ready for another round.
    pub(crate) fn take(&self) -> Vec<Born> {
        self.ledger.phase.store(MINTING, Ordering::SeqCst);
        std::mem::take(&mut *self.ledger.born.lock().unwrap())
    }

    pub(crate) fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    /// Checks that what is made now, at any node, is good at every node.
    pub(crate) async fn serves(&mut self, what: &str, who: &Who) {
        let began = Instant::now();
        for at in 0..self.nodes.len() {
            let mut why = self.try_to_serve(at, who).await;
            while why.is_some() && began.elapsed() < PATIENCE {
                tokio::time::sleep(Duration::from_millis(100)).await;
                why = self.try_to_serve(at, who).await;
            }
            self.faults.extend(why.map(|why| format!("{what}, afterwards at node {at}: {why}")));
        }
    }

    async fn try_to_serve(&self, at: usize, who: &Who) -> Option<String> {
        let node = &self.nodes[at];
        let signed_in = who.login(node).await;
        if signed_in.status != 200 {
            return Some(format!(
                "a new sign-in is answered {} {}",
                signed_in.status, signed_in.body
            ));
        }
        let mut fresh: Vec<Tokens> = vec![signed_in.tokens()];
        let refreshed = who.refresh(node, &fresh[0].refresh).await;
        if refreshed.status != 200 {
            return Some(format!(
                "a new refresh token is answered {} {}",
                refreshed.status, refreshed.body
            ));
        }
        fresh.push(refreshed.tokens());
        if who.secret.is_some() {
            let minted = who.credentials(node).await;
            if minted.status != 200 {
                return Some(format!(
                    "client credentials are answered {} {}",
                    minted.status, minted.body
                ));
            }
            fresh.push(minted.tokens());
        }
        for other in 0..self.nodes.len() {
            for (kind, tokens) in ["login", "refresh", "credentials"].iter().zip(&fresh) {
                if self.takes_at(other, &tokens.access, false).await.is_none() {
                    return Some(format!("a new token ({kind}) is refused at node {other}"));
                }
            }
        }
        None
    }

    /// Takes over what another siege has found.
    pub(crate) fn adopt(&mut self, mut other: Self) {
        self.faults.append(&mut other.faults);
    }

    /// Says all that was found.
    #[track_caller]
    pub(crate) fn verdict(self) {
        assert!(self.faults.is_empty(), "\n  {}\n", self.faults.join("\n  "));
    }
}

/// Asks again where the server says that it could not say.
pub(crate) async fn until_served<F: Future<Output = Reply>>(mut ask: impl FnMut() -> F) -> Reply {
    for _ in 0..20 {
        let reply = ask().await;
        if reply.status != 503 {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ask().await
}
