//! Passwords that are tried first are refused at every door that sets one.

use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::{Agent, PASSWORD, TestApp};

/// Known ones, as they stand in the lists and with the usual changes.
const KNOWN: [&str; 16] = [
    "password",
    "Password1",
    "p@ssw0rd",
    "P@ssword123",
    "12345678",
    "123456789012",
    "qwertyuiop",
    "1qaz2wsx",
    "iloveyou",
    "aaaaaaaaaaaaaaaa",
    "abcdefgh",
    "abcabcabcabc",
    "sunshine1",
    "trustno1",
    "letmein123",
    "Portcullis1",
];

/// What no rule of composition refuses, for a person who is called Ada Lovelace.
const FINE: [&str; 7] = [
    PASSWORD,
    "vwqkzjtx",
    "nineteen purple lanterns",
    "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{434}\u{43b}\u{44f} \u{432}\u{441}\u{435}\u{445}",
    "\u{1f40e}\u{1f50b}\u{1f4ce}\u{1f680}\u{1f334}\u{1f9ca}\u{1f3b2}\u{1f9ff}",
    "ada bought nine purple lanterns",
    "   mossy trapeze   ",
];

/// What everybody knows of that person, and little beside it.
const OWN: [&str; 12] = [
    "ada.lovelace",
    "ADA.LOVELACE",
    "ada.lovelace1",
    "!ada.lovelace!",
    "ada.l@analytical.example",
    "Ada.L@analytical.example!!1",
    "Ada Lovelace",
    "adalovelace",
    "lovelace",
    "lovelace99",
    "ecalevol.ada",
    "Lovelace2026",
];

fn ada(password: &str) -> Value {
    json!({ "username": "ada.lovelace", "email": "ada.l@analytical.example", "name": "Ada Lovelace", "password": password })
}

#[rocket::async_test]
async fn a_known_password_is_refused_and_no_rule_says_what_one_is_made_of() {
    let app = TestApp::start().await;
    for password in KNOWN.into_iter().chain(OWN).chain(["1234567", "\u{e4}\u{e4}\u{e4}\u{e4}", ""])
    {
        let reply = app.api(Method::Post, "/tenants/acme/users", ada(password)).await;
        assert_eq!(reply.status, 400, "{password}: {}", reply.body);
        assert_eq!(reply.json()["field"], "password", "{password}: {}", reply.body);
    }
    for (at, password) in FINE.into_iter().enumerate() {
        let mut body = ada(password);
        body["username"] = format!("ada.lovelace{at}").into();
        body["email"] = Value::Null;
        let reply = app.api(Method::Post, "/tenants/acme/users", body).await;
        assert_eq!(reply.status, 201, "{password}: {}", reply.body);
    }
    let long = "\u{e4}".repeat(513);
    assert_eq!(
        app.api(Method::Post, "/tenants/acme/users", ada(&long)).await.json()["field"],
        "password"
    );
    let most: String = "nineteen purple lanterns ".repeat(50).chars().take(1024).collect();
    app.api(Method::Post, "/tenants/acme/users", ada(&most)).await.ok();
}

/// What is costly to estimate is bounded: an administrator cannot keep the server busy with one.
#[rocket::async_test]
async fn a_long_password_of_every_odd_letter_is_checked_in_time() {
    let app = TestApp::start().await;
    for (at, part) in
        ["4@8({[<69!|1l0$57+%2", "a1", "zxcvbnm,./", "P@55w0rd", "2026-11-27", "\u{e4}\u{1f600}"]
            .into_iter()
            .enumerate()
    {
        let password: String = part.repeat(1024).chars().take(200).collect();
        let began = std::time::Instant::now();
        let body = json!({ "username": format!("u{at}"), "password": password });
        let reply = app.api(Method::Post, "/tenants/acme/users", body).await;
        eprintln!("{part}: {} in {:?}", reply.status, began.elapsed());
        assert!(matches!(reply.status, 201 | 400), "{}", reply.body);
        assert!(
            began.elapsed() < std::time::Duration::from_secs(20),
            "{part}: {:?}",
            began.elapsed()
        );
    }
}

#[rocket::async_test]
async fn every_door_that_sets_a_password_refuses_a_known_one() {
    let app = TestApp::start().await;
    let made = app.api(Method::Post, "/tenants/acme/users", ada(PASSWORD)).await.ok().json();
    let path = format!("/tenants/acme/users/{}", made["id"].as_str().unwrap());
    for known in ["qwertyuiop", "ada.lovelace!"] {
        let patched = app.api(Method::Patch, &path, json!({ "password": known })).await;
        patched.assert_problem(400);
        assert_eq!(patched.json()["field"], "password");

        let mut agent = Agent::new(&app);
        agent.log_in_to_console("system", "root").await;
        let fields = [("username", "ada.lovelace"), ("password", known), ("active", "on")];
        for page in ["/admin/tenants/globex/users".to_owned(), format!("/admin{path}")] {
            let refused = agent.console(&page, &fields).await;
            assert_eq!(refused.status, 400, "{page} {known}");
            assert!(
                !refused.body.contains(known) || known.starts_with("ada"),
                "it is not shown again"
            );
        }

        for slug in ["acme", "new"] {
            let file = json!({ "tenants": [{ "slug": slug, "users": [ada(known)] }] }).to_string();
            let refused =
                app.try_apply(&file, &portcullis::admin::Manner::default()).await.unwrap_err();
            assert!(refused.contains("password"), "{refused}");
        }
    }
    // The old one still stands.
    let body = json!({ "username": "ada.lovelace", "password": PASSWORD, "client_id": "app" });
    app.acme().post_json("/auth/login", body).await.ok();
}

#[rocket::async_test]
async fn a_hash_is_taken_as_it_is_and_a_sign_in_asks_for_no_strength() {
    let app = TestApp::start().await;
    let made = app.api(Method::Post, "/tenants/acme/users", ada(PASSWORD)).await.ok().json();
    let hash = bcrypt::hash("whatever it was", 10).unwrap();
    let path = format!("/tenants/acme/users/{}", made["id"].as_str().unwrap());
    app.api(Method::Patch, &path, json!({ "password_hash": hash })).await.ok();
    let body = json!({ "username": "ada.lovelace", "password": "12345678", "client_id": "app" });
    app.acme().post_json("/auth/login", body).await.assert_error(401, "invalid_grant");
}
