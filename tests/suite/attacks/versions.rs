//! O3: what people change bears a version, and a change that rests on an older one is refused.

use rocket::{futures::future::join_all, http::Method};
use serde_json::{Value, json};

use crate::support::{Agent, CALLBACK, Reply, TestApp};

/// One thing that people change: where it is made, what makes it, where it is, and the member that is patched.
struct Thing {
    made_at: &'static str,
    fields: Value,
    at: String,
    member: &'static str,
}

fn things(round: &str) -> Vec<Thing> {
    let slug = format!("initech-{round}");
    vec![
        Thing {
            made_at: "/tenants",
            fields: json!({ "slug": slug, "name": "Initech" }),
            at: format!("/tenants/{slug}"),
            member: "name",
        },
        Thing {
            made_at: "/tenants/acme/clients",
            fields: json!({ "client_id": format!("tps-{round}"), "client_name": "TPS", "redirect_uris": [CALLBACK],
                "token_endpoint_auth_method": "none", "scope": "openid" }),
            at: format!("/tenants/acme/clients/tps-{round}"),
            member: "client_name",
        },
        Thing {
            made_at: "/tenants/acme/users",
            fields: json!({ "username": format!("peter-{round}"), "name": "Peter" }),
            at: "/tenants/acme/users/".to_owned(),
            member: "name",
        },
    ]
}

#[track_caller]
fn etag(reply: &Reply) -> String {
    let tag = reply
        .header("etag")
        .unwrap_or_else(|| panic!("no ETag: {} {}", reply.status, reply.body))
        .to_owned();
    assert!(
        tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2,
        "a strong entity tag (RFC 9110): {tag}"
    );
    tag
}

async fn send(
    app: &TestApp,
    method: Method,
    path: &str,
    body: Value,
    if_match: Option<&str>,
) -> Reply {
    let bearer = format!("Bearer {}", app.operator_token().await);
    let mut headers =
        vec![("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    headers.extend(if_match.map(|tag| ("If-Match", tag)));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    app.send(method, &format!("/api/v1{path}"), &headers, body).await
}

/// Makes a thing, and where it is.
async fn make(app: &TestApp, thing: &Thing) -> (Reply, String) {
    let made = send(app, Method::Post, thing.made_at, thing.fields.clone(), None).await.ok();
    let id = made.json()["id"].as_str().unwrap_or_default().to_owned();
    let at = if thing.at.ends_with('/') { format!("{}{id}", thing.at) } else { thing.at.clone() };
    (made, at)
}

async fn get(app: &TestApp, at: &str) -> Reply {
    send(app, Method::Get, at, Value::Null, None).await.ok()
}

#[rocket::async_test]
async fn o3_what_is_made_shown_and_changed_bears_its_version() {
    let app = TestApp::start().await;
    for thing in things("a") {
        let (made, at) = make(&app, &thing).await;
        let first = etag(&made);
        assert_eq!(etag(&get(&app, &at).await), first, "{at}");
        let changed =
            send(&app, Method::Patch, &at, json!({ thing.member: "Another" }), None).await.ok();
        let second = etag(&changed);
        assert_ne!(first, second, "{at}");
        assert_eq!(etag(&get(&app, &at).await), second, "{at}");
    }
}

#[rocket::async_test]
async fn o3_a_change_that_rests_on_an_older_version_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    for thing in things("a") {
        let (made, at) = make(&app, &thing).await;
        let stale = etag(&made);
        let changed =
            send(&app, Method::Patch, &at, json!({ thing.member: "By another" }), Some(&stale))
                .await
                .ok();
        let current = etag(&changed);
        for not_current in [stale.as_str(), "\"no version at all\""] {
            let refused = send(
                &app,
                Method::Patch,
                &at,
                json!({ thing.member: "Too late" }),
                Some(not_current),
            )
            .await;
            refused.assert_problem(412);
        }
        let now = get(&app, &at).await;
        assert_eq!(
            (now.json()[thing.member].as_str(), etag(&now)),
            (Some("By another"), current.clone()),
            "{at}"
        );
        let either = format!("\"no version at all\", {current}");
        let listed =
            send(&app, Method::Patch, &at, json!({ thing.member: "By a list" }), Some(&either))
                .await
                .ok();
        assert_ne!(etag(&listed), current);
        let any =
            send(&app, Method::Patch, &at, json!({ thing.member: "Whatever it is" }), Some("*"))
                .await
                .ok();
        assert_eq!(any.json()[thing.member], "Whatever it is");
    }
}

#[rocket::async_test]
async fn o3_what_is_deleted_is_the_version_that_was_meant() {
    let app = TestApp::start().await;
    for thing in things("a") {
        let (made, at) = make(&app, &thing).await;
        let stale = etag(&made);
        let changed =
            send(&app, Method::Patch, &at, json!({ thing.member: "By another" }), None).await.ok();
        send(&app, Method::Delete, &at, Value::Null, Some(&stale)).await.assert_problem(412);
        assert_eq!(get(&app, &at).await.json()[thing.member], "By another");
        send(&app, Method::Delete, &at, Value::Null, Some(&etag(&changed))).await.ok();
    }
}

#[rocket::async_test]
async fn o3_of_those_who_change_one_version_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let node = app.another_node().await;
    let nodes = [&app, &node, &app, &node];
    for round in ["a", "b", "c"] {
        for thing in things(round) {
            let (made, at) = make(&app, &thing).await;
            node.follow().await;
            let tag = etag(&made);
            let change = |count: usize| {
                let (at, tag, member) = (&at, &tag, thing.member);
                async move {
                    let body = json!({ member: format!("Number {count}") });
                    // Where the server could not say, it is asked again.
                    crate::support::until_served(|| {
                        send(nodes[count], Method::Patch, at, body.clone(), Some(tag))
                    })
                    .await
                }
            };
            let replies = join_all((0..4).map(change)).await;
            let won: Vec<usize> = (0..4).filter(|at| replies[*at].status == 200).collect();
            assert_eq!(
                won.len(),
                1,
                "{:?}",
                replies.iter().map(|reply| reply.status).collect::<Vec<_>>()
            );
            replies
                .iter()
                .filter(|reply| reply.status != 200)
                .for_each(|reply| reply.assert_problem(412));
            assert_eq!(get(&app, &at).await.json()[thing.member], format!("Number {}", won[0]));
        }
    }
}

/// A console form of one thing: its page, where it is in the API, its fields, and the one that is typed.
struct Form {
    page: String,
    api: String,
    fields: Vec<(&'static str, &'static str)>,
    name: &'static str,
    member: &'static str,
}

async fn forms(app: &TestApp) -> Vec<Form> {
    let ada = app.acme().sign_in("ada").await;
    let id = crate::support::claim(&ada.access, "sub").as_str().unwrap().to_owned();
    vec![
        Form {
            page: "/admin/tenants/acme".into(),
            api: "/tenants/acme".into(),
            fields: vec![
                ("access_token_ttl", "900"),
                ("refresh_token_ttl", "604800"),
                ("refresh_reuse_grace", "10"),
                ("password_bcrypt_cost", "10"),
                ("session_idle_ttl", "86400"),
                ("session_max_ttl", "2592000"),
                ("refresh_token_sliding", "on"),
                ("signing_alg", "ES256"),
                ("scopes", "reports.read Read your reports\nreports.write "),
                ("resources", "https://api.acme.example reports.read reports.write"),
            ],
            name: "name",
            member: "name",
        },
        Form {
            page: "/admin/tenants/acme/clients/web".into(),
            api: "/tenants/acme/clients/web".into(),
            fields: vec![
                ("token_endpoint_auth_method", "client_secret_basic"),
                ("redirect_uris", CALLBACK),
                ("post_logout_redirect_uris", ""),
                ("grant_authorization_code", "on"),
                ("grant_refresh_token", "on"),
                ("grant_client_credentials", "on"),
                ("scope", "openid profile email offline_access reports.read"),
                ("jwks", ""),
            ],
            name: "client_name",
            member: "client_name",
        },
        Form {
            page: format!("/admin/tenants/acme/users/{id}"),
            api: format!("/tenants/acme/users/{id}"),
            fields: vec![
                ("username", "ada"),
                ("email", "ada@acme.example"),
                ("password", ""),
                ("active", "on"),
            ],
            name: "name",
            member: "name",
        },
    ]
}

#[rocket::async_test]
async fn o3_a_form_that_rests_on_an_older_version_comes_back_with_both() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    for form in forms(&app).await {
        let version = agent.get(&form.page).await.ok().hidden("version");
        app.api(Method::Patch, &form.api, json!({ form.member: "Changed by another" })).await.ok();
        let typed = |version: &str| {
            let mut fields = form.fields.clone();
            fields.push((form.name, "Typed by hand"));
            let version = version.to_owned();
            (fields, version)
        };
        let (mut fields, stale) = typed(&version);
        fields.push(("version", &stale));
        let refused = agent.console(&form.page, &fields).await;
        assert_eq!(refused.status, 409, "{}: {}", form.page, refused.body);
        assert!(refused.header("content-type").unwrap().starts_with("text/html"));
        for shown in ["Typed by hand", "Changed by another"] {
            assert!(
                refused.body.contains(shown),
                "{}: {shown} is not shown: {}",
                form.page,
                refused.body
            );
        }
        let now = app.api(Method::Get, &form.api, Value::Null).await.ok().json();
        assert_eq!(now[form.member], "Changed by another", "{}", form.page);
        // Whoever has seen both may save.
        let (mut fields, current) = typed(&refused.hidden("version"));
        fields.push(("version", &current));
        assert_eq!(agent.console(&form.page, &fields).await.status, 303, "{}", form.page);
        let now = app.api(Method::Get, &form.api, Value::Null).await.ok().json();
        assert_eq!(now[form.member], "Typed by hand", "{}", form.page);
    }
}

/// What a form does not show it does not put back: a suspension, or roles that were taken, stay.
#[rocket::async_test]
async fn o3_a_stale_form_undoes_no_suspension_and_gives_back_no_role() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let sam = app.acme().sign_in("sam").await;
    let id = crate::support::claim(&sam.access, "sub").as_str().unwrap().to_owned();
    let page = format!("/admin/tenants/acme/users/{id}");
    let version = agent.get(&page).await.ok().hidden("version");
    let taken = json!({ "roles": [], "status": "disabled" });
    app.api(Method::Patch, &format!("/tenants/acme/users/{id}"), taken).await.ok();
    let fields = [
        ("version", version.as_str()),
        ("username", "sam"),
        ("name", "Sam"),
        ("active", "on"),
        ("role_support", "on"),
    ];
    assert_eq!(agent.console(&page, &fields).await.status, 409);
    let now =
        app.api(Method::Get, &format!("/tenants/acme/users/{id}"), Value::Null).await.ok().json();
    assert_eq!((&now["roles"], &now["status"]), (&json!([]), &json!("disabled")));
}
