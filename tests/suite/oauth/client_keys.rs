//! Which public keys a client may be registered with, and which of them verifies an assertion.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use portcullis::keys::verify_assertion;
use rocket::http::Method;
use serde_json::{Value, json};

use super::client_auth::{claims, with_assertion};
use crate::support::{Agent, TestApp};

fn p256() -> (EcdsaKeyPair, Value) {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = key.public_key().as_ref().to_vec();
    (
        key,
        json!({ "kty": "EC", "crv": "P-256", "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..65]) }),
    )
}

fn p384() -> (EcdsaKeyPair, Value) {
    let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let point = key.public_key().as_ref().to_vec();
    (
        key,
        json!({ "kty": "EC", "crv": "P-384", "x": B64.encode(&point[1..49]), "y": B64.encode(&point[49..97]) }),
    )
}

fn ed25519() -> (Ed25519KeyPair, Value) {
    let key = Ed25519KeyPair::generate().unwrap();
    let x = B64.encode(key.public_key().as_ref());
    (key, json!({ "kty": "OKP", "crv": "Ed25519", "x": x }))
}

fn rsa() -> (RsaKeyPair, Value) {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let n = B64.encode(key.public_key().modulus().big_endian_without_leading_zero());
    (key, json!({ "kty": "RSA", "n": n, "e": "AQAB" }))
}

fn with(mut key: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("members of a key: {changes}") };
    key.as_object_mut().unwrap().extend(changes);
    key
}

fn without(mut key: Value, member: &str) -> Value {
    key.as_object_mut().unwrap().remove(member);
    key
}

fn client(jwks: Value) -> Value {
    let mut client = json!({
        "client_id": "signer", "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"], "scope": "reports.read",
    });
    client["jwks"] = jwks;
    client
}

/// A number of so many bytes with these at its ends.
fn number(length: usize, first: u8, last: u8) -> String {
    let mut bytes = vec![0xa5; length];
    (bytes[0], bytes[length - 1]) = (first, last);
    B64.encode(bytes)
}

/// Keys that are refused, and the member that is named.
fn bad_keys() -> Vec<(Value, &'static str)> {
    let (ec, ec384, ed, rsa) = (p256().1, p384().1, ed25519().1, rsa().1);
    let mut y = B64.decode(ec["y"].as_str().unwrap()).unwrap();
    y[31] ^= 1;
    let of_ed = |bytes: [u8; 32]| with(ed.clone(), json!({ "x": B64.encode(bytes) }));
    let led_by = |first| std::array::from_fn(|at| if at == 0 { first } else { 0 });
    let mut bad = vec![
        (json!("a key"), ""),
        (json!({}), ".kty"),
        (json!({ "kty": "oct" }), ".kty"),
        (json!({ "kty": ["EC"] }), ".kty"),
        (json!({ "kty": "ec" }), ".kty"),
        (with(ec.clone(), json!({ "crv": "secp256k1" })), ".crv"),
        (with(ec.clone(), json!({ "crv": "P-521" })), ".crv"),
        (without(ec.clone(), "crv"), ".crv"),
        (with(ed.clone(), json!({ "crv": "X25519" })), ".crv"),
        (with(ed.clone(), json!({ "crv": "Ed448" })), ".crv"),
        (with(ec.clone(), json!({ "y": B64.encode(&y) })), ""),
        (with(ec.clone(), json!({ "x": B64.encode([0; 32]), "y": B64.encode([0; 32]) })), ""),
        (with(ec.clone(), json!({ "x": B64.encode([0xff; 32]) })), ""),
        (with(ec384.clone(), json!({ "y": ec384["x"] })), ""),
        (with(ec.clone(), json!({ "x": B64.encode([1; 31]) })), ".x"),
        (with(ec.clone(), json!({ "x": format!("{}=", ec["x"].as_str().unwrap()) })), ".x"),
        (with(ec.clone(), json!({ "x": 7 })), ".x"),
        (with(ec.clone(), json!({ "x": "+/+/" })), ".x"),
        (with(ec384.clone(), json!({ "y": ec["y"] })), ".y"),
        (without(ec.clone(), "y"), ".y"),
        (with(ec.clone(), json!({ "crv": "P-384" })), ".x"),
        (with(ed.clone(), json!({ "x": B64.encode([1; 33]) })), ".x"),
        (of_ed(led_by(2)), ".x"),
        (of_ed(led_by(1)), ".x"),
        (of_ed(led_by(0)), ".x"),
        (without(rsa.clone(), "n"), ".n"),
        (with(rsa.clone(), json!({ "n": number(128, 0xc1, 0x01) })), ".n"),
        (with(rsa.clone(), json!({ "n": number(256, 0x7f, 0x01) })), ".n"),
        (with(rsa.clone(), json!({ "n": number(256, 0xc1, 0x02) })), ".n"),
        (with(rsa.clone(), json!({ "n": number(257, 0x00, 0x01) })), ".n"),
        (with(rsa.clone(), json!({ "n": number(2048, 0xc1, 0x01) })), ".n"),
        (with(rsa.clone(), json!({ "n": "" })), ".n"),
    ];
    // 1, 3, 17, 65535, 65536, one with a zero in front, one that is longer than any in use, none.
    for e in ["AQ", "Aw", "EQ", "__8", "AQAA", "AAEAAQ", "AQAAAAAAAAE", "", "AQAB="] {
        bad.push((with(rsa.clone(), json!({ "e": e })), ".e"));
    }
    for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let member = Box::leak(format!(".{secret}").into_boxed_str());
        bad.push((with(rsa.clone(), json!({ secret: "AQAB" })), member));
        bad.push((with(ec.clone(), json!({ secret: null })), member));
    }
    for (key, alg) in [
        (&ec, "ES384"),
        (&ec, "RS256"),
        (&ec, "HS256"),
        (&ec, "none"),
        (&ec, "ECDH-ES"),
        (&ec, "es256"),
        (&ec, ""),
        (&ec384, "ES256"),
        (&ed, "ES256"),
        (&rsa, "ES256"),
        (&rsa, "RS1"),
        (&rsa, "RSA-OAEP"),
        (&rsa, "RS512"),
    ] {
        bad.push((with(key.clone(), json!({ "alg": alg })), ".alg"));
    }
    for (member, value) in [
        (".alg", json!({ "alg": 256 })),
        (".use", json!({ "use": "enc" })),
        (".use", json!({ "use": "SIG" })),
        (".use", json!({ "use": ["sig"] })),
        (".key_ops", json!({ "key_ops": ["sign"] })),
        (".key_ops", json!({ "key_ops": [] })),
        (".key_ops", json!({ "key_ops": "verify" })),
        (".key_ops", json!({ "key_ops": ["verify", 1] })),
        (".key_ops", json!({ "key_ops": ["verify", "verify"] })),
        (".kid", json!({ "kid": 1 })),
        (".kid", json!({ "kid": "" })),
        (".kid", json!({ "kid": "a\u{7}" })),
        (".kid", json!({ "kid": "k".repeat(201) })),
    ] {
        bad.push((with(ec.clone(), value), member));
    }
    bad
}

#[rocket::async_test]
async fn a_key_that_is_weak_secret_or_for_something_else_is_refused_at_create_and_at_change() {
    let app = TestApp::start().await;
    let good = p256().1;
    app.api(Method::Post, "/tenants/acme/clients", client(json!({ "keys": [good] }))).await.ok();
    for (key, member) in bad_keys() {
        // It stands behind a good one: each key is looked at.
        let jwks = json!({ "keys": [good, key] });
        let changed =
            app.api(Method::Patch, "/tenants/acme/clients/signer", json!({ "jwks": jwks })).await;
        assert_eq!(changed.status, 400, "{key}");
        changed.assert_problem(400);
        assert_eq!(
            changed.json()["field"],
            format!("jwks.keys[1]{member}"),
            "{key}: {}",
            changed.body
        );
        let mut new = client(jwks);
        new["client_id"] = "another".into();
        let made = app.api(Method::Post, "/tenants/acme/clients", new).await;
        assert_eq!(made.json()["field"], changed.json()["field"], "{key}");
    }
    app.api(Method::Get, "/tenants/acme/clients/another", json!(null)).await.assert_problem(404);
}

#[rocket::async_test]
async fn a_set_without_keys_with_too_many_or_two_of_a_name_is_refused() {
    let app = TestApp::start().await;
    let named = |kid: &str| with(p256().1, json!({ "kid": kid }));
    let many =
        |count: usize| -> Vec<Value> { (0..count).map(|at| named(&at.to_string())).collect() };
    for (jwks, field) in [
        (json!({ "keys": [] }), "jwks.keys"),
        (json!({ "keys": many(21) }), "jwks.keys"),
        (json!({ "keys": [named("a"), named("b"), named("a")] }), "jwks.keys[2].kid"),
        (json!({}), "jwks"),
        (json!({ "keys": {} }), "jwks"),
        (json!([p256().1]), "jwks"),
        (json!("keys"), "jwks"),
        (json!(null), "jwks"),
    ] {
        let reply = app.api(Method::Post, "/tenants/acme/clients", client(jwks.clone())).await;
        assert_eq!(reply.status, 400, "{jwks}");
        assert_eq!(reply.json()["field"], field, "{jwks}");
    }
    app.api(Method::Post, "/tenants/acme/clients", client(json!({ "keys": many(20) }))).await.ok();
}

#[rocket::async_test]
async fn the_console_and_the_file_refuse_what_the_api_refuses() {
    let app = TestApp::start().await;
    let jwks = json!({ "keys": [with(p256().1, json!({ "use": "enc" }))] });
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let text = jwks.to_string();
    let fields = [
        ("client_id", "signer"),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("grant_client_credentials", "on"),
        ("scope", "reports.read"),
        ("jwks", text.as_str()),
    ];
    let refused = agent.console("/admin/tenants/acme/clients", &fields).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("jwks.keys[0].use"), "{}", refused.body);
    let file = json!({ "tenants": [{ "slug": "new", "clients": [client(jwks)] }] });
    let file = file.to_string().replace("reports.read", "openid");
    let refused = app.try_apply(&file, &portcullis::admin::Manner::default()).await.unwrap_err();
    assert!(refused.contains("jwks.keys[0].use"), "{refused}");
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
    format!("{message}.{}", B64.encode(sign(message.as_bytes())))
}

fn by_ec(key: &EcdsaKeyPair) -> impl Fn(&[u8]) -> Vec<u8> {
    move |message| key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
}

fn by_rsa(key: &RsaKeyPair, padding: &'static dyn RsaEncoding) -> impl Fn(&[u8]) -> Vec<u8> {
    move |message| {
        let mut out = vec![0; key.public_modulus_len()];
        key.sign(padding, &SystemRandom::new(), message, &mut out).unwrap();
        out
    }
}

#[rocket::async_test]
async fn each_kind_of_key_authenticates_its_client_whatever_else_stands_in_it() {
    let app = TestApp::start().await;
    let (ec, ec384, ed, rsa) = (p256(), p384(), ed25519(), rsa());
    let odd = json!({
        "x5c": "no certificate", "x5u": "http://127.0.0.1:1/", "x5t": 7, "use": "sig", "key_ops": ["verify", "sign"],
        "ext": true,
    });
    let keys = [
        with(ec.1, odd.clone()),
        with(ec384.1, odd.clone()),
        with(ed.1, odd.clone()),
        with(rsa.1, odd),
    ];
    app.api(Method::Post, "/tenants/acme/clients", client(json!({ "keys": keys }))).await.ok();
    let header = |alg: &str| json!({ "alg": alg, "typ": "JWT" });
    let good = |jti: &str| claims(&app, jti);
    for assertion in [
        signed(&header("ES256"), &good("1"), by_ec(&ec.0)),
        signed(&header("ES384"), &good("2"), by_ec(&ec384.0)),
        signed(&header("EdDSA"), &good("3"), |message| ed.0.sign(message).as_ref().to_vec()),
        signed(&header("RS256"), &good("4"), by_rsa(&rsa.0, &RSA_PKCS1_SHA256)),
        signed(&header("PS256"), &good("5"), by_rsa(&rsa.0, &RSA_PSS_SHA256)),
    ] {
        with_assertion(&app, &assertion).await.ok();
    }
}

#[rocket::async_test]
async fn a_kid_picks_its_key_alone_and_a_keys_alg_counts() {
    let app = TestApp::start().await;
    let (a, b, rsa) = (p256(), p256(), rsa());
    let keys = json!({ "keys": [
        with(a.1, json!({ "kid": "a", "alg": "ES256" })), with(b.1, json!({ "kid": "b" })),
        with(rsa.1, json!({ "kid": "r", "alg": "PS256" })),
    ] });
    app.api(Method::Post, "/tenants/acme/clients", client(keys)).await.ok();
    let good = |jti: &str| claims(&app, jti);
    let es256 = |kid: Value| json!({ "alg": "ES256", "kid": kid });
    with_assertion(&app, &signed(&es256("a".into()), &good("1"), by_ec(&a.0))).await.ok();
    with_assertion(&app, &signed(&es256("b".into()), &good("2"), by_ec(&b.0))).await.ok();
    with_assertion(&app, &signed(&json!({ "alg": "ES256" }), &good("3"), by_ec(&b.0))).await.ok();
    let ps256 = json!({ "alg": "PS256", "kid": "r" });
    with_assertion(&app, &signed(&ps256, &good("4"), by_rsa(&rsa.0, &RSA_PSS_SHA256))).await.ok();
    for (at, kid) in ["b", "r", "c", "", "A", "../a"].into_iter().enumerate() {
        let assertion = signed(&es256(kid.into()), &good(&format!("wrong-{at}")), by_ec(&a.0));
        with_assertion(&app, &assertion).await.assert_error(401, "invalid_client");
    }
    for header in [json!({ "alg": "RS256", "kid": "r" }), json!({ "alg": "RS256" })] {
        let assertion = signed(&header, &good("other"), by_rsa(&rsa.0, &RSA_PKCS1_SHA256));
        with_assertion(&app, &assertion).await.assert_error(401, "invalid_client");
    }
}

/// What was stored before it was refused counts no more than if it were refused.
#[test]
fn a_stored_key_that_is_for_something_else_verifies_nothing() {
    let (key, jwk) = p256();
    let assertion =
        signed(&json!({ "alg": "ES256" }), &json!({ "exp": 2_000_000_000 }), by_ec(&key));
    let verified = |key: Value| {
        verify_assertion::<Value>(&json!({ "keys": [p384().1, key] }), &assertion).is_ok()
    };
    assert!(verified(jwk.clone()));
    for changes in [
        json!({ "use": "enc" }),
        json!({ "key_ops": ["encrypt"] }),
        json!({ "alg": "ES384" }),
        json!({ "d": "AQ" }),
        json!({ "kty": "oct" }),
        json!({ "crv": "P-384" }),
    ] {
        assert!(!verified(with(jwk.clone(), changes.clone())), "{changes}");
    }
}
