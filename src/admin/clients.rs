//! Clients and their secrets.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    Admin, AdminError, ClientInput, ClientView, CreatedClient, CreatedSecret, Listed, Permit, input::merge, limited,
};
use crate::{
    domain::{Client, ClientSecret, EndReason, FieldError, Timestamp},
    effects::Effects,
    keys::sha256,
    storage::Selection,
};

/// Seconds that the other secrets of a client stay good once a new one is made.
const ROLL_TTL: i64 = 86_400;

/// Clients by identifier.
///
/// # Errors
/// [`AdminError`].
pub async fn list_clients(
    admin: &Admin<'_>,
    permit: &Permit,
    after: &str,
    limit: Option<i64>,
) -> Result<Listed<ClientView>, AdminError> {
    let mut unit = admin.app.storage.read().await?;
    let page = unit.tenant(permit.tenant()).list_clients(after, limited(limit)).await?;
    Ok(Listed::of(page, |client| ClientView::from(&client)))
}

/// One client.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn show_client(admin: &Admin<'_>, permit: &Permit, client_id: &str) -> Result<Client, AdminError> {
    let mut unit = admin.app.storage.read().await?;
    unit.tenant(permit.tenant()).find_client(client_id).await?.ok_or(AdminError::NotFound)
}

fn made_secret(effects: &Effects, now: Timestamp) -> (SecretString, ClientSecret) {
    let secret = SecretString::from(format!("pcs_{}", effects.secret()));
    let row = secret_row(effects, &secret, now);
    (secret, row)
}

fn secret_row(effects: &Effects, secret: &SecretString, now: Timestamp) -> ClientSecret {
    ClientSecret {
        id: effects.uuid().to_string(),
        digest: sha256(secret.expose_secret().as_bytes()),
        created_at: now,
        expires_at: None,
    }
}

pub(super) fn check_given(secret: &SecretString) -> Result<(), AdminError> {
    let length = secret.expose_secret().len();
    if (32..=256).contains(&length) {
        return Ok(());
    }
    // SHA-256 is digest enough for random bits alone, so a short secret cannot be allowed.
    Err(FieldError::new("client_secret", "32 to 256 characters, random ones; or leave it out").into())
}

/// The client that `input` asks for, checked and not yet stored; with its secret where one was made.
pub(super) fn draft_client(
    admin: &Admin<'_>,
    permit: &Permit,
    input: ClientInput,
) -> Result<(Client, Option<String>), AdminError> {
    let now = admin.app.effects.now();
    let tenant = permit.tenant();
    let client_id = input.client_id.unwrap_or_else(|| admin.app.effects.uuid().to_string());
    let uses_secret = input.metadata.token_endpoint_auth_method.uses_secret();
    let mut client = Client {
        tenant_id: tenant.id,
        client_id,
        metadata: input.metadata,
        secrets: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    client.check(tenant)?;
    let mut told = None;
    match input.client_secret {
        Some(_) if !uses_secret => {
            let why = "a client of this token_endpoint_auth_method has no secret";
            return Err(FieldError::new("client_secret", why).into());
        }
        Some(given) => {
            check_given(&given)?;
            client.secrets.push(secret_row(&admin.app.effects, &given, now));
        }
        None if uses_secret => {
            let (secret, row) = made_secret(&admin.app.effects, now);
            told = Some(secret.expose_secret().to_owned());
            client.secrets.push(row);
        }
        None => {}
    }
    Ok((client, told))
}

/// Registers a client. Where it needs a secret and brings none, one is made and told once.
///
/// # Errors
/// [`AdminError::Invalid`], [`AdminError::Conflict`] where the identifier is taken.
pub async fn create_client(
    admin: &Admin<'_>,
    permit: &Permit,
    input: ClientInput,
) -> Result<CreatedClient, AdminError> {
    let tenant = permit.tenant();
    let (client, told) = draft_client(admin, permit, input)?;
    let event = permit.event(admin.app, "client.created", &client.client_id, "");
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(tenant);
    store.insert_client(&client).await?;
    for secret in &client.secrets {
        store.insert_secret(&client.client_id, secret).await?;
    }
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(CreatedClient { client: ClientView::from(&client), client_secret: told })
}

/// Changes a client by JSON Merge Patch: the whole registration is checked again.
///
/// # Errors
/// [`AdminError::Invalid`], [`AdminError::NotFound`].
pub async fn update_client(
    admin: &Admin<'_>,
    permit: &Permit,
    client_id: &str,
    patch: Value,
) -> Result<Client, AdminError> {
    let client = show_client(admin, permit, client_id).await?;
    let mut whole = serde_json::to_value(&client.metadata).unwrap_or_default();
    merge(&mut whole, patch);
    let input = ClientInput::from_value(whole)?;
    if input.client_secret.is_some() {
        return Err(FieldError::new("client_secret", "roll secrets with POST …/secrets").into());
    }
    if input.client_id.is_some_and(|id| id != client.client_id) {
        return Err(FieldError::new("client_id", "cannot change").into());
    }
    let updated = Client { metadata: input.metadata, updated_at: admin.app.effects.now(), ..client };
    store_client(admin, permit, &updated).await?;
    Ok(updated)
}

/// Stores a changed registration once it has been checked as a whole.
pub(super) async fn store_client(admin: &Admin<'_>, permit: &Permit, client: &Client) -> Result<(), AdminError> {
    client.check(permit.tenant())?;
    let event = permit.event(admin.app, "client.changed", &client.client_id, "");
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(permit.tenant());
    store.update_client(client).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(())
}

/// Deletes a client; its sessions' families end and its access tokens are cut off.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn delete_client(admin: &Admin<'_>, permit: &Permit, client_id: &str) -> Result<(), AdminError> {
    let client = show_client(admin, permit, client_id).await?;
    let now = admin.app.effects.now();
    let event = permit.event(admin.app, "client.deleted", client_id, "");
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(permit.tenant());
    let all = Selection::Client(client.client_id);
    store.end_sessions(&all, EndReason::ClientDeleted, now).await?;
    store.delete_client(client_id).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(())
}

/// Makes a new secret; the client's others stay good for a day.
///
/// # Errors
/// [`AdminError::Invalid`] where the client's method uses none, [`AdminError::NotFound`].
pub async fn create_secret(admin: &Admin<'_>, permit: &Permit, client_id: &str) -> Result<CreatedSecret, AdminError> {
    let client = show_client(admin, permit, client_id).await?;
    let now = admin.app.effects.now();
    let (secret, row) = made_secret(&admin.app.effects, now);
    let others_expire_at = now.plus(ROLL_TTL);
    put_secret(admin, permit, &client, &row, others_expire_at).await?;
    Ok(CreatedSecret { id: row.id, client_secret: secret.expose_secret().to_owned(), others_expire_at })
}

/// Makes `given` the client's secret at once; its others stop counting.
pub(super) async fn set_secret(
    admin: &Admin<'_>,
    permit: &Permit,
    client: &Client,
    given: &SecretString,
) -> Result<(), AdminError> {
    check_given(given)?;
    let now = admin.app.effects.now();
    put_secret(admin, permit, client, &secret_row(&admin.app.effects, given, now), now).await
}

async fn put_secret(
    admin: &Admin<'_>,
    permit: &Permit,
    client: &Client,
    row: &ClientSecret,
    others_expire_at: Timestamp,
) -> Result<(), AdminError> {
    if !client.metadata.token_endpoint_auth_method.uses_secret() {
        let why = "this client's token_endpoint_auth_method uses no secret";
        return Err(FieldError::new("client_secret", why).into());
    }
    let event = permit.event(admin.app, "client.secret_created", &client.client_id, &row.id);
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(permit.tenant());
    store.insert_secret(&client.client_id, row).await?;
    store.expire_secrets(&client.client_id, &row.id, others_expire_at).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(())
}

/// Removes a secret at once.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn delete_secret(admin: &Admin<'_>, permit: &Permit, client_id: &str, id: &str) -> Result<(), AdminError> {
    let event = permit.event(admin.app, "client.secret_deleted", client_id, id);
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(permit.tenant());
    if !store.delete_secret(client_id, id).await? {
        return Err(AdminError::NotFound);
    }
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(())
}

/// Whether `secret` is one of the client's that counts.
pub(super) fn has_secret(client: &Client, secret: &SecretString, now: Timestamp) -> bool {
    let digest = sha256(secret.expose_secret().as_bytes());
    client.secrets.iter().any(|known| known.digest == digest && known.expires_at.is_none_or(|at| now < at))
}
