//! The documents that others build on are as their snapshots show them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{TestApp, assert_snapshots};

/// Members of keys that are chance: nobody can seed the library that makes them.
const CHANCE: [&str; 4] = ["kid", "n", "x", "y"];

/// The keys of tenants that sign by each algorithm, but for their values.
async fn keys(app: &TestApp) -> Value {
    let mut all = serde_json::Map::new();
    for alg in ["ES256", "EdDSA", "RS256"] {
        let slug = alg.to_lowercase();
        app.apply(&format!("tenants: [{{ slug: {slug}, settings: {{ signing_alg: {alg} }} }}]"))
            .await;
        let mut document = app.get(&format!("/t/{slug}/oauth2/jwks")).await.ok().json();
        for key in document["keys"].as_array_mut().unwrap() {
            for (name, value) in key.as_object_mut().unwrap() {
                if CHANCE.contains(&name.as_str()) {
                    *value =
                        format!("{} characters of chance", value.as_str().unwrap().len()).into();
                }
            }
        }
        all.insert(alg.to_owned(), document);
    }
    all.into()
}

#[rocket::async_test]
async fn discovery_keys_and_the_description_of_the_api_are_as_their_snapshots_show_them() {
    let app = TestApp::start().await;
    let discovery = app.get("/t/acme/.well-known/openid-configuration").await.ok().json();
    let openapi = app.get("/api/openapi.json").await.ok().json();
    let documents = [("discovery", discovery), ("jwks", keys(&app).await), ("openapi", openapi)];
    let texts = documents.map(|(name, document)| (name.to_owned(), format!("{document:#}")));
    assert_snapshots("documents", &BTreeMap::from(texts));
}
