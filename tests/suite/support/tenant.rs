//! What is asked of one tenant, as its clients and users ask it.

use rocket::http::Method;

use super::{Agent, BASE, CALLBACK, CHALLENGE, PASSWORD, Reply, SECRET, TestApp, Tokens, VERIFIER};

/// One tenant of an installation.
#[derive(Clone, Copy)]
pub(crate) struct TestTenant<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) slug: &'a str,
}

pub(crate) fn basic(client_id: &str, secret: &str) -> String {
    use base64::Engine as _;
    let pair = format!("{client_id}:{secret}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl<'a> TestTenant<'a> {
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/t/{}{rest}", self.slug)
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{BASE}/t/{}", self.slug)
    }

    /// Posts a form to a protocol endpoint, without authentication.
    pub(crate) async fn post(&self, endpoint: &str, pairs: &[(&str, &str)]) -> Reply {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.app
            .send(Method::Post, &self.path(&format!("/oauth2/{endpoint}")), &headers, form(pairs))
            .await
    }

    /// Posts a form as client `web`.
    pub(crate) async fn post_as_web(&self, endpoint: &str, pairs: &[(&str, &str)]) -> Reply {
        self.post_basic(endpoint, &basic("web", SECRET), pairs).await
    }

    pub(crate) async fn post_basic(
        &self,
        endpoint: &str,
        authorization: &str,
        pairs: &[(&str, &str)],
    ) -> Reply {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Authorization", authorization),
        ];
        self.app
            .send(Method::Post, &self.path(&format!("/oauth2/{endpoint}")), &headers, form(pairs))
            .await
    }

    pub(crate) async fn post_json(&self, path: &str, body: serde_json::Value) -> Reply {
        let headers = [("Content-Type", "application/json")];
        self.app.send(Method::Post, &self.path(path), &headers, body.to_string()).await
    }

    pub(crate) async fn bearer(&self, method: Method, path: &str, token: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        self.app.send(method, &self.path(path), &[("Authorization", &bearer)], "").await
    }

    /// Signs a user in with the first-party JSON call.
    pub(crate) async fn sign_in(&self, username: &str) -> Tokens {
        let body =
            serde_json::json!({ "username": username, "password": PASSWORD, "client_id": "app" });
        self.post_json("/auth/login", body).await.tokens()
    }

    /// Refreshes as the public client `app`.
    pub(crate) async fn refresh(&self, refresh: &str) -> Reply {
        self.post(
            "token",
            &[("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", refresh)],
        )
        .await
    }

    pub(crate) async fn introspect(&self, token: &str) -> Reply {
        self.post_as_web("introspect", &[("token", token)]).await
    }

    pub(crate) async fn is_active(&self, token: &str) -> bool {
        self.introspect(token).await.json()["active"].as_bool().unwrap()
    }

    /// The query of a good authorization request, with some parameters changed (an empty one is left out).
    pub(crate) fn authorization(&self, client_id: &str, changes: &[(&str, &str)]) -> String {
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile email reports.read"),
            ("state", "the state"),
            ("nonce", "the nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            pairs.retain(|(known, _)| known != name);
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        self.path(&format!("/oauth2/authorize?{}", form(&pairs)))
    }

    /// A code for a client, by way of login and (where it is asked for) consent.
    pub(crate) async fn code(&self, client_id: &str, username: &str) -> String {
        let mut agent = Agent::new(self.app);
        agent.log_in(*self, username).await;
        let reply = agent.authorize(&self.authorization(client_id, &scope_of(client_id))).await;
        reply.callback()["code"].clone()
    }

    /// Tokens of the confidential client `web`, for whoever is signed in at `agent`.
    pub(crate) async fn tokens_of_web(&self, agent: &mut Agent<'_>) -> Tokens {
        let code =
            agent.authorize(&self.authorization("web", &[])).await.callback()["code"].clone();
        let mut pairs = self.redemption(&code).to_vec();
        pairs.retain(|(name, _)| *name != "client_id");
        self.post_as_web("token", &pairs).await.tokens()
    }

    /// Exchanges a code as the public client `app`.
    pub(crate) async fn redeem(&self, code: &str) -> Reply {
        self.post("token", &self.redemption(code)).await
    }

    pub(crate) fn redemption<'b>(&self, code: &'b str) -> [(&'b str, &'b str); 5] {
        [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]
    }
}

fn scope_of(client_id: &str) -> Vec<(&'static str, &'static str)> {
    match client_id {
        "other" => vec![("scope", "openid reports.read")],
        _ => Vec::new(),
    }
}
