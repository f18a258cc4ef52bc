//! What tokens and answers say of a subject: one mapper, which access token, ID token, UserInfo and
//! `/auth/me` ask.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Cx, decided::Decided, resource, subject::Subject};
use crate::{
    domain::{Authentication, SessionId, User},
    keys::sha256,
    protocol::{AccessTokenClaims, Audience, IdTokenClaims, Scope, UserClaims},
};

/// The claims of this server's tokens that are not about the user's person.
const OF_TOKENS: [&str; 10] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "acr", "amr"];

/// Every claim that may be told, for the server's metadata.
pub(super) fn supported() -> Vec<&'static str> {
    OF_TOKENS.into_iter().chain(UserClaims::NAMES).collect()
}

/// What is told of `user` to somebody for whom `opens` says which scopes are open.
pub(super) fn of_user(user: &User, opens: impl Fn(&str) -> bool) -> UserClaims {
    let (profile, email) = (opens("profile"), opens("email"));
    UserClaims {
        name: user.name.clone().filter(|_| profile),
        preferred_username: profile.then(|| user.username.clone()),
        email: user.email.clone().filter(|_| email),
        email_verified: user.email.as_ref().filter(|_| email).map(|_| user.email_verified),
    }
}

/// The claims of an access token (RFC 9068 §2.2) over `scope`.
pub(super) fn of_access_token(
    cx: &Cx<'_>,
    decided: &Decided<'_>,
    scope: &Scope,
) -> AccessTokenClaims {
    let issuer = cx.app.issuer(cx.tenant);
    let audience =
        resource::audience(cx.tenant, &issuer, decided.resource, scope, decided.is_first_party);
    let claims = AccessTokenClaims {
        iss: issuer,
        sub: decided.client_id.to_owned(),
        aud: Audience::of(audience),
        exp: cx.now.secs() + decided.ttl,
        iat: cx.now.secs(),
        rev: decided.known.0,
        jti: cx.app.effects.uuid().to_string(),
        client_id: decided.client_id.to_owned(),
        scope: scope.clone(),
        sid: None,
        gid: None,
        auth_time: None,
        acr: None,
        amr: None,
    };
    match decided.subject {
        Subject::Client => claims,
        Subject::User { user, session, grant, authentication } => AccessTokenClaims {
            sub: user.id.to_string(),
            sid: Some(session.to_string()),
            gid: Some(grant.to_string()),
            auth_time: Some(authentication.at.secs()),
            acr: Some(authentication.acr().to_owned()),
            amr: Some(authentication.amr.clone()),
            ..claims
        },
    }
}

/// The claims of the ID token (OpenID Connect Core §2) that goes with `access_token`.
pub(super) fn of_id_token(
    cx: &Cx<'_>,
    decided: &Decided<'_>,
    user: &User,
    session: SessionId,
    authentication: &Authentication,
    (access_token, scope): (&str, &Scope),
) -> IdTokenClaims {
    let digest = sha256(access_token.as_bytes());
    let half = digest.get(..16).unwrap_or_default();
    IdTokenClaims {
        iss: cx.app.issuer(cx.tenant),
        sub: user.id.to_string(),
        aud: decided.client_id.to_owned(),
        exp: cx.now.secs() + decided.ttl,
        iat: cx.now.secs(),
        auth_time: authentication.at.secs(),
        nonce: decided.nonce.clone(),
        sid: session.to_string(),
        acr: authentication.acr().to_owned(),
        amr: authentication.amr.clone(),
        at_hash: URL_SAFE_NO_PAD.encode(half),
        user: of_user(user, |token| scope.contains(token)),
    }
}
