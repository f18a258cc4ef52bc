//! Things as they are shown, made up: pages and tables are drawn from them, without a database and
//! without a clock.

use serde_json::json;

use super::{
    AuditView, ClientView, Ending, FamilyView, KeyView, SecretView, SessionView, TenantView,
    UserView,
};
use crate::domain::{
    AuthMethod, ClientMetadata, GrantType, RedirectUri, Resource, ScopeDefinition, TenantSettings,
    Timestamp,
};

/// The instant everything here happens around: 2026-01-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

/// An identifier that ends in `number`.
fn id(number: u16) -> String {
    format!("019b76da-a800-7000-8000-{number:012x}")
}

/// A tenant that serves, with a scope and a resource of its own.
pub fn tenant() -> TenantView {
    TenantView {
        id: id(1),
        slug: "acme".into(),
        name: "Acme".into(),
        status: "active".into(),
        issuer: "https://id.example/t/acme".into(),
        settings: TenantSettings::default(),
        scopes: vec![ScopeDefinition {
            name: "reports.read".into(),
            description: "Read your reports".into(),
        }],
        resources: vec![Resource {
            uri: "https://api.acme.example".into(),
            scopes: vec!["reports.read".into()],
        }],
        version: 3,
        created_at: NOW,
        updated_at: NOW.plus(60),
    }
}

/// One that was suspended.
pub fn suspended_tenant() -> TenantView {
    TenantView {
        id: id(2),
        slug: "initech".into(),
        name: "Initech & Söhne".into(),
        status: "suspended".into(),
        issuer: "https://id.example/t/initech".into(),
        scopes: Vec::new(),
        resources: Vec::new(),
        ..tenant()
    }
}

/// Those of `texts` that are addresses a client may be sent back to: all, as the snapshots show.
fn uris(texts: &[&str]) -> Vec<RedirectUri> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// A client that people sign in through, with an old secret and a new one.
pub fn client() -> ClientView {
    let old = SecretView { id: id(11), created_at: NOW, expires_at: Some(NOW.plus(86_400)) };
    let new = SecretView { id: id(12), created_at: NOW.plus(60), expires_at: None };
    let metadata = ClientMetadata {
        client_name: "Acme Web".into(),
        redirect_uris: uris(&["https://app.acme.example/callback", "http://127.0.0.1/callback"]),
        post_logout_redirect_uris: uris(&["https://app.acme.example/"]),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scope: "openid profile email offline_access reports.read".parse().unwrap_or_default(),
        skip_consent: true,
        ..ClientMetadata::default()
    };
    ClientView {
        client_id: "web".into(),
        metadata,
        secrets: vec![old, new],
        version: 2,
        created_at: NOW,
        updated_at: NOW.plus(60),
    }
}

/// A client that is a machine, has no name, and authenticates by its key.
pub fn machine_client() -> ClientView {
    let metadata = ClientMetadata {
        token_endpoint_auth_method: AuthMethod::PrivateKeyJwt,
        grant_types: vec![GrantType::ClientCredentials],
        scope: "reports.read".parse().unwrap_or_default(),
        jwks: Some(json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one" }] })),
        ..ClientMetadata::default()
    };
    ClientView { client_id: "robot".into(), metadata, secrets: Vec::new(), ..client() }
}

/// An administrator of the tenant, of whom everything is known.
pub fn user() -> UserView {
    UserView {
        id: id(21),
        username: "ada".into(),
        email: Some("ada@acme.example".into()),
        email_verified: true,
        name: Some("Ada Lovelace".into()),
        roles: vec!["tenant_admin".into(), "support".into()],
        status: "active".into(),
        has_password: true,
        version: 4,
        created_at: NOW,
        updated_at: NOW.plus(60),
    }
}

/// A user who was disabled before the e-mail address was verified.
pub fn disabled_user() -> UserView {
    UserView {
        id: id(22),
        username: "bob".into(),
        email: Some("bob@acme.example".into()),
        email_verified: false,
        name: None,
        roles: Vec::new(),
        status: "disabled".into(),
        ..user()
    }
}

/// A user of whom the name they sign in with is all that is known.
pub fn nameless_user() -> UserView {
    UserView {
        id: id(23),
        username: "carol".into(),
        email: None,
        status: "active".into(),
        ..disabled_user()
    }
}

/// A family of refresh tokens that is good.
fn family() -> FamilyView {
    FamilyView {
        id: id(41),
        client_id: "web".into(),
        scope: "openid offline_access".into(),
        generation: 7,
        active: true,
        created_at: NOW,
        rotated_at: Some(NOW.plus(900)),
        expires_at: NOW.plus(604_800),
        ended_at: None,
        end_reason: None,
    }
}

/// A session that is live, with one family that is good, one that was ended and one that expired.
pub fn session() -> SessionView {
    let reused = FamilyView {
        id: id(42),
        client_id: "app".into(),
        generation: 0,
        active: false,
        rotated_at: None,
        ended_at: Some(NOW.plus(120)),
        end_reason: Some("reuse".into()),
        ..family()
    };
    let expired = FamilyView { id: id(43), active: false, expires_at: NOW.plus(60), ..family() };
    SessionView {
        id: id(31),
        user_id: id(21),
        username: "ada".into(),
        kind: "browser".into(),
        active: true,
        ip: "192.0.2.7".into(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
        auth_time: NOW,
        created_at: NOW,
        last_seen_at: NOW.plus(900),
        expires_at: NOW.plus(2_592_000),
        ended_at: None,
        end_reason: None,
        clients: vec!["web".into(), "app".into()],
        families: vec![family(), reused, expired],
    }
}

/// A session that an administrator ended.
pub fn ended_session() -> SessionView {
    SessionView {
        id: id(32),
        user_id: id(22),
        username: "bob".into(),
        kind: "password".into(),
        active: false,
        ip: "2001:db8::7".into(),
        user_agent: String::new(),
        ended_at: Some(NOW.plus(1_800)),
        end_reason: Some("forced".into()),
        clients: vec!["web".into()],
        families: Vec::new(),
        ..session()
    }
}

/// A session whose time was over.
pub fn expired_session() -> SessionView {
    SessionView {
        id: id(33),
        ended_at: None,
        end_reason: None,
        clients: Vec::new(),
        ..ended_session()
    }
}

/// What a forced logout would end: more than was counted.
pub fn ending() -> Ending {
    Ending {
        dry_run: true,
        sessions: 1_000,
        families: 1_000,
        more: true,
        event: None,
        effective_here_at: None,
        effective_everywhere_by: None,
    }
}

/// The keys of a tenant: the next one, the one that signs, and one that has signed before it.
pub fn keys() -> Vec<KeyView> {
    let next = KeyView {
        kid: "Zk3UVzv7_4TJy3Nw0Bq1rjZRk8H8xVhDOUuAvVIq0nM".into(),
        alg: "ES256".into(),
        state: "next".into(),
        created_at: NOW.plus(86_400),
        activated_at: None,
        expires_at: None,
    };
    let active = KeyView {
        kid: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".into(),
        state: "active".into(),
        created_at: NOW,
        activated_at: Some(NOW.plus(86_400)),
        ..next.clone()
    };
    let retiring = KeyView {
        kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".into(),
        alg: "EdDSA".into(),
        state: "retiring".into(),
        created_at: NOW,
        activated_at: Some(NOW),
        expires_at: Some(NOW.plus(87_300)),
    };
    vec![next, active, retiring]
}

/// Entries of the trail: one of a user and one of nobody.
pub fn audit() -> Vec<AuditView> {
    let reused = AuditView {
        id: id(51),
        at: NOW.plus(900),
        actor: format!("user:{}", id(21)),
        action: "refresh.reuse".into(),
        target: format!("family:{}", id(42)),
        reason: "the family was ended".into(),
        ip: "192.0.2.7".into(),
        user_agent: "Mozilla/5.0".into(),
        request_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
    };
    let failed = AuditView {
        id: id(50),
        at: NOW,
        actor: "anonymous".into(),
        action: "login.failed".into(),
        target: "user:ada".into(),
        reason: String::new(),
        user_agent: String::new(),
        request_id: None,
        ..reused.clone()
    };
    vec![reused, failed]
}

/// A client that did not authenticate.
pub fn refused_client() -> AuditView {
    AuditView {
        id: id(52),
        at: NOW.plus(60),
        actor: "client:web".into(),
        action: "client.refused".into(),
        target: "web".into(),
        reason: "it used client_secret_post, and is registered for client_secret_basic".into(),
        ip: "192.0.2.7".into(),
        user_agent: "node".into(),
        request_id: None,
    }
}
