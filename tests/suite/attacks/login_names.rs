//! Names that look alike, or like nothing at all (RFC 8265): nobody signs in, or is shown, as another.

use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::{Agent, PASSWORD, TestApp};

/// Names that nobody may have.
const REFUSED: [(&str, &str); 22] = [
    ("space inside", "ada lovelace"),
    ("no-break space", "ada\u{a0}lovelace"),
    ("ideographic space", "ada\u{3000}lovelace"),
    ("zero width space", "a\u{200b}da"),
    ("zero width joiner", "a\u{200d}da"),
    ("zero width non-joiner", "a\u{200c}da"),
    ("byte order mark", "\u{feff}ada"),
    ("soft hyphen", "a\u{ad}da"),
    ("right-to-left override", "\u{202e}ada"),
    ("right-to-left mark", "ada\u{200f}"),
    ("isolate", "\u{2066}ada\u{2069}"),
    ("both directions", "ada\u{5d0}"),
    ("both directions, the other way round", "\u{5d0}a"),
    ("fullwidth letters", "\u{ff41}\u{ff44}\u{ff41}"),
    ("halfwidth katakana", "\u{ff76}\u{ff97}"),
    ("combining sequence that has a letter of its own", "a\u{301}da"),
    ("combining sequence that has none", "ada\u{332}"),
    ("unassigned", "ada\u{378}"),
    ("private use", "ada\u{e000}"),
    ("no character", "ada\u{ffff}"),
    ("ligature", "\u{fb01}ona"),
    ("circled letters", "\u{24d0}\u{24d3}\u{24d0}"),
];

#[rocket::async_test]
async fn a_name_that_can_pass_for_another_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let grace = app.api(Method::Get, "/tenants/acme/users?q=grace", Value::Null).await.json();
    let path = format!("/tenants/acme/users/{}", grace["items"][0]["id"].as_str().unwrap());
    for (why, name) in REFUSED {
        for (method, to, body, field) in [
            (Method::Post, "/tenants/acme/users", json!({ "username": name }), "username"),
            (Method::Patch, path.as_str(), json!({ "username": name }), "username"),
            (
                Method::Post,
                "/tenants/acme/users",
                json!({ "username": "new", "email": format!("{name}@x.example") }),
                "email",
            ),
            (Method::Patch, path.as_str(), json!({ "email": format!("x@{name}") }), "email"),
        ] {
            let reply = app.api(method, to, body.clone()).await;
            assert_eq!(reply.status, 400, "{why}: {body} {}", reply.body);
            assert_eq!(reply.json()["field"], field, "{why}: {}", reply.body);
        }
    }
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let fields = [("username", "a\u{200b}da"), ("active", "on")];
    let refused = agent.console("/admin/tenants/acme/users", &fields).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("username"), "{}", refused.body);
    let file = json!({ "tenants": [{ "slug": "acme", "users": [{ "username": "a\u{200b}da" }] }] })
        .to_string();
    let tried = portcullis::admin::Manner { dry_run: true, ..Default::default() };
    let refused = app.try_apply(&file, &tried).await.unwrap_err();
    assert!(refused.contains("username"), "{refused}");
}

#[rocket::async_test]
async fn names_of_any_script_are_fine_and_compared_in_their_prepared_form() {
    let app = TestApp::start().await;
    for (name, also) in [
        ("ada@initech.example", "ADA@Initech.example"),
        ("J\u{fc}rgen", "j\u{fc}rgen"),
        ("\u{395}\u{3bb}\u{3ad}\u{3bd}\u{3b7}", "\u{3b5}\u{3bb}\u{3ad}\u{3bd}\u{3b7}"),
        ("\u{418}\u{440}\u{438}\u{43d}\u{430}", "\u{438}\u{440}\u{438}\u{43d}\u{430}"),
        ("\u{5d3}\u{5d5}\u{5d3}", " \u{5d3}\u{5d5}\u{5d3} "),
        ("\u{92e}\u{94b}\u{939}\u{928}", "\u{92e}\u{94b}\u{939}\u{928}"),
        ("\u{592a}\u{90ce}", "\u{592a}\u{90ce}"),
        ("o'brien+x_y-z.1", "O'BRIEN+X_Y-Z.1"),
        // Typed on another keyboard: wide, or as a letter and its mark.
        ("zo\u{eb}", "zoe\u{308}"),
        ("wide", "\u{ff57}\u{ff49}\u{ff44}\u{ff45}"),
    ] {
        let body = json!({ "username": name, "password": PASSWORD });
        let made = app.api(Method::Post, "/tenants/acme/users", body).await;
        assert_eq!(made.status, 201, "{name}: {}", made.body);
        assert_eq!(made.json()["username"], name, "it is shown as it was given");
        for login in [name, also] {
            let body = json!({ "username": login, "password": PASSWORD, "client_id": "app" });
            let tokens = app.acme().post_json("/auth/login", body).await.tokens();
            let me = app.acme().bearer(Method::Get, "/auth/me", &tokens.access).await.json();
            assert_eq!(me["sub"], made.json()["id"], "{login}");
        }
        let again = app
            .api(
                Method::Post,
                "/tenants/acme/users",
                json!({ "username": also.trim().to_lowercase() }),
            )
            .await;
        assert!(matches!(again.status, 400 | 409), "{also}: {}", again.body);
        let search = format!("/tenants/acme/users?{}", crate::support::form(&[("q", also)]));
        let listed = app.api(Method::Get, &search, Value::Null).await;
        assert_eq!(listed.json()["items"][0]["id"], made.json()["id"], "{also}");
    }
}

#[rocket::async_test]
async fn a_login_that_can_be_nobodys_is_refused_as_any_other_and_counted() {
    let app = TestApp::start().await;
    for (why, name) in REFUSED {
        let body = json!({ "username": name, "password": PASSWORD, "client_id": "app" });
        let reply = app.acme().post_json("/auth/login", body).await;
        // Ada may type her name wide; nobody else is taken for her.
        let is_ada = name == "\u{ff41}\u{ff44}\u{ff41}";
        assert_eq!(reply.status, if is_ada { 200 } else { 401 }, "{why}: {}", reply.body);
    }
    // However a name is spelled, its failures are those of one user.
    let guess = async |name: &str, password: &str| {
        let body = json!({ "username": name, "password": password, "client_id": "app" });
        app.acme().post_json("/auth/login", body).await
    };
    for at in 0..20 {
        let name = ["sam", "SAM", " sam ", "\u{ff53}\u{ff41}\u{ff4d}"][at % 4];
        guess(name, "a wrong guess").await.assert_error(401, "invalid_grant");
    }
    let slowed = guess("sam", PASSWORD).await;
    slowed.assert_error(401, "invalid_grant");
    assert!(slowed.header("retry-after").is_some(), "{slowed:?}");
}

#[rocket::async_test]
async fn a_name_and_an_address_that_are_prepared_alike_are_one_login() {
    let app = TestApp::start().await;
    for body in [
        json!({ "username": "ADA@ACME.example" }),
        json!({ "username": "new", "email": "Grace@Acme.Example" }),
        json!({ "username": "new", "email": "ada@acme.example" }),
    ] {
        app.api(Method::Post, "/tenants/acme/users", body.clone()).await.assert_problem(409);
    }
    app.api(Method::Post, "/tenants/acme/users", json!({ "username": "zo\u{eb}@x.example" }))
        .await
        .ok();
    let taken = json!({ "username": "new", "email": "ZO\u{cb}@x.example" });
    app.api(Method::Post, "/tenants/acme/users", taken).await.assert_problem(409);
}
