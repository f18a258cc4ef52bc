//! What an empty installation is given.

use super::{
    Action, Admin, AdminError, Authority, Change, File, Manner, TenantInput, apply, tenants,
};
use crate::{
    domain::{RequestId, Role, Slug, TenantId, TenantSettings, TenantStatus},
    storage::UserCursor,
};

/// Makes tenant `system` where there is none yet.
///
/// There is no way to make its first operator over the network, then or later: that takes a
/// shell on the server, so nothing can be reopened by deleting administrators.
///
/// # Errors
/// [`AdminError`].
pub async fn ensure_system_tenant(admin: &Admin<'_>) -> Result<(), AdminError> {
    let slug: Slug = Slug::SYSTEM.parse()?;
    if admin.app.storage.read_installation().await?.find_tenant(&slug).await?.is_some() {
        return Ok(());
    }
    let input = TenantInput {
        slug,
        name: Some("Operators".into()),
        status: TenantStatus::Active,
        settings: TenantSettings::default(),
        scopes: Vec::new(),
        resources: Vec::new(),
    };
    let authority = Authority::of_shell();
    let everywhere = authority.everywhere(Action::OperateInstallation)?;
    let tenant = tenants::draft_tenant(admin, admin.app.effects.id::<TenantId>(), input)?;
    let keys = tenants::first_keys(admin, tenant.id, tenant.settings.signing_alg).await?;
    // Several may start at once, and one of them may have gone on to apply a large file.
    let mut unit = admin.app.storage.write_in_turn().await?;
    if unit.find_tenant(&tenant.slug).await?.is_some() {
        return Ok(());
    }
    unit.narrow(&tenant);
    match tenants::add_tenant(admin, &everywhere, &mut unit, &tenant, &keys).await {
        Ok(()) => unit.commit().await.map(|_| ()).map_err(AdminError::from),
        // Another node of an earlier version was first.
        Err(AdminError::Conflict(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Whether some operator exists.
///
/// # Errors
/// [`AdminError`].
pub async fn has_operator(admin: &Admin<'_>) -> Result<bool, AdminError> {
    let tenant = super::find_tenant(admin, Slug::SYSTEM).await?;
    let mut unit = admin.app.storage.read(&*tenant).await?;
    let users = unit
        .tenant(&tenant)
        .list_users("", &UserCursor::Name(String::new()), super::MOST_ITEMS)
        .await?;
    Ok(users.items.iter().any(|user| user.roles.contains(&Role::Operator) && user.is_active()))
}

/// The demo: tenant `acme` with clients and users, and an operator. For a machine of one's own.
const DEMO: &str = include_str!("../../examples/demo.yaml");

/// Applies the demo file.
///
/// # Errors
/// [`AdminError`].
pub async fn seed_demo(admin: &Admin<'_>) -> Result<Vec<Change>, AdminError> {
    let authority = Authority::of_shell().with_id(RequestId::from_bytes(admin.app.effects.label()));
    apply(admin, &authority, &mut File::parse(DEMO)?, &Manner::default()).await
}
