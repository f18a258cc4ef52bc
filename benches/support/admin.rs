//! Whoever administers the installation: over its API, and in its console.

use std::time::Instant;

use serde_json::Value;

use super::{Connection, Server, get, post, with_body};

/// The password of the operator in [`OPERATOR`].
const PASSWORD: &str = "an operator of this installation";

/// An operator in a file that `apply` reads, for the console.
pub(crate) const OPERATOR: &str = r#"
  - slug: system
    users: [{ username: root, password: an operator of this installation, roles: [operator] }]
"#;

/// A connection that is kept, and a token for everything.
pub(crate) struct Admin {
    pub(crate) connection: Connection,
    pub(crate) bearer: String,
}

impl Admin {
    pub(crate) async fn of(server: &Server) -> Self {
        let token = server.run(&["token", "--tenant", "system", "--scope", "admin"]);
        let connection = Connection::open(server.port).await;
        Self { connection, bearer: format!("Authorization: Bearer {token}\r\n") }
    }

    /// Asks the API; the status, the body, and how many milliseconds it took.
    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &str) -> (u16, Value, f64) {
        let request = if method == "GET" {
            get(&format!("/api/v1{path}"), &self.bearer)
        } else {
            with_body(method, &format!("/api/v1{path}"), "application/json", &self.bearer, body)
        };
        let sent = Instant::now();
        let (status, text) = self.connection.send(&request).await;
        let time = sent.elapsed().as_secs_f64() * 1000.0;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null), time)
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        let (status, body, _) = self.send("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Signs the operator in to the console; the header by which pages are asked for then.
    pub(crate) async fn sign_in(&mut self) -> String {
        let (_, head, page) = self.connection.exchange(&get("/admin/login", "")).await;
        let browser = cookie(&head, "portcullis_browser");
        let token = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
        let form = [
            ("csrf_token", token.split('"').next().unwrap()),
            ("tenant", "system"),
            ("username", "root"),
            ("password", PASSWORD),
        ];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = post("/admin/login", &format!("Cookie: {browser}\r\n"), &form);
        let (status, head, page) = self.connection.exchange(&request).await;
        assert_eq!(status, 303, "{page}");
        format!("Cookie: {browser}; {}\r\n", cookie(&head, "portcullis_console"))
    }
}

/// A cookie that is set, as it is sent back.
fn cookie(head: &str, name: &str) -> String {
    let set = head.split(&format!("{name}=")).nth(1).unwrap();
    format!("{name}={}", set.split(';').next().unwrap())
}
