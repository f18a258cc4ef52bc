mod command;
mod export;
mod merge;
mod prune;
mod whole;

use portcullis::admin::{Change, Manner, Prune, What};

use crate::support::{SECRET, TestApp, TestTenant, basic};

const FILE: &str = include_str!("../../../../examples/demo.yaml");

/// As `--dry-run` does it.
fn dry() -> Manner {
    Manner { dry_run: true, prune: Prune::Nothing }
}

/// What became of each thing, in one line each.
fn outcomes(changes: &[Change]) -> Vec<String> {
    changes.iter().map(|change| format!("{} {}", change.what.as_str(), change.target)).collect()
}

/// The members that changed, as `apply` prints them.
fn fields(changes: &[Change]) -> Vec<String> {
    let fields = changes.iter().flat_map(|change| &change.fields);
    fields.map(|field| format!("{}: {} -> {}", field.field, field.old, field.new)).collect()
}

#[rocket::async_test]
async fn applying_a_file_twice_changes_nothing_the_second_time() {
    let app = TestApp::start().await;
    let first = app.apply(FILE).await;
    assert!(first.iter().any(|change| change.what != What::Unchanged));
    let second = app.apply(FILE).await;
    assert!(second.iter().all(|change| change.what == What::Unchanged), "{second:?}");
    assert_eq!(first.len(), second.len());
}

#[rocket::async_test]
async fn what_is_left_out_takes_its_default_and_a_secret_that_is_made_is_told_once() {
    let app = TestApp::start().await;
    let file = "tenants: [{ slug: initech, clients: [{ client_id: c, grant_types: [client_credentials] }] }]";
    let made = app.apply(file).await;
    let secret = made.iter().find_map(|change| change.secret.clone()).unwrap();
    assert!(secret.starts_with("pcs_"));
    let initech = TestTenant { app: &app, slug: "initech" };
    initech
        .post_basic("token", &basic("c", &secret), &[("grant_type", "client_credentials")])
        .await
        .ok();
    assert!(app.apply(file).await.iter().all(|change| change.secret.is_none()));
    let permit = app.permit("initech").await;
    assert_eq!(permit.tenant().settings, Default::default());
}

#[rocket::async_test]
async fn a_changed_secret_takes_the_old_ones_place_and_is_not_shown() {
    let app = TestApp::start().await;
    let file = |secret: &str| {
        format!(
            "tenants: [{{ slug: initech, clients: [{{ client_id: c, client_secret: {secret}, grant_types: [client_credentials] }}] }}]"
        )
    };
    app.apply(&file(SECRET)).await;
    let new = "another-secret-that-is-long-enough-too";
    let changed = app.apply(&file(new)).await;
    assert_eq!(fields(&changed), ["client_secret: null -> \"(new)\""]);
    let initech = TestTenant { app: &app, slug: "initech" };
    let grant = [("grant_type", "client_credentials")];
    initech.post_basic("token", &basic("c", new), &grant).await.ok();
    initech
        .post_basic("token", &basic("c", SECRET), &grant)
        .await
        .assert_error(401, "invalid_client");
}

#[rocket::async_test]
async fn a_wrong_file_says_which_tenant_which_client_or_user_and_which_field() {
    let app = TestApp::start().await;
    for (text, said) in [
        ("tenants: [{ slug: x, nope: 1 }]", "tenant x: nope"),
        ("tenants: [{ slug: x, settings: { nope: 1 } }]", "tenant x: settings.nope"),
        (
            "tenants: [{ slug: x, settings: { access_token_ttl: soon } }]",
            "tenant x: settings.access_token_ttl",
        ),
        (
            "tenants: [{ slug: x, settings: { password_bcrypt_cost: 4 } }]",
            "tenant x: settings.password_bcrypt_cost",
        ),
        ("tenants: [{ slug: x, scopes: [{ name: a }, { nom: b }] }]", "tenant x: scopes[1].nom"),
        ("tenants: [{ slug: x, status: closed }]", "tenant x: status"),
        ("tenants: [{ slug: acme, status: closed }]", "tenant acme: status"),
        ("tenants: [{ slug: system, status: suspended }]", "tenant system cannot be suspended"),
        ("tenants: [{ slug: No! }]", "tenant \"No!\": slug"),
        ("tenants: [{ name: X }]", "tenants[0].slug"),
        ("tenants: [{ slug: x }, { slug: x }]", "tenant x: slug: named twice"),
        (
            "tenants: [{ slug: x, clients: [{ client_id: a, redirect_uris: ['javascript:alert(1)'] }] }]",
            "tenant x, client a: redirect_uris[0]",
        ),
        (
            "tenants: [{ slug: acme, clients: [{ client_id: web, nope: 1 }] }]",
            "tenant acme, client web: nope",
        ),
        (
            "tenants: [{ slug: acme, clients: [{ client_id: web, scope: nope }] }]",
            "tenant acme, client web: scope",
        ),
        (
            "tenants: [{ slug: acme, clients: [{ client_id: web, client_secret: short }] }]",
            "tenant acme, client web: client_secret",
        ),
        (
            "tenants: [{ slug: x, clients: [{ client_id: a, grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] }] }]",
            "tenant x, client a: grant_types[0]",
        ),
        (
            "tenants: [{ slug: x, clients: [{ grant_types: [] }] }]",
            "tenant x: clients[0].client_id",
        ),
        (
            "tenants: [{ slug: x, clients: [{ client_id: a }, { client_id: a }] }]",
            "tenant x: clients[1].client_id",
        ),
        (
            "tenants: [{ slug: x, users: [{ username: a, roles: [operator] }] }]",
            "tenant x, user a: roles",
        ),
        (
            "tenants: [{ slug: acme, users: [{ username: ada, nope: 1 }] }]",
            "tenant acme, user ada: nope",
        ),
        (
            "tenants: [{ slug: acme, users: [{ username: ada, status: odd }] }]",
            "tenant acme, user ada: status",
        ),
        (
            "tenants: [{ slug: acme, users: [{ username: ada, password: short }] }]",
            "tenant acme, user ada: password",
        ),
        (
            "tenants: [{ slug: x, users: [{ username: a, email: nowhere }] }]",
            "tenant x, user a: email",
        ),
        ("tenants: [{ slug: x, users: [{ username: 7 }] }]", "tenant x: users[0].username"),
        (
            "tenants: [{ slug: x, users: [{ username: a }, { username: A }] }]",
            "tenant x: users[1].username",
        ),
        ("tenants: [{ slug: x, users: { username: a } }]", "tenant x: users: a list"),
        (
            "tenants: [{ slug: acme, users: [{ username: new, email: ada@acme.example }] }]",
            "tenant acme, user new: this e-mail",
        ),
    ] {
        let before = app.export(None, true).await;
        let wrong = app.try_apply(text, &Manner::default()).await.unwrap_err();
        assert!(wrong.contains(said), "{text}: {wrong}");
        assert_eq!(wrong.lines().count(), 1, "{wrong}");
        // A dry run finds what the run itself would.
        assert_eq!(app.try_apply(text, &dry()).await.unwrap_err(), wrong);
        assert_eq!(app.export(None, true).await, before, "{text}");
    }
}

#[rocket::async_test]
async fn a_password_in_the_place_of_text_is_not_repeated() {
    let app = TestApp::start().await;
    let file = "tenants: [{ slug: acme, users: [{ username: ada, password: 31415926535 }] }]";
    let wrong = app.try_apply(file, &Manner::default()).await.unwrap_err();
    assert!(
        wrong.contains("user ada: password: a string") && !wrong.contains("31415926535"),
        "{wrong}"
    );
}

#[test]
fn what_is_no_file_is_told_with_its_line() {
    for (text, said) in [
        ("tenants: 3", "line 1"),
        ("tenant: []", "tenant"),
        ("tenants:\n  - slug: a\n\tname: b\n", "line 3"),
        ("tenants:\n  - slug: a\n    slug: b\n", "duplicate"),
        ("tenants:\n  - slug: a\n    users: []\n    users: []\n", "duplicate"),
        ("{\"tenants\": [\n{\"slug\": \"a\"\n", "line 3"),
    ] {
        let wrong = portcullis::admin::File::parse(text).unwrap_err().to_string();
        assert!(wrong.contains(said), "{text}: {wrong}");
    }
}
