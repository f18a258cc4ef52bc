//! Client assertions: a header in the first line and a payload behind it, which the client's key
//! signs; and the same bytes as a token of their own.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use portcullis::{
    keys::verify_assertion,
    oauth::client_auth::{Presented, read_claimed},
    protocol::Params,
};
use serde_json::{Value, json};

fn client() -> (SigningKey, Value) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let jwks = json!({ "keys": [
        { "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()), "kid": "k" },
    ] });
    (key, jwks)
}

fn signed(key: &SigningKey, header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    format!("{input}.{}", signature(key, &input))
}

/// Whether an assertion of these, signed by the client, is taken.
pub fn is_taken(header: &[u8], payload: &[u8]) -> bool {
    let (key, jwks) = client();
    verify_assertion::<Value>(&jwks, &signed(&key, header, payload)).is_ok()
}

/// Reads both.
pub fn check(data: &[u8]) {
    let (key, jwks) = client();
    if let Ok(token) = std::str::from_utf8(data) {
        check_token(&jwks, &key, token);
    }
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, payload) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    let token = signed(&key, header, payload);
    if let Some(claims) = check_token(&jwks, &key, &token) {
        assert_eq!(
            claims,
            serde_json::from_slice::<Value>(payload).unwrap(),
            "it says what was signed"
        );
        let header: serde_json::Map<String, Value> = serde_json::from_slice(header).unwrap();
        assert_eq!(
            header["alg"], "EdDSA",
            "a key is used for its own algorithm alone (RFC 8725 section 3.1)"
        );
        assert!(
            !header.contains_key("crit") && header.values().all(|value| !value.is_null()),
            "{header:?}"
        );
        assert!(header.get("kid").is_none_or(|kid| kid == "k"), "{header:?}");
        assert!(claims["exp"].is_number(), "it never expires");
    }
}

/// Reads a token: what is taken was signed, and bears no other signature.
fn check_token(jwks: &Value, key: &SigningKey, token: &str) -> Option<Value> {
    let form = |pairs: &[(&str, &str)]| {
        let kind =
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let text = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([kind])
            .extend_pairs(pairs)
            .finish();
        Params::parse(text.as_bytes()).ok()
    };
    // Before anything is verified it says whose it claims to be; `client_id` goes before.
    if let Some(params) = form(&[("client_assertion", token)]) {
        let _ = read_claimed(Presented { authorization: None, params: &params });
    }
    if let Some(params) = form(&[("client_assertion", token), ("client_id", "web")]) {
        let claimed = read_claimed(Presented { authorization: None, params: &params });
        assert!(claimed.is_ok_and(|claimed| claimed.client_id == "web") || token.is_empty());
    }
    let claims = verify_assertion::<Value>(jwks, token).ok()?;
    let (input, presented) = token.rsplit_once('.').unwrap();
    assert_eq!(presented, signature(key, input), "nobody signed this");
    Some(claims)
}

/// Ed25519 is deterministic (RFC 8032): what was signed has one signature.
fn signature(key: &SigningKey, input: &str) -> String {
    URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).to_bytes())
}
