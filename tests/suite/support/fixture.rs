//! The file that makes the fixture: two tenants with the same clients and users, and operators.

use super::{CALLBACK, SECRET};

/// The file that makes the fixture.
pub(crate) fn fixture(hash: &str) -> String {
    let tenant = |slug: &str| {
        format!(
            r#"
  - slug: {slug}
    name: The {slug} company
    settings: {{ password_bcrypt_cost: 10 }}
    scopes: [{{ name: reports.read, description: Read your reports }}, {{ name: reports.write }}]
    resources: [{{ uri: "https://api.{slug}.example", scopes: [reports.read, reports.write] }}]
    clients:
      - client_id: web
        token_endpoint_auth_method: client_secret_basic
        client_name: Web
        client_secret: "{SECRET}"
        redirect_uris: ["{CALLBACK}", "http://127.0.0.1/cb"]
        post_logout_redirect_uris: ["https://app.example/"]
        grant_types: [authorization_code, refresh_token, client_credentials]
        scope: "openid profile email offline_access reports.read"
      - client_id: other
        token_endpoint_auth_method: client_secret_post
        client_secret: "{SECRET}"
        redirect_uris: ["{CALLBACK}"]
        grant_types: [authorization_code, refresh_token, password]
        scope: "openid reports.read"
      - client_id: app
        client_name: App
        token_endpoint_auth_method: none
        redirect_uris: ["{CALLBACK}", "http://127.0.0.1/cb"]
        grant_types: [authorization_code, refresh_token, password]
        scope: "openid profile email offline_access reports.read admin admin:read"
        skip_consent: true
      - client_id: robot
        client_secret: "{SECRET}"
        grant_types: [client_credentials]
        scope: "reports.read admin admin:read"
    users:
      - {{ username: ada, email: ada@{slug}.example, email_verified: true, name: Ada Lovelace, password_hash: "{hash}" }}
      - {{ username: grace, email: grace@{slug}.example, name: Grace Hopper, password_hash: "{hash}", roles: [tenant_admin] }}
      - {{ username: alan, password_hash: "{hash}", roles: [tenant_auditor] }}
      - {{ username: sam, password_hash: "{hash}", roles: [support] }}
"#
        )
    };
    let system = format!(
        r#"
  - slug: system
    name: Operators
    settings: {{ password_bcrypt_cost: 10 }}
    users: [{{ username: root, password_hash: "{hash}", roles: [operator] }}]
"#
    );
    format!("tenants:\n{}{}{system}", tenant("acme"), tenant("globex"))
}
