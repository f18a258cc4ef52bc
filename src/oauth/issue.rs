//! Making tokens out of a decided grant.

use std::sync::Arc;

use super::{Cx, RefreshToken, claims, decided::Decided, resource, subject::Subject};
use crate::{
    domain::{
        Authentication, Client, FamilyId, Origin, Session, Standing, Tenant, TokenFamily, limits,
    },
    installation::Installation,
    keys::{TenantKeys, TokenType},
    protocol::{OauthError, Scope, TokenResponse},
};

/// Makes the token response (RFC 6749 §5.1, RFC 9068, OpenID Connect Core §3.1.3.3). It reads nothing and
/// writes nothing: what was committed before can be answered.
pub(super) fn issue(
    cx: &Cx<'_>,
    keys: &TenantKeys,
    mut decided: Decided<'_>,
) -> Result<TokenResponse, OauthError> {
    let scope = match decided.subject {
        Subject::User { user, .. } => resource::permitted(user, &decided.scope),
        Subject::Client => std::mem::take(&mut decided.scope),
    };
    let access_token =
        keys.sign(TokenType::Access, &claims::of_access_token(cx, &decided, &scope))?;
    let (mut id_token, mut refresh_token) = (None, None);
    if let Subject::User { user, session, grant, authentication } = decided.subject {
        if scope.contains(Scope::OPENID) {
            let beside = (access_token.as_str(), &scope);
            let claims = claims::of_id_token(cx, &decided, user, session, authentication, beside);
            id_token = Some(keys.sign(TokenType::Id, &claims)?);
        }
        let token = decided.generation.map(|generation| RefreshToken { family: grant, generation });
        refresh_token = token.map(|token| token.seal(&cx.app.keys, cx.tenant.id));
    }
    let token_type = decided.confirmation.token_type();
    Ok(TokenResponse {
        access_token,
        token_type,
        expires_in: decided.ttl,
        refresh_token,
        id_token,
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
    let decided = Decided {
        known,
        scope,
        ttl: limits::SHELL_TOKEN_TTL,
        ..Decided::of_client(&cx, "portcullis-shell")
    };
    issue(&cx, &keys, decided)
}

/// A family for a new grant, in its first generation.
#[expect(clippy::too_many_arguments, reason = "each is a column")]
pub(super) fn new_family(
    cx: &Cx<'_>,
    id: FamilyId,
    session: &Session,
    authentication: &Authentication,
    standing: &Standing,
    client: &Client,
    scope: &Scope,
    resource: &[String],
) -> TokenFamily {
    let lives = cx.now.plus(cx.tenant.settings.refresh_token_ttl);
    TokenFamily {
        tenant_id: cx.tenant.id,
        id,
        session_id: session.id,
        user_id: standing.user.id,
        client_id: client.client_id.clone(),
        scope: scope.clone(),
        resource: resource.to_vec(),
        generation: 0,
        born_seq: standing.head,
        authentication: authentication.clone(),
        created_at: cx.now,
        rotated_at: None,
        expires_at: lives.min(session.expires_at),
        ended_at: None,
        end_reason: None,
    }
}
