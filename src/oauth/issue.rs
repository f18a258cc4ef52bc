//! Making tokens out of a decided grant.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Cx, RefreshToken, resource};
use crate::{
    domain::{Authentication, Client, EventNumber, FamilyId, Origin, Session, Tenant, TokenFamily, User},
    installation::Installation,
    keys::{TenantKeys, TokenType},
    protocol::{AccessTokenClaims, Audience, IdTokenClaims, OauthError, Scope, TokenResponse},
};

/// The class of every sign-in here: a password over TLS.
const ACR: &str = "urn:portcullis:acr:password";

/// Seconds a token from `portcullis token` lives.
pub const ADMIN_TOKEN_TTL: i64 = crate::storage::SHELL_TOKEN_TTL;

/// A grant to a user, decided and ready to become tokens.
pub(super) struct UserGrant<'a> {
    pub(super) client: &'a Client,
    pub(super) user: &'a User,
    pub(super) session: &'a Session,
    /// What it was granted by, which may lie before the session's last.
    pub(super) authentication: &'a Authentication,
    pub(super) grant_id: FamilyId,
    /// The last event that was known when this was decided; the tokens bear its number.
    pub(super) known: EventNumber,
    pub(super) scope: Scope,
    pub(super) resource: &'a [String],
    pub(super) nonce: Option<String>,
    /// The generation whose refresh token goes with it.
    pub(super) generation: Option<u32>,
}

/// Makes the token response for a user's grant (RFC 6749 §5.1, RFC 9068, OpenID Connect Core
/// §3.1.3.3). It reads nothing and writes nothing: what was committed before can be answered.
pub(super) fn for_user(cx: &Cx<'_>, keys: &TenantKeys, grant: UserGrant<'_>) -> Result<TokenResponse, OauthError> {
    let issuer = cx.app.issuer(cx.tenant);
    let scope = resource::permitted(grant.user, &grant.scope);
    let ttl = cx.tenant.settings.access_token_ttl;
    let claims = AccessTokenClaims {
        aud: Audience::of(resource::audience(
            cx.tenant,
            &issuer,
            grant.resource,
            &scope,
            grant.client.is_first_party(),
        )),
        iss: issuer.clone(),
        sub: grant.user.id.to_string(),
        exp: cx.now.secs() + ttl,
        iat: cx.now.secs(),
        rev: grant.known.0,
        jti: cx.app.effects.uuid().to_string(),
        client_id: grant.client.client_id.clone(),
        scope: scope.clone(),
        sid: Some(grant.session.id.to_string()),
        gid: Some(grant.grant_id.to_string()),
        auth_time: Some(grant.authentication.at.secs()),
        acr: Some(ACR.to_owned()),
        amr: Some(grant.authentication.amr.clone()),
    };
    let access_token = keys.sign(TokenType::Access, &claims)?;
    let id_token = if scope.contains(Scope::OPENID) {
        let claims = id_claims(cx, &grant, issuer, &access_token, &scope);
        Some(keys.sign(TokenType::Id, &claims)?)
    } else {
        None
    };
    let refresh_token = grant
        .generation
        .map(|generation| RefreshToken { family: grant.grant_id, generation }.seal(cx.app.keys.master(), cx.tenant.id));
    Ok(TokenResponse { access_token, token_type: "Bearer", expires_in: ttl, refresh_token, id_token, scope })
}

fn id_claims(cx: &Cx<'_>, grant: &UserGrant<'_>, iss: String, access_token: &str, scope: &Scope) -> IdTokenClaims {
    let digest = digest::digest(&digest::SHA256, access_token.as_bytes());
    let half = digest.as_ref().get(..16).unwrap_or_default();
    let user = grant.user;
    let (profile, email) = (scope.contains("profile"), scope.contains("email"));
    IdTokenClaims {
        iss,
        sub: user.id.to_string(),
        aud: grant.client.client_id.clone(),
        exp: cx.now.secs() + cx.tenant.settings.access_token_ttl,
        iat: cx.now.secs(),
        auth_time: grant.authentication.at.secs(),
        nonce: grant.nonce.clone(),
        sid: grant.session.id.to_string(),
        acr: ACR.to_owned(),
        amr: grant.authentication.amr.clone(),
        at_hash: URL_SAFE_NO_PAD.encode(half),
        name: user.name.clone().filter(|_| profile),
        preferred_username: profile.then(|| user.username.clone()),
        email: user.email.clone().filter(|_| email),
        email_verified: user.email.as_ref().filter(|_| email).map(|_| user.email_verified),
    }
}

/// A grant to a client that acts for itself.
pub(super) struct ClientGrant<'a> {
    pub(super) client_id: &'a str,
    /// The last event that was known when this was decided; the token bears its number.
    pub(super) known: EventNumber,
    pub(super) scope: Scope,
    pub(super) resource: &'a [String],
    /// Seconds its token lives.
    pub(super) ttl: i64,
}

/// Makes the token response for a client that acts for itself (RFC 6749 §4.4.3): no session,
/// no refresh token, and nothing read from or written to the database.
pub(super) fn for_client(cx: &Cx<'_>, keys: &TenantKeys, grant: ClientGrant<'_>) -> Result<TokenResponse, OauthError> {
    let ClientGrant { client_id, known, scope, resource, ttl } = grant;
    let issuer = cx.app.issuer(cx.tenant);
    let claims = AccessTokenClaims {
        aud: Audience::of(resource::audience(cx.tenant, &issuer, resource, &scope, false)),
        iss: issuer,
        sub: client_id.to_owned(),
        exp: cx.now.secs() + ttl,
        iat: cx.now.secs(),
        rev: known.0,
        jti: cx.app.effects.uuid().to_string(),
        client_id: client_id.to_owned(),
        scope: scope.clone(),
        sid: None,
        gid: None,
        auth_time: None,
        acr: None,
        amr: None,
    };
    let access_token = keys.sign(TokenType::Access, &claims)?;
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: ttl,
        refresh_token: None,
        id_token: None,
        scope,
    })
}

/// An access token for the admin API, for whoever can read the database and the master key.
///
/// # Errors
/// `invalid_scope` where the scope is unknown, `temporarily_unavailable` where keys cannot be read.
pub async fn mint_for_shell(
    app: &Installation,
    tenant: &Arc<Tenant>,
    scope: Scope,
) -> Result<TokenResponse, OauthError> {
    if let Some(unknown) = scope.iter().find(|token| tenant.describe_scope(token).is_none()) {
        let text = format!("no scope of this tenant: {unknown}");
        return Err(OauthError::new(crate::protocol::ErrorCode::InvalidScope, text));
    }
    let origin = Origin::default();
    let known = app.storage.read(&**tenant).await?.head().await?;
    let cx = Cx::new(app, tenant, &origin);
    let keys = app.keys.of(tenant).await?;
    let grant = ClientGrant { client_id: "portcullis-shell", known, scope, resource: &[], ttl: ADMIN_TOKEN_TTL };
    for_client(&cx, &keys, grant)
}

/// A family for a new grant, in its first generation.
#[expect(clippy::too_many_arguments, reason = "each is a column")]
pub(super) fn new_family(
    cx: &Cx<'_>,
    id: FamilyId,
    session: &Session,
    authentication: &Authentication,
    known: EventNumber,
    user: &User,
    client: &Client,
    scope: &Scope,
    resource: &[String],
) -> TokenFamily {
    let lives = cx.now.plus(cx.tenant.settings.refresh_token_ttl);
    TokenFamily {
        tenant_id: cx.tenant.id,
        id,
        session_id: session.id,
        user_id: user.id,
        client_id: client.client_id.clone(),
        scope: scope.clone(),
        resource: resource.to_vec(),
        generation: 0,
        born_seq: known,
        authentication: authentication.clone(),
        created_at: cx.now,
        rotated_at: None,
        expires_at: lives.min(session.expires_at),
        ended_at: None,
        end_reason: None,
    }
}
