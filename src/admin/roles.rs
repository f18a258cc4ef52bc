//! What each role may do, and to whom: one table, which every door asks and `docs/roles.md` is
//! printed from.

use crate::domain::{Role, User};

/// Something that an administrator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look at the tenant: its users, clients, sessions, keys and audit trail.
    Read,
    /// End the sessions, grants and tokens of one user.
    EndSessions,
    /// Give a user a new password.
    ResetPasswords,
    /// Add, change, disable and delete users, and give them roles.
    ChangeUsers,
    /// End everything of a client or of the tenant, and refuse a token by its `jti` alone.
    EndAtLarge,
    /// Register, change and delete clients and their secrets.
    ChangeClients,
    /// Rotate and withdraw signing keys.
    ChangeKeys,
    /// Change the tenant's name, settings, scopes and resources.
    ChangeTenant,
    /// Look at every tenant and at the installation.
    ReadInstallation,
    /// Make, suspend, resume and purge tenants.
    OperateInstallation,
}

/// Whom something is done to. Where it is done to no person, [`Whom::Staff`] stands for what is the
/// tenant's own, and [`Whom::Operators`] for what operators rest on: in tenant `system` its
/// settings, its keys and the clients that may ask for scope `admin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whom {
    /// Not even to people without a role.
    Nobody,
    /// To people without a role.
    People,
    /// To people with any role but operator, too.
    Staff,
    /// To operators, too.
    Operators,
}

impl Whom {
    /// Where holders of these roles stand.
    pub fn with_roles(roles: &[Role]) -> Self {
        match roles {
            [] => Self::People,
            roles if roles.contains(&Role::Operator) => Self::Operators,
            _ => Self::Staff,
        }
    }

    /// Where this user stands.
    pub fn of(user: &User) -> Self {
        Self::with_roles(&user.roles)
    }
}

impl Action {
    /// Every action, as the table lists them.
    pub const ALL: [Self; 10] = [
        Self::Read,
        Self::EndSessions,
        Self::ResetPasswords,
        Self::ChangeUsers,
        Self::EndAtLarge,
        Self::ChangeClients,
        Self::ChangeKeys,
        Self::ChangeTenant,
        Self::ReadInstallation,
        Self::OperateInstallation,
    ];

    /// What it is, in words.
    pub fn as_text(self) -> &'static str {
        match self {
            Self::Read => "look at users, clients, sessions, keys and the audit trail",
            Self::EndSessions => "end the sessions, grants and tokens of a user",
            Self::ResetPasswords => "give a user a new password",
            Self::ChangeUsers => "add, change, disable and delete users, and give them roles",
            Self::EndAtLarge => {
                "end everything of a client or of the tenant, refuse a token by its jti"
            }
            Self::ChangeClients => "register, change and delete clients and their secrets",
            Self::ChangeKeys => "rotate and withdraw signing keys",
            Self::ChangeTenant => "change the tenant's name, settings, scopes and resources",
            Self::ReadInstallation => "look at every tenant and at the nodes",
            Self::OperateInstallation => "make, suspend, resume and purge tenants",
        }
    }
}

/// To whom a holder of `role` may do `action`.
pub fn allowed(role: Role, action: Action) -> Whom {
    use Whom::{Nobody, Operators, People, Staff};
    let [operator, tenant_admin, support, tenant_auditor] = match action {
        Action::Read => [Operators, Operators, Operators, Operators],
        Action::EndSessions => [Operators, Staff, People, Nobody],
        Action::ResetPasswords => [Operators, Staff, People, Nobody],
        Action::ChangeUsers => [Operators, Staff, Nobody, Nobody],
        Action::EndAtLarge => [Operators, Staff, Nobody, Nobody],
        Action::ChangeClients => [Operators, Staff, Nobody, Nobody],
        Action::ChangeKeys => [Operators, Staff, Nobody, Nobody],
        Action::ChangeTenant => [Operators, Staff, Nobody, Nobody],
        Action::ReadInstallation => [Operators, Nobody, Nobody, Nobody],
        Action::OperateInstallation => [Operators, Nobody, Nobody, Nobody],
    };
    match role {
        Role::Operator => operator,
        Role::TenantAdmin => tenant_admin,
        Role::Support => support,
        Role::TenantAuditor => tenant_auditor,
    }
}
