//! Row O10: what is asked for is understood or refused, and nothing is done by accident.

use rocket::http::Method::{Delete, Get, Post};
use serde_json::{Value, json};

use crate::support::{Agent, TestApp, form};

/// Each list of the API, with the values that it must refuse.
const LISTS: [&str; 5] = [
    "/tenants",
    "/tenants/acme/clients",
    "/tenants/acme/users",
    "/tenants/acme/sessions",
    "/tenants/acme/audit",
];

#[rocket::async_test]
async fn o10_a_query_that_cannot_be_read_is_told_so_by_its_name() {
    let app = TestApp::start().await;
    for list in LISTS {
        for (query, field) in [
            ("limit=", "limit"),
            ("limit=ten", "limit"),
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=201", "limit"),
            ("limit=1.5", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("limit=1&limit=2", "limit"),
            ("Limit=1", "Limit"),
            ("page=2", "page"),
            ("after=%00", "after"),
            ("dry_run=true", "dry_run"),
            ("", ""),
        ] {
            let reply = app.api(Get, &format!("{list}?{query}"), Value::Null).await;
            if field.is_empty() {
                reply.ok();
                continue;
            }
            reply.assert_problem(400);
            assert_eq!(reply.json()["field"], field, "{list}?{query}");
        }
    }
    for (path, field) in [
        ("/tenants/acme/sessions?active=1", "active"),
        ("/tenants/acme/sessions?active=True", "active"),
        ("/tenants/acme/sessions?ip=nowhere", "ip"),
        ("/tenants/acme/sessions?after=x", "after"),
        ("/tenants/acme/users?after=x", "after"),
        ("/tenants/acme/audit?since=yesterday", "since"),
        ("/tenants/acme/audit?until=1", "until"),
        ("/tenants/acme/audit?actor=ada", "actor"),
        ("/tenants/acme/audit?after=x", "after"),
        ("/tenants/acme?verbose=true", "verbose"),
        ("/tenants/acme/keys?limit=1", "limit"),
        ("/revocations/1?x=y", "x"),
    ] {
        let reply = app.api(Get, path, Value::Null).await;
        reply.assert_problem(400);
        assert_eq!(reply.json()["field"], field, "{path}");
    }
}

#[rocket::async_test]
async fn o10_what_was_to_be_tried_only_is_never_done() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let me = app.acme().bearer(Get, "/auth/me", &tokens.access).await.json();
    let (user, session) = (me["sub"].as_str().unwrap(), me["sid"].as_str().unwrap());
    let endings = [
        (Post, "/tenants/acme/logout".to_owned()),
        (Post, "/tenants/acme/clients/app/logout".to_owned()),
        (Post, format!("/tenants/acme/users/{user}/logout")),
        (Delete, format!("/tenants/acme/sessions/{session}")),
    ];
    for (method, path) in endings {
        for query in [
            "dry_run=1",
            "dry_run=yes",
            "dry_run",
            "dry_run=",
            "dryrun=true",
            "dry_run=true&dry_run=false",
        ] {
            app.api(method, &format!("{path}?{query}"), Value::Null).await.assert_problem(400);
        }
        let told = app.api(method, &format!("{path}?dry_run=true"), Value::Null).await.ok().json();
        assert_eq!((&told["dry_run"], &told["event"]), (&json!(true), &Value::Null));
    }
    for query in ["purge=1", "purge=yes", "purge", "force=true"] {
        app.api(Delete, &format!("/tenants/acme?{query}"), Value::Null).await.assert_problem(400);
    }
    let shown = app.api(Get, "/tenants/acme/clients/web", Value::Null).await.json();
    let secret = format!(
        "/tenants/acme/clients/web/secrets/{}",
        shown["secrets"][0]["id"].as_str().unwrap()
    );
    for query in ["compromised=1", "compromised=TRUE", "leaked=true"] {
        app.api(Delete, &format!("{secret}?{query}"), Value::Null).await.assert_problem(400);
    }
    for body in [json!({ "jti": "x", "dry_run": true }), json!({ "jti": 1 }), json!({}), json!([])]
    {
        app.api(Post, "/tenants/acme/tokens/revoke", body).await.assert_problem(400);
    }
    // None of it was done.
    assert!(app.acme().is_active(&tokens.access).await);
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("acme", "grace").await;
    for path in [
        "/admin/tenants/acme/sessions?active=maybe",
        "/admin/tenants/acme/sessions?ip=nowhere",
        "/admin/tenants/acme/sessions?limit=1",
        "/admin/tenants/acme/audit?since=now",
        "/admin/tenants/acme?after=x",
    ] {
        assert_eq!(agent.get(path).await.status, 400, "{path}");
    }
    let reply = agent.console("/admin/tenants/acme/logout?dry_run=true", &[]).await;
    assert_eq!(reply.status, 400);
    assert!(app.acme().is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn the_authorization_server_ignores_what_it_does_not_know() {
    // RFC 6749 section 3.1 and 3.2: unrecognized parameters are ignored there.
    let app = TestApp::start().await;
    let pairs = [("grant_type", "client_credentials"), ("unheard", "of")];
    app.acme().post_as_web("token", &pairs).await.ok();
    let query = form(&[("unheard", "of")]);
    app.get(&format!("/t/acme/oauth2/jwks?{query}")).await.ok();
}
