//! All of the file or nothing, by one way, one after another.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Instant,
};

use portcullis::{
    admin::{self, Authority, File, Manner, What},
    domain::Origin,
};
use rocket::tokio;
use serde_json::json;

use super::{dry, fields, outcomes};
use crate::support::{PASSWORD, TestApp, TestTenant, on_postgres};

#[rocket::async_test]
async fn a_wrong_client_of_the_second_tenant_leaves_the_first_as_it_was() {
    let app = TestApp::start().await;
    let before = app.export(None, true).await;
    let file = "tenants: [{ slug: acme, name: Other, status: suspended, users: [{ username: new }] }, \
                { slug: initech }, { slug: globex, clients: [{ client_id: web, scope: nope }] }]";
    let wrong = app.try_apply(file, &Manner::default()).await.unwrap_err();
    assert!(wrong.starts_with("tenant globex, client web: scope"), "{wrong}");
    assert_eq!(app.export(None, true).await, before);
    assert!(!app.audited("acme", "tenant.changed").await);
    app.acme().sign_in("ada").await;
}

/// Something of each kind, made and changed.
fn mixed() -> String {
    format!(
        "tenants: [{{ slug: acme, settings: {{ access_token_ttl: 60 }}, \
         clients: [{{ client_id: web, client_name: W }}, {{ client_id: made, grant_types: [client_credentials] }}], \
         users: [{{ username: ada, roles: [support], password: another horse of mine }}, {{ username: sam }}] }}, \
         {{ slug: initech, users: [{{ username: peter, password: {PASSWORD} }}] }}]"
    )
}

#[rocket::async_test]
async fn a_dry_run_tells_what_the_run_then_does_and_does_nothing() {
    let app = TestApp::start().await;
    let before = (app.export(None, true).await, app.audit("acme").await.len());
    let told = app.try_apply(&mixed(), &dry()).await.unwrap();
    assert_eq!((app.export(None, true).await, app.audit("acme").await.len()), before);
    assert!(
        told.iter().all(|change| change.secret.is_none()),
        "a secret that is not stored is nobody's"
    );
    assert_eq!(
        outcomes(&told),
        [
            "changed tenant acme",
            "changed client acme/web",
            "created client acme/made",
            "changed user acme/ada",
            "unchanged user acme/sam",
            "created tenant initech",
            "created user initech/peter"
        ]
    );
    assert_eq!(
        fields(&told),
        [
            "settings.access_token_ttl: 900 -> 60",
            "client_name: \"Web\" -> \"W\"",
            "roles: [] -> [\"support\"]",
            "password: null -> \"(new)\""
        ]
    );
    let mut done = app.apply(&mixed()).await;
    for change in &mut done {
        let is_made = change.target == "client acme/made";
        assert_eq!(change.secret.take().is_some(), is_made);
    }
    assert_eq!(done, told);
}

#[rocket::async_test]
async fn what_a_file_does_is_in_the_trail_as_what_the_api_does() {
    let app = TestApp::start().await;
    app.apply(&mixed()).await;
    for action in ["tenant.changed", "client.changed", "client.created", "user.changed"] {
        assert!(app.audited("acme", action).await, "{action}");
    }
    for action in ["tenant.created", "user.created"] {
        assert!(app.audited("initech", action).await, "{action}");
    }
}

#[rocket::async_test]
async fn four_at_once_are_done_one_after_another() {
    let app = TestApp::start().await;
    let file = format!(
        "tenants: [{{ slug: initech, settings: {{ password_bcrypt_cost: 10 }}, \
         clients: [{{ client_id: c, grant_types: [client_credentials] }}], \
         users: [{{ username: a, password: {PASSWORD} }}, {{ username: b, password: {PASSWORD} }}] }}, {{ slug: hooli }}]"
    );
    let manner = Manner::default();
    let run = || app.try_apply(&file, &manner);
    let all: [Result<_, String>; 4] = tokio::join!(run(), run(), run(), run()).into();
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    let created = |changes: &Vec<admin::Change>| {
        changes.iter().filter(|change| change.what == What::Created).count()
    };
    let mut counts: Vec<usize> = all.iter().map(created).collect();
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 0, 5], "{all:?}");
    assert!(all.iter().flatten().all(|change| change.what != What::Changed), "{all:?}");
    assert_eq!(all.iter().flatten().filter(|change| change.secret.is_some()).count(), 1);
    let initech = TestTenant { app: &app, slug: "initech" };
    assert_eq!(initech.get_jwks().await, 2);
}

impl TestTenant<'_> {
    /// How many keys it publishes.
    async fn get_jwks(&self) -> usize {
        let keys = self.app.get(&self.path("/oauth2/jwks")).await.ok().json();
        keys["keys"].as_array().unwrap().len()
    }
}

#[rocket::async_test]
async fn an_administrator_applies_no_more_than_the_api_lets_them() {
    let app = TestApp::start().await;
    let permit = app.permit("acme").await;
    let mut unit = app.site.app.storage.read(permit.tenant()).await.unwrap();
    let grace = unit.tenant(permit.tenant()).find_user_by_login("grace").await.unwrap().unwrap();
    drop(unit);
    let origin = Origin { ip: "127.0.0.1".into(), user_agent: "test".into(), ..Origin::default() };
    let authority = Authority::of_user(permit.tenant(), &grace, origin).unwrap();
    let apply = async |text: &str| {
        let mut file = File::parse(text).unwrap();
        admin::apply(&app.admin(), &authority, &mut file, &Manner::default())
            .await
            .map_err(|why| why.to_string())
    };
    let own = "tenants: [{ slug: acme, name: Ours, users: [{ username: ada, name: A }] }]";
    assert_eq!(apply(own).await.unwrap().len(), 2);
    for text in [
        "tenants: [{ slug: globex }]",
        "tenants: [{ slug: acme, name: No }, { slug: globex, name: No }]",
        "tenants: [{ slug: acme, status: suspended }]",
        "tenants: [{ slug: initech }]",
        "tenants: [{ slug: system, users: [{ username: root, status: disabled }] }]",
    ] {
        let refused = apply(text).await.unwrap_err();
        assert!(
            refused.contains("not found") || refused.contains("not allowed"),
            "{text}: {refused}"
        );
    }
    assert_eq!(app.permit("acme").await.tenant().name, "Ours");
}

#[rocket::async_test]
async fn five_thousand_users_are_applied_while_others_sign_in_and_are_found_unchanged() {
    let app = TestApp::start().await;
    let hash =
        app.export(Some("acme"), true).await["tenants"][0]["users"][0]["password_hash"].clone();
    let user = |at| json!({ "username": format!("u{at}"), "email": format!("u{at}@x.example"), "password_hash": hash });
    let users: Vec<_> = (0..5000).map(user).collect();
    let file = json!({ "tenants": [{ "slug": "acme", "users": users }] }).to_string();
    let (begun, done) = (Instant::now(), AtomicBool::new(false));
    let applied = async {
        let changes = app.apply(&file).await;
        done.store(true, Relaxed);
        changes
    };
    // SQLite has one writer, and whoever signs in writes: there they wait, and may be told to come back.
    let others = async {
        let mut signed_in = 0;
        while on_postgres() && !done.load(Relaxed) {
            app.acme().sign_in("ada").await;
            signed_in += 1;
        }
        signed_in
    };
    let (changes, signed_in) = tokio::join!(applied, others);
    assert_eq!(changes.len(), 5001);
    let made = begun.elapsed();
    let again = app.apply(&file).await;
    assert!(again.iter().all(|change| change.what == What::Unchanged));
    let found = begun.elapsed() - made;
    println!(
        "5000 users: made in {made:?}, found unchanged in {found:?}, {signed_in} signed in meanwhile"
    );
}
