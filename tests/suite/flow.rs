//! RFC 6749's picture from A to H, with a real browser and the programs of `examples/`.

use std::{collections::BTreeMap, time::Duration};

use rocket::{futures::future::join_all, tokio};
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::{
    browser::{browser, fill, picture, press, sees},
    programs::{self, Running},
    support::{Server, new_database, plain_http, write_master_key},
};

const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "a-secret-of-the-example-that-is-asked";
const API: &str = "https://api.acme.example";

/// What a program looks like from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A backend keeps the tokens for the browser.
    Backend,
    /// The same, with a form of its own for the password.
    OwnForm,
    /// The browser has them, in memory.
    Page,
}

struct Walk {
    server: Server,
    program: Running,
    driver: WebDriver,
    shape: Shape,
    /// Where the API listens, which is the program's own port but for one.
    api: (u16, &'static str),
    operator: String,
    _folder: tempfile::TempDir,
}

fn file(address: &str) -> String {
    let scope = "openid profile email offline_access reports.read";
    let (callback, home) = (format!("{address}/callback"), format!("{address}/"));
    json!({ "tenants": [
        {
            "slug": "acme",
            // What was signed in is soon over, after what the API allows for clocks.
            "settings": { "password_bcrypt_cost": 10, "access_token_ttl": 2 },
            "scopes": [{ "name": "reports.read", "description": "Read your reports" }],
            "resources": [{ "uri": API, "scopes": ["reports.read"] }],
            "clients": [
                { "client_id": "web", "client_secret": SECRET, "redirect_uris": [callback],
                  "post_logout_redirect_uris": [home], "scope": scope },
                { "client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": [callback],
                  "post_logout_redirect_uris": [home], "scope": scope, "skip_consent": true,
                  "grant_types": ["authorization_code", "refresh_token", "password"] },
                { "client_id": "api", "client_secret": SECRET, "grant_types": ["client_credentials"],
                  "scope": "revocations" },
            ],
            "users": [{ "username": "ada", "name": "Ada Lovelace", "password": PASSWORD }],
        },
        {
            "slug": "system",
            "settings": { "password_bcrypt_cost": 10 },
            "users": [{ "username": "root", "name": "Root", "password": PASSWORD, "roles": ["operator"] }],
        },
    ] })
    .to_string()
}

impl Walk {
    async fn start(name: &str, shape: Shape) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_master_key(folder.path());
        let database = new_database(folder.path()).await;
        let server = Server::start(folder.path(), &database, &[]).await;
        let (port, api) = (programs::free_port(), programs::free_port());
        let (code, _, error) =
            server.command(&["apply", "-f", "-"], &file(&format!("http://127.0.0.1:{port}")));
        assert_eq!(code, 0, "{error}");
        let (code, token, error) =
            server.command(&["token", "--tenant", "system", "--scope", "admin"], "");
        assert_eq!(code, 0, "{error}");
        let issuer = format!("{}/t/acme", server.base());
        let api_listen = format!("127.0.0.1:{api}");
        let api = if shape == Shape::OwnForm { (api, "/reports") } else { (port, "/api/reports") };
        let settings = [
            ("ISSUER", issuer.as_str()),
            ("AUDIENCE", API),
            ("CLIENT_ID", if shape == Shape::Backend { "web" } else { "app" }),
            ("CLIENT_SECRET", SECRET),
            ("API_CLIENT_ID", "api"),
            ("API_CLIENT_SECRET", SECRET),
            ("API_LISTEN", &api_listen),
        ];
        let listed = programs::listed("examples/programs.json");
        let program = listed.into_iter().find(|program| program.name == name).unwrap();
        let program = program.start(port, &settings);
        let driver = browser(true).await;
        let operator = token.trim().to_owned();
        Self { server, program, driver, shape, api, operator, _folder: folder }
    }

    async fn go(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.program.base)).await.unwrap();
    }

    async fn administer(&self, method: &str, path: &str, body: &str) -> Value {
        let bearer = format!("Bearer {}", self.operator);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let path = format!("/api/v1/tenants/acme{path}");
        let (status, body) = self.server.request(method, &path, &headers, body).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// A and B: through the password, and consent where it is asked for and was not given yet.
    async fn sign_in(&self, is_first: bool) {
        self.go("/").await;
        press(&self.driver, "Sign in").await;
        fill(&self.driver, "username", "ada").await;
        fill(&self.driver, "password", PASSWORD).await;
        press(&self.driver, "Sign in").await;
        if is_first && self.shape == Shape::Backend {
            press(&self.driver, "Allow").await;
        }
        sees(&self.driver, "Signed in as Ada Lovelace").await;
    }

    /// C and D.
    async fn read_reports(&self) {
        press(&self.driver, "Reports").await;
        sees(&self.driver, "the reports of ").await;
    }

    /// An access token of ada's own, had without the program.
    async fn token(&self) -> String {
        let body = json!({ "username": "ada", "password": PASSWORD, "client_id": "app" });
        let headers = [("Content-Type", "application/json")];
        let (status, body) =
            self.server.request("POST", "/t/acme/auth/login", &headers, &body.to_string()).await;
        assert_eq!(status, 200, "{body}");
        let tokens: Value = serde_json::from_str(&body).unwrap();
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// Asks the API with a token, which is good at first, until it is refused.
    async fn until_refused(&self, token: &str, meanwhile: impl AsyncFnOnce()) {
        let bearer = format!("Bearer {token}");
        let (port, path) = self.api;
        let ask = async || {
            let headers = [("Authorization", bearer.as_str())];
            plain_http(port, "GET", path, &headers, "").await.unwrap().0
        };
        while ask().await == 503 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(ask().await, 200);
        meanwhile().await;
        let refused = async {
            while ask().await != 401 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(60), refused).await;
        assert!(in_time.is_ok(), "the API takes it still: {}", self.program.log());
    }

    /// E and F: waits until a token that was had after the program's own is over at the API.
    async fn let_it_expire(&self) {
        self.until_refused(&self.token().await, async || {}).await;
        // What comes now lasts.
        self.administer(
            "PATCH",
            "",
            &json!({ "settings": { "access_token_ttl": 900 } }).to_string(),
        )
        .await;
    }

    /// How many refreshes were answered with a pair.
    async fn refreshes(&self) -> u64 {
        let port = self.server.management_port();
        let (_, text) = plain_http(port, "GET", "/metrics", &[], "").await.unwrap();
        let is_one = |line: &&str| {
            line.starts_with("portcullis_token_answers_total")
                && line.contains("grant=\"refresh_token\"")
                && line.contains("result=\"ok\"")
        };
        let line = text.lines().find(is_one);
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// G and H: twenty at once, whose token is over.
    async fn twenty_at_once(&self) {
        let before = self.refreshes().await;
        if self.shape == Shape::Page {
            press(&self.driver, "Twenty at once").await;
            sees(&self.driver, "20 of 20 answered").await;
        } else {
            let cookies = self.driver.get_all_cookies().await.unwrap();
            let pairs = cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value));
            let cookies = pairs.collect::<Vec<_>>().join("; ");
            let headers = [("Cookie", cookies.as_str()), ("Accept", "text/html")];
            let port = self.program.port;
            let asked = (0..20).map(|_| plain_http(port, "GET", "/reports", &headers, ""));
            let mut answers = BTreeMap::new();
            for answer in join_all(asked).await {
                let (status, body) = answer.unwrap();
                assert!(status != 200 || body.contains("the reports of "), "{body}");
                *answers.entry(status).or_insert(0) += 1;
            }
            assert_eq!(answers, BTreeMap::from([(200, 20)]), "{}", self.program.log());
        }
        assert_eq!(self.refreshes().await - before, 1, "it is refreshed once for all who wait");
    }

    /// An operator ends what the program has, in the console, in a window of their own.
    async fn end_in_the_console(&self) {
        let console = browser(false).await;
        console.goto(format!("{}/admin", self.server.base())).await.unwrap();
        fill(&console, "username", "root").await;
        fill(&console, "password", PASSWORD).await;
        press(&console, "Sign in").await;
        press(&console, "acme").await;
        press(&console, "Users").await;
        press(&console, "ada").await;
        press(&console, "End all sessions…").await;
        press(&console, "End now").await;
        sees(&console, "ended").await;
        console.quit().await.unwrap();
    }

    /// C is refused at the guard, G at the server, and the login is shown.
    async fn is_signed_out(&self) {
        for _ in 0..600 {
            match self.shape {
                Shape::Page => press(&self.driver, "Reports").await,
                _ => self.go("/reports").await,
            }
            let text = self.driver.source().await.unwrap();
            if !text.contains("the reports of ") && text.contains("Sign in") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        match self.shape {
            Shape::Page => press(&self.driver, "Sign in").await,
            Shape::Backend | Shape::OwnForm => {}
        }
        let at = self.driver.current_url().await.unwrap();
        assert!(at.path().ends_with("/login"), "{at}");
        fill(&self.driver, "password", PASSWORD).await;
    }
}

async fn walk(name: &str, shape: Shape) {
    let walk = Walk::start(name, shape).await;
    walk.sign_in(true).await;
    picture(&walk.driver, &format!("example-{name}")).await;
    walk.read_reports().await;
    if shape != Shape::Page {
        walk.go("/").await;
    }
    walk.let_it_expire().await;
    walk.twenty_at_once().await;
    // The guard refuses what was ended, whoever comes with it.
    let token = walk.token().await;
    walk.until_refused(&token, async || walk.end_in_the_console().await).await;
    walk.is_signed_out().await;
    walk.sign_in(false).await;
    // The page that it leads back to, by way of Portcullis, is waited for: another address would cut it off.
    press(&walk.driver, "Sign out").await;
    press(&walk.driver, "Sign in").await;
    fill(&walk.driver, "password", PASSWORD).await;
    walk.driver.clone().quit().await.unwrap();
}

macro_rules! walks {
    ($($test:ident = $name:literal, $shape:ident;)+) => {
        $(
            #[rocket::async_test]
            async fn $test() {
                walk($name, Shape::$shape).await;
            }
        )+

        #[test]
        fn every_example_is_walked() {
            let listed = programs::listed("examples/programs.json");
            let names: Vec<&str> = listed.iter().map(|program| program.name.as_str()).collect();
            assert_eq!(names, [$($name),+]);
        }
    };
}

walks! {
    a_to_h_with_axum = "axum", Backend;
    a_to_h_with_rocket = "rocket", Backend;
    a_to_h_with_nest = "nest", OwnForm;
    a_to_h_with_express = "express", Backend;
    a_to_h_with_spa = "spa", Page;
    a_to_h_with_fastapi = "fastapi", Backend;
    a_to_h_with_go = "go", Backend;
}
