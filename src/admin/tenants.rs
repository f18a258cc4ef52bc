//! Tenants: made, changed, suspended, resumed, purged.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Admin, AdminError, Everywhere, Listed, Permit, TenantInput, TenantView,
    input::{merge, read},
    limited,
};
use crate::{
    domain::{EndReason, FieldError, KeyState, Slug, Tenant, TenantId, TenantStatus},
    storage::Selection,
};

/// The tenant with this slug, suspended ones too.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn find_tenant(admin: &Admin<'_>, slug: &str) -> Result<Arc<Tenant>, AdminError> {
    let slug: Slug = slug.parse().map_err(|_| AdminError::NotFound)?;
    admin.app.directory.find_tenant(&slug).await?.ok_or(AdminError::NotFound)
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
    let page = admin.app.storage.read().await?.list_tenants(after, limited(limit)).await?;
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
    let master = admin.app.keys.master();
    let keys = [KeyState::Active, KeyState::Next]
        .map(|state| master.new_signing_key(tenant.id, tenant.settings.signing_alg, state, now));
    let event = permit.event(admin.app, &tenant, "tenant.created", tenant.slug.as_str(), "");
    let mut unit = admin.app.storage.write().await?;
    unit.insert_tenant(&tenant).await?;
    let mut store = unit.tenant(&tenant);
    for key in keys {
        store.insert_key(&key?).await?;
    }
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(tenant)
}

/// Changes a tenant by JSON Merge Patch: the whole of it is checked again.
///
/// # Errors
/// [`AdminError::Invalid`]: the slug cannot change, it is in every token.
pub async fn update_tenant(admin: &Admin<'_>, permit: &Permit, patch: Value) -> Result<Tenant, AdminError> {
    let now_is = permit.tenant();
    let mut whole = serde_json::json!({
        "slug": now_is.slug, "name": now_is.name, "settings": now_is.settings,
        "scopes": now_is.scopes, "resources": now_is.resources,
    });
    merge(&mut whole, patch);
    let input: TenantInput = read(whole)?;
    replace_tenant(admin, permit, input).await
}

/// Puts `input` in the place of a tenant's name, settings, scopes and resources.
pub(super) async fn replace_tenant(
    admin: &Admin<'_>,
    permit: &Permit,
    input: TenantInput,
) -> Result<Tenant, AdminError> {
    let old = permit.tenant();
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
    let event = permit.event(admin.app, "tenant.changed", tenant.slug.as_str(), "");
    let mut unit = admin.app.storage.write().await?;
    unit.update_tenant(&tenant).await?;
    unit.tenant(&tenant).insert_audit(&event).await?;
    unit.commit().await?;
    Ok(tenant)
}

fn not_system(tenant: &Tenant) -> Result<(), AdminError> {
    if tenant.is_system() { Err(AdminError::Forbidden("tenant system cannot be suspended or deleted")) } else { Ok(()) }
}

/// Suspends a tenant: its endpoints stop, its sessions end, its data stays.
///
/// # Errors
/// [`AdminError::Forbidden`] for tenant `system`.
pub async fn suspend_tenant(admin: &Admin<'_>, permit: &Everywhere, tenant: &Tenant) -> Result<Tenant, AdminError> {
    not_system(tenant)?;
    let now = admin.app.effects.now();
    let suspended = Tenant { status: TenantStatus::Suspended, updated_at: now, ..tenant.clone() };
    let event = permit.event(admin.app, tenant, "tenant.suspended", tenant.slug.as_str(), "");
    let mut unit = admin.app.storage.write().await?;
    unit.update_tenant(&suspended).await?;
    let mut store = unit.tenant(tenant);
    store.end_sessions(&Selection::Tenant, EndReason::TenantSuspended, now).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(suspended)
}

/// Lets a suspended tenant serve again; its old sessions stay ended.
///
/// # Errors
/// [`AdminError`].
pub async fn resume_tenant(admin: &Admin<'_>, permit: &Everywhere, tenant: &Tenant) -> Result<Tenant, AdminError> {
    let resumed = Tenant { status: TenantStatus::Active, updated_at: admin.app.effects.now(), ..tenant.clone() };
    let event = permit.event(admin.app, tenant, "tenant.resumed", tenant.slug.as_str(), "");
    let mut unit = admin.app.storage.write().await?;
    unit.update_tenant(&resumed).await?;
    unit.tenant(tenant).insert_audit(&event).await?;
    unit.commit().await?;
    Ok(resumed)
}

/// Deletes a tenant and everything in it but its audit trail.
///
/// # Errors
/// [`AdminError::Conflict`] unless it is suspended, [`AdminError::Forbidden`] for tenant `system`.
pub async fn delete_tenant(admin: &Admin<'_>, permit: &Everywhere, tenant: &Tenant) -> Result<(), AdminError> {
    not_system(tenant)?;
    if tenant.is_active() {
        return Err(AdminError::Conflict("suspend the tenant first, then purge it".into()));
    }
    let event = permit.event(admin.app, tenant, "tenant.purged", tenant.slug.as_str(), "");
    let mut unit = admin.app.storage.write().await?;
    unit.tenant(tenant).insert_audit(&event).await?;
    unit.delete_tenant(tenant.id).await?;
    unit.commit().await?;
    Ok(())
}
