//! Tenants: made, changed, suspended, resumed, purged.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Action, Admin, AdminError, Everywhere, Expected, Listed, Permit, TenantInput, TenantView,
    input::{merge, read},
    limited,
};
use crate::{
    domain::{EndReason, Ending, EventNumber, FieldError, KeyState, Slug, Tenant, TenantId, TenantStatus},
    storage::Unit,
};

/// The tenant with this slug, suspended ones too.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn find_tenant(admin: &Admin<'_>, slug: &str) -> Result<Arc<Tenant>, AdminError> {
    let slug: Slug = slug.parse().map_err(|_| AdminError::NotFound)?;
    admin.app.directory.find_tenant(&slug).await?.ok_or(AdminError::NotFound)
}

/// The tenant as it stands in the database.
///
/// # Errors
/// [`AdminError::NotFound`] where it is gone.
pub async fn show_tenant(admin: &Admin<'_>, permit: &Permit) -> Result<Tenant, AdminError> {
    let slug = &permit.tenant().slug;
    admin.app.storage.read_installation().await?.find_tenant(slug).await?.ok_or(AdminError::NotFound)
}

/// Tenants by slug.
///
/// # Errors
/// [`AdminError`].
pub async fn list_tenants(
    admin: &Admin<'_>,
    _permit: &Everywhere,
    after: &str,
    limit: Option<i64>,
) -> Result<Listed<TenantView>, AdminError> {
    let page = admin.app.storage.read_installation().await?.list_tenants(after, limited(limit)).await?;
    Ok(Listed::of(page, |tenant| TenantView::of(&tenant, admin.app.issuer(&tenant))))
}

/// The tenant that `input` asks for, checked and not yet stored.
pub(super) fn draft_tenant(admin: &Admin<'_>, input: TenantInput) -> Result<Tenant, AdminError> {
    let now = admin.app.effects.now();
    let tenant = Tenant {
        id: TenantId::new(&admin.app.effects),
        name: input.name.unwrap_or_else(|| input.slug.to_string()),
        slug: input.slug,
        status: TenantStatus::Active,
        settings: input.settings,
        scopes: input.scopes,
        resources: input.resources,
        version: 1,
        ended_seq: EventNumber::ZERO,
        created_at: now,
        updated_at: now,
    };
    tenant.check()?;
    Ok(tenant)
}

/// Makes a tenant, with an active signing key and the one after it.
///
/// # Errors
/// [`AdminError::Invalid`], [`AdminError::Conflict`] where the slug is taken.
pub async fn create_tenant(admin: &Admin<'_>, permit: &Everywhere, input: TenantInput) -> Result<Tenant, AdminError> {
    let tenant = draft_tenant(admin, input)?;
    let now = tenant.created_at;
    let mut keys = Vec::new();
    for state in [KeyState::Active, KeyState::Next] {
        keys.push(admin.app.keys.new_signing_key(&tenant, state, now).await?);
    }
    let event = permit.event(admin.app, &tenant, "tenant.created", tenant.slug.as_str(), "");
    let mut unit = admin.app.storage.write(&tenant).await?;
    unit.insert_tenant(&tenant).await?;
    let mut store = unit.tenant(&tenant);
    for key in keys {
        store.insert_key(&key).await?;
    }
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(tenant)
}

/// Changes a tenant by JSON Merge Patch: the patch is put over the tenant as it stands when it is
/// written, and the whole is checked again. `status` is for operators; it ends everything in the
/// tenant where it is `suspended`.
///
/// # Errors
/// [`AdminError::Invalid`]: the slug cannot change, it is in every token. [`AdminError::Stale`] where
/// it is no longer of the version that is `expected`.
pub async fn update_tenant(
    admin: &Admin<'_>,
    permit: &Permit,
    patch: Value,
    expected: &Expected,
) -> Result<Tenant, AdminError> {
    let mut patch = patch;
    let status = patch.as_object_mut().and_then(|members| members.remove("status"));
    let status =
        status.map(read::<TenantStatus>).transpose().map_err(|_| FieldError::new("status", "active or suspended"))?;
    let only_status = patch.as_object().is_some_and(serde_json::Map::is_empty) && status.is_some();
    if !only_status {
        permit.may_at_large(admin.app, Action::ChangeTenant)?;
    }
    if status.is_some() {
        permit.authority().everywhere(Action::OperateInstallation)?;
    }
    if status == Some(TenantStatus::Suspended) {
        not_system(permit.tenant())?;
    }
    let mut unit = admin.app.storage.write(permit.tenant()).await?;
    let old = unit.take_tenant(permit.tenant().id).await?.ok_or(AdminError::NotFound)?;
    expected.check(old.version)?;
    let mut tenant = old.clone();
    if patch.as_object().is_none_or(|members| !members.is_empty()) {
        tenant = patched(admin, &old, patch)?;
        write_profile(admin, permit, &mut unit, &tenant).await?;
    }
    if let Some(status) = status.filter(|status| *status != old.status) {
        tenant.status = status;
        write_status(admin, permit, &mut unit, &tenant).await?;
    }
    unit.commit().await?;
    Ok(tenant)
}

fn patched(admin: &Admin<'_>, old: &Tenant, patch: Value) -> Result<Tenant, AdminError> {
    let mut whole = serde_json::json!({
        "slug": old.slug, "name": old.name, "settings": old.settings, "scopes": old.scopes, "resources": old.resources,
    });
    merge(&mut whole, patch);
    replaced(admin, old, read(whole)?)
}

/// The tenant with `input` in the place of its name, settings, scopes and resources, checked.
fn replaced(admin: &Admin<'_>, old: &Tenant, input: TenantInput) -> Result<Tenant, AdminError> {
    if input.slug != old.slug {
        return Err(FieldError::new("slug", "cannot change: it is the issuer of every token").into());
    }
    let tenant = Tenant {
        name: input.name.unwrap_or_else(|| input.slug.to_string()),
        settings: input.settings,
        scopes: input.scopes,
        resources: input.resources,
        updated_at: admin.app.effects.now(),
        ..old.clone()
    };
    tenant.check()?;
    Ok(tenant)
}

/// Makes a tenant what a file says.
pub(super) async fn replace_tenant(
    admin: &Admin<'_>,
    permit: &Permit,
    input: TenantInput,
) -> Result<Tenant, AdminError> {
    permit.may_at_large(admin.app, Action::ChangeTenant)?;
    let mut unit = admin.app.storage.write(permit.tenant()).await?;
    let old = unit.take_tenant(permit.tenant().id).await?.ok_or(AdminError::NotFound)?;
    let tenant = replaced(admin, &old, input)?;
    write_profile(admin, permit, &mut unit, &tenant).await?;
    unit.commit().await?;
    Ok(tenant)
}

async fn write_profile(admin: &Admin<'_>, permit: &Permit, unit: &mut Unit, tenant: &Tenant) -> Result<(), AdminError> {
    let event = permit.event(admin.app, "tenant.changed", tenant.slug.as_str(), "");
    unit.set_tenant_profile(tenant).await?;
    unit.tenant(tenant).insert_audit(&event).await?;
    Ok(())
}

async fn write_status(admin: &Admin<'_>, permit: &Permit, unit: &mut Unit, tenant: &Tenant) -> Result<(), AdminError> {
    let action = if tenant.is_active() { "tenant.resumed" } else { "tenant.suspended" };
    let event = permit.event(admin.app, action, tenant.slug.as_str(), "");
    unit.set_tenant_status(tenant.id, tenant.status, admin.app.effects.now()).await?;
    let mut store = unit.tenant(tenant);
    if !tenant.is_active() {
        let _ = store.end(Ending::Tenant, EndReason::TenantSuspended);
    }
    store.insert_audit(&event).await?;
    Ok(())
}

fn not_system(tenant: &Tenant) -> Result<(), AdminError> {
    if tenant.is_system() { Err(AdminError::Forbidden("tenant system cannot be suspended or deleted")) } else { Ok(()) }
}

/// Suspends a tenant: its endpoints stop, everything in it ends, its data stays.
///
/// # Errors
/// [`AdminError::Forbidden`] for tenant `system`, and for whoever is no operator.
pub async fn suspend_tenant(admin: &Admin<'_>, permit: &Permit, expected: &Expected) -> Result<Tenant, AdminError> {
    update_tenant(admin, permit, serde_json::json!({ "status": "suspended" }), expected).await
}

/// Lets a suspended tenant serve again; what it had before stays ended.
///
/// # Errors
/// [`AdminError::Forbidden`] for whoever is no operator.
pub async fn resume_tenant(admin: &Admin<'_>, permit: &Permit) -> Result<Tenant, AdminError> {
    update_tenant(admin, permit, serde_json::json!({ "status": "active" }), &Expected::ANY).await
}

/// Deletes a tenant and everything in it but its audit trail.
///
/// # Errors
/// [`AdminError::Conflict`] unless it is suspended, [`AdminError::Forbidden`] for tenant `system`.
pub async fn delete_tenant(
    admin: &Admin<'_>,
    permit: &Everywhere,
    tenant: &Tenant,
    expected: &Expected,
) -> Result<(), AdminError> {
    not_system(tenant)?;
    let event = permit.event(admin.app, tenant, "tenant.purged", tenant.slug.as_str(), "");
    let mut unit = admin.app.storage.write(tenant).await?;
    let current = unit.take_tenant(tenant.id).await?.ok_or(AdminError::NotFound)?;
    expected.check(current.version)?;
    if current.is_active() {
        return Err(AdminError::Conflict("suspend the tenant first, then purge it".into()));
    }
    unit.tenant(tenant).insert_audit(&event).await?;
    let _ = unit.delete_tenant(tenant.id).await?;
    unit.commit().await?;
    Ok(())
}
