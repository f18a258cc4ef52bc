//! The authorization code grant (RFC 6749 §4.1.3) with PKCE (RFC 7636).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Exchange, Grant};
use crate::{
    domain::{Actor, AuthorizationCode, Client, EndReason, Event, GrantType, TenantId, UserId},
    effects::Effects,
    keys::{same_secret, sha256},
    oauth::{Cx, decided::Decided, engine, issue, resource, subject::Subject},
    protocol::{CodeChallenge, OauthError, Scope, TokenResponse},
    storage::TenantStore,
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
        let found =
            cx.app.storage.read(&**cx.tenant).await?.tenant(cx.tenant).find_code(&digest).await?;
        let Some(code) = found else {
            if is_of_another_tenant(presented, cx.tenant.id) {
                let actor = Actor::Client(client.client_id.clone());
                let (what, why) = ("authorization_code", "a code of another tenant");
                cx.refused(&actor, Event::TenantMismatch { what, why: why.into() });
            }
            return Err(OauthError::invalid_grant().because("unknown code"));
        };
        // What never changes about a code is checked before anything is taken or spent.
        engine::redeem(&code, params, &client.client_id)?;
        let resources =
            resource::narrowed(cx.tenant, params.resources(), &code.resource, &code.scope)?;
        if code.used_at.is_none() {
            check_code(cx, &code, params.find("code_verifier"))?;
        }
        self.redeem(exchange, &digest, &resources).await
    }
}

impl AuthorizationCodeGrant {
    /// Spends a code and begins its grant in one transaction, which reads everything that the
    /// grant rests on. A code that was spent before ends its grant in that same transaction.
    async fn redeem(
        &self,
        exchange: &Exchange<'_>,
        digest: &[u8],
        resources: &[String],
    ) -> Result<TokenResponse, OauthError> {
        let Exchange { cx, client, .. } = exchange;
        let refused = |why| OauthError::invalid_grant().because(why);
        let keys = cx.app.keys.of(cx.tenant).await?;
        let refreshes = client.allows(GrantType::RefreshToken);
        let mut unit = cx.app.storage.write(&**cx.tenant).await?;
        let mut store = unit.tenant(cx.tenant);
        let spent = store.spend_code(digest, cx.now).await?;
        if !spent {
            let code = store.find_code(digest).await?.ok_or_else(|| refused("unknown code"))?;
            end_replayed(cx, &mut store, &code).await?;
            unit.commit().await?;
            return Err(refused("code reused"));
        }
        let found = store.code_standing(digest).await?;
        let (code, session, standing) = found.ok_or_else(|| refused("session or user gone"))?;
        if let Some(why) = standing.grant_refusal(&session, code.born_seq, cx.now) {
            return Err(refused(why));
        }
        client.still_counts(&standing)?;
        let user = &standing.user;
        check_consent(&mut store, client, user.id, &code.scope).await?;
        if refreshes {
            let (id, by, scope) = (code.family_id, &code.authentication, &code.scope);
            let resource = &code.resource;
            let family =
                issue::new_family(cx, id, &session, by, &standing, client, scope, resource);
            store.insert_family(&family).await?;
        }
        unit.commit().await?;
        let (session, grant, authentication) = (session.id, code.family_id, &code.authentication);
        let subject = Subject::User { user, session, grant, authentication };
        let decided = Decided {
            known: standing.head,
            scope: code.scope.clone(),
            resource: resources,
            nonce: code.nonce.clone(),
            generation: refreshes.then_some(0),
            ..Decided::of(cx, client, subject)
        };
        issue::issue(cx, &keys, decided)
    }
}

fn check_code(
    cx: &Cx<'_>,
    code: &AuthorizationCode,
    verifier: Option<&str>,
) -> Result<(), OauthError> {
    if cx.now >= code.expires_at {
        return Err(OauthError::invalid_grant().because("code expired"));
    }
    let verifier =
        verifier.ok_or_else(|| OauthError::invalid_grant().because("code_verifier missing"))?;
    if !is_behind(verifier, &code.code_challenge) {
        return Err(OauthError::invalid_grant().because("code_verifier wrong"));
    }
    Ok(())
}

/// Whether `verifier` is the one behind `challenge` (RFC 7636 §4.6, S256).
fn is_behind(verifier: &str, challenge: &str) -> bool {
    let computed = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
    CodeChallenge::is_verifier(verifier) && same_secret(computed.as_bytes(), challenge.as_bytes())
}

/// Whether the user still allows what the code stands for: it may have been taken back since.
async fn check_consent(
    store: &mut TenantStore<'_>,
    client: &Client,
    user: UserId,
    scope: &Scope,
) -> Result<(), OauthError> {
    if client.metadata.skip_consent {
        return Ok(());
    }
    let given = store.hold_consent(user, &client.client_id).await?;
    match scope.is_within(&given) {
        true => Ok(()),
        false => Err(OauthError::invalid_grant().because("consent withdrawn")),
    }
}

/// Ends what a code that came twice has given (RFC 6749 §4.1.2).
async fn end_replayed(
    cx: &Cx<'_>,
    store: &mut TenantStore<'_>,
    code: &AuthorizationCode,
) -> Result<(), OauthError> {
    let actor = Actor::Client(code.client_id.clone());
    let occurrence = cx.occurrence(&actor, Event::CodeReuse { family: code.family_id });
    let _ = store.end_family(code.family_id, EndReason::CodeReuse, cx.now).await?;
    store.tell(&occurrence);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b_holds() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_behind("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!is_behind("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK", challenge));
        assert!(!is_behind("", challenge));
    }
}
