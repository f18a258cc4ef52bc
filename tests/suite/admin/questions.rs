//! Questions before what cannot be undone.

use rocket::http::Method::{Delete, Get, Patch, Post};
use serde_json::{Value, json};

use crate::support::{Agent, TestApp};

#[rocket::async_test]
async fn what_cannot_be_undone_asks_names_its_target_and_says_what_ends() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let ada = app.api(Get, "/tenants/acme/users?q=ada", Value::Null).await.json()["items"][0]["id"]
        .clone();
    let web = app.api(Get, "/tenants/acme/clients/web", Value::Null).await.json();
    let (ada, secret) = (ada.as_str().unwrap(), web["secrets"][0]["id"].as_str().unwrap());
    let keys = app.api(Get, "/tenants/acme/keys", Value::Null).await.json();
    let kid = keys["items"][0]["kid"].as_str().unwrap();
    let ends = "This ends 1 live sessions and 1 refresh token families.";
    let asked = [
        (
            "/clients/app/delete".to_owned(),
            vec!["Delete client “app”?", ends, "Type <strong>app</strong>"],
        ),
        (format!("/users/{ada}/delete"), vec!["Delete user “ada”?", ends]),
        ("/keys/rotate".into(), vec!["Rotate the signing keys of “acme”?"]),
        (format!("/keys/{kid}/withdraw"), vec!["Withdraw key", kid]),
        (
            format!("/clients/web/secrets/{secret}/delete"),
            vec!["Remove a secret of client “web”?", secret],
        ),
        ("/suspend".into(), vec!["Suspend tenant “acme”", ends]),
    ];
    for (path, words) in &asked {
        let page = agent.console(&format!("/admin/tenants/acme{path}"), &[]).await.ok();
        for word in words {
            assert!(page.body.contains(word), "{path}: no {word}: {}", page.body);
        }
        assert_eq!(page.hidden("confirmed"), "yes");
    }
    // What was sent along is sent again.
    let path = format!("/admin/tenants/acme/clients/web/secrets/{secret}/delete");
    assert_eq!(
        agent.console(&path, &[("compromised", "on")]).await.ok().hidden("compromised"),
        "on"
    );
    // Without its name, or with another, the severe ones are not done.
    for typed in ["", "apps", "APP"] {
        let fields = [("confirmed", "yes"), ("typed", typed)];
        assert_eq!(
            agent.console("/admin/tenants/acme/clients/app/delete", &fields).await.status,
            400
        );
    }
    // Nothing was done by asking.
    assert!(app.acme().is_active(&tokens.access).await);
    let same = app.api(Get, "/tenants/acme/keys", Value::Null).await.json();
    assert_eq!(same, keys);
    app.api(Get, &format!("/tenants/acme/users/{ada}"), Value::Null).await.ok();
    let fields = [("confirmed", "yes"), ("typed", "app")];
    let done = agent.console("/admin/tenants/acme/clients/app/delete", &fields).await.location();
    assert_eq!(done, "/admin/tenants/acme/clients");
    assert!(!app.acme().is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn a_tenant_is_deleted_by_whoever_types_its_name() {
    let app = TestApp::start().await;
    app.api(Post, "/tenants", json!({ "slug": "initech" })).await.ok();
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    agent.console("/admin/tenants/initech/suspend", &[("confirmed", "yes")]).await.location();
    let page = agent.console("/admin/tenants/initech/purge", &[]).await.ok();
    assert!(
        page.body.contains("Delete tenant “initech”")
            && page.body.contains("Type <strong>initech</strong>")
    );
    for typed in ["", "acme"] {
        let fields = [("confirmed", "yes"), ("typed", typed)];
        assert_eq!(agent.console("/admin/tenants/initech/purge", &fields).await.status, 400);
    }
    app.api(Get, "/tenants/initech", Value::Null).await.ok();
    let fields = [("confirmed", "yes"), ("typed", "initech")];
    agent.console("/admin/tenants/initech/purge", &fields).await.location();
    app.api(Get, "/tenants/initech", Value::Null).await.assert_problem(404);
}

#[rocket::async_test]
async fn a_key_that_verifiers_may_not_know_yet_does_not_sign() {
    let app = TestApp::start().await;
    let rotate = || app.api(Post, "/tenants/acme/keys/rotate", Value::Null);
    // The first next key was published with the first of all.
    rotate().await.ok();
    rotate().await.assert_problem(409);
    app.clock.advance(299);
    rotate().await.assert_problem(409);
    app.clock.advance(2);
    rotate().await.ok();
}

#[rocket::async_test]
async fn what_becomes_of_tenants_is_in_the_operators_trail() {
    let app = TestApp::start().await;
    app.api(Post, "/tenants", json!({ "slug": "initech" })).await.ok();
    for status in ["suspended", "active", "suspended", "active"] {
        // The trail is in the order of its instants.
        app.clock.advance(1);
        app.api(Patch, "/tenants/initech", json!({ "status": status })).await.ok();
    }
    for query in ["", "?purge=true"] {
        app.clock.advance(1);
        app.api(Delete, &format!("/tenants/initech{query}"), Value::Null).await.ok();
    }
    let trail = app.api(Get, "/tenants/system/audit", Value::Null).await.json();
    let of_initech = |entry: &&Value| entry["target"] == "initech";
    let actions = trail["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(of_initech)
        .map(|entry| entry["action"].clone());
    let mut actions: Vec<String> =
        actions.map(|action| action.as_str().unwrap().to_owned()).collect();
    actions.reverse();
    let expected =
        ["created", "suspended", "resumed", "suspended", "resumed", "suspended", "purged"];
    assert_eq!(actions, expected.map(|word| format!("tenant.{word}")));
}
