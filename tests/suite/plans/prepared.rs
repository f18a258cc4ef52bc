//! What is sent again and again is parsed once.

use rocket::http::Method::{Get, Patch};
use serde_json::{Value, json};

use super::{heard, protocol};
use crate::support::{TestApp, on_four_threads};

#[test]
fn what_changes_a_row_at_the_rate_of_the_load_is_kept_prepared() {
    on_four_threads(async {
        heard::listen();
        let app = TestApp::start().await;
        protocol(&app).await;
        let users = app.api(Get, "/tenants/acme/users?q=ada", Value::Null).await.ok().json();
        let user = format!("/tenants/acme/users/{}", users["items"][0]["id"].as_str().unwrap());
        app.api(Patch, &user, json!({ "name": "Another" })).await.ok();
        app.api(Patch, "/tenants/acme/clients/app", json!({ "client_name": "Another" })).await.ok();
        app.api(Patch, "/tenants/acme", json!({ "name": "Another" })).await.ok();
        let kept: Vec<String> =
            heard::KEPT.lock().unwrap().iter().map(|text| text.replace(['`', '"'], "")).collect();
        for change in [
            "token_families SET generation",
            "token_families SET ended_at",
            "sessions SET ended_at",
            "sessions SET last_seen_at",
            "authorization_codes SET used_at",
            "revocation_head SET seq = (revocation_head.seq + ",
            "users SET ended_seq",
            "users SET version",
            "clients SET version",
            "tenants SET version",
        ] {
            let begin = format!("UPDATE {change}");
            assert!(kept.iter().any(|text| text.starts_with(&begin)), "{change}: {kept:#?}");
        }
    });
}
