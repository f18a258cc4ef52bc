//! O1: what a user had is dead once they were logged out, disabled, deleted or given another password.

use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::{Mint, Reach, Root, Siege, Who, besieged, until_served};

const ROUNDS: usize = 2;

besieged! {
    o1_a_user_who_is_logged_out
    o1_a_user_who_is_disabled
    o1_a_user_who_is_deleted
    o1_a_user_whose_password_is_reset
    o1_a_user_whose_roles_are_taken
}

/// One round: a user of their own, everything that mints for them, and an ending.
async fn round(
    siege: &mut Siege,
    number: usize,
    what: &str,
    ending: (Method, &str, Value),
    reach: Reach,
) -> Who {
    let name = format!("victim-{number}");
    let id = siege.user(&name).await;
    let who = siege.client(&format!("theirs-{number}"), &name).await;
    siege.mint_for_user(&who).await;
    siege.mint(1, &who, Mint::Password);
    siege.mint(0, &who, Mint::Login);
    let cookies = who.browse(siege.app()).await.cookies;
    let (method, path, body) = ending;
    let path = format!("/tenants/acme/users/{id}{path}");
    let ended = siege.end(number % siege.nodes.len(), method, &path, body).await;
    siege.judge(what, &ended, reach, &who).await;
    if siege.browser_is_signed_in(&cookies).await {
        siege.fault(format!("{what}: the browser is still signed in"));
    }
    who
}

/// Another user's tokens, and a machine's, which no round may touch.
async fn bystanders(siege: &Siege) -> (Who, crate::support::Tokens, Who, crate::support::Tokens) {
    let (ada, robot) = (Who::at_app("ada"), siege.client("machine", "ada").await);
    let (held, minted) =
        (ada.login(siege.app()).await.tokens(), robot.password(siege.app()).await.tokens());
    (ada, held, robot, minted)
}

async fn rounds(
    mut siege: Siege,
    what: &str,
    ending: (Method, &str, Value),
    reach: Reach,
    then: Option<&str>,
) {
    let (ada, held, robot, minted) = bystanders(&siege).await;
    for number in 0..ROUNDS {
        let who = round(&mut siege, number, what, ending.clone(), reach.clone()).await;
        match then {
            Some(password) => siege.serves(what, &Who { password: password.into(), ..who }).await,
            // Nobody signs in as them any more, at any node.
            None => {
                for node in siege.nodes.clone() {
                    until_served(|| who.password(&node)).await.assert_error(400, "invalid_grant");
                }
            }
        }
    }
    siege.stays(what, &ada, &held).await;
    siege.stays(what, &robot, &minted).await;
    siege.verdict();
}

async fn o1_a_user_who_is_logged_out(siege: Siege) {
    let ending = (Method::Post, "/logout", Value::Null);
    let then = Some(crate::support::PASSWORD);
    rounds(siege, "user logged out", ending, Reach::Before(Root::Session), then).await;
}

async fn o1_a_user_who_is_disabled(siege: Siege) {
    let ending = (Method::Patch, "", json!({ "status": "disabled" }));
    rounds(siege, "user disabled", ending, Reach::All, None).await;
}

async fn o1_a_user_who_is_deleted(siege: Siege) {
    rounds(siege, "user deleted", (Method::Delete, "", Value::Null), Reach::All, None).await;
}

async fn o1_a_user_whose_password_is_reset(siege: Siege) {
    let ending = (Method::Patch, "", json!({ "password": "another password altogether" }));
    rounds(siege, "password reset", ending, Reach::All, Some("another password altogether")).await;
}

/// "A new password, other roles or status `disabled` end the user's sessions" (the API's own words).
async fn o1_a_user_whose_roles_are_taken(siege: Siege) {
    let ending = (Method::Patch, "", json!({ "roles": ["support"] }));
    let then = Some(crate::support::PASSWORD);
    rounds(siege, "roles changed", ending, Reach::Before(Root::Session), then).await;
}
