//! What is ended at the server, at the programs of `guard/programs.json`: an API in each language and framework.

use std::time::Duration;

use rocket::tokio;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{API, SECRET, text};
use crate::{
    programs::{self, Program, Running},
    support::{Server, form, new_database, plain_http, write_master_key},
};

/// How something is ended at the server, and what the API says of a token after that.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    case: String,
    /// A call of the admin API, below the tenant.
    end: Option<String>,
    /// A token of the sign-in, which its client revokes (RFC 7009).
    revoke: Option<String>,
    #[serde(default)]
    logout: bool,
    /// Whether another user's token is as good as before.
    #[serde(default = "spares")]
    spares: bool,
    status: u16,
}

fn spares() -> bool {
    true
}

fn endings() -> Vec<Ending> {
    let table: Value = serde_json::from_str(&programs::read("guard/cases.json")).unwrap();
    serde_json::from_value(table["endings"].clone()).unwrap()
}

/// A tenant for each program, so that what is ended for one is no other's matter.
fn file(programs: &[Program]) -> String {
    let tenant = |program: &Program| {
        json!({
            "slug": program.name,
            "settings": { "password_bcrypt_cost": 10 },
            "scopes": [{ "name": "reports.read" }],
            "resources": [{ "uri": API, "scopes": ["reports.read"] }],
            "clients": [
                { "client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/cb"],
                  "grant_types": ["authorization_code", "refresh_token", "password"], "scope": "openid reports.read" },
                { "client_id": "api", "client_secret": SECRET, "grant_types": ["client_credentials"],
                  "scope": "revocations" },
            ],
            "users": [
                { "username": "ada", "password": "correct horse battery staple" },
                { "username": "bob", "password": "correct horse battery staple" },
            ],
        })
    };
    json!({ "tenants": programs.iter().map(tenant).collect::<Vec<_>>() }).to_string()
}

/// A program behind its tenant.
struct Guarded {
    port: u16,
    operator: String,
    name: String,
    running: Running,
}

impl Guarded {
    async fn call(&self, method: &str, path: &str, bearer: &str, body: &str) -> (u16, String) {
        let bearer = format!("Bearer {bearer}");
        let kind = if body.starts_with('{') {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let mut headers = vec![("Content-Type", kind)];
        if bearer != "Bearer " {
            headers.push(("Authorization", &bearer));
        }
        plain_http(self.port, method, path, &headers, body).await.unwrap()
    }

    async fn sign_in(&self, user: &str) -> Value {
        let body = json!({ "username": user, "password": "correct horse battery staple", "client_id": "app" });
        let path = format!("/t/{}/auth/login", self.name);
        let (status, body) = self.call("POST", &path, "", &body.to_string()).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Waits until the API answers a token so.
    async fn until(&self, case: &str, token: &str, wanted: u16) {
        let bearer = format!("Bearer {token}");
        let answered = async {
            loop {
                let headers = [("Authorization", bearer.as_str())];
                let answer = plain_http(self.running.port, "GET", "/reports", &headers, "").await;
                if answer.is_some_and(|(status, _)| status == wanted) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(60), answered).await;
        assert!(in_time.is_ok(), "{}: {case}: not {wanted}: {}", self.name, self.running.log());
    }

    async fn end(&self, ending: &Ending, tokens: &Value) {
        let access = tokens["access_token"].as_str().unwrap();
        let (status, body) = if let Some(call) = &ending.end {
            let (method, path) = call.split_once(' ').unwrap();
            let path =
                path.replace("{sid}", &text(access, "sid")).replace("{sub}", &text(access, "sub"));
            let path = format!("/api/v1/tenants/{}{path}", self.name);
            self.call(method, &path, &self.operator, "{}").await
        } else if let Some(kind) = &ending.revoke {
            let token = tokens[kind].as_str().unwrap();
            let body = form(&[("token", token), ("client_id", "app")]);
            self.call("POST", &format!("/t/{}/oauth2/revoke", self.name), "", &body).await
        } else {
            assert!(ending.logout, "{ending:?} says nothing");
            self.call("POST", &format!("/t/{}/auth/logout", self.name), access, "").await
        };
        assert!(matches!(status, 200..=299), "{}: {status} {body}", ending.case);
    }

    /// Ends all that the table says, in turn.
    async fn hold(&self, endings: &[Ending]) {
        for ending in endings {
            let (tokens, other) = (self.sign_in("ada").await, self.sign_in("bob").await);
            let of = |tokens: &Value| tokens["access_token"].as_str().unwrap().to_owned();
            let (token, other) = (of(&tokens), of(&other));
            self.until("before", &token, 200).await;
            self.until("before", &other, 200).await;
            self.end(ending, &tokens).await;
            self.until(&ending.case, &token, ending.status).await;
            let others = if ending.spares { 200 } else { ending.status };
            self.until(&ending.case, &other, others).await;
        }
    }
}

#[rocket::async_test]
async fn what_is_ended_at_the_server_is_refused_by_each_program() {
    let folder = tempfile::tempdir().unwrap();
    write_master_key(folder.path());
    let database = new_database(folder.path()).await;
    let server = Server::start(folder.path(), &database, &[]).await;
    let programs = programs::listed("guard/programs.json");
    let (code, _, error) = server.command(&["apply", "-f", "-"], &file(&programs));
    assert_eq!(code, 0, "{error}");
    let (code, token, error) =
        server.command(&["token", "--tenant", "system", "--scope", "admin"], "");
    assert_eq!(code, 0, "{error}");
    let endings = endings();
    let held = programs.iter().map(|program| {
        let issuer = format!("{}/t/{}", server.base(), program.name);
        let settings = [
            ("ISSUER", issuer.as_str()),
            ("AUDIENCE", API),
            ("CLIENT_ID", "api"),
            ("CLIENT_SECRET", SECRET),
        ];
        let (port, operator) = (server.port, token.trim().to_owned());
        let running = program.start(programs::free_port(), &settings);
        let guarded = Guarded { port, operator, name: program.name.clone(), running };
        let endings = &endings;
        async move { guarded.hold(endings).await }
    });
    futures_util::future::join_all(held).await;
}
