//! Users of a tenant.

use serde_json::{Value, json};

use super::{
    Admin, AdminError, Listed, Permit, UserInput, UserView,
    input::{merge, read},
    limited,
};
use crate::{
    domain::{EndReason, FieldError, Role, User, UserId},
    storage::Selection,
};

/// Users by name, those whose name or address begins with `prefix`.
///
/// # Errors
/// [`AdminError`].
pub async fn list_users(
    admin: &Admin<'_>,
    permit: &Permit,
    prefix: &str,
    after: &str,
    limit: Option<i64>,
) -> Result<Listed<UserView>, AdminError> {
    let mut unit = admin.app.storage.read().await?;
    let page = unit.tenant(permit.tenant()).list_users(prefix, after, limited(limit)).await?;
    Ok(Listed::of(page, |user| UserView::from(&user)))
}

/// One user, by identifier.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn show_user(admin: &Admin<'_>, permit: &Permit, id: &str) -> Result<User, AdminError> {
    let id: UserId = id.parse().map_err(|_| AdminError::NotFound)?;
    let mut unit = admin.app.storage.read().await?;
    unit.tenant(permit.tenant()).find_user(id).await?.ok_or(AdminError::NotFound)
}

/// One user, by identifier or by the name they sign in with.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn find_user_by_name_or_id(admin: &Admin<'_>, permit: &Permit, text: &str) -> Result<User, AdminError> {
    if let Ok(user) = show_user(admin, permit, text).await {
        return Ok(user);
    }
    let mut unit = admin.app.storage.read().await?;
    unit.tenant(permit.tenant()).find_user_by_login(text).await?.ok_or(AdminError::NotFound)
}

async fn hash_of(admin: &Admin<'_>, permit: &Permit, input: &UserInput) -> Result<Option<String>, AdminError> {
    match (&input.password, &input.password_hash) {
        (Some(_), Some(_)) => Err(FieldError::new("password_hash", "either password or password_hash").into()),
        (Some(password), None) => admin.hash(permit.tenant(), password).await.map(Some),
        (None, Some(hash)) if hash.starts_with("$2") && hash.len() == 60 => Ok(Some(hash.clone())),
        (None, Some(_)) => Err(FieldError::new("password_hash", "a bcrypt hash from export --with-hashes").into()),
        (None, None) => Ok(None),
    }
}

/// Making an operator is for operators, wherever the request comes from.
fn may_grant(permit: &Permit, roles: &[Role], held: &[Role]) -> Result<(), AdminError> {
    let touched = roles.contains(&Role::Operator) || held.contains(&Role::Operator);
    if touched && !permit.authority().reaches_everywhere() {
        return Err(AdminError::Forbidden("only an operator makes or changes operators"));
    }
    Ok(())
}

/// The user that `input` asks for, checked and not yet stored, without its password.
pub(super) fn draft_user(admin: &Admin<'_>, permit: &Permit, input: &UserInput) -> Result<User, AdminError> {
    let tenant = permit.tenant();
    may_grant(permit, &input.roles, &[])?;
    let now = admin.app.effects.now();
    let user = User {
        tenant_id: tenant.id,
        id: UserId::new(&admin.app.effects),
        username: input.username.trim().to_owned(),
        email: input.email.clone(),
        email_verified: input.email_verified,
        name: input.name.clone(),
        password_hash: None,
        roles: input.roles.clone(),
        status: input.status,
        created_at: now,
        updated_at: now,
    };
    user.check(tenant.is_system())?;
    Ok(user)
}

/// Adds a user.
///
/// # Errors
/// [`AdminError::Invalid`], [`AdminError::Conflict`] where name or address are taken.
pub async fn create_user(admin: &Admin<'_>, permit: &Permit, input: UserInput) -> Result<User, AdminError> {
    let tenant = permit.tenant();
    let mut user = draft_user(admin, permit, &input)?;
    // Hashing takes a quarter of a second: it comes before the transaction.
    user.password_hash = hash_of(admin, permit, &input).await?;
    let event = permit.event(admin.app, "user.created", &user.id.to_string(), &user.username);
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(tenant);
    store.insert_user(&user).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(user)
}

/// Changes a user by JSON Merge Patch.
///
/// # Errors
/// [`AdminError::Invalid`], [`AdminError::NotFound`], [`AdminError::Conflict`].
pub async fn update_user(admin: &Admin<'_>, permit: &Permit, id: &str, patch: Value) -> Result<User, AdminError> {
    let user = show_user(admin, permit, id).await?;
    let mut whole = json!({
        "username": user.username, "email": user.email, "email_verified": user.email_verified,
        "name": user.name, "roles": user.roles, "status": user.status,
    });
    merge(&mut whole, patch);
    let input: UserInput = read(whole)?;
    replace_user(admin, permit, user, input).await
}

/// Puts `input` in the place of what `old` is. A new password, other roles and a disabled
/// status end the user's sessions: what they were granted rests on what no longer holds.
pub(super) async fn replace_user(
    admin: &Admin<'_>,
    permit: &Permit,
    old: User,
    input: UserInput,
) -> Result<User, AdminError> {
    let tenant = permit.tenant();
    may_grant(permit, &input.roles, &old.roles)?;
    let now = admin.app.effects.now();
    let mut user = User {
        username: input.username.trim().to_owned(),
        email: input.email.clone(),
        email_verified: input.email_verified,
        name: input.name.clone(),
        roles: input.roles.clone(),
        status: input.status,
        updated_at: now,
        ..old.clone()
    };
    user.check(tenant.is_system())?;
    if let Some(hash) = hash_of(admin, permit, &input).await? {
        user.password_hash = Some(hash);
    }
    let ends = user.password_hash != old.password_hash || user.roles != old.roles || user.status != old.status;
    let reason = if ends { "sessions ended" } else { "" };
    let event = permit.event(admin.app, "user.changed", &user.id.to_string(), reason);
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(tenant);
    store.update_user(&user).await?;
    if ends {
        store.end_sessions(&Selection::User(user.id), EndReason::UserChanged, now).await?;
    }
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(user)
}

/// Deletes a user; its sessions end and its access tokens are cut off.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn delete_user(admin: &Admin<'_>, permit: &Permit, id: &str) -> Result<(), AdminError> {
    let user = show_user(admin, permit, id).await?;
    may_grant(permit, &[], &user.roles)?;
    let now = admin.app.effects.now();
    let event = permit.event(admin.app, "user.deleted", id, &user.username);
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(permit.tenant());
    store.end_sessions(&Selection::User(user.id), EndReason::UserChanged, now).await?;
    store.delete_user(user.id).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(())
}
