//! `private_key_jwt` (RFC 7523 §2.2 and §3, OpenID Connect Core §9).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::Claim;
use crate::{
    domain::{Client, Timestamp, limits::CLOCK_SKEW},
    keys::{sha256, verify_assertion},
    oauth::Cx,
    protocol::{NumericDate, OauthError, Params},
};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where the token endpoint lies under the issuer.
const TOKEN_ENDPOINT: &str = "/oauth2/token";

/// Seconds ahead that an assertion may expire at most: its `jti` is remembered until then, and what is
/// remembered must have a bound.
const MOST_TTL: i64 = 600;

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    /// One string: an assertion for several servers is one that any of them could bring here.
    aud: String,
    exp: NumericDate,
    jti: String,
    #[serde(default, deserialize_with = "NumericDate::deserialize_present")]
    iat: Option<NumericDate>,
    #[serde(default, deserialize_with = "NumericDate::deserialize_present")]
    nbf: Option<NumericDate>,
}

impl Assertion {
    /// Whether it is good at `now` (RFC 7523 §3), and may be forgotten soon enough.
    ///
    /// # Errors
    /// Why it is not, for the audit trail.
    fn check_instants(&self, now: Timestamp) -> Result<(), &'static str> {
        let at = |date: NumericDate| Timestamp::from_millis(date.millis());
        if at(self.exp).plus(CLOCK_SKEW) <= now {
            return Err("exp is past");
        }
        if at(self.exp) > now.plus(MOST_TTL + CLOCK_SKEW) {
            return Err("exp is too far away");
        }
        let is_ahead =
            |date: Option<NumericDate>| date.is_some_and(|date| at(date) > now.plus(CLOCK_SKEW));
        if is_ahead(self.nbf) || is_ahead(self.iat) { Err("not valid yet") } else { Ok(()) }
    }
}

/// Reads the assertion parameters.
///
/// # Errors
/// `invalid_request` for another assertion type.
pub(super) fn read(params: &Params) -> Result<Option<Claim>, OauthError> {
    let Some(assertion) = params.find("client_assertion") else {
        return Ok(None);
    };
    if params.find("client_assertion_type") != Some(TYPE) {
        return Err(OauthError::invalid_request(
            "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ));
    }
    // The client is named by client_id or else, unverified until its key has been found, by `sub`.
    let client_id = match params.find("client_id") {
        Some(client_id) => client_id.to_owned(),
        None => unverified_subject(assertion).unwrap_or_default(),
    };
    Ok(Some(Claim::Assertion { client_id, assertion: assertion.to_owned() }))
}

fn unverified_subject(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        sub: String,
    }
    let payload = assertion.split('.').nth(1)?;
    serde_json::from_slice::<Named>(&URL_SAFE_NO_PAD.decode(payload).ok()?)
        .ok()
        .map(|named| named.sub)
}

/// Whether `aud` is the issuer, or the token endpoint, which RFC 7523 §3 has clients name. Who asks
/// for strictness is spared what comes of it: another server can name our token endpoint as its own
/// (draft-ietf-oauth-rfc7523bis).
fn is_meant_for_us(cx: &Cx<'_>, client: &Client, aud: &str) -> bool {
    let issuer = cx.app.issuer(cx.tenant);
    let is_strict =
        cx.tenant.settings.strict_assertion_audience || client.metadata.strict_assertion_audience;
    aud == issuer || (!is_strict && aud.strip_prefix(&issuer) == Some(TOKEN_ENDPOINT))
}

/// Checks the assertion against the client's registered keys, and spends its `jti`.
///
/// # Errors
/// `invalid_client`.
pub(super) async fn check(cx: &Cx<'_>, client: &Client, assertion: &str) -> Result<(), OauthError> {
    let refused = |reason| OauthError::invalid_client().because(reason);
    let jwks = client.metadata.jwks.as_ref().ok_or_else(|| refused("the client has no keys"))?;
    let claims: Assertion = verify_assertion(jwks, assertion).map_err(|why| refused(why.0))?;
    if claims.iss != client.client_id || claims.sub != client.client_id {
        return Err(refused("iss and sub must be the client"));
    }
    if !is_meant_for_us(cx, client, &claims.aud) {
        return Err(refused("aud must be the issuer, or the token endpoint where that is allowed"));
    }
    claims.check_instants(cx.now).map_err(refused)?;
    let expires_at = Timestamp::from_millis(claims.exp.millis()).plus(CLOCK_SKEW);
    let mut unit = cx.app.storage.write(&**cx.tenant).await?;
    let jti = sha256(claims.jti.as_bytes());
    let new = unit.tenant(cx.tenant).spend_assertion(&client.client_id, &jti, expires_at).await?;
    unit.commit().await?;
    if new { Ok(()) } else { Err(refused("jti was used before")) }
}
