//! A tenant's signing keys.

use super::{Action, Admin, AdminError, Ending, KeyView, Permit, sessions::ended};
use crate::{
    domain::{Event, KeyState, SigningKey, limits},
    storage::KeyRotation,
};

/// The tenant's keys, the oldest first.
///
/// # Errors
/// [`AdminError`].
pub async fn list_keys(admin: &Admin<'_>, permit: &Permit) -> Result<Vec<KeyView>, AdminError> {
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let keys = unit.tenant(permit.tenant()).list_keys().await?;
    Ok(keys.iter().map(KeyView::from).collect())
}

/// Lets the next key sign, keeps the one before it published until its last token has
/// expired, and publishes a new next key.
///
/// # Errors
/// [`AdminError::Conflict`] where another node rotated at the same moment.
pub async fn rotate_keys(admin: &Admin<'_>, permit: &Permit) -> Result<Vec<KeyView>, AdminError> {
    let (tenant, now) = (permit.tenant(), admin.app.effects.now());
    permit.may_at_large(admin.app, Action::ChangeKeys)?;
    // RSA keys take a while to make, so they are made before the transaction.
    let upcoming = admin
        .app
        .keys
        .new_signing_key(tenant.id, tenant.settings.signing_alg, KeyState::Next, now)
        .await?;
    // The longest that any setting allows: a token issued under an earlier one must find its key.
    let gone_at = now.plus(limits::RETIRED_KEY_TTL);
    let mut unit = admin.app.storage.write(tenant).await?;
    let mut store = unit.tenant(tenant);
    let keys = store.list_keys().await?;
    let in_state = |state| keys.iter().find(|key: &&SigningKey| key.state == state);
    let (Some(active), Some(next)) = (in_state(KeyState::Active), in_state(KeyState::Next)) else {
        return Err(AdminError::Unavailable("the tenant lacks an active or a next key".into()));
    };
    // A verifier may hold the set from before the next key was in it. The first next key was in all sets.
    let is_first = keys.iter().all(|key| next.created_at <= key.created_at);
    let known_at = next.created_at.plus(limits::JWKS_MAX_AGE);
    if !is_first && now < known_at {
        let text = format!(
            "the next key is too young to sign: verifiers know it from {known_at}; or withdraw the key"
        );
        return Err(AdminError::Conflict(text));
    }
    let rotation = store.rotate_keys(&active.kid, &next.kid, &upcoming, gone_at, now).await?;
    if rotation == KeyRotation::Lost {
        return Err(AdminError::Conflict("the keys were rotated by another at this moment".into()));
    }
    let event = Event::KeysRotated { kid: next.kid.clone(), before: active.kid.clone() };
    store.tell(&permit.occurrence(admin.app, event));
    unit.commit().await?;
    list_keys(admin, permit).await
}

/// Withdraws a key that has leaked: every token that it signed is refused, and where it was to
/// sign, another takes its place at once.
///
/// # Errors
/// [`AdminError::NotFound`] for a `kid` that is none of the tenant's.
pub async fn withdraw_key(
    admin: &Admin<'_>,
    permit: &Permit,
    kid: &str,
) -> Result<Ending, AdminError> {
    let (tenant, now) = (permit.tenant(), admin.app.effects.now());
    permit.may_at_large(admin.app, Action::ChangeKeys)?;
    let spare = admin
        .app
        .keys
        .new_signing_key(tenant.id, tenant.settings.signing_alg, KeyState::Next, now)
        .await?;
    let event = Event::KeysWithdrawn { kid: kid.to_owned() };
    let mut unit = admin.app.storage.write(tenant).await?;
    let mut store = unit.tenant(tenant);
    let place = store.withdraw_key(kid, &spare, now).await?.ok_or(AdminError::NotFound)?;
    store.tell(&permit.occurrence(admin.app, event));
    let events = unit.commit().await?;
    Ok(ended(admin, Default::default(), place.in_events(&events)?))
}
