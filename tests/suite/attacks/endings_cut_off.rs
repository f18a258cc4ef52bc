//! O2: a node that is cut off refuses once it cannot know, and what it made meanwhile is dead elsewhere.
//!
//! PostgreSQL alone: nothing can stand between SQLite and its file.

use std::sync::Arc;

use rocket::{
    futures::future::join_all,
    http::Method,
    tokio::{
        self,
        time::{Duration, Instant},
    },
};
use serde_json::{Value, json};

use crate::support::{
    BOUND, Mint, Reach, Reply, Root, SECRET, Siege, TestApp, Tokens, Ways, Who, on_four_threads,
    on_postgres, until_served,
};

/// No request may take this long, whatever it is answered.
const HANGS: Duration = Duration::from_secs(10);

/// Every way to have something of a node that must know what has ended.
const DOORS: [&str; 7] = [
    "credentials",
    "introspection",
    "refresh",
    "/auth/refresh",
    "/auth/me",
    "/auth/login",
    "authorize",
];

async fn ask(
    node: &TestApp,
    door: &str,
    robot: &Who,
    held: &Tokens,
    cookie: &crate::support::Agent<'_>,
) -> Option<Reply> {
    let acme = node.acme();
    let asked = async {
        match door {
            "credentials" => robot.credentials(node).await,
            "introspection" => robot.post(node, "introspect", &[("token", &held.access)]).await,
            "refresh" => acme.refresh(&held.refresh).await,
            "/auth/refresh" => acme.bearer(Method::Post, "/auth/refresh", &held.refresh).await,
            "/auth/me" => acme.bearer(Method::Get, "/auth/me", &held.access).await,
            "/auth/login" => Who::at_app("ada").login(node).await,
            "authorize" => {
                let mut agent = crate::support::Agent::new(node);
                agent.cookies = cookie.cookies.clone();
                agent.get(&acme.authorization("app", &[])).await
            }
            other => panic!("{other}"),
        }
    };
    tokio::time::timeout(HANGS, asked).await.ok()
}

/// Cuts node 1 off, deletes a client at node 0, and lets node 1 mint for it for as long as it does.
async fn cut_off(how: &'static str, cut: impl FnOnce(&Ways)) {
    if !on_postgres() {
        return;
    }
    let (mut siege, ways) = Siege::with_ways().await;
    let (whole, lonely) = (Arc::clone(&siege.nodes[0]), Arc::clone(&siege.nodes[1]));
    let victim = siege.client("victim", "ada").await;
    let robot =
        Who { client_id: "robot".into(), secret: Some(SECRET.into()), ..Who::at_app("ada") };
    // All that a node can hold in memory, it holds.
    let (held, kept) = (lonely.acme().sign_in("ada").await, lonely.acme().sign_in("ada").await);
    let cookie = robot.browse(&lonely).await;
    for door in DOORS.iter().filter(|door| !door.contains("refresh")) {
        ask(&lonely, door, &robot, &held, &cookie).await.unwrap();
    }
    victim.credentials(&lonely).await.ok();
    cut(&ways);
    let began = Instant::now();
    let ended = siege.end(0, Method::Delete, "/tenants/acme/clients/victim", Value::Null).await;
    while began.elapsed() < BOUND {
        match tokio::time::timeout(HANGS, victim.credentials(&lonely)).await {
            Ok(reply) if reply.status == 200 => siege.note_machine(1, &reply.tokens()),
            // While it does not know better, nothing else is right.
            Ok(reply) if matches!(reply.status, 401 | 503) => {}
            Ok(reply) => siege.fault(format!("{how}: {} {}", reply.status, reply.body)),
            Err(_) => break,
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let answers = join_all(DOORS.map(|door| ask(&lonely, door, &robot, &held, &cookie))).await;
    for (door, answer) in DOORS.iter().zip(answers) {
        match answer {
            Some(reply) if reply.status == 503 => {}
            Some(reply) => siege
                .fault(format!("{how}: {door} is answered {} {:.120}", reply.status, reply.body)),
            None => siege.fault(format!("{how}: {door} is not answered")),
        }
    }
    // Those that the lonely node has made, judged by the other: the lonely one says nothing at all.
    let born = siege.take();
    let mut elsewhere = Siege::at(vec![whole]);
    elsewhere
        .judge_these(&format!("{how}, client deleted"), &ended, Reach::All, &victim, born.clone())
        .await;
    ways.heal();
    siege
        .judge_these(&format!("{how}, healed, client deleted"), &ended, Reach::All, &victim, born)
        .await;
    siege.adopt(elsewhere);
    siege.serves(&format!("{how}, healed"), &Who::at_app("ada")).await;
    siege.refuses_credentials(&format!("{how}, healed"), &victim).await;
    siege.stays(how, &Who::at_app("ada"), &kept).await;
    siege.verdict();
}

#[test]
fn o2_a_node_that_is_cut_off_from_sql_and_redis() {
    on_four_threads(cut_off("cut off", Ways::cut));
}

#[test]
fn o2_a_node_whose_sql_and_redis_stand_still() {
    on_four_threads(cut_off("stalled", Ways::stall));
}

#[test]
fn o2_a_node_that_is_cut_off_from_sql_alone() {
    on_four_threads(cut_off("cut off from sql", |ways| ways.sql.cut()));
}

#[test]
fn o2_a_node_whose_sql_alone_stands_still() {
    on_four_threads(cut_off("sql stalled", |ways| ways.sql.stall()));
}

/// Without Redis an ending travels by SQL, within the same bound.
async fn without_redis(cut: impl FnOnce(&Ways)) {
    if !on_postgres() {
        return;
    }
    let (mut siege, ways) = Siege::with_ways().await;
    cut(&ways);
    let who = siege.client("victim", "ada").await;
    for node in [0, 1] {
        siege.mint_for_user(&who).await;
        siege.mint(1, &who, Mint::Credentials);
        let ended = siege.end(node, Method::Post, "/tenants/acme/logout", Value::Null).await;
        siege.judge("without redis", &ended, Reach::Before(Root::Session), &who).await;
        siege.serves("without redis", &who).await;
    }
    siege.verdict();
}

#[test]
fn o2_a_node_that_is_cut_off_from_redis_follows_sql() {
    on_four_threads(without_redis(|ways| ways.redis.cut()));
}

#[test]
fn o2_a_node_whose_redis_stands_still_follows_sql() {
    on_four_threads(without_redis(|ways| ways.redis.stall()));
}

/// What a node could not write it does not say it did.
#[test]
fn o2_an_ending_asked_of_a_node_that_is_cut_off_is_not_said_to_be_done() {
    if !on_postgres() {
        return;
    }
    on_four_threads(async {
        let (mut siege, ways) = Siege::with_ways().await;
        let lonely = Arc::clone(&siege.nodes[1]);
        let held = siege.app().acme().sign_in("ada").await;
        lonely.api(Method::Get, "/tenants/acme", Value::Null).await.ok();
        let token = lonely.operator_token().await;
        ways.cut();
        let asked = lonely.api_as(&token, Method::Post, "/tenants/acme/logout", Value::Null);
        let reply = tokio::time::timeout(HANGS, asked).await.expect("an answer");
        reply.assert_problem(503);
        ways.heal();
        siege.serves("healed", &Who::at_app("ada")).await;
        siege.stays("asked of a node that was cut off", &Who::at_app("ada"), &held).await;
        siege.verdict();
    });
}

/// While a node that does not know of the ending answers from memory, "everywhere" is not said.
#[test]
fn o2_everywhere_is_not_said_while_a_node_that_is_cut_off_answers_from_memory() {
    if !on_postgres() {
        return;
    }
    on_four_threads(async {
        let (mut siege, ways) = Siege::with_ways().await;
        let whole = Arc::clone(&siege.nodes[0]);
        let held = siege.nodes[1].acme().sign_in("ada").await;
        let taken = async |siege: &Siege| siege.takes_at(1, &held.access, true).await;
        assert!(taken(&siege).await.is_some());
        ways.cut();
        let ended = siege.end(0, Method::Post, "/tenants/acme/logout", Value::Null).await;
        let path = format!("/revocations/{}", ended.event.unwrap());
        while ended.span.answered.elapsed() < BOUND {
            let told =
                until_served(|| whole.api(Method::Get, &path, json!(null))).await.ok().json();
            if told["everywhere"] == true
                && let Some(door) = taken(&siege).await
            {
                siege.fault(format!(
                    "everywhere was said, and {door} of the cut-off node takes the token"
                ));
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if let Some(door) = taken(&siege).await {
            siege.fault(format!("after the bound {door} of the cut-off node takes the token"));
        }
        siege.verdict();
    });
}
