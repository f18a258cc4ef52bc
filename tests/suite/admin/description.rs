//! What the API says of itself.

use serde_json::Value;

use crate::support::TestApp;

#[rocket::async_test]
async fn the_description_names_every_call_that_is_mounted() {
    let app = TestApp::start().await;
    let document = app.get("/api/openapi.json").await.ok().json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let described: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    let mounted = app
        .client
        .rocket()
        .routes()
        .filter(|route| route.uri.path().starts_with("/api/v1/"))
        .count();
    assert_eq!(described, mounted);
    let page = app.get("/api/docs").await.ok();
    assert!(page.body.contains("/api/v1/tenants/{slug}/sessions"));
}

/// Each `$ref` in a description.
fn references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            out.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, out));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        _ => {}
    }
}

#[rocket::async_test]
async fn the_description_names_nothing_that_it_does_not_describe() {
    let app = TestApp::start().await;
    let description = app.get("/api/openapi.json").await.json();
    let mut named = Vec::new();
    references(&description, &mut named);
    assert!(named.len() > 50, "{named:?}");
    for reference in named {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    let bodies = ["TenantInput", "ClientInput", "UserInput", "TokenInput"];
    for body in bodies {
        assert!(description.pointer(&format!("/components/schemas/{body}")).is_some(), "{body}");
    }
}

#[rocket::async_test]
async fn the_description_names_values_as_they_are_written() {
    let app = TestApp::start().await;
    let description = app.get("/api/openapi.json").await.json();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let method = &schemas["AuthMethod"]["enum"];
    assert_eq!(method[0], "client_secret_basic");
    let lists = schemas.values().filter_map(|schema| schema["enum"].as_array());
    let values: Vec<&str> = lists.flatten().filter_map(Value::as_str).collect();
    assert!(values.len() > 15, "{values:?}");
    // A value's name in Rust is in camel case; none that is written is.
    let is_of_rust = |text: &&&str| {
        text.starts_with(char::is_uppercase) && text.chars().skip(1).any(char::is_lowercase)
    };
    let of_rust: Vec<&&str> = values.iter().filter(is_of_rust).collect();
    assert!(of_rust.iter().all(|text| ["EdDSA"].contains(*text)), "{of_rust:?}");
}
