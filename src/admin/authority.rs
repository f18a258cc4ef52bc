//! Who may administer what.

use std::sync::Arc;

use crate::{
    admin::AdminError,
    domain::{Actor, AuditEvent, Origin, Role, Tenant, TenantId, User},
    installation::Installation,
    protocol::{AccessTokenClaims, Scope},
};

/// How much may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Look.
    Read,
    /// Look, and end sessions.
    Support,
    /// Everything.
    Write,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Everywhere,
    Tenant(TenantId),
}

/// What somebody has been shown to be allowed, before it is known what they want.
#[derive(Debug, Clone)]
pub struct Authority {
    actor: Actor,
    origin: Origin,
    reach: Reach,
    level: Level,
}

/// Proof that something may be done in one tenant.
pub struct Permit {
    authority: Authority,
    tenant: Arc<Tenant>,
}

/// Proof that something may be done to the whole installation.
pub struct Everywhere {
    authority: Authority,
}

impl Authority {
    /// Of an access token with scope `admin` or `admin:read`, issued by `tenant`.
    pub fn of_token(tenant: &Tenant, claims: &AccessTokenClaims, origin: Origin) -> Option<Self> {
        let level = if claims.scope.contains(Scope::ADMIN) {
            Level::Write
        } else if claims.scope.contains(Scope::ADMIN_READ) {
            Level::Read
        } else {
            return None;
        };
        let actor = match claims.sid {
            Some(_) => Actor::User(claims.sub.clone()),
            None => Actor::Client(claims.client_id.clone()),
        };
        Some(Self { actor, origin, reach: Self::reach_of(tenant), level })
    }

    /// Of a user of `tenant` at the console.
    pub fn of_user(tenant: &Tenant, user: &User, origin: Origin) -> Option<Self> {
        let level = user.roles.iter().map(|role| match role {
            Role::Operator | Role::TenantAdmin => Level::Write,
            Role::Support => Level::Support,
            Role::TenantAuditor => Level::Read,
        });
        let level = level.max()?;
        // In the operators' tenant, only an operator reaches further than that tenant.
        let reach = match user.roles.contains(&Role::Operator) {
            true => Self::reach_of(tenant),
            false => Reach::Tenant(tenant.id),
        };
        Some(Self { actor: Actor::User(user.id.to_string()), origin, reach, level })
    }

    /// Of a person with a shell on the server, who can read the database anyway.
    pub fn of_shell() -> Self {
        let origin = Origin { ip: "local".into(), user_agent: "portcullis".into(), device: None };
        Self { actor: Actor::Shell, origin, reach: Reach::Everywhere, level: Level::Write }
    }

    fn reach_of(tenant: &Tenant) -> Reach {
        if tenant.is_system() { Reach::Everywhere } else { Reach::Tenant(tenant.id) }
    }

    /// Whether it may do `level` things.
    pub fn is_at_least(&self, level: Level) -> bool {
        self.level >= level
    }

    /// Whether it reaches this tenant.
    pub fn reaches(&self, tenant: TenantId) -> bool {
        match self.reach {
            Reach::Everywhere => true,
            Reach::Tenant(own) => own == tenant,
        }
    }

    /// Whether it reaches every tenant.
    pub fn reaches_everywhere(&self) -> bool {
        self.reach == Reach::Everywhere
    }

    /// Proof for `tenant`.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for a tenant out of reach: whether it exists is not told.
    pub fn over(&self, app: &Installation, tenant: Arc<Tenant>, level: Level) -> Result<Permit, AdminError> {
        if !self.reaches(tenant.id) {
            let reason = "an administrator of another tenant";
            app.audit.note(&tenant, &self.actor, "admin.refused", "tenant", reason, &self.origin);
            return Err(AdminError::NotFound);
        }
        if !self.is_at_least(level) {
            app.audit.note(&tenant, &self.actor, "admin.refused", "tenant", "insufficient role or scope", &self.origin);
            return Err(AdminError::Forbidden("this needs a role or scope that writes"));
        }
        Ok(Permit { authority: self.clone(), tenant })
    }

    /// Proof for the whole installation.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`].
    pub fn everywhere(&self, level: Level) -> Result<Everywhere, AdminError> {
        if self.reaches_everywhere() && self.is_at_least(level) {
            Ok(Everywhere { authority: self.clone() })
        } else {
            Err(AdminError::Forbidden("this is for operators of the installation"))
        }
    }
}

impl Permit {
    /// The tenant it is for.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The same, shared.
    pub fn shared_tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }

    /// The authority behind it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(super) fn event(&self, app: &Installation, action: &str, target: &str, reason: &str) -> AuditEvent {
        let Authority { actor, origin, .. } = &self.authority;
        app.audit.event(&self.tenant, actor, action, target, reason, origin)
    }
}

impl Everywhere {
    pub(super) fn event(
        &self,
        app: &Installation,
        tenant: &Tenant,
        action: &str,
        target: &str,
        reason: &str,
    ) -> AuditEvent {
        let Authority { actor, origin, .. } = &self.authority;
        app.audit.event(tenant, actor, action, target, reason, origin)
    }
}
