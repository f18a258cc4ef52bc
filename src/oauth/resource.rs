//! Which audiences a token gets (RFC 8707), and which scopes a user may carry.

use crate::{
    domain::{Client, Role, Tenant, User},
    protocol::{ErrorCode, OauthError, Scope},
};

/// The resources that a request asks for, each one known to the tenant.
///
/// # Errors
/// `invalid_target`.
pub(super) fn requested(tenant: &Tenant, resources: &[String]) -> Result<Vec<String>, OauthError> {
    for resource in resources {
        if !tenant.resources.iter().any(|known| &known.uri == resource) {
            return Err(OauthError::new(ErrorCode::InvalidTarget, "unknown resource (RFC 8707)"));
        }
    }
    Ok(resources.to_vec())
}

/// The resources for a token out of a grant: those asked for now, within those granted.
///
/// # Errors
/// `invalid_target` where more is asked for than was granted.
pub(super) fn narrowed(tenant: &Tenant, asked: &[String], granted: &[String]) -> Result<Vec<String>, OauthError> {
    let asked = requested(tenant, asked)?;
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    if !granted.is_empty() && !asked.iter().all(|resource| granted.contains(resource)) {
        return Err(OauthError::new(ErrorCode::InvalidTarget, "resource was not granted (RFC 8707)"));
    }
    Ok(asked)
}

/// The audience: what was asked for, or else the resources that the scopes belong to. The
/// issuer is in it where the token is for this server's own endpoints, or for nobody else.
pub(super) fn audience(tenant: &Tenant, issuer: &str, resources: &[String], scope: &Scope) -> Vec<String> {
    let mut audience = resources.to_vec();
    if audience.is_empty() {
        let meant = tenant.resources.iter().filter(|known| known.scopes.iter().any(|s| scope.contains(s)));
        audience.extend(meant.map(|known| known.uri.clone()));
    }
    let ours = [Scope::OPENID, Scope::ADMIN, Scope::ADMIN_READ];
    if audience.is_empty() || ours.iter().any(|token| scope.contains(token)) {
        audience.push(issuer.to_owned());
    }
    audience
}

/// What of `scope` a user may carry: the admin scopes follow their roles, whatever the client asked.
pub(super) fn permitted(user: &User, scope: &Scope) -> Scope {
    let writes = user.roles.iter().any(|role| matches!(role, Role::Operator | Role::TenantAdmin));
    let reads = !user.roles.is_empty();
    scope.filter(|token| match token {
        Scope::ADMIN => writes,
        Scope::ADMIN_READ => reads,
        _ => true,
    })
}

/// What a request gets that names no scope: all that the client may ask for, but for power
/// over the tenant, which must be asked for by name.
pub(super) fn default_scope(client: &Client, with_user: bool) -> Scope {
    client.metadata.scope.filter(|token| match token {
        Scope::ADMIN | Scope::ADMIN_READ => false,
        Scope::OPENID | "profile" | "email" | "offline_access" => with_user,
        _ => true,
    })
}
