//! Row O7: who may do what, and to whom, at every door; a test for each cell of the table.

use portcullis::{
    admin::{Action, Whom, allowed},
    domain::Role,
};
use rocket::http::Method::{Delete, Get, Patch, Post};
use serde_json::{Value, json};

use crate::support::{Agent, PASSWORD, Reply, SECRET, TestApp, TestTenant};

/// Users of every standing in `slug`, each to do things or to have them done: NAME and NAME-2.
async fn people(app: &TestApp, slug: &str) {
    let roles = [
        ("person", json!([])),
        ("admin", json!(["tenant_admin"])),
        ("support", json!(["support"])),
    ];
    let roles = roles
        .into_iter()
        .chain([("auditor", json!(["tenant_auditor"])), ("operator", json!(["operator"]))]);
    for (name, roles) in roles {
        if name == "operator" && slug != "system" {
            continue;
        }
        for name in [name.to_owned(), format!("{name}-2")] {
            let user = json!({ "username": name, "password": PASSWORD, "roles": roles });
            app.api(Post, &format!("/tenants/{slug}/users"), user).await.ok();
        }
    }
}

/// Lets `app` take passwords and ask for scope `admin` in the operators' tenant too.
async fn admin_app(app: &TestApp) {
    let client = json!({
        "client_id": "app", "token_endpoint_auth_method": "none", "grant_types": ["password"],
        "scope": "admin admin:read",
    });
    app.api(Post, "/tenants/system/clients", client).await.ok();
}

async fn token_of(app: &TestApp, slug: &str, username: &str, scope: &str) -> String {
    let tenant = TestTenant { app, slug };
    let pairs = [
        ("grant_type", "password"),
        ("client_id", "app"),
        ("username", username),
        ("password", PASSWORD),
    ];
    let pairs = [pairs.as_slice(), &[("scope", scope)]].concat();
    tenant.post("token", &pairs).await.tokens().access
}

async fn id_of(app: &TestApp, slug: &str, username: &str) -> String {
    let page =
        app.api(Get, &format!("/tenants/{slug}/users?q={username}"), Value::Null).await.ok().json();
    page["items"][0]["id"].as_str().unwrap().to_owned()
}

/// What is tried: how, and what it takes.
struct Try {
    action: Action,
    whom: Whom,
    call: (rocket::http::Method, String, Value),
    form: Option<(String, Vec<(&'static str, String)>)>,
}

async fn tries(app: &TestApp, slug: &str) -> Vec<Try> {
    let at = format!("/tenants/{slug}");
    let (console, at_large) =
        (format!("/admin{at}"), if slug == "system" { Whom::Operators } else { Whom::Staff });
    let mut tries = Vec::new();
    for (name, whom) in
        [("person", Whom::People), ("auditor", Whom::Staff), ("operator", Whom::Operators)]
    {
        if whom == Whom::Operators && slug != "system" {
            continue;
        }
        let name = format!("{name}-2");
        let id = id_of(app, slug, &name).await;
        let role = match whom {
            Whom::Staff => vec![("role_tenant_auditor", "on".to_owned())],
            Whom::Operators => vec![("role_operator", "on".to_owned())],
            _ => Vec::new(),
        };
        // A form bears the whole of the user, as the page shows it.
        let shown = app.api(Get, &format!("{at}/users/{id}"), Value::Null).await.ok().json();
        let verified = if shown["email_verified"] == true {
            vec![("email_verified", "on".to_owned())]
        } else {
            vec![]
        };
        let plain = [vec![("username", name.clone()), ("active", "on".to_owned())], verified, role]
            .concat();
        let named = shown["name"].as_str().unwrap_or_default().to_owned();
        let profile = [plain.clone(), vec![("name", named.clone())]].concat();
        let renamed = [plain, vec![("name", format!("{named}x"))]].concat();
        let user = format!("{at}/users/{id}");
        let page = format!("/admin{user}");
        tries.push(Try {
            action: Action::EndSessions,
            whom,
            call: (Post, format!("{user}/logout"), Value::Null),
            form: Some((format!("{page}/logout"), Vec::new())),
        });
        tries.push(Try {
            action: Action::ResetPasswords,
            whom,
            call: (Patch, user.clone(), json!({ "password": "another password" })),
            form: Some((
                page.clone(),
                [profile, vec![("password", "some other password".to_owned())]].concat(),
            )),
        });
        tries.push(Try {
            action: Action::ChangeUsers,
            whom,
            call: (Patch, user, json!({ "email_verified": shown["email_verified"] == false })),
            form: Some((page, renamed)),
        });
    }
    let at_once = |action, method, path: String, body| Try {
        action,
        whom: at_large,
        call: (method, format!("{at}{path}"), body),
        form: None,
    };
    tries.push(Try {
        form: Some((format!("{console}/logout"), Vec::new())),
        ..at_once(Action::EndAtLarge, Post, "/logout?dry_run=true".into(), Value::Null)
    });
    tries.push(at_once(
        Action::EndAtLarge,
        Post,
        "/clients/app/logout?dry_run=true".into(),
        Value::Null,
    ));
    tries.push(at_once(
        Action::EndAtLarge,
        Post,
        "/tokens/revoke".into(),
        json!({ "jti": "some" }),
    ));
    tries.push(Try {
        form: Some((format!("{console}/keys/rotate"), vec![("confirmed", "yes".to_owned())])),
        ..at_once(Action::ChangeKeys, Post, "/keys/rotate".into(), Value::Null)
    });
    tries.push(at_once(Action::ChangeTenant, Patch, String::new(), json!({ "name": "Renamed" })));
    let made = app.site.app.effects.uuid().simple().to_string();
    tries.push(Try {
        action: Action::ChangeClients,
        whom: Whom::Staff,
        call: (
            Post,
            format!("{at}/clients"),
            json!({ "client_id": format!("a{made}"), "grant_types": [] }),
        ),
        form: Some((
            format!("{console}/clients"),
            vec![("client_id", format!("b{made}")), ("token_endpoint_auth_method", "none".into())],
        )),
    });
    tries.push(Try {
        action: Action::ReadInstallation,
        whom: Whom::People,
        call: (Get, "/tenants".into(), Value::Null),
        form: None,
    });
    tries.push(Try {
        action: Action::OperateInstallation,
        whom: Whom::People,
        call: (Post, "/tenants".into(), json!({ "slug": format!("t{made}") })),
        form: Some(("/admin/tenants".into(), vec![("slug", format!("u{made}"))])),
    });
    tries
}

fn is_done(reply: &Reply) -> bool {
    assert!(reply.status < 500, "{} {}", reply.status, reply.body);
    match reply.status {
        403 => false,
        // A conflict is with what is there, not with who asks.
        200..=204 | 303 | 409 => true,
        other => panic!("{other} {}", reply.body),
    }
}

async fn every_cell(slug: &str) {
    let app = TestApp::start().await;
    admin_app(&app).await;
    people(&app, slug).await;
    let roles = [
        ("operator", Role::Operator),
        ("admin", Role::TenantAdmin),
        ("support", Role::Support),
        ("auditor", Role::TenantAuditor),
    ];
    for (name, role) in roles {
        let home = if role == Role::Operator { "system" } else { slug };
        if home != slug {
            people(&app, home).await;
        }
        let writes = role != Role::TenantAuditor;
        let token = token_of(&app, home, name, if writes { "admin" } else { "admin:read" }).await;
        let read_only = token_of(&app, home, name, "admin:read").await;
        let mut agent = Agent::new(&app);
        assert_eq!(agent.log_in_to_console(home, name).await.location(), "/admin");
        app.api_as(&token, Get, &format!("/tenants/{slug}/sessions"), Value::Null).await.ok();
        agent.get(&format!("/admin/tenants/{slug}/sessions")).await.ok();
        for Try { action, whom, call: (method, path, body), form } in tries(&app, slug).await {
            let expected = allowed(role, action) >= whom;
            let cell = format!("{name} at {slug}: {action:?} to {whom:?}");
            let reply = app.api_as(&token, method, &path, body.clone()).await;
            assert_eq!(is_done(&reply), expected, "{cell}, by token: {}", reply.body);
            let is_read = action == Action::ReadInstallation;
            let reply = app.api_as(&read_only, method, &path, body).await;
            assert_eq!(
                is_done(&reply),
                expected && is_read,
                "{cell}, by a token that reads: {}",
                reply.body
            );
            let Some((path, fields)) = form else { continue };
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            // Whoever ends a whole tenant ends their own sessions: the page that asks is enough.
            let reply = match path.ends_with(&format!("{slug}/logout")) {
                true => agent.get(&path).await,
                false => agent.console(&path, &fields).await,
            };
            assert_eq!(is_done(&reply), expected, "{cell}, at the console: {}", reply.body);
        }
    }
}

#[rocket::async_test]
async fn o7_each_role_does_in_a_tenant_what_the_table_says_at_every_door() {
    every_cell("acme").await;
}

#[rocket::async_test]
async fn o7_each_role_does_in_the_operators_tenant_what_the_table_says_at_every_door() {
    every_cell("system").await;
}

#[rocket::async_test]
async fn o7_reach_over_other_tenants_comes_from_the_role_of_operator_alone() {
    let app = TestApp::start().await;
    admin_app(&app).await;
    people(&app, "system").await;
    for name in ["admin", "support", "auditor"] {
        let scope = if name == "auditor" { "admin:read" } else { "admin" };
        let token = token_of(&app, "system", name, scope).await;
        for path in
            ["/tenants/acme", "/tenants/acme/users", "/tenants/acme/audit", "/tenants/acme/keys"]
        {
            app.api_as(&token, Get, path, Value::Null).await.assert_problem(404);
        }
        app.api_as(&token, Get, "/tenants", Value::Null).await.assert_problem(403);
        app.api_as(&token, Post, "/tenants", json!({ "slug": "initech" }))
            .await
            .assert_problem(403);
        app.api_as(&token, Delete, "/tenants/acme", Value::Null).await.assert_problem(404);
        let mut agent = Agent::new(&app);
        agent.log_in_to_console("system", name).await;
        assert_eq!(agent.get("/admin/tenants/acme").await.status, 404);
        assert_eq!(agent.get("/admin/tenants").await.status, 403);
    }
}

#[rocket::async_test]
async fn o7_only_an_operator_makes_changes_or_gives_secrets_to_a_client_that_may_administer_the_installation()
 {
    let app = TestApp::start().await;
    admin_app(&app).await;
    people(&app, "system").await;
    let robot = json!({ "client_id": "robot", "client_secret": SECRET, "grant_types": ["client_credentials"], "scope": "admin" });
    app.api(Post, "/tenants/system/clients", robot).await.ok();
    let token = token_of(&app, "system", "admin", "admin").await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "admin").await;
    for scope in ["admin", "admin:read", "openid admin"] {
        let client =
            json!({ "client_id": "mine", "grant_types": ["client_credentials"], "scope": scope });
        app.api_as(&token, Post, "/tenants/system/clients", client).await.assert_problem(403);
        let fields = [
            ("client_id", "mine"),
            ("token_endpoint_auth_method", "client_secret_basic"),
            ("grant_client_credentials", "on"),
            ("scope", scope),
        ];
        assert_eq!(agent.console("/admin/tenants/system/clients", &fields).await.status, 403);
    }
    // One that is registered without it does not get it afterwards.
    let client = json!({ "client_id": "mine", "grant_types": ["client_credentials"], "scope": "" });
    app.api_as(&token, Post, "/tenants/system/clients", client).await.ok();
    app.api_as(&token, Patch, "/tenants/system/clients/mine", json!({ "scope": "admin" }))
        .await
        .assert_problem(403);
    // Nor is one that has it taken over.
    let robot = "/tenants/system/clients/robot";
    app.api_as(&token, Post, &format!("{robot}/secrets"), Value::Null).await.assert_problem(403);
    app.api_as(&token, Patch, robot, json!({ "redirect_uris": [] })).await.assert_problem(403);
    app.api_as(&token, Patch, robot, json!({ "scope": "" })).await.assert_problem(403);
    app.api_as(&token, Delete, robot, Value::Null).await.assert_problem(403);
    let shown = app.api(Get, robot, Value::Null).await.ok().json();
    let secret = shown["secrets"][0]["id"].as_str().unwrap();
    app.api_as(&token, Delete, &format!("{robot}/secrets/{secret}"), Value::Null)
        .await
        .assert_problem(403);
    assert_eq!(agent.console(&format!("/admin{robot}/secrets"), &[]).await.status, 403);
    assert_eq!(agent.console(&format!("/admin{robot}/delete"), &[]).await.status, 403);
}

#[rocket::async_test]
async fn m2_nobody_raises_themselves_or_another_above_their_own_role() {
    let app = TestApp::start().await;
    admin_app(&app).await;
    people(&app, "system").await;
    let token = token_of(&app, "system", "admin", "admin").await;
    let (own, person) =
        (id_of(&app, "system", "admin").await, id_of(&app, "system", "person").await);
    for id in [&own, &person] {
        let raised = json!({ "roles": ["operator"] });
        app.api_as(&token, Patch, &format!("/tenants/system/users/{id}"), raised)
            .await
            .assert_problem(403);
    }
    let made = json!({ "username": "new", "password": PASSWORD, "roles": ["operator"] });
    app.api_as(&token, Post, "/tenants/system/users", made).await.assert_problem(403);
    let token = token_of(&app, "system", "support", "admin").await;
    let raised = json!({ "roles": ["support"], "password": "another password" });
    app.api_as(&token, Patch, &format!("/tenants/system/users/{person}"), raised)
        .await
        .assert_problem(403);
    // A role that is taken away is gone from tokens that were issued for it.
    let token = token_of(&app, "system", "operator", "admin").await;
    let operator = id_of(&app, "system", "operator").await;
    app.api(Patch, &format!("/tenants/system/users/{operator}"), json!({ "roles": [] })).await.ok();
    app.api_as(&token, Get, "/tenants", Value::Null).await.assert_problem(401);
}

#[rocket::async_test]
async fn how_the_installation_is_built_is_shown_to_operators_alone() {
    let app = TestApp::start().await;
    app.acme().sign_in("ada").await;
    let token = token_of(&app, "acme", "grace", "admin").await;
    let ended =
        app.api_as(&token, Post, "/tenants/acme/clients/web/logout", Value::Null).await.ok().json();
    let path = format!("/revocations/{}", ended["event"]);
    let shown = app.api_as(&token, Get, &path, Value::Null).await.ok().json();
    assert_eq!((shown["everywhere"].is_boolean(), shown.get("nodes")), (true, None), "{shown}");
    assert!(app.api(Get, &path, Value::Null).await.ok().json()["nodes"].is_array());
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("acme", "grace").await;
    let page = agent.get(&format!("/admin/tenants/acme/endings/{}", ended["event"])).await.ok();
    assert!(!page.body.contains("Node"), "{}", page.body);
}
