//! Which audiences a token gets (RFC 8707), and which scopes are known and may be carried.

use crate::{
    domain::{Client, Resource, Role, Tenant, User},
    protocol::{ErrorCode, OauthError, Scope},
};

/// Whether `scope` means this resource: one of its scopes is in it. A resource that names none is
/// for whoever asks for it.
fn is_meant(resource: &Resource, scope: &Scope) -> bool {
    resource.scopes.is_empty() || resource.scopes.iter().any(|token| scope.contains(token))
}

/// What of `scope` this tenant knows: a user's client may ask several servers alike, and what one
/// does not understand it ignores (OpenID Connect Core §3.1.2.1).
///
/// # Errors
/// `invalid_scope` where nothing is left.
pub(super) fn understood(tenant: &Tenant, scope: &Scope) -> Result<Scope, OauthError> {
    let known = scope.filter(|token| tenant.describe_scope(token).is_some());
    if known.is_empty() {
        return Err(OauthError::new(
            ErrorCode::InvalidScope,
            "none of the scopes that are asked for is known here",
        ));
    }
    Ok(known)
}

/// The resources that a request asks for, each one known to the tenant and meant by `scope`: a token
/// names no API that it opens nothing of.
///
/// # Errors
/// `invalid_target`.
pub(super) fn requested(
    tenant: &Tenant,
    resources: &[String],
    scope: &Scope,
) -> Result<Vec<String>, OauthError> {
    for resource in resources {
        let known = tenant.resources.iter().find(|known| &known.uri == resource);
        let wrong = |text: &'static str| OauthError::new(ErrorCode::InvalidTarget, text);
        let known = known.ok_or_else(|| wrong("unknown resource (RFC 8707)"))?;
        if !is_meant(known, scope) {
            return Err(wrong("none of the resource's scopes is asked for (RFC 8707)"));
        }
    }
    Ok(resources.to_vec())
}

/// The resources for a token out of a grant: those asked for now, within those granted.
///
/// # Errors
/// `invalid_target` where more is asked for than was granted.
pub(super) fn narrowed(
    tenant: &Tenant,
    asked: &[String],
    granted: &[String],
    scope: &Scope,
) -> Result<Vec<String>, OauthError> {
    let asked = requested(tenant, asked, scope)?;
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    if !granted.is_empty() && !asked.iter().all(|resource| granted.contains(resource)) {
        return Err(OauthError::new(
            ErrorCode::InvalidTarget,
            "resource was not granted (RFC 8707)",
        ));
    }
    Ok(asked)
}

/// The audience: what was asked for, as far as the scope that is left means it, or else the resources
/// that the scopes belong to. The issuer is in it where the token is for this server's own endpoints,
/// which an app of the tenant's own calls with any token, or for nobody else.
pub(super) fn audience(
    tenant: &Tenant,
    issuer: &str,
    resources: &[String],
    scope: &Scope,
    is_first_party: bool,
) -> Vec<String> {
    let is_asked = |known: &&Resource| match resources {
        [] => !known.scopes.is_empty(),
        asked => asked.contains(&known.uri),
    };
    let meant = tenant.resources.iter().filter(is_asked).filter(|known| is_meant(known, scope));
    let mut audience: Vec<String> = meant.map(|known| known.uri.clone()).collect();
    let ours = [Scope::OPENID, Scope::ADMIN, Scope::ADMIN_READ, Scope::REVOCATIONS];
    let is_ours =
        ours.iter().any(|token| scope.contains(token)) || (is_first_party && resources.is_empty());
    if audience.is_empty() || is_ours {
        audience.push(issuer.to_owned());
    }
    audience
}

/// What of `scope` a user may carry: the admin scopes follow their roles, whatever the client asked, and what
/// is a client's own is no user's.
pub(super) fn permitted(user: &User, scope: &Scope) -> Scope {
    let writes = user.roles.iter().any(|role| *role != Role::TenantAuditor);
    let reads = !user.roles.is_empty();
    scope.filter(|token| match token {
        Scope::ADMIN => writes,
        Scope::ADMIN_READ => reads,
        Scope::REVOCATIONS => false,
        _ => true,
    })
}

/// What a request gets that names no scope: all that the client may ask for, but for power over the tenant and
/// sight of what is ended in it, which must be asked for by name.
pub(super) fn default_scope(client: &Client, with_user: bool) -> Scope {
    client.metadata.scope.filter(|token| match token {
        Scope::ADMIN | Scope::ADMIN_READ | Scope::REVOCATIONS => false,
        token => with_user || !Scope::is_of_user(token),
    })
}
