//! Client authentication: the Basic header in the first line, and the body behind it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis::{
    domain::AuthMethod,
    oauth::client_auth::{Claimed, Presented, read_claimed},
    protocol::{ErrorCode, OauthError, Params},
};

/// Reads the header alone, and with the body.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (header, body) = text.split_once('\n').unwrap_or((text, ""));
    let nothing = Params::parse(b"").unwrap();
    let alone = read(header, &nothing);
    if let Some(claimed) = &alone {
        assert_eq!(claimed.method, AuthMethod::ClientSecretBasic);
        let secret = claimed.secret.as_deref().unwrap();
        // A client that writes it anew, in whatever encoding, is the same client.
        let again = read(&written(&claimed.client_id, secret), &nothing).unwrap();
        assert_eq!((&again.client_id, again.secret.as_deref()), (&claimed.client_id, Some(secret)));
    }
    let Ok(params) = Params::parse(body.as_bytes()) else { return };
    match read(header, &params) {
        // What the body adds is the same client, or nothing (RFC 6749 section 2.3).
        Some(both) => {
            let alone = alone.expect("the body makes a header good");
            assert_eq!((both.client_id, both.secret), (alone.client_id, alone.secret));
            assert!(
                params.find("client_secret").is_none() && params.find("client_assertion").is_none()
            );
        }
        None => assert!(alone.is_none() || !body.is_empty()),
    }
    // Without the header the body is read alone.
    if let Ok(claimed) = read_claimed(Presented { authorization: None, params: &params }) {
        assert_ne!(claimed.method, AuthMethod::ClientSecretBasic);
        assert_eq!(claimed.secret.is_some(), claimed.method == AuthMethod::ClientSecretPost);
    }
}

fn read(header: &str, params: &Params) -> Option<Claimed> {
    read_claimed(Presented { authorization: Some(header), params })
        .map_err(|error| assert_kind(&error))
        .ok()
}

fn assert_kind(error: &OauthError) {
    assert!(
        matches!(error.code, ErrorCode::InvalidClient | ErrorCode::InvalidRequest),
        "{error:?}"
    );
}

/// A Basic header as RFC 6749 section 2.3.1 has clients write it.
fn written(client_id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret))))
}
