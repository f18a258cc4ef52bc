//! Ory Hydra as a peer. It has no users: whoever runs it signs them in and says so to its admin
//! API, as is done here for the grants in which refresh tokens are rotated.

use std::process::Command;

use crate::{
    peer::{Peer, WORKERS, listening, setting, successor},
    support::{Connection, SECRET, free_port, get, post, with_body},
};

const CALLBACK: &str = "https://app.example/cb";

/// Registered and stopped: its keys and clients are in its database.
pub(crate) async fn prepared() -> Peer {
    let (port, admin) = (free_port(), free_port());
    let mut hydra = Peer {
        name: "Hydra",
        port,
        introspection: Some((admin, "/admin/oauth2/introspect")),
        token: "/oauth2/token",
        jwks: "/.well-known/jwks.json",
        sign_in: None,
        rotations: Vec::new(),
        command: Box::new(move || command(port, admin)),
        child: None,
    };
    hydra.spawn();
    listening(admin).await;
    register(&hydra).await;
    hydra.stop();
    hydra
}

/// By its database and secret it is set up as `benches/peers` has done it.
fn command(port: u16, admin: u16) -> Command {
    let mut command = Command::new(setting("PEERS_HYDRA"));
    command
        // Without TLS, which none of them has here, and without telling its makers.
        .args(["serve", "all", "--dev", "--sqa-opt-out"])
        .env("SERVE_PUBLIC_HOST", "127.0.0.1")
        .env("SERVE_PUBLIC_PORT", port.to_string())
        .env("SERVE_ADMIN_HOST", "127.0.0.1")
        .env("SERVE_ADMIN_PORT", admin.to_string())
        .env("URLS_SELF_ISSUER", format!("http://127.0.0.1:{port}"))
        .env("URLS_LOGIN", "http://127.0.0.1/login")
        .env("URLS_CONSENT", "http://127.0.0.1/consent")
        .env("STRATEGIES_ACCESS_TOKEN", "jwt")
        .env("LOG_LEVEL", "warn");
    command
}

fn admin_port(hydra: &Peer) -> u16 {
    hydra.introspection.unwrap().0
}

/// Keys of ES256, since it would make some of RS256 with 4096 bits, and the clients.
async fn register(hydra: &Peer) {
    let web = serde_json::json!({
        "client_id": "web", "client_secret": SECRET, "grant_types": ["client_credentials"],
    });
    let app = serde_json::json!({
        "client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"], "scope": "offline_access",
    });
    let key = |kid| serde_json::json!({"alg": "ES256", "use": "sig", "kid": kid});
    for (path, body) in [
        ("/admin/keys/hydra.jwt.access-token", key("access")),
        ("/admin/keys/hydra.openid.id-token", key("id")),
        ("/admin/clients", web),
        ("/admin/clients", app),
    ] {
        let request = with_body("POST", path, "application/json", "", &body.to_string());
        hydra.ask(admin_port(hydra), &request).await;
    }
}

/// Begins the grants in which the workers rotate.
pub(crate) async fn begin_rotations(hydra: &mut Peer) {
    for _ in 0..WORKERS {
        let code = code(hydra).await;
        let form = format!(
            "grant_type=authorization_code&client_id=app&redirect_uri={CALLBACK}&code={code}"
        );
        let answer = hydra.ask(hydra.port, &post(hydra.token, "", &form)).await;
        hydra.rotations.push(successor(hydra.token, &answer.to_string()));
    }
}

/// What a browser brings to the client, once login and consent are accepted.
async fn code(hydra: &Peer) -> String {
    let mut browser = Browser { port: hydra.port, cookies: String::new() };
    let begin = format!(
        "/oauth2/auth?client_id=app&response_type=code&scope=offline_access&state=12345678\
         &redirect_uri={CALLBACK}"
    );
    let login = browser.follow(&begin).await;
    let subject = serde_json::json!({"subject": "ada"});
    let back = accept(hydra, "login", &login, &subject).await;
    let consent = browser.follow(&back).await;
    let scope = serde_json::json!({"grant_scope": ["offline_access"]});
    let back = accept(hydra, "consent", &consent, &scope).await;
    parameter(&browser.follow(&back).await, "code")
}

/// Accepts what the browser was sent to be asked; the path where it is to go then.
async fn accept(hydra: &Peer, what: &str, asked: &str, with: &serde_json::Value) -> String {
    let challenge = parameter(asked, &format!("{what}_challenge"));
    let path = format!("/admin/oauth2/auth/requests/{what}/accept?{what}_challenge={challenge}");
    let request = with_body("PUT", &path, "application/json", "", &with.to_string());
    let answer = hydra.ask(admin_port(hydra), &request).await;
    let back = answer["redirect_to"].as_str().unwrap();
    format!("/{}", back.splitn(4, '/').nth(3).unwrap())
}

/// A parameter of an address, as it stands there.
fn parameter(address: &str, name: &str) -> String {
    let query = address.split_once('?').unwrap().1;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    value.unwrap_or_else(|| panic!("no {name} in {address}")).to_owned()
}

struct Browser {
    port: u16,
    cookies: String,
}

impl Browser {
    /// Where it is sent from there.
    async fn follow(&mut self, path: &str) -> String {
        let cookies = format!("Cookie: {}\r\n", self.cookies);
        let mut connection = Connection::open(self.port).await;
        let (_, head, body) = connection.exchange(&get(path, &cookies)).await;
        let mut location = None;
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            match name.to_lowercase().as_str() {
                "set-cookie" => self.cookies += &format!("{}; ", value.split(';').next().unwrap()),
                "location" => location = Some(value.to_owned()),
                _ => (),
            }
        }
        location.unwrap_or_else(|| panic!("{head}\n{body}"))
    }
}
