//! What a file leaves out stays, and `null` resets.

use portcullis::admin::What;
use rocket::http::Method::{Get, Patch};
use serde_json::{Value, json};

use super::{fields, outcomes};
use crate::support::{PASSWORD, SECRET, TestApp, basic};

/// The entry of a user in the file that makes this installation.
async fn user(app: &TestApp, username: &str) -> Value {
    let file = app.export(Some("acme"), false).await;
    let users = file["tenants"][0]["users"].as_array().unwrap().clone();
    users.into_iter().find(|user| user["username"] == username).unwrap()
}

async fn client(app: &TestApp, client_id: &str) -> Value {
    let file = app.export(Some("acme"), false).await;
    let clients = file["tenants"][0]["clients"].as_array().unwrap().clone();
    clients.into_iter().find(|client| client["client_id"] == client_id).unwrap()
}

fn of_user(entry: &str) -> String {
    format!("tenants: [{{ slug: acme, users: [{entry}] }}]")
}

#[rocket::async_test]
async fn a_user_keeps_what_the_file_leaves_out_and_its_sessions() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("grace").await;
    let before = user(&app, "grace").await;
    assert_eq!(before["roles"], json!(["tenant_admin"]));

    let changed = app.apply(&of_user("{ username: grace, name: Rear Admiral }")).await;

    assert_eq!(fields(&changed), ["name: \"Grace Hopper\" -> \"Rear Admiral\""]);
    let mut wanted = before;
    wanted["name"] = "Rear Admiral".into();
    assert_eq!(user(&app, "grace").await, wanted);
    assert!(app.acme().is_active(&tokens.access).await);
    app.acme().refresh(&tokens.refresh).await.ok();
}

#[rocket::async_test]
async fn a_disabled_user_stays_disabled_where_the_file_does_not_speak_of_it() {
    let app = TestApp::start().await;
    app.apply(&of_user("{ username: sam, status: disabled }")).await;
    let again = app.apply(&of_user("{ username: sam, name: Sam }")).await;
    assert_eq!(fields(&again), ["name: null -> \"Sam\""]);
    assert_eq!(user(&app, "sam").await["status"], "disabled");
    assert_eq!(user(&app, "sam").await["roles"], json!(["support"]));
    let back = app.apply(&of_user("{ username: sam, status: null }")).await;
    assert_eq!(fields(&back), ["status: \"disabled\" -> \"active\""]);
}

#[rocket::async_test]
async fn null_resets_a_users_members_and_no_password() {
    let app = TestApp::start().await;
    let all = "{ username: grace, email: null, email_verified: null, name: null, roles: null, status: null, \
               password: null, password_hash: null }";
    let changed = app.apply(&of_user(all)).await;
    assert_eq!(
        fields(&changed),
        [
            "email: \"grace@acme.example\" -> null",
            "name: \"Grace Hopper\" -> null",
            "roles: [\"tenant_admin\"] -> []"
        ]
    );
    app.acme().sign_in("grace").await;
    // In something new, null is as good as nothing.
    let made = app.apply(&of_user(&all.replace("grace", "edsger"))).await;
    assert_eq!(outcomes(&made)[1], "created user acme/edsger");
    assert_eq!(user(&app, "edsger").await["status"], "active");
}

#[rocket::async_test]
async fn a_tenant_keeps_its_name_settings_scopes_and_resources() {
    let app = TestApp::start().await;
    let path = "/tenants/acme";
    let before = app.api(Get, path, Value::Null).await.ok().json();
    let changed = app.apply("tenants: [{ slug: acme, settings: { access_token_ttl: 600 } }]").await;
    assert_eq!(fields(&changed), ["settings.access_token_ttl: 900 -> 600"]);
    let after = app.api(Get, path, Value::Null).await.ok().json();
    for member in ["name", "scopes", "resources", "status"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert_eq!(after["settings"]["password_bcrypt_cost"], 10);

    let reset = app
        .apply("tenants: [{ slug: acme, name: null, settings: { access_token_ttl: null } }]")
        .await;
    assert_eq!(
        fields(&reset),
        ["name: \"The acme company\" -> \"acme\"", "settings.access_token_ttl: 600 -> 900"]
    );
    let reset = app.apply("tenants: [{ slug: acme, settings: null, resources: null }]").await;
    let told = fields(&reset);
    assert!(told[0].starts_with("resources: [{") && told[0].ends_with("-> []"), "{told:?}");
    assert_eq!(told[1], "settings.password_bcrypt_cost: 10 -> 12");
}

#[rocket::async_test]
async fn a_client_keeps_its_registration_and_its_secret() {
    let app = TestApp::start().await;
    let before = client(&app, "web").await;
    let file = |entry: &str| format!("tenants: [{{ slug: acme, clients: [{entry}] }}]");
    let changed = app.apply(&file("{ client_id: web, client_name: The web }")).await;
    assert_eq!(fields(&changed), ["client_name: \"Web\" -> \"The web\""]);
    let mut wanted = before;
    wanted["client_name"] = "The web".into();
    assert_eq!(client(&app, "web").await, wanted);
    let reset = "{ client_id: web, client_name: null, client_secret: null, post_logout_redirect_uris: null }";
    let reset = app.apply(&file(reset)).await;
    assert_eq!(
        fields(&reset),
        [
            "client_name: \"The web\" -> \"\"",
            "post_logout_redirect_uris: [\"https://app.example/\"] -> []"
        ]
    );
    let grant = [("grant_type", "client_credentials")];
    app.acme().post_basic("token", &basic("web", SECRET), &grant).await.ok();
}

#[rocket::async_test]
async fn a_status_in_the_file_ends_what_it_must() {
    let app = TestApp::start().await;
    let (ada, grace) = (app.acme().sign_in("ada").await, app.acme().sign_in("grace").await);
    app.apply(&of_user("{ username: ada, status: disabled }")).await;
    assert!(!app.acme().is_active(&ada.access).await);
    assert!(app.acme().is_active(&grace.access).await);
    assert!(app.audited("acme", "user.changed").await);

    let changed = app.apply("tenants: [{ slug: acme, status: suspended }]").await;
    assert_eq!(fields(&changed), ["status: \"active\" -> \"suspended\""]);
    assert!(app.audited("acme", "tenant.suspended").await);
    assert_eq!(app.get("/t/acme/oauth2/jwks").await.status, 404);
    let again = app.apply("tenants: [{ slug: acme, name: Acme }]").await;
    assert_eq!(fields(&again), ["name: \"The acme company\" -> \"Acme\""]);
    assert_eq!(app.get("/t/acme/oauth2/jwks").await.status, 404);

    app.apply("tenants: [{ slug: acme, status: active }]").await;
    assert_eq!(app.get("/t/acme/oauth2/jwks").await.status, 200);
    assert!(!app.acme().is_active(&grace.access).await, "what it had before stays ended");
    let made = app.apply("tenants: [{ slug: late, status: suspended }]").await;
    assert_eq!(made[0].what, What::Created);
    assert_eq!(app.get("/t/late/oauth2/jwks").await.status, 404);
}

#[rocket::async_test]
async fn what_is_unchanged_is_not_touched() {
    let app = TestApp::start().await;
    let tag = |path: &'static str| async {
        app.api(Get, path, Value::Null).await.ok().header("etag").map(str::to_owned)
    };
    let before = (
        tag("/tenants/acme").await,
        tag("/tenants/acme/clients/web").await,
        app.audit("acme").await.len(),
    );
    let file = format!(
        "tenants: [{{ slug: acme, name: The acme company, clients: [{{ client_id: web, client_secret: {SECRET} }}], \
         users: [{{ username: ada, password: {PASSWORD}, name: Ada Lovelace }}] }}]"
    );
    let told = app.apply(&file).await;
    assert!(told.iter().all(|change| change.what == What::Unchanged), "{told:?}");
    let after = (
        tag("/tenants/acme").await,
        tag("/tenants/acme/clients/web").await,
        app.audit("acme").await.len(),
    );
    assert_eq!(after, before);
}

#[rocket::async_test]
async fn a_password_that_is_another_is_told_as_new_and_ends_the_users_sessions() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let changed = app.apply(&of_user("{ username: ada, password: another horse of mine }")).await;
    assert_eq!(fields(&changed), ["password: null -> \"(new)\""]);
    assert!(!app.acme().is_active(&tokens.access).await);
    assert!(!format!("{changed:?}").contains("horse"));
    // What the API changes after it is kept by a file that does not speak of it.
    let id = app.api(Get, "/tenants/acme/users?q=ada", Value::Null).await.json()["items"][0]["id"]
        .clone();
    let path = format!("/tenants/acme/users/{}", id.as_str().unwrap());
    app.api(Patch, &path, json!({ "password": PASSWORD })).await.ok();
    assert_eq!(
        outcomes(&app.apply(&of_user("{ username: ADA }")).await)[1],
        "changed user acme/ADA"
    );
    app.acme().sign_in("ada").await;
}
