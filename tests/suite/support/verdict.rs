//! What is left of the tokens of a siege, once an ending was answered and [`BOUND`] is over.

use std::{collections::BTreeMap, sync::Arc};

use rocket::{
    futures::future::join_all,
    http::Method,
    tokio::{
        self,
        time::{Duration, Instant},
    },
};
use serde_json::Value;

use super::{
    Agent, Reply, Siege, Tokens, Who, basic,
    minters::{Born, Span},
    until_served,
};

/// How long after its answer an ending may take to be in force at every node.
pub(crate) const BOUND: Duration = Duration::from_millis(2200);

/// What an ending speaks of.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// Everything that was minted: what it comes from can make nothing any more.
    All,
    /// What comes from something that was there before the ending was asked for.
    Before(Root),
    /// What was signed with this key.
    SignedWith(String),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Root {
    Session,
    Grant,
}

/// An ending that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) span: Span,
    pub(crate) node: usize,
    pub(crate) reply: Reply,
    pub(crate) event: Option<i64>,
}

impl Ended {
    fn dooms(&self, reach: &Reach, born: &Born) -> bool {
        match reach {
            Reach::All => true,
            Reach::SignedWith(kid) => claim_of(0, &born.tokens.access, "kid") == kid.as_str(),
            Reach::Before(root) => {
                let root = match root {
                    Root::Session => born.session,
                    Root::Grant => born.grant,
                };
                // A token that says itself that it knew of less than this ending was born before it.
                let rev = claim(&born.tokens.access, "rev").as_i64();
                let older = matches!((rev, self.event), (Some(rev), Some(event)) if rev < event);
                root.answered < self.span.sent || older
            }
        }
    }

    /// Whether `born` could not have been made any more: a node that has not heard of the ending
    /// may still answer from memory, but what it makes there is dead.
    fn too_late(&self, reach: &Reach, born: &Born) -> bool {
        let signed = matches!(reach, Reach::SignedWith(_));
        let from_memory = born.node != self.node && (signed || born.how == "credentials");
        born.request.sent > self.span.answered && !from_memory
    }
}

/// A claim of an access token, unverified.
pub(crate) fn claim(token: &str, name: &str) -> Value {
    claim_of(1, token, name)
}

/// The key that a token was signed with.
pub(crate) fn kid(token: &str) -> String {
    claim_of(0, token, "kid").as_str().unwrap().to_owned()
}

/// Good ones among those that should be dead.
#[derive(Default)]
struct Tally(BTreeMap<String, (usize, usize)>);

impl Tally {
    fn count(&mut self, what: &str, good: bool) {
        let entry = self.0.entry(what.to_owned()).or_default();
        entry.0 += usize::from(good);
        entry.1 += 1;
    }
}

impl Siege {
    /// Looks at all that was minted.
    pub(crate) async fn judge(&mut self, what: &str, ended: &Ended, reach: Reach, who: &Who) {
        let born = self.take();
        assert!(!born.is_empty(), "{what}: nothing was minted");
        self.judge_these(what, ended, reach, who, born).await;
    }

    /// Looks at the access tokens alone: what else was granted goes on.
    pub(crate) async fn judge_access(&mut self, what: &str, ended: &Ended, reach: Reach) {
        let born = self.take();
        let doomed: Vec<Born> = born.into_iter().filter(|born| ended.dooms(&reach, born)).collect();
        let tally = self.tally_access(ended, &reach, &doomed).await;
        self.report(what, &doomed, &tally);
    }

    pub(crate) async fn judge_these(
        &mut self,
        what: &str,
        ended: &Ended,
        reach: Reach,
        who: &Who,
        born: Vec<Born>,
    ) {
        let doomed: Vec<Born> = born.into_iter().filter(|born| ended.dooms(&reach, born)).collect();
        let mut tally = self.tally_access(ended, &reach, &doomed).await;
        for born in last_refresh_tokens(&doomed) {
            let good = self.refreshes(who, born).await;
            tally.count(&format!("{} refresh", born.how), good);
        }
        self.report(what, &doomed, &tally);
    }

    async fn tally_access(&self, ended: &Ended, reach: &Reach, doomed: &[Born]) -> Tally {
        let mut tally = Tally::default();
        for born in doomed {
            tally.count("made after the answer", ended.too_late(reach, born));
        }
        let good = self.still_good(doomed, ended).await;
        for (at, born) in doomed.iter().enumerate() {
            tally.count(&format!("{} access", born.how), good.contains(&at));
        }
        tally
    }

    fn report(&mut self, what: &str, doomed: &[Born], tally: &Tally) {
        let good: usize = tally.0.values().map(|(good, _)| good).sum();
        if good > 0 {
            let part =
                |(what, (good, all)): (&String, &(usize, usize))| format!("{what} {good}/{all}");
            let parts: Vec<String> =
                tally.0.iter().filter(|(_, (good, _))| *good > 0).map(part).collect();
            self.fault(format!("{what}: still good of {}: {}", doomed.len(), parts.join(", ")));
        }
    }

    /// Those that some node still takes once the bound is over, by their place in `doomed`.
    async fn still_good(&self, doomed: &[Born], ended: &Ended) -> Vec<usize> {
        let mut left: Vec<usize> = (0..doomed.len()).collect();
        loop {
            let late = ended.span.answered.elapsed() >= BOUND;
            let looks = left.chunks(left.len().div_ceil(4).max(1)).map(|some| async move {
                let mut good = Vec::new();
                for at in some {
                    // Every way to ask costs time: all of them for each fifth.
                    let thorough = at % 5 == 0 || some.len() <= 8;
                    if self.takes(&doomed[*at].tokens.access, thorough).await.is_some() {
                        good.push(*at);
                    }
                }
                good
            });
            left = join_all(looks).await.concat();
            if left.is_empty() || late {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Where an access token is still taken.
    pub(crate) async fn takes(&self, token: &str, thorough: bool) -> Option<String> {
        for at in 0..self.nodes.len() {
            if let Some(door) = self.takes_at(at, token, thorough).await {
                return Some(format!("{door} of node {at}"));
            }
        }
        None
    }

    pub(crate) async fn takes_at(
        &self,
        at: usize,
        token: &str,
        thorough: bool,
    ) -> Option<&'static str> {
        let (acme, (client_id, secret)) = (self.nodes[at].acme(), &self.asks);
        let told =
            acme.post_basic("introspect", &basic(client_id, secret), &[("token", token)]).await;
        if told.status == 200 && told.json()["active"] == true {
            return Some("introspection");
        }
        if thorough {
            if acme.bearer(Method::Get, "/auth/me", token).await.status == 200 {
                return Some("/auth/me");
            }
            if acme.bearer(Method::Get, "/oauth2/userinfo", token).await.status == 200 {
                return Some("userinfo");
            }
        }
        None
    }

    /// Whether some node still rotates a refresh token.
    async fn refreshes(&mut self, who: &Who, born: &Born) -> bool {
        for node in self.nodes.clone().iter().rev() {
            let reply = until_served(|| who.refresh(node, &born.tokens.refresh)).await;
            let code = serde_json::from_str::<Value>(&reply.body)
                .ok()
                .and_then(|body| body["error"].as_str().map(str::to_owned));
            match (reply.status, code.as_deref()) {
                (200, _) => return true,
                // The client or the tenant is gone too.
                (400, Some("invalid_grant")) | (401, Some("invalid_client")) => {}
                (403, Some("access_denied")) | (404, Some("not_found")) => {}
                other => self
                    .fault(format!("a dead refresh token is answered {other:?}: {}", reply.body)),
            }
        }
        false
    }

    /// Checks that a grant which the ending does not speak of goes on at every node.
    pub(crate) async fn stays(&mut self, what: &str, who: &Who, held: &Tokens) {
        for at in 0..self.nodes.len() {
            if self.takes_at(at, &held.access, false).await.is_none() {
                self.fault(format!("{what}: another's access token was ended too, at node {at}"));
            }
        }
        let node = Arc::clone(&self.nodes[self.last()]);
        let reply = until_served(|| who.refresh(&node, &held.refresh)).await;
        if reply.status != 200 {
            self.fault(format!(
                "{what}: another's grant was ended too: {} {}",
                reply.status, reply.body
            ));
        }
    }

    /// Checks that no node takes the client's secret any more, once the bound is over.
    pub(crate) async fn refuses_credentials(&mut self, what: &str, who: &Who) {
        let began = Instant::now();
        for node in self.nodes.clone() {
            loop {
                let late = began.elapsed() >= BOUND;
                let reply = who.credentials(&node).await;
                if reply.status == 401 {
                    break;
                }
                if late {
                    self.fault(format!(
                        "{what}: the secret is still taken: {} {}",
                        reply.status, reply.body
                    ));
                    break;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
    }

    /// Whether a browser's cookie signs anybody in, at any node.
    pub(crate) async fn browser_is_signed_in(&self, cookies: &BTreeMap<String, String>) -> bool {
        for node in &self.nodes {
            let mut agent = Agent::new(node);
            agent.cookies = cookies.clone();
            if agent.get("/t/acme/account").await.status == 200 {
                return true;
            }
        }
        false
    }
}

/// The last refresh tokens of each minter, the youngest first: an older one ends its family.
fn last_refresh_tokens(doomed: &[Born]) -> Vec<&Born> {
    let mut taken = BTreeMap::<usize, usize>::new();
    let refreshing = doomed.iter().rev().filter(|born| !born.tokens.refresh.is_empty());
    refreshing
        .filter(|born| {
            let count = taken.entry(born.minter).or_default();
            *count += 1;
            *count <= 8
        })
        .collect()
}

/// A claim of a JWT, unverified; its header's too, where `part` is 0.
fn claim_of(part: usize, token: &str, name: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(part).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&bytes).unwrap();
    claims[name].take()
}
