//! A client that may authenticate by more than one method.

use rocket::http::{Method, Status};
use serde_json::{Value, json};

use crate::support::{Reply, SECRET, TestApp, basic};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn made(app: &TestApp, more: Value) -> Reply {
    let mut body =
        json!({ "client_id": "two", "client_secret": SECRET, "application_type": "machine" });
    let (Value::Object(members), Value::Object(more)) = (&mut body, more) else { panic!() };
    members.extend(more);
    app.api(Method::Post, "/tenants/acme/clients", body).await
}

async fn by_basic(app: &TestApp) -> Reply {
    app.acme().post_basic("token", &basic("two", SECRET), &[GRANT]).await
}

async fn by_post(app: &TestApp) -> Reply {
    let pairs = [GRANT, ("client_id", "two"), ("client_secret", SECRET)];
    app.acme().post("token", &pairs).await
}

/// Why clients were refused, as the trail has it.
async fn told(app: &TestApp) -> String {
    app.site.app.audit.flush().await;
    let path = "/tenants/acme/audit?action=client.refused";
    let listed = app.api(Method::Get, path, Value::Null).await.json();
    listed["items"].to_string()
}

#[rocket::async_test]
async fn a_confidential_client_may_put_its_secret_in_either_place_unless_it_was_told_one() {
    let app = TestApp::start().await;
    let client = made(&app, json!({})).await.json();
    assert_eq!(client["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(client["additional_token_endpoint_auth_methods"], json!(["client_secret_post"]));
    by_basic(&app).await.ok();
    by_post(&app).await.ok();

    // Whoever names one means that one.
    let path = "/tenants/acme/clients/two";
    let patch = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let client = app.api(Method::Patch, path, patch).await.json();
    assert_eq!(client["additional_token_endpoint_auth_methods"], json!([]));
    by_post(&app).await.ok();
    by_basic(&app).await.assert_error(401, "invalid_client");
    let why = "it used client_secret_basic, and is registered for client_secret_post";
    assert!(told(&app).await.contains(why));

    // Whoever resets it has both again.
    let patch = json!({ "token_endpoint_auth_method": null });
    app.api(Method::Patch, path, patch).await.ok();
    by_basic(&app).await.ok();
    by_post(&app).await.ok();
    let nothing = app.acme().post("token", &[GRANT, ("client_id", "two")]).await;
    nothing.assert_error(401, "invalid_client");
    let why = "it used none, and is registered for client_secret_basic and client_secret_post";
    assert!(told(&app).await.contains(why));
}

#[rocket::async_test]
async fn methods_that_do_not_go_together_are_refused() {
    let app = TestApp::start().await;
    let others = "additional_token_endpoint_auth_methods";
    for (method, additional, field) in [
        ("none", json!(["client_secret_post"]), others),
        ("client_secret_basic", json!(["none"]), others),
        ("client_secret_basic", json!(["client_secret_basic"]), others),
        ("client_secret_basic", json!(["client_secret_post", "client_secret_post"]), others),
        ("client_secret_basic", json!(["private_key_jwt"]), "jwks"),
        (
            "client_secret_basic",
            json!(["tls_client_auth"]),
            "additional_token_endpoint_auth_methods[0]",
        ),
    ] {
        let refused = made(
            &app,
            json!({ "application_type": "web", "redirect_uris": ["https://app.example/cb"],
                "token_endpoint_auth_method": method, others: additional, "client_secret": null }),
        )
        .await;
        assert_eq!(refused.status, Status::BadRequest.code, "{method}: {}", refused.body);
        assert_eq!(refused.json()["field"], field, "{method}: {}", refused.body);
    }
}

#[rocket::async_test]
async fn what_is_left_out_has_the_default_of_its_kind() {
    let app = TestApp::start().await;
    let make = |kind: &'static str, more: Value| {
        let (app, mut body) =
            (&app, json!({ "client_id": format!("a-{kind}"), "application_type": kind }));
        if let (Value::Object(members), Value::Object(more)) = (&mut body, more) {
            members.extend(more);
        }
        async move { app.api(Method::Post, "/tenants/acme/clients", body).await }
    };
    let at = json!({ "redirect_uris": ["https://app.example/callback"] });
    for (kind, more, method, grants) in [
        ("web", at.clone(), "client_secret_basic", json!(["authorization_code", "refresh_token"])),
        ("spa", at.clone(), "none", json!(["authorization_code", "refresh_token"])),
        ("native", at.clone(), "none", json!(["authorization_code", "refresh_token"])),
        ("machine", json!({}), "client_secret_basic", json!(["client_credentials"])),
        ("resource_server", json!({}), "client_secret_basic", json!(["client_credentials"])),
    ] {
        let client = make(kind, more).await.json();
        assert_eq!(client["application_type"], kind);
        assert_eq!(client["token_endpoint_auth_method"], method, "{kind}");
        assert_eq!(client["grant_types"], grants, "{kind}");
        assert_eq!(client["client_secret"].is_string(), method != "none", "{kind}");
    }
    // What is said counts, whatever the kind.
    let other = app
        .api(
            Method::Post,
            "/tenants/acme/clients",
            json!({ "application_type": "machine", "scope": "reports.read" }),
        )
        .await
        .json();
    assert_eq!(other["scope"], "reports.read");
    let refused = make("toaster", json!({})).await;
    assert_eq!((refused.status, refused.json()["field"].as_str()), (400, Some("application_type")));
}

#[rocket::async_test]
async fn the_console_begins_with_the_defaults_of_a_kind() {
    let app = TestApp::start().await;
    let mut agent = crate::support::Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let page = agent.get("/admin/tenants/acme/new-client?type=machine").await.ok().body;
    let tag = |name: &str| page.split('<').find(|tag| tag.contains(name)).unwrap().to_owned();
    assert!(tag("grant_client_credentials").contains("checked"));
    assert!(!tag("grant_authorization_code").contains("checked"));
    assert!(tag("new-client?type=machine").contains("aria-current"));
    let page = agent.get("/admin/tenants/acme/new-client?kind=machine").await;
    assert_eq!(page.status, 400);
}
