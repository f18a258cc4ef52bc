use portcullis::admin::{self, Authority, File};

use crate::support::{SECRET, TestApp, basic};

const FILE: &str = include_str!("../../../examples/demo.yaml");

#[rocket::async_test]
async fn applying_a_file_twice_changes_nothing_the_second_time() {
    let app = TestApp::start().await;
    let first = app.apply(FILE).await;
    assert!(first.iter().any(|change| change.what != "unchanged"));
    let second = app.apply(FILE).await;
    assert!(second.iter().all(|change| change.what == "unchanged"), "{second:?}");
    assert_eq!(first.len(), second.len());
}

#[rocket::async_test]
async fn a_dry_run_tells_and_does_nothing() {
    let app = TestApp::start().await;
    let file = File::parse("tenants: [{ slug: initech, clients: [{ client_id: c, grant_types: [] }] }]").unwrap();
    let told = admin::apply(&app.admin(), &Authority::of_shell(), file, true).await.unwrap();
    assert!(told.iter().all(|change| change.what == "created") && told.len() == 2);
    assert_eq!(app.get("/t/initech/oauth2/jwks").await.status, 404);
}

#[rocket::async_test]
async fn what_is_left_out_takes_its_default_and_a_secret_that_is_made_is_told_once() {
    let app = TestApp::start().await;
    let file = "tenants: [{ slug: initech, clients: [{ client_id: c, grant_types: [client_credentials] }] }]";
    let made = app.apply(file).await;
    let secret = made.iter().find_map(|change| change.secret.clone()).unwrap();
    assert!(secret.starts_with("pcs_"));
    let initech = crate::support::TestTenant { app: &app, slug: "initech" };
    initech.post_basic("token", &basic("c", &secret), &[("grant_type", "client_credentials")]).await.ok();
    assert!(app.apply(file).await.iter().all(|change| change.secret.is_none()));
    let permit = app.permit("initech").await;
    assert_eq!(permit.tenant().settings, Default::default());
}

#[rocket::async_test]
async fn a_changed_secret_takes_the_old_ones_place() {
    let app = TestApp::start().await;
    let file = |secret: &str| {
        format!(
            "tenants: [{{ slug: initech, clients: [{{ client_id: c, client_secret: {secret}, grant_types: [client_credentials] }}] }}]"
        )
    };
    app.apply(&file(SECRET)).await;
    let new = "another-secret-that-is-long-enough-too";
    let changed = app.apply(&file(new)).await;
    assert_eq!(changed[1].what, "changed");
    let initech = crate::support::TestTenant { app: &app, slug: "initech" };
    let grant = [("grant_type", "client_credentials")];
    initech.post_basic("token", &basic("c", new), &grant).await.ok();
    initech.post_basic("token", &basic("c", SECRET), &grant).await.assert_error(401, "invalid_client");
}

#[rocket::async_test]
async fn an_exported_file_makes_the_same_installation_again() {
    let app = TestApp::start().await;
    let exported = admin::export(&app.admin(), &Authority::of_shell(), Some("acme"), true).await.unwrap();
    let text = exported.to_string();
    assert!(!text.contains(SECRET));
    assert!(text.contains("$2b$"));
    let bare = admin::export(&app.admin(), &Authority::of_shell(), Some("acme"), false).await.unwrap().to_string();
    assert!(!bare.contains("$2b$"));
    let again = app.apply(&text).await;
    assert!(again.iter().all(|change| change.what == "unchanged"), "{again:?}");
    let elsewhere = TestApp::start().await;
    let renamed = text.replace("\"slug\":\"acme\"", "\"slug\":\"moved\"");
    elsewhere.apply(&renamed).await;
    crate::support::TestTenant { app: &elsewhere, slug: "moved" }.sign_in("ada").await;
}

#[rocket::async_test]
async fn a_file_with_an_unknown_field_or_a_wrong_value_says_where() {
    let app = TestApp::start().await;
    assert!(File::parse("tenants: 3").is_err());
    assert!(File::parse("tenant: []").is_err());
    for (text, word) in [
        ("tenants: [{ slug: x, nope: 1 }]", "nope"),
        ("tenants: [{ slug: x, settings: { password_bcrypt_cost: 4 } }]", "password_bcrypt_cost"),
        (
            "tenants: [{ slug: x, clients: [{ client_id: a, redirect_uris: ['javascript:alert(1)'] }] }]",
            "redirect_uris",
        ),
        ("tenants: [{ slug: x, users: [{ username: a, roles: [operator] }] }]", "operator"),
        ("tenants: [{ slug: x, clients: [{ grant_types: [] }] }]", "client_id"),
    ] {
        // A dry run finds what the run itself would, and on the way it stores nothing.
        for dry_run in [true, false] {
            let file = File::parse(text).unwrap();
            let error = admin::apply(&app.admin(), &Authority::of_shell(), file, dry_run).await.unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    let unbuilt = "tenants: [{ slug: x, clients: [{ client_id: a, grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] }] }]";
    assert!(File::parse(unbuilt).unwrap_err().message.contains("device_code"));
}
