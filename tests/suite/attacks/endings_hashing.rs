//! O4: a sign-in whose password is being hashed while it is reset is refused, or ends with the reset.

use std::{collections::BTreeMap, sync::Arc};

use rocket::{
    http::Method,
    tokio::{
        self,
        sync::mpsc::{self, UnboundedSender},
        time::Duration,
    },
};
use serde_json::{Value, json};

use crate::support::{
    Agent, PASSWORD, Reach, Root, Siege, Span, TestApp, Tokens, Who, besieged, until_served,
};

const NEW: &str = "another password altogether";

besieged! {
    o4_a_sign_in_with_the_old_password_while_it_is_reset
    o4_a_sign_in_while_the_user_is_disabled
    o4_a_sign_in_while_the_user_is_deleted
    o4_a_sign_in_while_the_user_is_deleted_and_made_anew_with_another_password
    o4_a_sign_in_while_the_user_is_logged_out
    o4_a_sign_in_while_the_client_is_deleted
    o4_a_sign_in_while_the_tenant_is_suspended_and_resumed
    o4_an_administrators_sign_in_with_the_old_password_while_it_is_reset
    o4_an_administrators_sign_in_while_the_role_is_taken
}

/// What a sign-in that was under way has given.
enum Given {
    Tokens(Span, Tokens),
    Cookies(BTreeMap<String, String>),
    Nothing,
    Fault(String),
}

async fn sign_in(node: Arc<TestApp>, who: Who, way: usize) -> Given {
    let (reply, span) = match way % 3 {
        0 => Span::of(who.password(&node)).await,
        1 => Span::of(who.login(&node)).await,
        _ => return Given::Cookies(who.browse(&node).await.cookies),
    };
    match reply.status {
        200 => Given::Tokens(span, reply.tokens()),
        400 | 401 | 403 | 404 | 503 => Given::Nothing,
        other => Given::Fault(format!("a sign-in is answered {other} {}", reply.body)),
    }
}

/// Three sign-ins at every node, each in its own way; hashes wait for one another.
fn start(nodes: &[Arc<TestApp>], who: &Who, told: &UnboundedSender<Given>) {
    for (way, node) in (0..3).flat_map(|way| nodes.iter().map(move |node| (way, node))) {
        let (told, sign_in) = (told.clone(), sign_in(Arc::clone(node), who.clone(), way));
        tokio::spawn(async move { told.send(sign_in.await) });
    }
}

/// Runs an ending among sign-ins, some of which have read the user before it and are answered after
/// it, and looks at their tokens; the browsers' cookies are given back.
async fn among_sign_ins(
    siege: &mut Siege,
    (what, node): (&str, usize),
    who: &Who,
    ending: Vec<Call>,
    reach: Reach,
) -> Vec<BTreeMap<String, String>> {
    let (told, mut given) = mpsc::unbounded_channel();
    let nodes = siege.nodes.clone();
    // The operator's token is there before, so that the ending comes at once.
    let token = nodes[node].operator_token().await;
    start(&nodes, who, &told);
    let run = async {
        let mut last = None;
        for (method, path, body) in ending {
            let done =
                until_served(|| nodes[node].api_as(&token, method, &path, body.clone())).await;
            last = Some(done.ok());
        }
        last.unwrap()
    };
    let late = async {
        // The ending has begun, and hashes where it has to; now come those that read what still is.
        tokio::task::yield_now().await;
        start(&nodes, who, &told);
        tokio::time::sleep(Duration::from_millis(20)).await;
        start(&nodes, who, &told);
    };
    let ended = siege.end_by(node, async { tokio::join!(run, late).0 }).await;
    drop(told);
    let (mut cookies, mut count) = (Vec::new(), 0);
    while let Some(given) = given.recv().await {
        count += 1;
        match given {
            Given::Tokens(span, tokens) => siege.note_sign_in(span, &tokens),
            Given::Cookies(held) => cookies.push(held),
            Given::Nothing => {}
            Given::Fault(fault) => siege.fault(format!("{what}: {fault}")),
        }
    }
    assert_eq!(count, 9 * nodes.len(), "a sign-in panicked");
    let born = siege.take();
    if !born.is_empty() {
        siege.judge_these(what, &ended, reach, who, born).await;
    }
    cookies
}

async fn nobody_is_signed_in(
    siege: &mut Siege,
    what: &str,
    cookies: Vec<BTreeMap<String, String>>,
) {
    let mut signed_in = 0;
    for held in &cookies {
        signed_in += usize::from(siege.browser_is_signed_in(held).await);
    }
    if signed_in > 0 {
        siege.fault(format!("{what}: {signed_in} of {} browsers are signed in", cookies.len()));
    }
}

type Call = (Method, String, Value);

async fn victim(siege: &Siege, round: usize) -> (String, Who) {
    let name = format!("victim-{round}");
    (siege.user(&name).await, Who::at_app(&name))
}

fn user(id: &str) -> String {
    format!("/tenants/acme/users/{id}")
}

async fn o4_a_sign_in_with_the_old_password_while_it_is_reset(mut siege: Siege) {
    for round in 0..2 {
        let (id, who) = victim(&siege, round).await;
        let reset = vec![(Method::Patch, user(&id), json!({ "password": NEW }))];
        let node = round % siege.nodes.len();
        let cookies =
            among_sign_ins(&mut siege, ("password reset", node), &who, reset, Reach::All).await;
        nobody_is_signed_in(&mut siege, "password reset", cookies).await;
        until_served(|| who.password(siege.app())).await.assert_error(400, "invalid_grant");
        siege.serves("password reset", &Who { password: NEW.into(), ..who }).await;
    }
    siege.verdict();
}

async fn o4_a_sign_in_while_the_user_is_disabled(mut siege: Siege) {
    let (id, who) = victim(&siege, 0).await;
    let disable = vec![(Method::Patch, user(&id), json!({ "status": "disabled" }))];
    let cookies = among_sign_ins(&mut siege, ("disabled", 0), &who, disable, Reach::All).await;
    nobody_is_signed_in(&mut siege, "disabled", cookies).await;
    until_served(|| who.password(siege.app())).await.assert_error(400, "invalid_grant");
    siege.verdict();
}

async fn o4_a_sign_in_while_the_user_is_deleted(mut siege: Siege) {
    let (id, who) = victim(&siege, 0).await;
    let delete = vec![(Method::Delete, user(&id), Value::Null)];
    let cookies = among_sign_ins(&mut siege, ("deleted", 0), &who, delete, Reach::All).await;
    nobody_is_signed_in(&mut siege, "deleted", cookies).await;
    until_served(|| who.password(siege.app())).await.assert_error(400, "invalid_grant");
    siege.verdict();
}

async fn o4_a_sign_in_while_the_user_is_deleted_and_made_anew_with_another_password(
    mut siege: Siege,
) {
    let (id, who) = victim(&siege, 0).await;
    let anew = json!({ "username": who.username, "password": NEW });
    let ending = vec![
        (Method::Delete, user(&id), Value::Null),
        (Method::Post, "/tenants/acme/users".to_owned(), anew),
    ];
    let cookies = among_sign_ins(&mut siege, ("made anew", 0), &who, ending, Reach::All).await;
    nobody_is_signed_in(&mut siege, "made anew", cookies).await;
    siege.serves("made anew", &Who { password: NEW.into(), ..who }).await;
    siege.verdict();
}

async fn o4_a_sign_in_while_the_user_is_logged_out(mut siege: Siege) {
    let (id, who) = victim(&siege, 0).await;
    siege.note(&who.login(siege.app()).await.tokens());
    let logout = vec![(Method::Post, format!("{}/logout", user(&id)), Value::Null)];
    among_sign_ins(&mut siege, ("logged out", 0), &who, logout, Reach::Before(Root::Session)).await;
    siege.serves("logged out", &who).await;
    siege.verdict();
}

async fn o4_a_sign_in_while_the_client_is_deleted(mut siege: Siege) {
    let who = siege.client("victim", "ada").await;
    let delete = vec![(Method::Delete, "/tenants/acme/clients/victim".to_owned(), Value::Null)];
    // A browser signs in with no client at all.
    among_sign_ins(&mut siege, ("client deleted", 0), &who, delete, Reach::All).await;
    siege.verdict();
}

async fn o4_a_sign_in_while_the_tenant_is_suspended_and_resumed(mut siege: Siege) {
    let who = Who::at_app("ada");
    siege.note(&who.login(siege.app()).await.tokens());
    let to =
        |status: &str| (Method::Patch, "/tenants/acme".to_owned(), json!({ "status": status }));
    let ending = vec![to("suspended"), to("active")];
    among_sign_ins(
        &mut siege,
        ("suspended and resumed", 0),
        &who,
        ending,
        Reach::Before(Root::Session),
    )
    .await;
    siege.serves("suspended and resumed", &who).await;
    siege.verdict();
}

async fn o4_an_administrators_sign_in_with_the_old_password_while_it_is_reset(mut siege: Siege) {
    let grace = siege.app().acme().sign_in("grace").await;
    let id = crate::support::claim(&grace.access, "sub").as_str().unwrap().to_owned();
    let at = Arc::clone(&siege.nodes[siege.last()]);
    let token = at.operator_token().await;
    let (told, mut given) = mpsc::unbounded_channel();
    let start = || {
        for node in siege.nodes.clone() {
            let told = told.clone();
            tokio::spawn(async move {
                let mut agent = Agent::new(&node);
                agent.log_in_to_console("acme", "grace").await;
                told.send(agent.cookies)
            });
        }
    };
    start();
    start();
    let path = user(&id);
    let reset = at.api_as(&token, Method::Patch, &path, json!({ "password": NEW }));
    let late = async {
        tokio::task::yield_now().await;
        start();
        start();
    };
    tokio::join!(reset, late).0.ok();
    drop(told);
    let mut signed_in = 0;
    while let Some(cookies) = given.recv().await {
        for node in &siege.nodes {
            let mut agent = Agent::new(node);
            agent.cookies = cookies.clone();
            signed_in += usize::from(agent.get("/admin/tenants/acme").await.status == 200);
        }
    }
    if signed_in > 0 {
        siege.fault(format!(
            "the console is open to {signed_in} sign-ins with the old password, {PASSWORD}"
        ));
    }
    siege.verdict();
}

/// A token that was asked for by an administrator opens nothing once they are none any more.
async fn o4_an_administrators_sign_in_while_the_role_is_taken(mut siege: Siege) {
    let grace = siege.app().acme().sign_in("grace").await;
    let id = crate::support::claim(&grace.access, "sub").as_str().unwrap().to_owned();
    let at = Arc::clone(&siege.nodes[siege.last()]);
    let token = at.operator_token().await;
    let (told, mut given) = mpsc::unbounded_channel();
    let start = || {
        for node in siege.nodes.iter().flat_map(|node| [Arc::clone(node), Arc::clone(node)]) {
            let told = told.clone();
            tokio::spawn(async move {
                let who = Who::at_app("grace");
                let pairs =
                    [("grant_type", "password"), ("username", "grace"), ("password", PASSWORD)];
                let asked = who
                    .post(&node, "token", &[&pairs[..], &[("scope", "openid admin")]].concat())
                    .await;
                told.send((asked.status == 200).then(|| asked.tokens()))
            });
        }
    };
    start();
    let path = user(&id);
    let take = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        until_served(|| at.api_as(&token, Method::Patch, &path, json!({ "roles": [] }))).await
    };
    let late = async {
        tokio::task::yield_now().await;
        start();
    };
    let (ended, _) = Span::of(async { tokio::join!(take, late).0.ok() }).await;
    assert_eq!(ended.json()["roles"], json!([]));
    drop(told);
    let (mut count, mut open) = (0, 0);
    tokio::time::sleep(crate::support::BOUND).await;
    while let Some(tokens) = given.recv().await {
        let Some(tokens) = tokens else { continue };
        count += 1;
        for node in siege.nodes.clone() {
            for held in [&tokens.access, &refreshed(&node, &tokens).await] {
                let reply = node.api_as(held, Method::Get, "/tenants/acme", Value::Null).await;
                open += usize::from(reply.status == 200);
            }
        }
    }
    if open > 0 {
        siege.fault(format!(
            "the admin API is open {open} times to {count} sign-ins of one who is no administrator"
        ));
    }
    siege.verdict();
}

/// The access token that a refresh gives, or none that counts.
async fn refreshed(node: &TestApp, tokens: &Tokens) -> String {
    let reply = node.acme().refresh(&tokens.refresh).await;
    if reply.status == 200 { reply.tokens().access } else { "none".to_owned() }
}
