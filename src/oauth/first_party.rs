//! The first-party JSON sign-in: a product's own app posts name and password itself.
//!
//! The user is always taken from the token, never from the body.

use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;

use super::{
    Cx, RefreshToken, claims,
    client_auth::Authenticated,
    grants::{Asked, grant_first_party, rotate, sign_in_refusal},
    resource, verify_access_token,
};
use crate::{
    accounts::Accounts,
    domain::{Actor, EndReason, Event, FamilyId, GrantType, SessionId, SessionKind, User, UserId},
    protocol::{AccessTokenClaims, ErrorCode, OauthError, Scope, TokenResponse, UserClaims},
    storage::{EndOne, EndRequest},
};

/// Signs a user in and grants the client tokens; answers who it is as well.
///
/// # Errors
/// `unauthorized_client` where the client may not sign users in, or is none; `invalid_grant` where name or password
/// are no good, with one text.
pub async fn login(
    cx: &Cx<'_>,
    client_id: &str,
    username: &str,
    password: &SecretString,
    accounts: &Accounts,
) -> Result<(User, TokenResponse), OauthError> {
    let client = cx.app.directory.known(cx.tenant, client_id).await?.map(Authenticated);
    // A confidential client shows who it is at the token endpoint; this address asks for no proof.
    let client =
        client.filter(|client| client.allows(GrantType::Password) && !client.is_confidential());
    let Some(client) = client else {
        let (who, why) = (client_id.to_owned(), "client may not sign users in");
        cx.refused(&Actor::Client(who.clone()), Event::LoginRefused { who, why: why.into() });
        // One text for a client without the grant, a confidential one, and none at all.
        let text = "this address is for public clients with password among their grant_types";
        return Err(OauthError::new(ErrorCode::UnauthorizedClient, text).because(why));
    };
    cx.is_of_client(&client.client_id);
    let identified = accounts.identify(cx.tenant, username, password, cx.origin, cx.now).await;
    let identified = identified.map_err(|refused| sign_in_refusal(&refused))?;
    let scope = resource::default_scope(&client, true);
    let tokens =
        grant_first_party(cx, &client, &identified, SessionKind::FirstParty, scope, &[]).await?;
    Ok((identified.user, tokens))
}

/// Rotates the refresh token that is the request's bearer.
///
/// A confidential client's token is refused here: it is bound to a proof that this address
/// does not ask for. It must go to the token endpoint.
///
/// # Errors
/// `invalid_grant`.
pub async fn refresh(cx: &Cx<'_>, bearer: &str) -> Result<TokenResponse, OauthError> {
    let result = refresh_checked(cx, bearer).await;
    if let Err(error) = &result {
        let why = error.reason.clone().unwrap_or(error.code.as_str().into());
        cx.refused(&Actor::Anonymous, Event::TokenRefused { grant: "refresh_token".into(), why });
    }
    result
}

async fn refresh_checked(cx: &Cx<'_>, bearer: &str) -> Result<TokenResponse, OauthError> {
    let refused = |why| OauthError::invalid_grant().because(why);
    let presented = RefreshToken::open(bearer, &cx.app.keys, cx.tenant.id)
        .ok_or_else(|| refused("no refresh token of this tenant"))?;
    let mut unit = cx.app.storage.read(&**cx.tenant).await?;
    let mut store = unit.tenant(cx.tenant);
    let family =
        store.find_family(presented.family).await?.ok_or_else(|| refused("unknown family"))?;
    drop(unit);
    let client = cx.app.directory.known(cx.tenant, &family.client_id).await?.map(Authenticated);
    let client = client.ok_or_else(|| refused("client gone"))?;
    if client.is_confidential() {
        return Err(refused("a confidential client's token"));
    }
    if !client.allows(GrantType::RefreshToken) {
        return Err(refused("grant type not registered"));
    }
    rotate(cx, &client, presented, &Asked::ALL).await
}

/// A bearer that speaks for a user, to this server.
struct Own {
    claims: AccessTokenClaims,
    session: SessionId,
    user: UserId,
    /// Whether it was issued to an app of the tenant's own, which speaks for the whole session.
    is_first_party: bool,
}

/// Checks a bearer's kind and audience: a token for other APIs, or one without a user, says nothing here.
async fn own_token(cx: &Cx<'_>, bearer: &str) -> Result<Own, OauthError> {
    let refused = |why| OauthError::invalid_token().because(why);
    let claims = verify_access_token(cx, bearer).await?;
    cx.is_of_client(&claims.client_id);
    if !claims.aud.contains(&claims.iss) {
        return Err(refused("a token for another audience"));
    }
    let session = claims.sid.as_deref().and_then(|sid| sid.parse().ok());
    let session = session.ok_or_else(|| refused("a token without a session"))?;
    let user = claims.sub.parse().map_err(|_| refused("a token without a user"))?;
    let client = cx.app.directory.known(cx.tenant, &claims.client_id).await?;
    let is_first_party = client.is_some_and(|known| known.client.is_first_party());
    Ok(Own { claims, session, user, is_first_party })
}

/// Ends the session that the bearer belongs to; where it is a third party's, its own grant alone.
///
/// # Errors
/// `invalid_token`.
pub async fn logout(cx: &Cx<'_>, bearer: &str) -> Result<(), OauthError> {
    let Own { claims, session, is_first_party, .. } = own_token(cx, bearer).await?;
    if is_first_party {
        return end_own_session(cx, session, &claims.sub).await;
    }
    let grant = claims.gid.as_deref().and_then(|gid| gid.parse().ok());
    let grant =
        grant.ok_or_else(|| OauthError::invalid_token().because("a token without a grant"))?;
    end_own_grant(cx, grant, &claims.sub).await
}

/// Ends a session for its own user, and writes so.
pub(super) async fn end_own_session(
    cx: &Cx<'_>,
    session: SessionId,
    sub: &str,
) -> Result<(), OauthError> {
    end_own(cx, EndOne::Session(session), Event::SessionEnded { session, by: "logout" }, sub).await
}

/// Ends what one client was granted, for its own user, and writes so.
pub(super) async fn end_own_grant(
    cx: &Cx<'_>,
    grant: FamilyId,
    sub: &str,
) -> Result<(), OauthError> {
    end_own(cx, EndOne::Grant(grant), Event::GrantEnded { grant }, sub).await
}

async fn end_own(cx: &Cx<'_>, what: EndOne, event: Event, sub: &str) -> Result<(), OauthError> {
    let actor = Actor::User(sub.to_owned());
    let (tenant, occurrence) = (Arc::clone(cx.tenant), cx.occurrence(&actor, event));
    let request = EndRequest { tenant, what, reason: EndReason::Logout, occurrence, now: cx.now };
    cx.app.storage.end_one(request).await?;
    Ok(())
}

/// The claims of a token's subject, as their own app may see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Me {
    sub: String,
    client_id: String,
    scope: String,
    sid: String,
    #[serde(flatten)]
    user: UserClaims,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<&'static str>>,
}

/// Tells who the bearer speaks for: an app of the tenant's own all of it, a third party what its
/// scope opens.
///
/// # Errors
/// `invalid_token`; `insufficient_scope` for a third party without scope `openid`.
pub async fn me(cx: &Cx<'_>, bearer: &str) -> Result<Me, OauthError> {
    let Own { claims: token, session, user, is_first_party } = own_token(cx, bearer).await?;
    let granted = token.scope.clone();
    let opens = |scope: &str| is_first_party || granted.contains(scope);
    if !opens(Scope::OPENID) {
        return Err(OauthError::new(ErrorCode::InsufficientScope, "scope openid is needed"));
    }
    let user = cx.app.storage.read(&**cx.tenant).await?.tenant(cx.tenant).find_user(user).await?;
    let user = user.filter(|user| user.is_active());
    let user = user.ok_or_else(|| OauthError::invalid_token().because("user gone or disabled"))?;
    let roles = user.roles.iter().map(|role| role.as_str()).collect();
    Ok(Me {
        scope: token.scope.to_string(),
        sid: session.to_string(),
        user: claims::of_user(&user, opens),
        roles: is_first_party.then_some(roles),
        sub: token.sub,
        client_id: token.client_id,
    })
}
