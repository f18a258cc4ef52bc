//! Who may administer what.

use std::sync::Arc;

use super::roles::{Action, Whom, allowed};
use crate::{
    admin::AdminError,
    domain::{Actor, Event, Occurrence, Origin, RequestId, Role, Tenant, TenantId, User},
    installation::Installation,
    protocol::{AccessTokenClaims, Scope},
};

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
    roles: Vec<Role>,
    /// Whether it was given for reading alone (scope `admin:read`).
    reads_only: bool,
}

/// Proof of reaching one tenant and of looking at it. Each use case asks it for what it does beyond.
pub struct Permit {
    authority: Authority,
    tenant: Arc<Tenant>,
}

/// Proof that something may be done to the whole installation.
pub struct Everywhere {
    authority: Authority,
}

impl Authority {
    /// Of an access token with scope `admin` or `admin:read`, issued by `tenant`; `user` is its
    /// subject as it stands now, where it has one. A token does what its user's roles allow, and one
    /// that speaks for its client alone what the client was registered for: in tenant `system` only
    /// an operator registers a client for these scopes.
    pub fn of_token(
        tenant: &Tenant,
        claims: &AccessTokenClaims,
        user: Option<&User>,
        origin: Origin,
    ) -> Option<Self> {
        let reads_only = !claims.scope.contains(Scope::ADMIN);
        if reads_only && !claims.scope.contains(Scope::ADMIN_READ) {
            return None;
        }
        let by_user = user.and_then(|user| Self::of_user(tenant, user, origin.clone()));
        let authority = match &claims.sid {
            Some(_) => by_user?,
            None => {
                let role = if tenant.is_system() { Role::Operator } else { Role::TenantAdmin };
                Self::with_roles(
                    tenant,
                    Actor::Client(claims.client_id.clone()),
                    vec![role],
                    origin,
                )
            }
        };
        Some(Self { reads_only, ..authority })
    }

    /// Of a user of `tenant`.
    pub fn of_user(tenant: &Tenant, user: &User, origin: Origin) -> Option<Self> {
        let is_staff = user.is_active() && !user.roles.is_empty();
        is_staff.then(|| {
            Self::with_roles(tenant, Actor::User(user.id.to_string()), user.roles.clone(), origin)
        })
    }

    /// Of a person with a shell on the server, who can read the database anyway.
    pub fn of_shell() -> Self {
        let origin =
            Origin { ip: "local".into(), user_agent: "portcullis".into(), ..Origin::default() };
        let roles = vec![Role::Operator];
        Self { actor: Actor::Shell, origin, reach: Reach::Everywhere, roles, reads_only: false }
    }

    /// The same, as one command uses it: the trail tells its doings from those of every other.
    pub fn with_id(mut self, id: RequestId) -> Self {
        self.origin.request_id = Some(id);
        self
    }

    fn with_roles(tenant: &Tenant, actor: Actor, roles: Vec<Role>, origin: Origin) -> Self {
        // Reach comes from the role alone: others in the operators' tenant reach that tenant only.
        let reaches_all = tenant.is_system() && roles.contains(&Role::Operator);
        let reach = if reaches_all { Reach::Everywhere } else { Reach::Tenant(tenant.id) };
        Self { actor, origin, reach, roles, reads_only: false }
    }

    /// To whom it may do `action`, in the tenants that it reaches.
    pub fn allows(&self, action: Action) -> Whom {
        if self.reads_only && !matches!(action, Action::Read | Action::ReadInstallation) {
            return Whom::Nobody;
        }
        let of_roles = self.roles.iter().map(|role| allowed(*role, action));
        of_roles.max().unwrap_or(Whom::Nobody)
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
    pub fn over(&self, app: &Installation, tenant: Arc<Tenant>) -> Result<Permit, AdminError> {
        if !self.reaches(tenant.id) {
            let event = Event::AdminRefused {
                door: "tenant",
                why: "an administrator of another tenant".into(),
            };
            app.audit.refused(&tenant, &self.actor, event, &self.origin);
            return Err(AdminError::NotFound);
        }
        Ok(Permit { authority: self.clone(), tenant })
    }

    /// Proof for the whole installation.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`].
    pub fn everywhere(&self, action: Action) -> Result<Everywhere, AdminError> {
        if self.reaches_everywhere() && self.allows(action) > Whom::Nobody {
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

    /// Whether `action` may be done to `whom`; a refusal is written to the audit trail.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`].
    pub fn may(&self, app: &Installation, action: Action, whom: Whom) -> Result<(), AdminError> {
        let allowed = self.authority.allows(action);
        if allowed >= whom {
            return Ok(());
        }
        let Authority { actor, origin, .. } = &self.authority;
        let event = Event::AdminRefused { door: "tenant", why: action.as_text().into() };
        app.audit.refused(&self.tenant, actor, event, origin);
        Err(AdminError::Forbidden(match (allowed, whom) {
            (Whom::Nobody, _) => "your role or scope does not allow this",
            (_, Whom::Operators) => {
                "this is for operators: it concerns operators, or what they rest on"
            }
            _ => "your role allows this for people without a role only",
        }))
    }

    /// The same for what is the tenant's own.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`].
    pub fn may_at_large(&self, app: &Installation, action: Action) -> Result<(), AdminError> {
        self.may(app, action, if self.tenant.is_system() { Whom::Operators } else { Whom::Staff })
    }

    /// Something that its holder does, for the transaction that it happens in.
    pub(super) fn occurrence(&self, app: &Installation, event: Event) -> Occurrence {
        let Authority { actor, origin, .. } = &self.authority;
        app.audit.occurrence(&self.tenant, actor, event, origin)
    }
}

impl Everywhere {
    /// Something that its holder does to `tenant`, for the transaction that it happens in.
    pub(super) fn occurrence(
        &self,
        app: &Installation,
        tenant: &Tenant,
        event: Event,
    ) -> Occurrence {
        let Authority { actor, origin, .. } = &self.authority;
        app.audit.occurrence(tenant, actor, event, origin)
    }
}
