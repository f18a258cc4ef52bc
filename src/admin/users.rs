//! Users of a tenant.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    Action, Admin, AdminError, Expected, Listed, Permit, UserInput, UserView, Whom,
    input::{merge, read},
    limited,
};
use crate::{
    accounts::Accounts,
    domain::{EndReason, Ending, Event, EventNumber, FieldError, User, UserId},
    storage::{TenantStore, UserCursor},
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
    let wrong = || FieldError::new("after", "the `next` of the page before");
    let after = UserCursor::parse(after).ok_or_else(wrong)?;
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let page = unit.tenant(permit.tenant()).list_users(prefix, &after, limited(limit)).await?;
    Ok(Listed::of(page, |user| UserView::from(&user)))
}

/// One user, by identifier.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn show_user(admin: &Admin<'_>, permit: &Permit, id: &str) -> Result<User, AdminError> {
    let id: UserId = id.parse().map_err(|_| AdminError::NotFound)?;
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    unit.tenant(permit.tenant()).find_user(id).await?.ok_or(AdminError::NotFound)
}

/// One user, by identifier or by the name they sign in with.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn find_user_by_name_or_id(
    admin: &Admin<'_>,
    permit: &Permit,
    text: &str,
) -> Result<User, AdminError> {
    match show_user(admin, permit, text).await {
        Err(AdminError::NotFound) => {}
        found => return found,
    }
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    unit.tenant(permit.tenant()).find_user_by_login(text).await?.ok_or(AdminError::NotFound)
}

/// The password that `input` gives, or the hash of one.
pub(super) enum Given<'a> {
    Nothing,
    Password(&'a SecretString),
    Hash(&'a str),
}

/// What `input` says of the password.
pub(super) fn given_password(input: &UserInput) -> Result<Given<'_>, AdminError> {
    match (&input.password, &input.password_hash) {
        (Some(_), Some(_)) => {
            Err(FieldError::new("password_hash", "either password or password_hash").into())
        }
        (Some(password), None) => Ok(Given::Password(password)),
        (None, Some(hash)) => match Accounts::check_hash(hash) {
            Ok(()) => Ok(Given::Hash(hash)),
            Err(why) => Err(FieldError::new("password_hash", why).into()),
        },
        (None, None) => Ok(Given::Nothing),
    }
}

async fn hash_of(
    admin: &Admin<'_>,
    permit: &Permit,
    input: &UserInput,
) -> Result<Option<String>, AdminError> {
    match given_password(input)? {
        Given::Nothing => Ok(None),
        Given::Password(password) => {
            admin.hash(permit.tenant(), &input.owner(), password).await.map(Some)
        }
        Given::Hash(hash) => Ok(Some(hash.to_owned())),
    }
}

/// Who may make of `old` what `input` says: whoever stands above both what the user is and what it
/// becomes. A new password alone is less than any other change.
fn may_change(
    admin: &Admin<'_>,
    permit: &Permit,
    old: &User,
    input: &UserInput,
) -> Result<(), AdminError> {
    let whom = Whom::of(old).max(Whom::with_roles(&input.roles));
    let sets_password = input.password.is_some() || input.password_hash.is_some();
    if sets_password {
        permit.may(admin.app, Action::ResetPasswords, whom)?;
    }
    if sets_password && is_as(old, input) {
        Ok(())
    } else {
        permit.may(admin.app, Action::ChangeUsers, whom)
    }
}

/// Whether `user` is what `input` says, its password aside.
pub(super) fn is_as(user: &User, input: &UserInput) -> bool {
    user.username == input.username.trim()
        && (&user.email, user.email_verified, &user.name)
            == (&input.email, input.email_verified, &input.name)
        && (&user.roles, user.status) == (&input.roles, input.status)
}

/// The user that `input` asks for, checked and not yet stored, without its password.
pub(super) fn draft_user(
    admin: &Admin<'_>,
    permit: &Permit,
    input: &UserInput,
) -> Result<User, AdminError> {
    let tenant = permit.tenant();
    permit.may(admin.app, Action::ChangeUsers, Whom::with_roles(&input.roles))?;
    let now = admin.app.effects.now();
    let user = User {
        tenant_id: tenant.id,
        id: admin.app.effects.id::<UserId>(),
        username: input.username.trim().to_owned(),
        email: input.email.clone(),
        email_verified: input.email_verified,
        name: input.name.clone(),
        password_hash: None,
        roles: input.roles.clone(),
        status: input.status,
        version: 1,
        ended_seq: EventNumber::ZERO,
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
pub async fn create_user(
    admin: &Admin<'_>,
    permit: &Permit,
    input: UserInput,
) -> Result<User, AdminError> {
    let tenant = permit.tenant();
    let mut user = draft_user(admin, permit, &input)?;
    // Hashing takes a quarter of a second: it comes before the transaction.
    user.password_hash = hash_of(admin, permit, &input).await?;
    let mut unit = admin.app.storage.write(tenant).await?;
    add_user(admin, permit, &mut unit.tenant(tenant), &user).await?;
    unit.commit().await?;
    Ok(user)
}

/// Stores a new user.
pub(super) async fn add_user(
    admin: &Admin<'_>,
    permit: &Permit,
    store: &mut TenantStore<'_>,
    user: &User,
) -> Result<(), AdminError> {
    let event = Event::UserCreated { user: user.id, username: user.username.clone() };
    store.insert_user(user).await?;
    store.tell(&permit.occurrence(admin.app, event));
    Ok(())
}

/// Changes a user by JSON Merge Patch: the patch is put over the user as it stands when it is written.
///
/// # Errors
/// [`AdminError::Invalid`], [`AdminError::NotFound`], [`AdminError::Conflict`]; [`AdminError::Stale`]
/// where it is no longer of the version that is `expected`.
pub async fn update_user(
    admin: &Admin<'_>,
    permit: &Permit,
    id: &str,
    patch: Value,
    expected: &Expected,
) -> Result<User, AdminError> {
    let id: UserId = id.parse().map_err(|_| AdminError::NotFound)?;
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let shown = unit.tenant(permit.tenant()).find_user(id).await?.ok_or(AdminError::NotFound)?;
    drop(unit);
    // Read twice: what is wrong with the patch is told before a hash is made for it, and what it
    // comes to is decided on the row as it then stands.
    let input = patched(&shown, patch.clone())?;
    may_change(admin, permit, &shown, &input)?;
    let hash = hash_of(admin, permit, &input).await?;
    let mut unit = admin.app.storage.write(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    let old = store.take_user(id).await?.ok_or(AdminError::NotFound)?;
    expected.check(old.version)?;
    let input = patched(&old, patch)?;
    let user = change_user(admin, permit, &mut store, &old, input, hash).await?;
    unit.commit().await?;
    Ok(user)
}

/// What a user is, in the words of the file that `apply` reads; its password aside.
pub(super) fn members_of(user: &User) -> Value {
    json!({
        "username": user.username, "email": user.email, "email_verified": user.email_verified,
        "name": user.name, "roles": user.roles, "status": user.status,
    })
}

/// What `patch` makes of a user.
pub(super) fn patched(user: &User, patch: Value) -> Result<UserInput, AdminError> {
    let mut whole = members_of(user);
    merge(&mut whole, patch);
    Ok(read(&whole)?)
}

/// Makes of `old`, which was taken for changing, what `input` says, and writes what differs. A new
/// password, other roles and a disabled status end everything the user has: it rests on what no
/// longer holds.
pub(super) async fn change_user(
    admin: &Admin<'_>,
    permit: &Permit,
    store: &mut TenantStore<'_>,
    old: &User,
    input: UserInput,
    hash: Option<String>,
) -> Result<User, AdminError> {
    let (tenant, now, id) = (permit.tenant(), admin.app.effects.now(), old.id);
    may_change(admin, permit, old, &input)?;
    let is_stored = |hash: &String| {
        old.password_hash.as_ref().is_some_and(|own| Accounts::stands_for(own, hash))
    };
    let hash = hash.filter(|hash| !is_stored(hash));
    let user = User {
        username: input.username.trim().to_owned(),
        email: input.email,
        email_verified: input.email_verified,
        name: input.name,
        password_hash: hash.clone().or(old.password_hash.clone()),
        roles: input.roles,
        status: input.status,
        updated_at: now,
        ..old.clone()
    };
    user.check(tenant.is_system())?;
    let profile = |user: &User| {
        (user.username.clone(), user.email.clone(), user.email_verified, user.name.clone())
    };
    if profile(&user) != profile(old) {
        store.set_user_profile(&user).await?;
    }
    if user.status != old.status {
        store.set_user_status(id, user.status, now).await?;
    }
    if user.roles != old.roles {
        store.set_user_roles(id, &user.roles, now).await?;
    }
    if let Some(hash) = hash {
        store.set_user_password(id, &hash, now).await?;
    }
    let ends = user.password_hash != old.password_hash
        || user.roles != old.roles
        || user.status != old.status;
    if ends {
        let _ = store.end(Ending::User(id), EndReason::UserChanged);
    }
    store.tell(&permit.occurrence(admin.app, Event::UserChanged { user: id, ended: ends }));
    Ok(user)
}

/// Whether a user may be deleted: to be asked before the question. Answers who it is.
///
/// # Errors
/// [`AdminError::NotFound`], [`AdminError::Forbidden`].
pub async fn check_user_deletion(
    admin: &Admin<'_>,
    permit: &Permit,
    id: &str,
) -> Result<User, AdminError> {
    let user = show_user(admin, permit, id).await?;
    permit.may(admin.app, Action::ChangeUsers, Whom::of(&user))?;
    Ok(user)
}

/// Deletes a user; everything it had ends with it.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn delete_user(
    admin: &Admin<'_>,
    permit: &Permit,
    id: &str,
    expected: &Expected,
) -> Result<(), AdminError> {
    let user_id: UserId = id.parse().map_err(|_| AdminError::NotFound)?;
    let mut unit = admin.app.storage.write(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    let user = store.take_user(user_id).await?.ok_or(AdminError::NotFound)?;
    expected.check(user.version)?;
    remove_user(admin, permit, &mut store, &user).await?;
    unit.commit().await?;
    Ok(())
}

/// Removes a user that was taken for changing, with everything it had.
pub(super) async fn remove_user(
    admin: &Admin<'_>,
    permit: &Permit,
    store: &mut TenantStore<'_>,
    user: &User,
) -> Result<(), AdminError> {
    permit.may(admin.app, Action::ChangeUsers, Whom::of(user))?;
    let event = Event::UserDeleted { user: user.id, username: user.username.clone() };
    let _ = store.delete_user(user.id).await?;
    store.tell(&permit.occurrence(admin.app, event));
    Ok(())
}
