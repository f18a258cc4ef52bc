//! B rows and O5: guessing, what it costs others, and hashes that users bring along.

use rocket::{
    futures::future::join_all,
    http::Method::{Get, Patch, Post},
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Agent, PASSWORD, Reply, TestApp, form, sql};

async fn start() -> TestApp {
    // Each request may say where it comes from.
    TestApp::start_with(|mut config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config
    })
    .await
}

async fn sign_in_from(
    app: &TestApp,
    slug: &str,
    address: &str,
    username: &str,
    password: &str,
) -> Reply {
    let body =
        json!({ "username": username, "password": password, "client_id": "app" }).to_string();
    let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", address)];
    app.send(Post, &format!("/t/{slug}/auth/login"), &headers, body).await
}

async fn grant_from(app: &TestApp, address: &str, username: &str, password: &str) -> Reply {
    let pairs = [
        ("grant_type", "password"),
        ("client_id", "app"),
        ("username", username),
        ("password", password),
    ];
    let headers =
        [("Content-Type", "application/x-www-form-urlencoded"), ("X-Forwarded-For", address)];
    app.send(Post, "/t/acme/oauth2/token", &headers, form(&pairs)).await
}

/// So many wrong guesses from as many places that every count for strangers is full.
async fn besieged(app: &TestApp, slug: &str, username: &str) {
    for number in 0..25 {
        sign_in_from(app, slug, &format!("198.51.100.{number}"), username, "a wrong guess").await;
    }
}

#[rocket::async_test]
async fn b2_strangers_lock_nobody_out_at_any_door_by_any_name() {
    let app = start().await;
    sign_in_from(&app, "acme", "203.0.113.7", "ada", PASSWORD).await.ok();
    besieged(&app, "acme", "ada").await;
    besieged(&app, "acme", "ada@acme.example").await;
    // A stranger is stopped, whichever name it is.
    for name in ["ada", "ada@acme.example", "ADA"] {
        let refused = sign_in_from(&app, "acme", "198.51.100.200", name, PASSWORD).await;
        refused.assert_error(401, "invalid_grant");
        assert!(refused.header("retry-after").is_some(), "{name}");
    }
    // A program of the user's own, without a cookie, is known by where it has signed in from.
    for name in ["ada", "ada@acme.example"] {
        sign_in_from(&app, "acme", "203.0.113.7", name, PASSWORD).await.ok();
        grant_from(&app, "203.0.113.7", name, PASSWORD).await.ok();
    }
}

#[rocket::async_test]
async fn b2_strangers_who_keep_the_hashing_busy_are_served_after_those_who_are_known() {
    let app = start().await;
    sign_in_from(&app, "acme", "203.0.113.7", "ada", PASSWORD).await.ok();
    // More than may wait, each its own user and address, so that no count of failures is met.
    let flood = join_all((0..120).map(|at| {
        let app = &app;
        async move {
            let name = format!("user{at}");
            sign_in_from(
                app,
                "acme",
                &format!("198.51.{}.{}", 100 + at / 100, at % 100),
                &name,
                "a guess",
            )
            .await
        }
    }));
    let known = async {
        let mut replies = Vec::new();
        for name in ["ada", "ada@acme.example", "ada"] {
            replies.push(sign_in_from(&app, "acme", "203.0.113.7", name, PASSWORD).await);
            replies.push(grant_from(&app, "203.0.113.7", name, PASSWORD).await);
        }
        replies
    };
    let (strangers, known) = rocket::tokio::join!(flood, known);
    assert!(strangers.iter().any(|reply| reply.status == 503), "there were more than may wait");
    for reply in known {
        reply.ok();
    }
}

#[rocket::async_test]
async fn b2_strangers_keep_no_operator_out_of_the_console() {
    let app = start().await;
    let mut operator = Agent::new(&app);
    assert_eq!(operator.log_in_to_console("system", "root").await.location(), "/admin");
    let client = json!({ "client_id": "app", "token_endpoint_auth_method": "none", "grant_types": ["password"] });
    app.api(Post, "/tenants/system/clients", client).await.ok();
    besieged(&app, "system", "root").await;
    let refused = sign_in_from(&app, "system", "198.51.100.200", "root", PASSWORD).await;
    assert!(refused.header("retry-after").is_some());
    operator.cookies.remove("portcullis_console");
    // The browser is known, wherever it is.
    assert_eq!(operator.log_in_to_console("system", "root").await.location(), "/admin");
}

#[rocket::async_test]
async fn b2_a_known_browser_is_known_by_every_name_of_its_user() {
    let app = start().await;
    let mut known = Agent::new(&app);
    known.log_in(app.acme(), "ada").await.location();
    // From the very address of the browser, so that the address tells nothing.
    for _ in 0..25 {
        sign_in_from(&app, "acme", "127.0.0.1", "ada@acme.example", "a wrong guess").await;
    }
    known.cookies.remove("portcullis_session");
    assert_eq!(known.log_in(app.acme(), "ada@acme.example").await.status, 303);
    let mut stranger = Agent::new(&app);
    assert_eq!(stranger.log_in(app.acme(), "ada").await.status, 429);
    // The mark is of one user.
    let mark = known.cookies["portcullis_device"].clone();
    for _ in 0..25 {
        sign_in_from(&app, "acme", "127.0.0.1", "sam", "a wrong guess").await;
    }
    stranger.cookies.insert("portcullis_device".into(), mark);
    assert_eq!(stranger.log_in(app.acme(), "sam").await.status, 429);
}

#[rocket::async_test]
async fn all_addresses_of_a_network_of_ipv6_are_one() {
    let app = start().await;
    for number in 0..400 {
        sign_in_from(
            &app,
            "acme",
            &format!("2001:db8:1:2::{number:x}"),
            &format!("nobody{number}"),
            "guess",
        )
        .await;
    }
    let refused = sign_in_from(&app, "acme", "2001:db8:1:2:ffff::1", "ada", PASSWORD).await;
    assert!(refused.header("retry-after").is_some(), "{} {}", refused.status, refused.body);
    sign_in_from(&app, "acme", "2001:db8:1:3::1", "ada", PASSWORD).await.ok();
}

/// bcrypt's own hash of a password, as another system stores it.
fn foreign(cost: u32) -> String {
    bcrypt::hash("a password from elsewhere", cost).unwrap()
}

#[rocket::async_test]
async fn o5_a_hash_that_would_hold_a_core_for_hours_is_refused_at_every_door_and_never_verified() {
    let app = start().await;
    let tail = &foreign(10)[7..];
    let hostile = [
        format!("$2b$31${tail}"),
        format!("$2b$16${tail}"),
        format!("$2b$09${tail}"),
        format!("$2b$99${tail}"),
        format!("$2b$10${}", &tail[1..]),
        format!("$peppered$2b$31${tail}"),
        "$argon2id$v=19$m=4294967295,t=10,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA".into(),
        "$argon2id$v=19$m=65536,t=4000000,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA".into(),
        "$argon2i$v=19$m=65536,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA".into(),
        "$scrypt$ln=60,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA".into(),
        "$pbkdf2-sha256$i=4000000000,l=32$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA".into(),
        "$1$salt$hash".into(),
        "plain text".into(),
        String::new(),
    ];
    for hash in &hostile {
        let user = json!({ "username": "mallory", "password_hash": hash });
        let refused = app.api(Post, "/tenants/acme/users", user).await;
        refused.assert_problem(400);
        assert_eq!(refused.json()["field"], "password_hash", "{hash}");
        let ada =
            app.api(Get, "/tenants/acme/users?q=ada", Value::Null).await.json()["items"][0]["id"]
                .clone();
        let path = format!("/tenants/acme/users/{}", ada.as_str().unwrap());
        app.api(Patch, &path, json!({ "password_hash": hash })).await.assert_problem(400);
    }
    // One that stands in the database all the same is nobody's password, and holds nothing up.
    let statement =
        format!("UPDATE users SET password_hash = '{}' WHERE username = 'ada'", hostile[0]);
    sql(app.config.database_url(), &statement).await;
    sign_in_from(&app, "acme", "203.0.113.1", "ada", PASSWORD)
        .await
        .assert_error(401, "invalid_grant");
    sign_in_from(&app, "acme", "203.0.113.1", "grace", PASSWORD).await.ok();
}

async fn stored_hash(app: &TestApp, username: &str) -> String {
    let shell = portcullis::admin::Authority::of_shell();
    let file = portcullis::admin::export(&app.admin(), &shell, Some("acme"), true).await.unwrap();
    let users = file["tenants"][0]["users"].as_array().unwrap().clone();
    let user = users.iter().find(|user| user["username"] == username).unwrap();
    user["password_hash"].as_str().unwrap().to_owned()
}

#[rocket::async_test]
async fn users_move_in_with_their_hashes_and_are_ours_at_their_next_sign_in() {
    let app = start().await;
    let long = "x".repeat(100);
    let hashes = [
        ("bcrypt", "a password from elsewhere", foreign(10)),
        ("php", "a password from elsewhere", foreign(10).replacen("$2b$", "$2y$", 1)),
        ("long", long.as_str(), bcrypt::hash(&long, 10).unwrap()),
        (
            "argon2id",
            "a password from elsewhere",
            "$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$INKjgtRGCcg5Nv9K4QRp+X6wLKx2LlkWEM634oJyumo".into(),
        ),
        (
            "scrypt",
            "a password from elsewhere",
            "$scrypt$ln=10,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$CeFOkYnCtaJ65378rv+6m2szV/+OVPZt8etu8Hq4e8w".into(),
        ),
        (
            "pbkdf2",
            "a password from elsewhere",
            "$pbkdf2-sha256$i=10000,l=32$c29tZXNhbHRzb21lc2FsdA$UZlUWQiO8op2osC4HYMV3y7p+s7hbY/LUnrhYafjymc".into(),
        ),
    ];
    for (name, password, hash) in &hashes {
        let user = json!({ "username": name, "password_hash": hash });
        app.api(Post, "/tenants/acme/users", user).await.ok();
        assert_eq!(&stored_hash(&app, name).await, hash);
        sign_in_from(&app, "acme", "203.0.113.1", name, "another password")
            .await
            .assert_error(401, "invalid_grant");
        assert_eq!(&stored_hash(&app, name).await, hash, "a wrong password changes nothing");
        // Two who come at once are both right.
        let both = rocket::tokio::join!(
            sign_in_from(&app, "acme", "203.0.113.1", name, password),
            sign_in_from(&app, "acme", "203.0.113.2", name, password),
        );
        let tokens = [both.0.tokens(), both.1.tokens()];
        let now = stored_hash(&app, name).await;
        assert!(now.starts_with("$peppered") && now.contains("$2b$10$"), "{name}: {now}");
        // What is only kept in another way ends nobody's session.
        assert!(
            app.acme().is_active(&tokens[0].access).await
                && app.acme().is_active(&tokens[1].access).await
        );
        sign_in_from(&app, "acme", "203.0.113.1", name, password).await.ok();
        assert_eq!(stored_hash(&app, name).await, now);
        // Whoever has the hash of before in a file, and applies it again, changes nothing.
        let file = format!(
            "tenants: [{{ slug: acme, users: [{{ username: {name}, password_hash: '{hash}' }}] }}]"
        );
        let changes = app.apply(&file).await;
        assert!(
            changes.iter().all(|change| format!("{change:?}").contains("Unchanged")),
            "{changes:?}"
        );
        assert!(app.acme().is_active(&tokens[0].access).await);
    }
}

#[rocket::async_test]
async fn another_cost_takes_hold_at_the_next_sign_in() {
    let app = start().await;
    let before = stored_hash(&app, "ada").await;
    app.api(Patch, "/tenants/acme", json!({ "settings": { "password_bcrypt_cost": 11 } }))
        .await
        .ok();
    sign_in_from(&app, "acme", "203.0.113.1", "ada", "a wrong guess")
        .await
        .assert_error(401, "invalid_grant");
    assert_eq!(stored_hash(&app, "ada").await, before);
    sign_in_from(&app, "acme", "203.0.113.1", "ada", PASSWORD).await.ok();
    let now = stored_hash(&app, "ada").await;
    assert!(now.starts_with("$peppered") && now.contains("$2b$11$"), "{now}");
}

#[rocket::async_test]
async fn o5_whoever_makes_many_rsa_keys_at_once_holds_no_other_tenant_up() {
    let app = TestApp::start().await;
    let done = AtomicBool::new(false);
    let makers = async {
        let made = join_all((0..40).map(|at| {
            let body =
                json!({ "slug": format!("tenant{at}"), "settings": { "signing_alg": "RS256" } });
            app.api(Post, "/tenants", body)
        }));
        let replies = made.await;
        done.store(true, Ordering::SeqCst);
        replies
    };
    let others = async {
        let mut tokens = 0;
        while !done.load(Ordering::SeqCst) {
            app.acme().post_as_web("token", &[("grant_type", "client_credentials")]).await.ok();
            tokens += 1;
            // A request that waits for nothing would never let the others go on.
            rocket::tokio::task::yield_now().await;
        }
        tokens
    };
    let (replies, tokens) = rocket::tokio::join!(makers, others);
    let answered = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert!(answered(201) >= 1);
    assert_eq!(answered(201) + answered(503), 40, "{replies:?}");
    // Each pair of keys takes a good part of a second in one turn; a token takes milliseconds.
    assert!(tokens > 2 * answered(201), "{tokens} tokens beside {} tenants", answered(201));
}
