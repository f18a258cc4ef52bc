//! O3: no change that was answered is lost to another that was slower.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use rocket::{
    http::Method,
    tokio::{self, task::JoinHandle, time::Duration},
};
use serde_json::{Value, json};

use crate::support::{Siege, TestApp, besieged, until_served};

const ROUNDS: usize = 8;

besieged! {
    o3_a_tenant_that_is_suspended_while_its_admin_patches
    o3_a_tenant_that_is_deleted_while_its_admin_patches
    o3_a_user_who_is_disabled_and_loses_roles_while_another_patches
    o3_a_user_who_is_deleted_while_another_patches
    o3_a_users_password_that_is_reset_while_another_patches
    o3_a_client_whose_members_are_patched_at_once
    o3_a_client_that_is_deleted_while_another_patches
    o3_a_tenant_whose_settings_are_patched_at_once
}

/// Somebody who patches one member in a loop, and what was last answered.
struct Patching {
    stop: Arc<AtomicBool>,
    made: Arc<AtomicUsize>,
    task: JoinHandle<Outcome>,
}

/// The values that a member may have now: the last that was answered, and any later one that was
/// answered 503, of which nobody knows.
struct Outcome {
    may_be: Vec<Value>,
    answered: usize,
    faults: Vec<String>,
}

impl Patching {
    /// `member` turns a count into a patch and the value it sets.
    fn start(
        node: &Arc<TestApp>,
        path: &str,
        member: impl Fn(usize) -> (Value, Value) + Send + 'static,
    ) -> Self {
        let (stop, made) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (node, path, stopped, counted) =
            (Arc::clone(node), path.to_owned(), Arc::clone(&stop), Arc::clone(&made));
        let task = tokio::spawn(async move {
            let token = node.operator_token().await;
            let mut outcome = Outcome { may_be: Vec::new(), answered: 0, faults: Vec::new() };
            for count in 0.. {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (patch, value) = member(count);
                let reply = node.api_as(&token, Method::Patch, &path, patch).await;
                match reply.status {
                    200 => {
                        outcome.may_be = vec![value];
                        outcome.answered += 1;
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                    503 => outcome.may_be.push(value),
                    // Not done, and said so; gone.
                    409 | 412 | 404 => {}
                    other => {
                        outcome.faults.push(format!("a patch is answered {other} {}", reply.body))
                    }
                }
            }
            outcome
        });
        Self { stop, made, task }
    }

    /// Waits until `count` more patches were answered.
    async fn more(&self, count: usize) {
        let goal = self.made.load(Ordering::SeqCst) + count;
        for _ in 0..10_000 {
            if self.made.load(Ordering::SeqCst) >= goal || self.task.is_finished() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("patches are not answered");
    }

    async fn stop(self) -> Outcome {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

async fn shown(node: &TestApp, path: &str) -> Value {
    until_served(|| node.api(Method::Get, path, Value::Null)).await.ok().json()
}

/// Runs `change` among two who patch other members at every node, and checks all three.
async fn among_patches(
    siege: &mut Siege,
    path: &str,
    members: [fn(usize) -> (Value, Value); 2],
    read: [&str; 2],
    change: (Method, Value, &[(&str, Value)]),
) -> usize {
    let mut lost = 0;
    let (method, body, expected) = change;
    let nodes = siege.nodes.clone();
    let patching = [
        Patching::start(&nodes[0], path, members[0]),
        Patching::start(&nodes[nodes.len() - 1], path, members[1]),
    ];
    for patching in &patching {
        patching.more(2).await;
    }
    let token = nodes[0].operator_token().await;
    until_served(|| nodes[0].api_as(&token, method, path, body.clone())).await.ok();
    for patching in &patching {
        patching.more(2).await;
    }
    let [one, two] = patching;
    let outcomes = [one.stop().await, two.stop().await];
    for node in &nodes {
        node.follow().await;
        let now = shown(node, path).await;
        for (pointer, value) in expected {
            lost += usize::from(now.pointer(pointer) != Some(value));
        }
        for (pointer, outcome) in read.iter().zip(&outcomes) {
            lost += usize::from(!outcome.may_be.contains(now.pointer(pointer).unwrap()));
        }
    }
    for outcome in outcomes {
        assert!(outcome.answered > 0);
        outcome.faults.into_iter().for_each(|fault| siege.fault(fault));
    }
    lost
}

fn name(count: usize) -> (Value, Value) {
    let name = format!("Name {count}");
    (json!({ "name": name }), json!(name))
}

fn idle_ttl(count: usize) -> (Value, Value) {
    let ttl = 1000 + count;
    (json!({ "settings": { "session_idle_ttl": ttl } }), json!(ttl))
}

fn report(siege: &mut Siege, what: &str, lost: usize) {
    if lost > 0 {
        siege.fault(format!("{what}: {lost} answered changes were lost"));
    }
}

const IDLE: &str = "/settings/session_idle_ttl";

async fn o3_a_tenant_that_is_suspended_while_its_admin_patches(mut siege: Siege) {
    let (path, mut lost) = ("/tenants/globex", 0);
    for round in 0..ROUNDS {
        let suspended = [("/status", json!("suspended"))];
        let change = match round % 2 {
            0 => (Method::Patch, json!({ "status": "suspended" }), &suspended[..]),
            _ => (Method::Delete, Value::Null, &suspended[..]),
        };
        lost += among_patches(&mut siege, path, [name, idle_ttl], ["/name", IDLE], change).await;
        let resume = json!({ "status": "active" });
        until_served(|| siege.nodes[0].api(Method::Patch, path, resume.clone())).await.ok();
    }
    report(&mut siege, "tenant suspended", lost);
    siege.verdict();
}

async fn o3_a_tenant_whose_settings_are_patched_at_once(mut siege: Siege) {
    let mut lost = 0;
    for round in 0..ROUNDS {
        let scope = json!([{ "name": format!("scope.{round}"), "description": "" }]);
        let change =
            (Method::Patch, json!({ "scopes": scope, "resources": [] }), &[("/scopes", scope)][..]);
        lost +=
            among_patches(&mut siege, "/tenants/globex", [name, idle_ttl], ["/name", IDLE], change)
                .await;
    }
    report(&mut siege, "settings patched", lost);
    siege.verdict();
}

/// What is deleted while it is patched stays deleted.
async fn stays_deleted(
    siege: &mut Siege,
    path: &str,
    members: [fn(usize) -> (Value, Value); 2],
    deletes: &[&str],
) {
    let nodes = siege.nodes.clone();
    let patching = [
        Patching::start(&nodes[0], path, members[0]),
        Patching::start(&nodes[nodes.len() - 1], path, members[1]),
    ];
    for patching in &patching {
        patching.more(2).await;
    }
    for query in deletes {
        let path = format!("{path}{query}");
        until_served(|| nodes[0].api(Method::Delete, &path, Value::Null)).await.ok();
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    for patching in patching {
        patching.stop().await.faults.into_iter().for_each(|fault| siege.fault(fault));
    }
    for node in &nodes {
        node.follow().await;
        let reply = until_served(|| node.api(Method::Get, path, Value::Null)).await;
        if reply.status != 404 {
            siege.fault(format!(
                "{path} was deleted and is answered {} {}",
                reply.status, reply.body
            ));
        }
    }
}

async fn o3_a_tenant_that_is_deleted_while_its_admin_patches(mut siege: Siege) {
    stays_deleted(&mut siege, "/tenants/globex", [name, idle_ttl], &["", "?purge=true"]).await;
    siege.verdict();
}

fn email(count: usize) -> (Value, Value) {
    let email = format!("address-{count}@acme.example");
    (json!({ "email": email }), json!(email))
}

async fn o3_a_user_who_is_disabled_and_loses_roles_while_another_patches(mut siege: Siege) {
    let mut lost = 0;
    for round in 0..ROUNDS {
        let id = siege.user(&format!("victim-{round}")).await;
        let path = format!("/tenants/acme/users/{id}");
        siege
            .app()
            .api(Method::Patch, &path, json!({ "roles": ["support", "tenant_admin"] }))
            .await
            .ok();
        let body = json!({ "status": "disabled", "roles": [] });
        let expected = [("/status", json!("disabled")), ("/roles", json!([]))];
        let change = (Method::Patch, body, &expected[..]);
        lost += among_patches(&mut siege, &path, [name, email], ["/name", "/email"], change).await;
    }
    report(&mut siege, "user disabled", lost);
    siege.verdict();
}

async fn o3_a_user_who_is_deleted_while_another_patches(mut siege: Siege) {
    for round in 0..4 {
        let id = siege.user(&format!("victim-{round}")).await;
        stays_deleted(&mut siege, &format!("/tenants/acme/users/{id}"), [name, email], &[""]).await;
    }
    siege.verdict();
}

/// A new password is no member that another patch may put back.
async fn o3_a_users_password_that_is_reset_while_another_patches(mut siege: Siege) {
    let mut lost = 0;
    for round in 0..4 {
        let id = siege.user(&format!("victim-{round}")).await;
        let path = format!("/tenants/acme/users/{id}");
        let change = (Method::Patch, json!({ "password": "another password altogether" }), &[][..]);
        lost += among_patches(&mut siege, &path, [name, email], ["/name", "/email"], change).await;
        let old = crate::support::Who::at_app(&format!("victim-{round}"));
        let new =
            crate::support::Who { password: "another password altogether".into(), ..old.clone() };
        for node in siege.nodes.clone() {
            lost += usize::from(until_served(|| old.password(&node)).await.status == 200);
            lost += usize::from(until_served(|| new.password(&node)).await.status != 200);
        }
    }
    report(&mut siege, "password reset", lost);
    siege.verdict();
}

fn client_name(count: usize) -> (Value, Value) {
    let name = format!("Client {count}");
    (json!({ "client_name": name }), json!(name))
}

fn after_logout(count: usize) -> (Value, Value) {
    let uris = json!([format!("https://app.example/{count}")]);
    (json!({ "post_logout_redirect_uris": uris }), uris)
}

async fn o3_a_client_whose_members_are_patched_at_once(mut siege: Siege) {
    let mut lost = 0;
    for round in 0..ROUNDS {
        siege.client(&format!("victim-{round}"), "ada").await;
        let path = format!("/tenants/acme/clients/victim-{round}");
        let uris = json!(["https://app.example/the-only-one"]);
        let change =
            (Method::Patch, json!({ "redirect_uris": uris }), &[("/redirect_uris", uris)][..]);
        let read = ["/client_name", "/post_logout_redirect_uris"];
        lost += among_patches(&mut siege, &path, [client_name, after_logout], read, change).await;
    }
    report(&mut siege, "client patched", lost);
    siege.verdict();
}

async fn o3_a_client_that_is_deleted_while_another_patches(mut siege: Siege) {
    for round in 0..4 {
        siege.client(&format!("victim-{round}"), "ada").await;
        let path = format!("/tenants/acme/clients/victim-{round}");
        stays_deleted(&mut siege, &path, [client_name, after_logout], &[""]).await;
    }
    siege.verdict();
}
