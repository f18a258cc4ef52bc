//! Tenants: made, changed, suspended, resumed, purged.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Action, Admin, AdminError, Everywhere, Expected, Listed, Permit, TenantInput, TenantView,
    input::{merge, read},
    limited,
};
use crate::{
    domain::{
        AuditId, EndReason, Ending, Event, EventNumber, FieldError, KeyState, Occurrence,
        SigningAlg, SigningKey, Slug, Tenant, TenantId,
    },
    storage::{EveryTenant, Unit},
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
    admin
        .app
        .storage
        .read_installation()
        .await?
        .find_tenant(slug)
        .await?
        .ok_or(AdminError::NotFound)
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
    let page =
        admin.app.storage.read_installation().await?.list_tenants(after, limited(limit)).await?;
    Ok(Listed::of(page, |tenant| TenantView::of(&tenant, admin.app.issuer(&tenant))))
}

/// The tenant that `input` asks for, checked and not yet stored.
pub(super) fn draft_tenant(
    admin: &Admin<'_>,
    id: TenantId,
    input: TenantInput,
) -> Result<Tenant, AdminError> {
    let now = admin.app.effects.now();
    let tenant = Tenant {
        id,
        name: input.name.unwrap_or_else(|| input.slug.to_string()),
        slug: input.slug,
        status: input.status,
        settings: input.settings,
        scopes: input.scopes,
        resources: input.resources,
        version: 1,
        ended_seq: EventNumber::ZERO,
        created_at: now,
        updated_at: now,
    };
    may_have_status(&tenant)?;
    tenant.check()?;
    Ok(tenant)
}

/// The keys of a tenant that begins: the one that signs, and the one after it. RSA keys take a while
/// to make, so they are made before the transaction.
pub(super) async fn first_keys(
    admin: &Admin<'_>,
    id: TenantId,
    alg: SigningAlg,
) -> Result<[SigningKey; 2], AdminError> {
    let (keys, now) = (&admin.app.keys, admin.app.effects.now());
    let active = keys.new_signing_key(id, alg, KeyState::Active, now).await?;
    let next = keys.new_signing_key(id, alg, KeyState::Next, now).await?;
    Ok([active, next])
}

/// Makes a tenant, with an active signing key and the one after it.
///
/// # Errors
/// [`AdminError::Invalid`], [`AdminError::Conflict`] where the slug is taken.
pub async fn create_tenant(
    admin: &Admin<'_>,
    permit: &Everywhere,
    input: TenantInput,
) -> Result<Tenant, AdminError> {
    let tenant = draft_tenant(admin, admin.app.effects.id::<TenantId>(), input)?;
    let keys = first_keys(admin, tenant.id, tenant.settings.signing_alg).await?;
    let mut unit = admin.app.storage.write(EveryTenant::Tenants).await?;
    unit.narrow(&tenant);
    add_tenant(admin, permit, &mut unit, &tenant, &keys).await?;
    unit.commit().await?;
    Ok(tenant)
}

/// Stores a new tenant with its keys.
pub(super) async fn add_tenant(
    admin: &Admin<'_>,
    permit: &Everywhere,
    unit: &mut Unit,
    tenant: &Tenant,
    keys: &[SigningKey],
) -> Result<(), AdminError> {
    let event = Event::TenantCreated { slug: tenant.slug.clone() };
    let occurrence = permit.occurrence(admin.app, tenant, event);
    unit.insert_tenant(tenant).await?;
    let mut store = unit.tenant(tenant);
    for key in keys {
        store.insert_key(key).await?;
    }
    store.tell(&occurrence);
    tell_operators(admin, unit, tenant, occurrence).await
}

/// Tells what happened in a tenant in tenant `system` as well: what becomes of tenants
/// concerns the installation, and a purged one's own trail is read by nobody.
async fn tell_operators(
    admin: &Admin<'_>,
    unit: &mut Unit,
    tenant: &Tenant,
    occurrence: Occurrence,
) -> Result<(), AdminError> {
    if tenant.is_system() {
        return Ok(());
    }
    // By this unit's own connection: whoever holds one must not wait for another.
    let system = unit.find_tenant(&Slug::SYSTEM.parse()?).await?.ok_or(AdminError::NotFound)?;
    let occurrence =
        Occurrence { tenant_id: system.id, id: admin.app.effects.id::<AuditId>(), ..occurrence };
    unit.narrow(&system);
    unit.tenant(&system).tell(&occurrence);
    unit.narrow(tenant);
    Ok(())
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
    let names =
        |member: &str| patch.as_object().is_some_and(|members| members.contains_key(member));
    let only_status =
        names("status") && patch.as_object().is_some_and(|members| members.len() == 1);
    // Asked before anything is taken: a change that changes nothing is no way to raise a version.
    if !only_status {
        permit.may_at_large(admin.app, Action::ChangeTenant)?;
    }
    if names("status") {
        permit.authority().everywhere(Action::OperateInstallation)?;
    }
    let mut unit = admin.app.storage.write(EveryTenant::Tenants).await?;
    unit.narrow(permit.tenant());
    let old = unit.take_tenant(permit.tenant().id).await?.ok_or(AdminError::NotFound)?;
    expected.check(old.version)?;
    let input = patched(&old, patch)?;
    let tenant = change_tenant(admin, permit, &mut unit, &old, input).await?;
    unit.commit().await?;
    Ok(tenant)
}

/// What a tenant says of itself, in the words of the file that `apply` reads.
pub(super) fn members_of(tenant: &Tenant) -> Value {
    serde_json::json!({
        "slug": tenant.slug, "name": tenant.name, "status": tenant.status, "settings": tenant.settings,
        "scopes": tenant.scopes, "resources": tenant.resources,
    })
}

/// What `patch` makes of a tenant.
pub(super) fn patched(old: &Tenant, patch: Value) -> Result<TenantInput, AdminError> {
    let mut whole = members_of(old);
    merge(&mut whole, patch);
    Ok(read(&whole)?)
}

/// Whether `tenant` is what `input` says.
pub(super) fn is_as(tenant: &Tenant, input: &TenantInput) -> bool {
    tenant.slug == input.slug
        && tenant.name == input.name.as_deref().unwrap_or(input.slug.as_str())
        && (tenant.status, &tenant.settings) == (input.status, &input.settings)
        && (&tenant.scopes, &tenant.resources) == (&input.scopes, &input.resources)
}

/// Makes of `old`, which was taken for changing, what `input` says, and writes what differs.
pub(super) async fn change_tenant(
    admin: &Admin<'_>,
    permit: &Permit,
    unit: &mut Unit,
    old: &Tenant,
    input: TenantInput,
) -> Result<Tenant, AdminError> {
    if input.slug != old.slug {
        return Err(
            FieldError::new("slug", "cannot change: it is the issuer of every token").into()
        );
    }
    let tenant = Tenant {
        name: input.name.unwrap_or_else(|| input.slug.to_string()),
        status: input.status,
        settings: input.settings,
        scopes: input.scopes,
        resources: input.resources,
        ..old.clone()
    };
    let has_new_status = tenant.status != old.status;
    let has_new_profile = Tenant { status: old.status, ..tenant.clone() } != *old;
    let tenant = Tenant { updated_at: admin.app.effects.now(), ..tenant };
    if has_new_profile {
        permit.may_at_large(admin.app, Action::ChangeTenant)?;
    }
    if has_new_status {
        permit.authority().everywhere(Action::OperateInstallation)?;
        may_have_status(&tenant)?;
    }
    tenant.check()?;
    if has_new_profile {
        write_profile(admin, permit, unit, &tenant).await?;
    }
    if has_new_status {
        write_status(admin, permit, unit, &tenant).await?;
    }
    Ok(tenant)
}

async fn write_profile(
    admin: &Admin<'_>,
    permit: &Permit,
    unit: &mut Unit,
    tenant: &Tenant,
) -> Result<(), AdminError> {
    let event = Event::TenantChanged { slug: tenant.slug.clone() };
    unit.set_tenant_profile(tenant).await?;
    unit.tenant(tenant).tell(&permit.occurrence(admin.app, event));
    Ok(())
}

async fn write_status(
    admin: &Admin<'_>,
    permit: &Permit,
    unit: &mut Unit,
    tenant: &Tenant,
) -> Result<(), AdminError> {
    let slug = tenant.slug.clone();
    let event = if tenant.is_active() {
        Event::TenantResumed { slug }
    } else {
        Event::TenantSuspended { slug }
    };
    let occurrence = permit.occurrence(admin.app, event);
    unit.set_tenant_status(tenant.id, tenant.status, admin.app.effects.now()).await?;
    let mut store = unit.tenant(tenant);
    if !tenant.is_active() {
        let _ = store.end(Ending::Tenant, EndReason::TenantSuspended);
    }
    store.tell(&occurrence);
    tell_operators(admin, unit, tenant, occurrence).await
}

fn may_have_status(tenant: &Tenant) -> Result<(), AdminError> {
    if tenant.is_active() { Ok(()) } else { not_system(tenant) }
}

fn not_system(tenant: &Tenant) -> Result<(), AdminError> {
    if tenant.is_system() {
        Err(AdminError::Forbidden("tenant system cannot be suspended or deleted"))
    } else {
        Ok(())
    }
}

/// Suspends a tenant: its endpoints stop, everything in it ends, its data stays.
///
/// # Errors
/// [`AdminError::Forbidden`] for tenant `system`, and for whoever is no operator.
pub async fn suspend_tenant(
    admin: &Admin<'_>,
    permit: &Permit,
    expected: &Expected,
) -> Result<Tenant, AdminError> {
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
    let event = Event::TenantPurged { slug: tenant.slug.clone() };
    let occurrence = permit.occurrence(admin.app, tenant, event);
    let mut unit = admin.app.storage.write(EveryTenant::Tenants).await?;
    unit.narrow(tenant);
    let current = unit.take_tenant(tenant.id).await?.ok_or(AdminError::NotFound)?;
    expected.check(current.version)?;
    if current.is_active() {
        return Err(AdminError::Conflict("suspend the tenant first, then purge it".into()));
    }
    unit.tenant(tenant).tell(&occurrence);
    tell_operators(admin, &mut unit, tenant, occurrence).await?;
    let _ = unit.delete_tenant(tenant.id).await?;
    unit.commit().await?;
    Ok(())
}
