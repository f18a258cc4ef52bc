//! O2: no clock decides between two nodes, nor between two moments of one.

use std::sync::Arc;

use rocket::{
    http::Method,
    tokio::{self, time::Duration},
};
use serde_json::{Value, json};

use crate::support::{
    Mint, Reach, Root, Siege, TestApp, Who, claim, on_four_threads, on_postgres, until_served,
};

/// The endings of everything that a user, a client and a tenant have.
async fn logouts(siege: &Siege) -> Vec<(&'static str, String)> {
    let ada = siege.nodes[0].acme().sign_in("ada").await;
    let id = claim(&ada.access, "sub").as_str().unwrap().to_owned();
    vec![
        ("user logged out", format!("/tenants/acme/users/{id}/logout")),
        ("client logged out", "/tenants/acme/clients/at-odds/logout".to_owned()),
        ("tenant logged out", "/tenants/acme/logout".to_owned()),
    ]
}

/// Mints at two nodes whose clocks are apart, and ends at each of them in turn.
async fn clocks_apart(seconds: i64) {
    let mut siege = Siege::with_clocks_apart(seconds).await;
    let who = siege.client("at-odds", "ada").await;
    for (what, path) in logouts(&siege).await {
        for node in [1, 0] {
            siege.mint_for_user(&who).await;
            let machines = !what.starts_with("user");
            if machines {
                siege.mint(0, &who, Mint::Credentials);
                siege.mint(1, &who, Mint::Credentials);
            }
            let ended = siege.end(node, Method::Post, &path, Value::Null).await;
            let root = if what.starts_with("client") { Root::Grant } else { Root::Session };
            let what = format!("{what} at node {node}, node 1 {seconds} s ahead");
            siege.judge(&what, &ended, Reach::Before(root), &who).await;
            siege.serves(&what, &who).await;
        }
    }
    siege.verdict();
}

#[test]
fn o2_a_node_that_is_behind_ends_what_both_have_given() {
    on_four_threads(clocks_apart(-30));
}

#[test]
fn o2_a_node_that_is_ahead_ends_what_both_have_given() {
    on_four_threads(clocks_apart(30));
}

/// A client made anew at a node that is behind is younger than the one it replaces.
#[test]
fn o2_a_client_that_is_made_anew_at_a_node_that_is_behind_serves_at_both() {
    on_four_threads(async {
        let mut siege = Siege::with_clocks_apart(-30).await;
        let who = siege.client("victim", "ada").await;
        siege.mint(0, &who, Mint::Credentials);
        siege.mint(1, &who, Mint::Credentials);
        let slow = Arc::clone(&siege.nodes[1]);
        let ended = siege.end(1, Method::Delete, "/tenants/acme/clients/victim", Value::Null).await;
        siege.judge("client deleted at the slow node", &ended, Reach::All, &who).await;
        let fields = json!({
            "client_id": "victim", "client_secret": who.secret, "scope": "openid profile email reports.read",
            "redirect_uris": [crate::support::CALLBACK],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials", "password"],
        });
        until_served(|| slow.api(Method::Post, "/tenants/acme/clients", fields.clone())).await.ok();
        siege.serves("client made anew at the slow node", &who).await;
        siege.verdict();
    });
}

/// Every ending there is, asked for in the very instant in which tokens are made, or before it.
async fn clock_set(step: i64) {
    let first = TestApp::start().await;
    let second = first.another_node().await;
    let mut siege = Siege::at(vec![Arc::new(first), Arc::new(second)]);
    let who = siege.client("at-odds", "ada").await;
    for (what, path) in logouts(&siege).await {
        let node = Arc::clone(&siege.nodes[1]);
        let mut agent = who.browse(&node).await;
        let codes = who.codes(&node, &mut agent, 2).await;
        siege.note(&who.login(&node).await.tokens());
        siege.note(&who.redeem(&node, &codes[0]).await.tokens());
        if !what.starts_with("user") {
            siege.note(&who.credentials(&node).await.tokens());
        }
        siege.app().clock.advance(step);
        let ended = siege.end(0, Method::Post, &path, Value::Null).await;
        let what = format!("{what}, clock set by {step} s");
        siege.judge(&what, &ended, Reach::All, &who).await;
        if who.redeem(&node, &codes[1]).await.status == 200 {
            siege.fault(format!("{what}: a code of before was redeemed"));
        }
        if !what.starts_with("client") && siege.browser_is_signed_in(&agent.cookies).await {
            siege.fault(format!("{what}: the browser is still signed in"));
        }
        siege.serves(&what, &who).await;
        siege.app().clock.advance(-step);
    }
    siege.verdict();
}

#[test]
fn o2_a_clock_that_stands_still_neither_saves_the_old_nor_kills_the_new() {
    on_four_threads(clock_set(0));
}

#[test]
fn o2_a_clock_that_is_set_back_neither_saves_the_old_nor_kills_the_new() {
    on_four_threads(clock_set(-20));
}

#[test]
fn o1_a_token_says_of_how_many_endings_its_making_knew() {
    on_four_threads(async {
        let siege = Siege::of(2).await;
        let who = siege.client("holder", "ada").await;
        let mut last = -1;
        for round in 0..3 {
            let node = Arc::clone(&siege.nodes[round % 2]);
            let logout =
                node.api(Method::Post, "/tenants/globex/logout", Value::Null).await.ok().json();
            let event = logout["event"].as_i64().expect("the number of the event");
            assert!(event > last, "numbers grow: {event} after {last}");
            last = event;
            let mut agent = who.browse(&node).await;
            let code = who.codes(&node, &mut agent, 1).await.remove(0);
            let signed_in = who.login(&node).await.tokens();
            let minted = [
                who.credentials(&node).await.tokens(),
                who.password(&node).await.tokens(),
                who.redeem(&node, &code).await.tokens(),
                who.refresh(&node, &signed_in.refresh).await.tokens(),
                signed_in,
            ];
            for tokens in minted {
                let rev = claim(&tokens.access, "rev").as_i64().expect("a claim rev, an integer");
                assert!(
                    rev >= event,
                    "made at the node that answered event {event}, and says {rev}"
                );
            }
        }
    });
}

/// "Everywhere" is said by the nodes themselves, whatever their clocks say.
async fn everywhere(seconds: i64) {
    // A SQLite file is served by one process; which other nodes run is PostgreSQL's question.
    if !on_postgres() {
        return;
    }
    let mut siege = Siege::with_clocks_apart(seconds).await;
    let (asked, other) = (Arc::clone(&siege.nodes[0]), Arc::clone(&siege.nodes[1]));
    let told = |node: Arc<TestApp>, event: i64| async move {
        node.api(Method::Get, &format!("/revocations/{event}"), Value::Null).await.ok().json()
    };
    let count = |told: &Value| told["nodes"].as_array().unwrap().len();
    let earlier =
        siege.end(0, Method::Post, "/tenants/globex/logout", Value::Null).await.event.unwrap();
    let mut listed = 0;
    for _ in 0..140 {
        listed = count(&told(Arc::clone(&asked), earlier).await);
        if listed == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(listed, 2, "both nodes are listed where one clock is {seconds} s ahead");
    for round in 0..10 {
        let held = other.acme().sign_in("ada").await;
        let end = siege.end(round % 2, Method::Post, "/tenants/acme/logout", Value::Null).await;
        let event = end.event.expect("the number of the event");
        let mut said = false;
        for _ in 0..200 {
            let answer = told(Arc::clone(&asked), event).await;
            if count(&answer) != 2 {
                siege.fault(format!("a node that runs is not listed: {answer}"));
                break;
            }
            if answer["everywhere"] == true {
                said = true;
                for at in [1, 0] {
                    if let Some(door) = siege.takes_at(at, &held.access, true).await {
                        siege.fault(format!(
                            "everywhere was said, and {door} of node {at} still takes the token"
                        ));
                    }
                }
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if !said {
            siege.fault("everywhere was never said");
        }
    }
    siege.verdict();
}

#[test]
fn o2_everywhere_is_not_said_before_a_node_that_is_behind_has_applied_it() {
    on_four_threads(everywhere(-30));
}

#[test]
fn o2_everywhere_is_not_said_before_a_node_that_is_ahead_has_applied_it() {
    on_four_threads(everywhere(30));
}

/// With no grace every token counts once, whichever node's clock is asked.
#[test]
fn o2_without_grace_a_replay_is_reuse_at_a_node_of_any_clock() {
    on_four_threads(async {
        let mut faults = Vec::new();
        for seconds in [-30, 30, 0] {
            let first = TestApp::start().await;
            let second = first.another_node_with_clock(seconds).await;
            let no_grace = json!({ "settings": { "refresh_reuse_grace": 0 } });
            first.api(Method::Patch, "/tenants/acme", no_grace).await.ok();
            second.follow().await;
            let nodes = [&first, &second];
            for (rotated, replayed) in [(0, 1), (1, 0), (1, 1), (0, 0)] {
                let place = format!(
                    "node 1 {seconds} s ahead, rotated at {rotated}, replayed at {replayed}"
                );
                let held = nodes[rotated].acme().sign_in("ada").await;
                let next = nodes[rotated].acme().refresh(&held.refresh).await.tokens();
                let replay = nodes[replayed].acme().refresh(&held.refresh).await;
                if replay.status == 200 {
                    faults.push(format!("{place}: the replay was answered"));
                    continue;
                }
                replay.assert_error(400, "invalid_grant");
                for node in nodes {
                    node.acme().refresh(&next.refresh).await.assert_error(400, "invalid_grant");
                    node.follow().await;
                    if node.acme().is_active(&next.access).await {
                        faults.push(format!("{place}: the family's access token lives"));
                    }
                }
            }
        }
        assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
    });
}

/// A password that was reset at a node of another clock is reset for both.
#[test]
fn o2_a_password_that_is_reset_at_a_node_that_is_behind_ends_what_the_old_one_gave() {
    on_four_threads(async {
        let mut siege = Siege::with_clocks_apart(-30).await;
        let id = siege.user("victim").await;
        let who = siege.client("theirs", "victim").await;
        siege.mint_for_user(&who).await;
        siege.mint(0, &who, Mint::Login);
        let cookies = who.browse(siege.app()).await.cookies;
        let reset = json!({ "password": "another password altogether" });
        let ended = siege.end(1, Method::Patch, &format!("/tenants/acme/users/{id}"), reset).await;
        siege.judge("password reset at the slow node", &ended, Reach::All, &who).await;
        if siege.browser_is_signed_in(&cookies).await {
            siege.fault("the browser is still signed in");
        }
        siege
            .serves(
                "password reset",
                &Who { password: "another password altogether".into(), ..who },
            )
            .await;
        siege.verdict();
    });
}
