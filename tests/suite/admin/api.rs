use rocket::http::Method::{self, Delete, Get, Patch, Post};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

#[rocket::async_test]
async fn a_tenant_is_made_changed_suspended_resumed_and_purged() {
    let app = TestApp::start().await;
    let made = app.api(Post, "/tenants", json!({ "slug": "initech", "name": "Initech" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.header("location"), Some("/api/v1/tenants/initech"));
    assert_eq!(app.get("/t/initech/oauth2/jwks").await.status, 200);
    let changed = app
        .api(Patch, "/tenants/initech", json!({ "settings": { "access_token_ttl": 60 } }))
        .await
        .ok()
        .json();
    assert_eq!(changed["settings"]["access_token_ttl"], 60);
    assert_eq!(changed["settings"]["refresh_token_ttl"], 604_800);
    assert_eq!(app.api(Delete, "/tenants/initech", Value::Null).await.status, 204);
    assert_eq!(app.get("/t/initech/oauth2/jwks").await.status, 404);
    app.api(Patch, "/tenants/initech", json!({ "status": "active" })).await.ok();
    assert_eq!(app.get("/t/initech/oauth2/jwks").await.status, 200);
    let both = app
        .api(Patch, "/tenants/initech", json!({ "status": "suspended", "name": "Both" }))
        .await
        .ok()
        .json();
    assert_eq!((&both["status"], &both["name"]), (&json!("suspended"), &json!("Both")));
    let both = app
        .api(Patch, "/tenants/initech", json!({ "status": "active", "name": "Again" }))
        .await
        .ok()
        .json();
    assert_eq!((&both["status"], &both["name"]), (&json!("active"), &json!("Again")));
    app.api(Patch, "/tenants/initech", json!({ "status": "odd", "name": "Not done" }))
        .await
        .assert_problem(400);
    assert_eq!(app.api(Get, "/tenants/initech", Value::Null).await.json()["name"], "Again");
    app.api(Delete, "/tenants/initech?purge=true", Value::Null).await.assert_problem(409);
    app.api(Delete, "/tenants/initech", Value::Null).await.ok();
    app.api(Delete, "/tenants/initech?purge=true", Value::Null).await.ok();
    app.api(Get, "/tenants/initech", Value::Null).await.assert_problem(404);
    app.api(Delete, "/tenants/system", Value::Null).await.assert_problem(403);
}

#[rocket::async_test]
async fn a_problem_names_the_field_at_fault() {
    let app = TestApp::start().await;
    let cases: [(Method, &str, Value, &str); 10] = [
        (Post, "/tenants", json!({ "slug": "No!" }), "slug"),
        (
            Post,
            "/tenants",
            json!({ "slug": "x", "settings": { "access_token_ttl": 0 } }),
            "settings.access_token_ttl",
        ),
        (Post, "/tenants", json!({ "slug": "x", "nope": 1 }), "nope"),
        (
            Post,
            "/tenants/acme/clients",
            json!({ "client_id": "c", "scope": "unknown" }),
            "redirect_uris",
        ),
        (
            Post,
            "/tenants/acme/clients",
            json!({ "redirect_uris": ["http://app.example/"] }),
            "redirect_uris[0]",
        ),
        (
            Post,
            "/tenants/acme/clients",
            json!({ "redirect_uris": ["https://a.example/"], "scope": "no" }),
            "scope",
        ),
        (
            Post,
            "/tenants/acme/clients",
            json!({ "redirect_uris": ["https://a.example/"], "client_secret": "short" }),
            "client_secret",
        ),
        (Post, "/tenants/acme/users", json!({ "username": "" }), "username"),
        (Post, "/tenants/acme/users", json!({ "username": "x", "email": "nowhere" }), "email"),
        (Post, "/tenants/acme/users", json!({ "username": "x", "password": "short" }), "password"),
    ];
    for (method, path, body, field) in cases {
        let reply = app.api(method, path, body.clone()).await;
        reply.assert_problem(400);
        assert_eq!(reply.json()["field"], field, "{body}: {}", reply.body);
    }
    app.api(Post, "/tenants/acme/users", json!({ "username": "ADA" })).await.assert_problem(409);
    app.api(Post, "/tenants", json!({ "slug": "acme" })).await.assert_problem(409);
    app.api(Patch, "/tenants/acme", json!({ "slug": "other" })).await.assert_problem(400);
}

#[rocket::async_test]
async fn bodies_that_are_no_json_and_callers_without_token_are_problems() {
    let app = TestApp::start().await;
    let token = app.operator_token().await;
    let bearer = format!("Bearer {token}");
    let auth = ("Authorization", bearer.as_str());
    let reply =
        app.send(Post, "/api/v1/tenants", &[auth, ("Content-Type", "application/json")], "{").await;
    reply.assert_problem(400);
    app.send(Post, "/api/v1/tenants", &[auth, ("Content-Type", "text/plain")], "{}")
        .await
        .assert_problem(400);
    app.get("/api/v1/tenants").await.assert_problem(401);
    app.get("/api/v1/nothing").await.assert_problem(404);
    let deep = "[".repeat(50_000);
    app.send(Post, "/api/v1/tenants", &[auth, ("Content-Type", "application/json")], deep)
        .await
        .assert_problem(400);
    let large = format!("\"{}\"", "x".repeat(70_000));
    app.send(Post, "/api/v1/tenants", &[auth, ("Content-Type", "application/json")], large)
        .await
        .assert_problem(413);
}

#[rocket::async_test]
async fn scopes_and_tenants_bound_what_a_token_reaches() {
    let app = TestApp::start().await;
    let robot = |scope: &'static str| {
        let app = &app;
        async move {
            let basic = crate::support::basic("robot", crate::support::SECRET);
            let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
            app.acme().post_basic("token", &basic, &pairs).await.tokens().access
        }
    };
    let (writes, reads, neither) =
        (robot("admin").await, robot("admin:read").await, robot("reports.read").await);
    app.api_as(&writes, Get, "/tenants/acme", Value::Null).await.ok();
    app.api_as(&writes, Patch, "/tenants/acme", json!({ "name": "New" })).await.ok();
    app.api_as(&writes, Get, "/tenants/globex", Value::Null).await.assert_problem(404);
    app.api_as(&writes, Get, "/tenants", Value::Null).await.assert_problem(403);
    app.api_as(&writes, Patch, "/tenants/acme", json!({ "status": "suspended" }))
        .await
        .assert_problem(403);
    app.api_as(&reads, Get, "/tenants/acme/users", Value::Null).await.ok();
    app.api_as(&reads, Patch, "/tenants/acme", json!({ "name": "X" })).await.assert_problem(403);
    app.api_as(&reads, Post, "/tenants/acme/logout", Value::Null).await.assert_problem(403);
    app.api_as(&neither, Get, "/tenants/acme", Value::Null).await.assert_problem(403);
    assert!(app.audited("globex", "admin.refused").await);
}

#[rocket::async_test]
async fn a_user_carries_the_admin_scopes_that_their_roles_allow() {
    let app = TestApp::start().await;
    let scope_of = |username: &'static str| {
        let app = &app;
        async move {
            let pairs = [
                ("grant_type", "password"),
                ("client_id", "app"),
                ("username", username),
                ("password", PASSWORD),
                ("scope", "openid admin admin:read"),
            ];
            app.acme().post("token", &pairs).await.ok().json()["scope"].as_str().unwrap().to_owned()
        }
    };
    assert_eq!(scope_of("ada").await, "openid");
    assert_eq!(scope_of("alan").await, "admin:read openid");
    assert_eq!(scope_of("grace").await, "admin admin:read openid");
}

#[rocket::async_test]
async fn sessions_are_listed_filtered_and_paged() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        app.acme().sign_in("ada").await;
        app.clock.advance_millis(5);
    }
    app.acme().sign_in("grace").await;
    let list = |query: &'static str| app.api(Get, query, Value::Null);
    let all = list("/tenants/acme/sessions").await.ok().json();
    assert_eq!(all["items"].as_array().unwrap().len(), 4);
    assert_eq!(all["items"][0]["username"], "grace");
    assert_eq!(all["items"][0]["clients"], json!(["app"]));
    let ada = all["items"][1]["user_id"].as_str().unwrap().to_owned();
    let by_user = app
        .api(Get, &format!("/tenants/acme/sessions?user={ada}&active=true"), Value::Null)
        .await
        .json();
    assert_eq!(by_user["items"].as_array().unwrap().len(), 3);
    assert_eq!(list("/tenants/acme/sessions?client=web").await.json()["items"], json!([]));
    assert_eq!(list("/tenants/acme/sessions?ip=192.0.2.1").await.json()["items"], json!([]));
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = app
            .api(Get, &format!("/tenants/acme/sessions?limit=3{after}"), Value::Null)
            .await
            .ok()
            .json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let listed =
        all["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
    assert_eq!(
        seen,
        listed.collect::<Vec<_>>(),
        "pages neither overlap nor leave out, and keep the order"
    );
    assert_eq!(list("/tenants/acme/sessions?user=nobody").await.ok().json()["items"], json!([]));
    assert_eq!(
        list("/tenants/acme/sessions?user=grace").await.ok().json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[rocket::async_test]
async fn the_trail_is_listed_filtered_and_exported() {
    let app = TestApp::start().await;
    app.acme().post("token", &[("grant_type", "client_credentials"), ("client_id", "web")]).await;
    let list =
        app.api(Get, "/tenants/acme/audit?action=client.refused", Value::Null).await.ok().json();
    assert_eq!(list["items"][0]["action"], "client.refused");
    assert_eq!(list["items"][0]["ip"], "127.0.0.1");
    let token = format!("Bearer {}", app.operator_token().await);
    let path = "/api/v1/tenants/acme/audit";
    let csv =
        app.send(Get, path, &[("Authorization", &token), ("Accept", "text/csv")], "").await.ok();
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    assert!(csv.body.starts_with("id,at,actor,action,target,reason,ip,user_agent"));
    let lines = app
        .send(Get, path, &[("Authorization", &token), ("Accept", "application/x-ndjson")], "")
        .await
        .ok();
    for line in lines.body.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    app.api(Get, "/tenants/acme/audit?since=yesterday", Value::Null).await.assert_problem(400);
    let none =
        app.api(Get, "/tenants/acme/audit?since=2100-01-01T00:00:00Z", Value::Null).await.json();
    assert_eq!(none["items"], json!([]));
}
