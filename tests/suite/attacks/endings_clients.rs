//! O1: what a client had is dead once it was logged out, deleted, made anew, or its secret withdrawn.

use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::{
    CALLBACK, Mint, Reach, Reply, Root, SECRET, Siege, Who, besieged, until_served,
};

const ROUNDS: usize = 3;
const OTHER_SECRET: &str = "another-secret-for-a-client-that-was-made-anew";

besieged! {
    o1_a_client_that_is_logged_out
    o1_a_client_that_is_deleted
    o1_a_client_that_is_deleted_and_made_anew_with_another_secret
    o1_a_client_that_is_deleted_and_made_anew_as_it_was
    o1_a_public_client_that_is_deleted_and_made_anew
    o1_a_client_whose_secret_is_withdrawn_as_compromised
    a_client_whose_secret_is_removed_keeps_what_it_has
}

/// Everything that mints for a client: two machines, a grant, codes, a browser.
async fn mint_for_client(siege: &mut Siege, who: &Who) {
    let node = std::sync::Arc::clone(&siege.nodes[0]);
    let mut agent = who.browse(&node).await;
    let mut codes = who.codes(&node, &mut agent, 9).await;
    let held = who.redeem(&node, &codes.pop().unwrap()).await.tokens();
    siege.mint(0, who, Mint::Refresh(held));
    siege.mint(1, who, Mint::Codes(codes));
    siege.mint(0, who, Mint::Browser(agent.cookies));
    if who.secret.is_some() {
        siege.mint(0, who, Mint::Credentials);
        siege.mint(1, who, Mint::Credentials);
    }
}

fn path(who: &Who, rest: &str) -> String {
    format!("/tenants/acme/clients/{}{rest}", who.client_id)
}

async fn o1_a_client_that_is_logged_out(mut siege: Siege) {
    let bystander = Who::at_app("ada");
    let stays = bystander.login(siege.app()).await.tokens();
    for round in 0..ROUNDS {
        let who = siege.client(&format!("victim-{round}"), "ada").await;
        mint_for_client(&mut siege, &who).await;
        let node = round % siege.nodes.len();
        let ended = siege.end(node, Method::Post, &path(&who, "/logout"), Value::Null).await;
        siege.judge("client logged out", &ended, Reach::Before(Root::Grant), &who).await;
        siege.serves("client logged out", &who).await;
    }
    siege.stays("client logged out", &bystander, &stays).await;
    siege.verdict();
}

async fn o1_a_client_that_is_deleted(mut siege: Siege) {
    let bystander = Who::at_app("ada");
    let stays = bystander.login(siege.app()).await.tokens();
    for round in 0..ROUNDS {
        let who = siege.client(&format!("victim-{round}"), "ada").await;
        mint_for_client(&mut siege, &who).await;
        let ended = siege
            .end(round % siege.nodes.len(), Method::Delete, &path(&who, ""), Value::Null)
            .await;
        siege.judge("client deleted", &ended, Reach::All, &who).await;
        for node in siege.nodes.clone() {
            until_served(|| who.credentials(&node)).await.assert_error(401, "invalid_client");
        }
    }
    siege.stays("client deleted", &bystander, &stays).await;
    siege.verdict();
}

/// Deletes a client and makes one of the same name, at one node.
async fn anew(siege: &Siege, node: usize, who: &Who, secret: Option<&str>) -> Reply {
    let (at, path) = (&siege.nodes[node], path(who, ""));
    until_served(|| at.api(Method::Delete, &path, Value::Null)).await.ok();
    let mut fields = json!({
        "client_id": who.client_id, "client_name": "Anew", "skip_consent": true, "redirect_uris": [CALLBACK],
        "scope": "openid profile email offline_access reports.read",
    });
    match secret {
        Some(secret) => {
            fields["client_secret"] = secret.into();
            fields["grant_types"] =
                json!(["authorization_code", "refresh_token", "client_credentials", "password"]);
        }
        None => {
            fields["token_endpoint_auth_method"] = "none".into();
            fields["grant_types"] = json!(["authorization_code", "refresh_token", "password"]);
        }
    }
    until_served(|| at.api(Method::Post, "/tenants/acme/clients", fields.clone())).await.ok()
}

async fn o1_a_client_that_is_deleted_and_made_anew_with_another_secret(mut siege: Siege) {
    for round in 0..ROUNDS {
        let who = siege.client(&format!("victim-{round}"), "ada").await;
        mint_for_client(&mut siege, &who).await;
        let node = round % siege.nodes.len();
        let ended = siege.end_anew(node, &who, Some(OTHER_SECRET)).await;
        let new = Who { secret: Some(OTHER_SECRET.into()), ..who };
        siege.judge("client made anew, another secret", &ended, Reach::All, &new).await;
        siege.serves("client made anew, another secret", &new).await;
    }
    siege.verdict();
}

async fn o1_a_client_that_is_deleted_and_made_anew_as_it_was(mut siege: Siege) {
    for round in 0..ROUNDS {
        let who = siege.client(&format!("victim-{round}"), "ada").await;
        mint_for_client(&mut siege, &who).await;
        let ended = siege.end_anew(round % siege.nodes.len(), &who, Some(SECRET)).await;
        siege.judge("client made anew, as it was", &ended, Reach::Before(Root::Grant), &who).await;
        siege.serves("client made anew, as it was", &who).await;
    }
    siege.verdict();
}

/// With no secret to tell them apart, only what the server remembers can.
async fn o1_a_public_client_that_is_deleted_and_made_anew(mut siege: Siege) {
    let who = Who::at_app("ada");
    for round in 0..ROUNDS {
        mint_for_client(&mut siege, &who).await;
        let ended = siege.end_anew(round % siege.nodes.len(), &who, None).await;
        siege.judge("public client made anew", &ended, Reach::Before(Root::Grant), &who).await;
        siege.serves("public client made anew", &who).await;
    }
    siege.verdict();
}

impl Siege {
    async fn end_anew(
        &mut self,
        node: usize,
        who: &Who,
        secret: Option<&str>,
    ) -> crate::support::Ended {
        let other = Self::at(self.nodes.clone());
        self.end_by(node, anew(&other, node, who, secret)).await
    }
}

/// Gives the client a second secret; the first one's id, and the client with the second.
async fn roll(siege: &Siege, who: &Who) -> (String, Who) {
    let shown = siege.app().api(Method::Get, &path(who, ""), Value::Null).await.ok().json();
    let first = shown["secrets"][0]["id"].as_str().unwrap().to_owned();
    let made = siege.app().api(Method::Post, &path(who, "/secrets"), Value::Null).await.ok().json();
    let secret = made["client_secret"].as_str().unwrap().to_owned();
    (first, Who { secret: Some(secret), ..who.clone() })
}

async fn o1_a_client_whose_secret_is_withdrawn_as_compromised(mut siege: Siege) {
    for round in 0..ROUNDS {
        let who = siege.client(&format!("victim-{round}"), "ada").await;
        let (leaked, new) = roll(&siege, &who).await;
        mint_for_client(&mut siege, &who).await;
        siege.note(&new.credentials(siege.app()).await.tokens());
        let path = path(&who, &format!("/secrets/{leaked}?compromised=true"));
        let ended = siege.end(round % siege.nodes.len(), Method::Delete, &path, Value::Null).await;
        siege.judge("secret compromised", &ended, Reach::All, &new).await;
        for node in siege.nodes.clone() {
            until_served(|| who.credentials(&node)).await.assert_error(401, "invalid_client");
        }
        siege.serves("secret compromised", &new).await;
    }
    siege.verdict();
}

async fn a_client_whose_secret_is_removed_keeps_what_it_has(mut siege: Siege) {
    for round in 0..ROUNDS {
        let who = siege.client(&format!("rolling-{round}"), "ada").await;
        let (old, new) = roll(&siege, &who).await;
        let (held, machine) =
            (who.password(siege.app()).await.tokens(), who.credentials(siege.app()).await.tokens());
        let node = std::sync::Arc::clone(&siege.nodes[round % siege.nodes.len()]);
        node.api(Method::Delete, &path(&who, &format!("/secrets/{old}")), Value::Null).await.ok();
        // At once where it was asked for; elsewhere once the bound is over.
        until_served(|| who.credentials(&node)).await.assert_error(401, "invalid_client");
        siege.refuses_credentials("secret removed", &who).await;
        for at in 0..siege.nodes.len() {
            if siege.takes_at(at, &machine.access, true).await.is_none() {
                siege.fault(format!(
                    "secret removed: a machine's token was ended too, at node {at}"
                ));
            }
        }
        siege.stays("secret removed", &new, &held).await;
        siege.serves("secret removed", &new).await;
    }
    siege.verdict();
}
