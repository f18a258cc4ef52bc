//! The file back again.

use portcullis::admin::What;
use serde_json::Value;

use super::outcomes;
use crate::support::{SECRET, TestApp, TestTenant};

/// Every member that a file may have, each other than its default.
const EVERYTHING: &str = r#"
tenants:
  - slug: full
    name: Full
    status: active
    settings:
      access_token_ttl: 61
      refresh_token_ttl: 62
      refresh_token_sliding: false
      refresh_reuse_grace: 3
      password_bcrypt_cost: 10
      session_idle_ttl: 64
      session_max_ttl: 65
      signing_alg: EdDSA
    scopes: [{ name: reports.read, description: Read }, { name: reports.write }]
    resources: [{ uri: "https://api.full.example", scopes: [reports.read] }]
    clients:
      - client_id: web
        client_name: Web
        token_endpoint_auth_method: client_secret_post
        redirect_uris: ["https://full.example/callback"]
        post_logout_redirect_uris: ["https://full.example/"]
        grant_types: [authorization_code, refresh_token, password]
        scope: "openid reports.read"
        skip_consent: true
      - client_id: signed
        token_endpoint_auth_method: private_key_jwt
        grant_types: [client_credentials]
        jwks: { keys: [{ kty: OKP, crv: Ed25519, x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] }
    users:
      - { username: Ada, email: Ada@full.example, email_verified: true, name: Ada, roles: [support], status: disabled }
      - { username: bob }
  - { slug: shut, status: suspended, users: [{ username: eve, email: eve@shut.example }] }
"#;

fn all_unchanged(changes: &[portcullis::admin::Change]) -> bool {
    changes.iter().all(|change| change.what == What::Unchanged)
}

#[rocket::async_test]
async fn an_export_holds_everything_and_changes_nothing() {
    let app = TestApp::start().await;
    app.apply(EVERYTHING).await;
    let exported = app.export(None, true).await;
    let file: Value = serde_norway::from_str(EVERYTHING).unwrap();
    for (at, slug) in ["full", "shut"].into_iter().enumerate() {
        let tenants = exported["tenants"].as_array().unwrap();
        let tenant = tenants.iter().find(|tenant| tenant["slug"] == slug).unwrap();
        assert_contains(tenant, &file["tenants"][at]);
    }
    let told = app.apply(&exported.to_string()).await;
    assert!(all_unchanged(&told), "{:?}", outcomes(&told));
    assert_eq!(app.export(None, true).await, exported);
}

/// Whether each member of `part` stands in `whole`; lists go by their names.
fn assert_contains(whole: &Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().for_each(|(name, value)| assert_contains(&whole[name], value));
        }
        (Value::Array(whole), Value::Array(part)) if part.iter().all(Value::is_object) => {
            assert_eq!(whole.len(), part.len());
            for item in part {
                let named = |other: &&Value| {
                    ["client_id", "username", "name", "uri"]
                        .iter()
                        .any(|name| item[name].is_string() && item[name] == other[name])
                };
                assert_contains(whole.iter().find(named).unwrap_or(&whole[0]), item);
            }
        }
        _ => assert_eq!(whole, part),
    }
}

#[rocket::async_test]
async fn an_export_with_hashes_makes_the_same_installation_elsewhere() {
    let app = TestApp::start().await;
    app.apply(EVERYTHING).await;
    let exported = app.export(None, true).await;
    let elsewhere = TestApp::start().await;
    let pruning =
        portcullis::admin::Manner { dry_run: false, prune: portcullis::admin::Prune::Everything };
    elsewhere.try_apply(&exported.to_string(), &pruning).await.unwrap();
    assert_eq!(elsewhere.export(None, true).await, exported);

    let moved = app
        .export(Some("acme"), true)
        .await
        .to_string()
        .replace("\"slug\":\"acme\"", "\"slug\":\"moved\"");
    elsewhere.apply(&moved).await;
    TestTenant { app: &elsewhere, slug: "moved" }.sign_in("ada").await;
}

#[rocket::async_test]
async fn an_export_puts_back_what_was_changed_since() {
    let app = TestApp::start().await;
    let exported = app.export(None, true).await;
    app.apply(
        "tenants: [{ slug: acme, status: suspended, settings: { session_max_ttl: 77 }, clients: [{ client_id: web, \
         jwks: { keys: [] } }], users: [{ username: sam, email: sam@acme.example, name: Sam, status: disabled }] }]",
    )
    .await;
    app.apply(&exported.to_string()).await;
    assert_eq!(app.export(None, true).await, exported);
}

#[rocket::async_test]
async fn an_export_holds_no_secret_and_no_key() {
    let app = TestApp::start().await;
    let (bare, with_hashes) =
        (app.export(None, false).await.to_string(), app.export(None, true).await.to_string());
    assert!(!bare.contains("$2b$") && with_hashes.contains("$2b$"));
    for text in [bare, with_hashes] {
        assert!(!text.contains(SECRET));
        for word in ["digest", "private", "kid", "secret\"", "\"d\""] {
            assert!(!text.contains(word), "{word}");
        }
    }
}
