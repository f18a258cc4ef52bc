//! O1: what a tenant had is dead once it was logged out, suspended or purged, or its key withdrawn.

use std::sync::Arc;

use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::{
    CALLBACK, Mint, PASSWORD, Reach, Root, SECRET, Siege, TestApp, Who, besieged, until_served,
};

const ROUNDS: usize = 2;

besieged! {
    o1_a_tenant_that_is_logged_out
    o1_a_tenant_that_is_suspended
    o1_a_tenant_that_is_suspended_and_resumed_while_tokens_are_minted
    o1_a_tenant_that_is_purged_and_made_anew
    o1_a_key_that_is_withdrawn
}

/// Everything that mints in a tenant: what a user's session makes, and two machines.
async fn mint_for_tenant(siege: &mut Siege) -> (Who, std::collections::BTreeMap<String, String>) {
    let who = Who::at_app("ada");
    siege.mint_for_user(&who).await;
    let robot = Who { client_id: "robot".into(), secret: Some(SECRET.into()), ..who.clone() };
    siege.mint(0, &robot, Mint::Credentials);
    siege.mint(1, &robot, Mint::Credentials);
    let cookies = who.browse(siege.app()).await.cookies;
    (who, cookies)
}

async fn cookie_is_dead(
    siege: &mut Siege,
    what: &str,
    cookies: &std::collections::BTreeMap<String, String>,
) {
    if siege.browser_is_signed_in(cookies).await {
        siege.fault(format!("{what}: the browser is still signed in"));
    }
}

/// Another tenant's session, which nothing here may touch.
async fn another_tenants_token(siege: &Siege) -> String {
    siege.app().globex().sign_in("ada").await.access
}

async fn another_tenant_stays(siege: &mut Siege, token: &str) {
    for node in siege.nodes.clone() {
        if node.globex().bearer(Method::Get, "/auth/me", token).await.status != 200 {
            siege.fault("another tenant's token was ended too");
        }
    }
}

async fn o1_a_tenant_that_is_logged_out(mut siege: Siege) {
    let (what, stays) = ("tenant logged out", another_tenants_token(&siege).await);
    for round in 0..ROUNDS {
        let (who, cookies) = mint_for_tenant(&mut siege).await;
        let ended = siege
            .end(round % siege.nodes.len(), Method::Post, "/tenants/acme/logout", Value::Null)
            .await;
        siege.judge(what, &ended, Reach::Before(Root::Session), &who).await;
        cookie_is_dead(&mut siege, what, &cookies).await;
        siege.serves(what, &who).await;
    }
    another_tenant_stays(&mut siege, &stays).await;
    siege.verdict();
}

async fn o1_a_tenant_that_is_suspended(mut siege: Siege) {
    let (what, stays) = ("tenant suspended", another_tenants_token(&siege).await);
    for round in 0..ROUNDS {
        let (who, cookies) = mint_for_tenant(&mut siege).await;
        let node = round % siege.nodes.len();
        let ended = siege.end(node, Method::Delete, "/tenants/acme", Value::Null).await;
        let born = siege.take();
        siege.judge_these(what, &ended, Reach::All, &who, born.clone()).await;
        cookie_is_dead(&mut siege, what, &cookies).await;
        // All that was minted so far was asked for before the tenant served again.
        let other = Arc::clone(&siege.nodes[siege.last() - node % siege.nodes.len()]);
        let resume = json!({ "status": "active" });
        until_served(|| other.api(Method::Patch, "/tenants/acme", resume.clone())).await.ok();
        siege.serves("tenant resumed", &who).await;
        siege.judge_these("tenant resumed", &ended, Reach::All, &who, born).await;
        cookie_is_dead(&mut siege, "tenant resumed", &cookies).await;
    }
    another_tenant_stays(&mut siege, &stays).await;
    siege.verdict();
}

async fn o1_a_tenant_that_is_suspended_and_resumed_while_tokens_are_minted(mut siege: Siege) {
    let what = "suspended and resumed";
    for round in 0..ROUNDS {
        let (who, cookies) = mint_for_tenant(&mut siege).await;
        let node = round % siege.nodes.len();
        let at = Arc::clone(&siege.nodes[node]);
        let ending = async {
            let suspend = json!({ "status": "suspended" });
            until_served(|| at.api(Method::Patch, "/tenants/acme", suspend.clone())).await.ok();
            let resume = json!({ "status": "active" });
            until_served(|| at.api(Method::Patch, "/tenants/acme", resume.clone())).await.ok()
        };
        let ended = siege.end_by(node, ending).await;
        siege.judge(what, &ended, Reach::Before(Root::Session), &who).await;
        cookie_is_dead(&mut siege, what, &cookies).await;
        siege.serves(what, &who).await;
    }
    siege.verdict();
}

/// Suspends and purges `acme`, and makes it anew, with the same clients and the same user.
async fn purge_and_make_anew(at: &TestApp) -> crate::support::Reply {
    until_served(|| at.api(Method::Delete, "/tenants/acme", Value::Null)).await.ok();
    until_served(|| at.api(Method::Delete, "/tenants/acme?purge=true", Value::Null)).await.ok();
    let tenant = json!({
        "slug": "acme", "settings": { "password_bcrypt_cost": 10 }, "scopes": [{ "name": "reports.read" }],
    });
    let robot = json!({
        "client_id": "robot", "client_secret": SECRET, "grant_types": ["client_credentials"], "scope": "reports.read",
    });
    let app = json!({
        "client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": [CALLBACK], "skip_consent": true,
        "grant_types": ["authorization_code", "refresh_token", "password"],
        "scope": "openid profile email offline_access reports.read",
    });
    let ada = json!({ "username": "ada", "password": PASSWORD });
    let mut last = None;
    for (path, fields) in [
        ("/tenants", tenant),
        ("/tenants/acme/clients", robot),
        ("/tenants/acme/clients", app),
        ("/tenants/acme/users", ada),
    ] {
        last = Some(until_served(|| at.api(Method::Post, path, fields.clone())).await.ok());
    }
    last.unwrap()
}

async fn o1_a_tenant_that_is_purged_and_made_anew(mut siege: Siege) {
    let what = "purged and made anew";
    for round in 0..ROUNDS {
        let (who, cookies) = mint_for_tenant(&mut siege).await;
        let node = round % siege.nodes.len();
        let at = Arc::clone(&siege.nodes[node]);
        let ended = siege.end_by(node, purge_and_make_anew(&at)).await;
        siege.judge(what, &ended, Reach::Before(Root::Session), &who).await;
        cookie_is_dead(&mut siege, what, &cookies).await;
        siege.serves(what, &who).await;
    }
    siege.verdict();
}

async fn o1_a_key_that_is_withdrawn(mut siege: Siege) {
    let what = "key withdrawn";
    let (keeper, mut rounds) = (Who::at_app("grace"), Vec::new());
    let mut kept = keeper.login(siege.app()).await.tokens();
    for round in 0..ROUNDS {
        let (who, _) = mint_for_tenant(&mut siege).await;
        let kid = crate::support::kid(&kept.access);
        let path = format!("/tenants/acme/keys/{kid}/withdraw");
        siege.note(&kept);
        let ended = siege.end(round % siege.nodes.len(), Method::Post, &path, Value::Null).await;
        assert!(ended.event.is_some(), "the ending has a number: {:?}", ended.reply);
        siege.judge_access(what, &ended, Reach::SignedWith(kid.clone())).await;
        siege.serves(what, &who).await;
        // What was granted goes on, under another key, and nobody is offered the old one.
        kept = keeper.refresh(siege.app(), &kept.refresh).await.tokens();
        rounds.push(kid);
        assert!(!rounds.contains(&crate::support::kid(&kept.access)), "a withdrawn key signs");
        for node in siege.nodes.clone() {
            let jwks = node.acme().app.get("/t/acme/oauth2/jwks").await.ok();
            if rounds.iter().any(|kid| jwks.body.contains(kid.as_str())) {
                siege.fault("a withdrawn key is still published");
            }
        }
        siege
            .stays(what, &Who::at_app("ada"), &Who::at_app("ada").login(siege.app()).await.tokens())
            .await;
    }
    siege.verdict();
}

/// A request that found its tenant before it was purged, and looks for its keys afterwards.
#[rocket::async_test]
async fn a_request_that_a_purge_overtakes_is_told_to_come_again() {
    let app = TestApp::start().await;
    let tenant = Arc::clone(app.permit("acme").await.shared_tenant());
    app.api(Method::Delete, "/tenants/acme", Value::Null).await;
    app.api(Method::Delete, "/tenants/acme?purge=true", Value::Null).await;
    let scope = "reports.read".parse().unwrap();
    let refused =
        portcullis::oauth::mint_for_shell(&app.site.app, &tenant, scope).await.unwrap_err();
    assert_eq!(refused.code, portcullis::protocol::ErrorCode::TemporarilyUnavailable);
}
