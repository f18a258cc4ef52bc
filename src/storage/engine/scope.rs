//! Whose rows a unit of work may touch. On PostgreSQL the policies of row-level security hold
//! each unit to it, behind the filter that [`crate::storage::TenantStore`] puts into every query.

use crate::domain::{Tenant, TenantId};
use crate::storage::Key;

/// Whose rows a unit of work is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope(Of);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    One(Key),
    Every(EveryTenant),
}

/// Why a unit of work spans tenants. Nobody else may: a reason that is not here is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EveryTenant {
    /// Tenants, events, nodes and jobs, which belong to the installation.
    Installation,
    /// Endings of several tenants, gathered into one commit; each row is named with its tenant.
    GatheredEndings,
    /// Rotations of several tenants, gathered into one commit; each row is named with its tenant.
    GatheredRotations,
    /// Refusals of several tenants on their way into the audit trail.
    AuditTrail,
    /// What endings of several tenants have left; each row is named with its tenant.
    Settling,
    /// Expired rows of all tenants.
    Sweep,
    /// A tenant that is made, suspended, resumed or purged, and the entry of it in the operators' own
    /// trail: narrowed to each in turn.
    Tenants,
    /// A file of several tenants, applied in one transaction: it is narrowed to each tenant in turn
    /// ([`crate::storage::Unit::narrow`]), and only the numbering of its events sees all of them.
    File,
}

impl Scope {
    /// The rows of one tenant.
    pub(crate) fn of(tenant: TenantId) -> Self {
        Self(Of::One(tenant.into()))
    }

    /// The tenant, where it is one.
    pub(in crate::storage) fn tenant(self) -> Option<TenantId> {
        match self.0 {
            Of::One(key) => Some(key.into()),
            Of::Every(_) => None,
        }
    }

    /// Whether it lets a query at the rows of `tenant`.
    pub(in crate::storage) fn covers(self, tenant: TenantId) -> bool {
        self.tenant().is_none_or(|own| own == tenant)
    }
}

impl From<&Tenant> for Scope {
    fn from(tenant: &Tenant) -> Self {
        Self::of(tenant.id)
    }
}

impl From<EveryTenant> for Scope {
    fn from(why: EveryTenant) -> Self {
        Self(Of::Every(why))
    }
}
