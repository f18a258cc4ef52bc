//! The authorization code grant (RFC 6749 §4.1.3) with PKCE (RFC 7636).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Exchange, Grant, refresh_token::living};
use crate::{
    domain::{Actor, AuthorizationCode, EndReason, GrantType, Session, TenantId, User},
    effects::Effects,
    keys::sha256,
    oauth::{
        Cx, engine,
        issue::{self, UserGrant},
        resource,
    },
    protocol::{CodeChallenge, OauthError, TokenResponse},
    storage::Redemption,
};

/// A new code: the tenant's id and 256 random bits, base64url.
///
/// The id makes a code that was brought to another tenant's endpoint tell where it came
/// from; what is stored is the SHA-256 of the whole.
pub(in crate::oauth) fn new_code(effects: &Effects, tenant: TenantId) -> String {
    URL_SAFE_NO_PAD.encode([tenant.as_bytes().as_slice(), &effects.bytes::<32>()].concat())
}

/// What is stored of a code.
pub(in crate::oauth) fn code_digest(code: &str) -> Vec<u8> {
    sha256(format!("code:{code}").as_bytes())
}

fn is_of_another_tenant(code: &str, tenant: TenantId) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(code).unwrap_or_default();
    bytes.len() == 48 && !bytes.starts_with(tenant.as_bytes())
}

pub(super) struct AuthorizationCodeGrant;

#[async_trait::async_trait]
impl Grant for AuthorizationCodeGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::AuthorizationCode
    }

    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<TokenResponse, OauthError> {
        let Exchange { cx, client, params, .. } = exchange;
        let presented = params.required("code")?;
        let digest = code_digest(presented);
        let mut unit = cx.app.storage.read().await?;
        let mut store = unit.tenant(cx.tenant);
        let Some(code) = store.find_code(&digest).await? else {
            if is_of_another_tenant(presented, cx.tenant.id) {
                let actor = Actor::Client(client.client_id.clone());
                cx.refused(&actor, "tenant.mismatch", "authorization_code", "a code of another tenant");
            }
            return Err(OauthError::invalid_grant().because("unknown code"));
        };
        engine::redeem(&code, params, &client.client_id)?;
        if code.used_at.is_some() {
            drop(unit);
            return Err(replayed(cx, &code).await?);
        }
        check_code(cx, &code, params.find("code_verifier"))?;
        let found = store.find_session_and_user(code.session_id).await?;
        drop(unit);
        let (session, user) = living(cx, found)?;
        self.redeem(exchange, &code, &session, &user).await
    }
}

impl AuthorizationCodeGrant {
    async fn redeem(
        &self,
        exchange: &Exchange<'_>,
        code: &AuthorizationCode,
        session: &Session,
        user: &User,
    ) -> Result<TokenResponse, OauthError> {
        let Exchange { cx, client, params, .. } = exchange;
        let resources = resource::narrowed(cx.tenant, params.resources(), &code.resource)?;
        let refreshes = client.allows(GrantType::RefreshToken);
        let grant = UserGrant {
            client,
            user,
            session,
            grant_id: code.family_id,
            scope: code.scope.clone(),
            resource: &resources,
            nonce: code.nonce.clone(),
            generation: refreshes.then_some(0),
        };
        let response = issue::for_user(cx, grant).await?;
        let mut unit = cx.app.storage.write().await?;
        let mut store = unit.tenant(cx.tenant);
        if store.spend_code(&code.digest, cx.now).await? == Redemption::Replayed {
            drop(unit);
            return Err(replayed(cx, code).await?);
        }
        if refreshes {
            let lives = (session.id, session.expires_at);
            let family = issue::new_family(cx, code.family_id, lives, user, client, &code.scope, &code.resource);
            store.insert_family(&family).await?;
        }
        unit.commit().await?;
        Ok(response)
    }
}

fn check_code(cx: &Cx<'_>, code: &AuthorizationCode, verifier: Option<&str>) -> Result<(), OauthError> {
    if cx.now >= code.expires_at {
        return Err(OauthError::invalid_grant().because("code expired"));
    }
    let verifier = verifier.ok_or_else(|| OauthError::invalid_grant().because("code_verifier missing"))?;
    if !CodeChallenge::stored(code.code_challenge.clone()).accepts(verifier) {
        return Err(OauthError::invalid_grant().because("code_verifier wrong"));
    }
    Ok(())
}

/// Ends what a code that came twice has given (RFC 6749 §4.1.2), and says the refusal.
async fn replayed(cx: &Cx<'_>, code: &AuthorizationCode) -> Result<OauthError, OauthError> {
    let actor = Actor::Client(code.client_id.clone());
    let target = code.family_id.to_string();
    let reason = "an authorization code came again: the tokens of its grant were ended";
    let event = cx.app.audit.event(cx.tenant, &actor, "code.reuse", &target, reason, cx.origin);
    let mut unit = cx.app.storage.write().await?;
    let mut store = unit.tenant(cx.tenant);
    store.end_family(code.family_id, EndReason::CodeReuse, cx.now).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(OauthError::invalid_grant().because("code reused"))
}
