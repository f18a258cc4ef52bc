//! O1: what a session, a grant or a token has given is dead once its end was answered, whoever
//! minted meanwhile, and wherever.

use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::{Mint, Reach, Siege, Tokens, Who, besieged, claim, until_served};

const ROUNDS: usize = 3;

besieged! {
    o1_a_session_that_an_administrator_ends
    o1_a_session_that_its_own_app_ends
    o1_a_browser_session_that_its_user_ends
    o1_a_grant_that_its_client_revokes
    o1_a_grant_that_ends_because_an_old_token_came_again
    o1_a_grant_that_ends_because_its_code_came_again
    o1_an_access_token_that_its_client_revokes
    o1_an_access_token_that_an_administrator_revokes
}

/// A browser session with a grant, codes that wait, and a browser that asks for more.
async fn mint_in_one_session(
    siege: &mut Siege,
    who: &Who,
) -> (Tokens, std::collections::BTreeMap<String, String>) {
    let node = std::sync::Arc::clone(&siege.nodes[0]);
    let mut agent = who.browse(&node).await;
    let mut codes = who.codes(&node, &mut agent, 8).await;
    let held = who.redeem(&node, &codes.pop().unwrap()).await.tokens();
    siege.mint(1, who, Mint::Refresh(held.clone()));
    siege.mint(0, who, Mint::Codes(codes));
    siege.mint(1, who, Mint::Browser(agent.cookies.clone()));
    siege.mint(0, who, Mint::Browser(agent.cookies.clone()));
    (held, agent.cookies)
}

async fn o1_a_session_that_an_administrator_ends(mut siege: Siege) {
    let (who, bystander) = (Who::at_app("ada"), Who::at_app("ada"));
    let stays = bystander.login(siege.app()).await.tokens();
    for round in 0..ROUNDS {
        let (held, cookies) = mint_in_one_session(&mut siege, &who).await;
        let sid = claim(&held.access, "sid");
        let path = format!("/tenants/acme/sessions/{}", sid.as_str().unwrap());
        let ended = siege.end(round % siege.nodes.len(), Method::Delete, &path, Value::Null).await;
        siege.judge("session ended", &ended, Reach::All, &who).await;
        if siege.browser_is_signed_in(&cookies).await {
            siege.fault("session ended: the browser is still signed in");
        }
    }
    siege.stays("session ended", &bystander, &stays).await;
    siege.serves("session ended", &who).await;
    siege.verdict();
}

async fn o1_a_session_that_its_own_app_ends(mut siege: Siege) {
    let who = Who::at_app("ada");
    for round in 0..ROUNDS {
        let held = who.login(siege.app()).await.tokens();
        let at = std::sync::Arc::clone(&siege.nodes[round % siege.nodes.len()]);
        siege.mint(round + 1, &who, Mint::FirstParty(held.clone()));
        let logout =
            || async { at.acme().bearer(Method::Post, "/auth/logout", &held.access).await };
        let ended = siege.end_by(round % siege.nodes.len(), until_served(logout)).await;
        assert_eq!(ended.reply.status, 204, "{:?}", ended.reply);
        siege.judge("signed out by the app", &ended, Reach::All, &who).await;
    }
    siege.serves("signed out by the app", &who).await;
    siege.verdict();
}

async fn o1_a_browser_session_that_its_user_ends(mut siege: Siege) {
    let who = Who::at_app("ada");
    for round in 0..ROUNDS {
        let (_, cookies) = mint_in_one_session(&mut siege, &who).await;
        let at = std::sync::Arc::clone(&siege.nodes[round % siege.nodes.len()]);
        let mut agent = crate::support::Agent::new(&at);
        agent.cookies = cookies.clone();
        let csrf = agent.get("/t/acme/account").await.ok().hidden("csrf_token");
        let end = async {
            let mut reply =
                agent.post("/t/acme/account/sessions/all/end", &[("csrf_token", &csrf)]).await;
            while reply.status == 503 {
                reply =
                    agent.post("/t/acme/account/sessions/all/end", &[("csrf_token", &csrf)]).await;
            }
            reply
        };
        let ended = siege.end_by(round % siege.nodes.len(), end).await;
        assert_eq!(ended.reply.status, 303, "{:?}", ended.reply);
        siege.judge("ended by the user", &ended, Reach::All, &who).await;
        if siege.browser_is_signed_in(&cookies).await {
            siege.fault("ended by the user: the browser is still signed in");
        }
    }
    siege.serves("ended by the user", &who).await;
    siege.verdict();
}

/// Four grants, minting; and the ones that end, each by the first refresh token that it gave.
async fn mint_in_four_grants(siege: &mut Siege, who: &Who) -> Vec<Tokens> {
    let mut first = Vec::new();
    for at in 0..4 {
        let held = who.password(siege.app()).await.tokens();
        siege.mint(at, who, Mint::Refresh(held.clone()));
        first.push(held);
    }
    first
}

async fn o1_a_grant_that_its_client_revokes(mut siege: Siege) {
    let who = siege.client("holder", "ada").await;
    let stays = who.password(siege.app()).await.tokens();
    for round in 0..2 {
        let grants = mint_in_four_grants(&mut siege, &who).await;
        let node = round % siege.nodes.len();
        let at = std::sync::Arc::clone(&siege.nodes[node]);
        let revoke = async {
            let all = grants.iter().map(|grant| {
                let (who, at) = (&who, &at);
                async move {
                    until_served(|| async {
                        who.post(at, "revoke", &[("token", &grant.refresh)]).await
                    })
                    .await
                    .ok()
                }
            });
            rocket::futures::future::join_all(all).await.remove(0)
        };
        let ended = siege.end_by(node, revoke).await;
        siege.judge("grant revoked", &ended, Reach::All, &who).await;
    }
    siege.stays("grant revoked", &who, &stays).await;
    siege.serves("grant revoked", &who).await;
    siege.verdict();
}

async fn o1_a_grant_that_ends_because_an_old_token_came_again(mut siege: Siege) {
    let who = Who::at_app("ada");
    for round in 0..2 {
        let grants = mint_in_four_grants(&mut siege, &who).await;
        let node = round % siege.nodes.len();
        let at = std::sync::Arc::clone(&siege.nodes[node]);
        let replay = async {
            let all = grants.iter().map(|grant| {
                let (who, at) = (&who, &at);
                async move { until_served(|| who.refresh(at, &grant.refresh)).await }
            });
            rocket::futures::future::join_all(all).await.remove(0)
        };
        let ended = siege.end_by(node, replay).await;
        ended.reply.assert_error(400, "invalid_grant");
        siege.judge("refresh token reused", &ended, Reach::All, &who).await;
    }
    siege.serves("refresh token reused", &who).await;
    siege.verdict();
}

async fn o1_a_grant_that_ends_because_its_code_came_again(mut siege: Siege) {
    let who = siege.client("holder", "ada").await;
    for round in 0..ROUNDS {
        let first = std::sync::Arc::clone(&siege.nodes[0]);
        let mut agent = who.browse(&first).await;
        let code = who.codes(&first, &mut agent, 1).await.remove(0);
        let held = who.redeem(&first, &code).await.tokens();
        siege.mint(round + 1, &who, Mint::Refresh(held));
        let node = round % siege.nodes.len();
        let at = std::sync::Arc::clone(&siege.nodes[node]);
        let ended = siege.end_by(node, until_served(|| who.redeem(&at, &code))).await;
        ended.reply.assert_error(400, "invalid_grant");
        siege.judge("code replayed", &ended, Reach::All, &who).await;
    }
    siege.serves("code replayed", &who).await;
    siege.verdict();
}

/// A token that is ended alone: its sibling of the same grant goes on.
async fn one_token<F: Future<Output = crate::support::Reply>>(
    siege: &mut Siege,
    who: &Who,
    end: impl Fn(std::sync::Arc<crate::support::TestApp>, Tokens) -> F,
) {
    for round in 0..ROUNDS {
        let node = round % siege.nodes.len();
        let at = std::sync::Arc::clone(&siege.nodes[node]);
        let held = who.password(siege.app()).await.tokens();
        let sibling = who.refresh(siege.app(), &held.refresh).await.tokens();
        siege.note(&held);
        let ended = siege.end_by(node, async { end(at, held).await.ok() }).await;
        siege.judge_access("token revoked", &ended, Reach::All).await;
        siege.stays("token revoked", who, &sibling).await;
    }
}

async fn o1_an_access_token_that_its_client_revokes(mut siege: Siege) {
    let who = siege.client("holder", "ada").await;
    let by = who.clone();
    let end = move |at: std::sync::Arc<crate::support::TestApp>, held: Tokens| {
        let by = by.clone();
        async move {
            until_served(|| async { by.post(&at, "revoke", &[("token", &held.access)]).await })
                .await
        }
    };
    one_token(&mut siege, &who, end).await;
    siege.verdict();
}

async fn o1_an_access_token_that_an_administrator_revokes(mut siege: Siege) {
    let who = siege.client("holder", "ada").await;
    for by_jti in [true, false] {
        let end = |at: std::sync::Arc<crate::support::TestApp>, held: Tokens| async move {
            let body = if by_jti {
                json!({ "jti": claim(&held.access, "jti") })
            } else {
                json!({ "token": held.access })
            };
            until_served(|| at.api(Method::Post, "/tenants/acme/tokens/revoke", body.clone())).await
        };
        one_token(&mut siege, &who, end).await;
    }
    siege.verdict();
}
