//! Clients and their secrets.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    Action, Admin, AdminError, ClientInput, ClientView, CreatedClient, CreatedSecret, Ending,
    Expected, Listed, Permit, Whom,
    input::{alone, merge},
    limited,
    sessions::ended,
};
use crate::{
    domain::{
        self, Client, ClientMetadata, ClientSecret, EndReason, Event, EventNumber, FieldError,
        SecretId, Tenant, Timestamp,
    },
    effects::Effects,
    keys::{check_jwks, sha256},
    protocol::Scope,
    storage::TenantStore,
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
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let page = unit.tenant(permit.tenant()).list_clients(after, limited(limit)).await?;
    Ok(Listed::of(page, |client| ClientView::from(&client)))
}

/// One client.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn show_client(
    admin: &Admin<'_>,
    permit: &Permit,
    client_id: &str,
) -> Result<Client, AdminError> {
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    unit.tenant(permit.tenant()).find_client(client_id).await?.ok_or(AdminError::NotFound)
}

/// Who may change a client: in the operators' tenant, one that may ask for power over tenants is
/// theirs alone, be it made, changed, given a secret or deleted.
fn may_change(admin: &Admin<'_>, permit: &Permit, client: &Client) -> Result<(), AdminError> {
    let administers =
        [Scope::ADMIN, Scope::ADMIN_READ].iter().any(|scope| client.metadata.scope.contains(scope));
    let whom =
        if permit.tenant().is_system() && administers { Whom::Operators } else { Whom::Staff };
    permit.may(admin.app, Action::ChangeClients, whom)
}

/// Checks a registration, its public keys among it.
fn check_registration(client: &Client, tenant: &Tenant) -> Result<(), FieldError> {
    client.check(tenant)?;
    client.metadata.jwks.as_ref().map_or(Ok(()), check_jwks)
}

fn made_secret(effects: &Effects, now: Timestamp) -> (SecretString, ClientSecret) {
    let secret = SecretString::from(format!("pcs_{}", effects.secret()));
    let row = secret_row(effects, &secret, now);
    (secret, row)
}

fn secret_row(effects: &Effects, secret: &SecretString, now: Timestamp) -> ClientSecret {
    ClientSecret {
        id: effects.id::<SecretId>(),
        digest: sha256(secret.expose_secret().as_bytes()),
        created_at: now,
        expires_at: None,
    }
}

fn check_given(secret: &SecretString) -> Result<(), AdminError> {
    let length = secret.expose_secret().len();
    if (32..=256).contains(&length) {
        return Ok(());
    }
    // SHA-256 is digest enough for random bits alone, so a short secret cannot be allowed.
    Err(FieldError::new("client_secret", "32 to 256 characters, random ones; or leave it out")
        .into())
}

/// The client that `input` asks for, checked and not yet stored; with its secret where one was made.
pub(super) fn draft_client(
    admin: &Admin<'_>,
    permit: &Permit,
    input: ClientInput,
) -> Result<(Client, Option<String>), AdminError> {
    let now = admin.app.effects.now();
    let tenant = permit.tenant();
    let client_id =
        input.client_id.unwrap_or_else(|| format!("c_{}", admin.app.effects.uuid().simple()));
    let uses_secret = input.metadata.uses_secret();
    let mut client = Client {
        tenant_id: tenant.id,
        client_id,
        metadata: input.metadata,
        secrets: Vec::new(),
        version: 1,
        ended_seq: EventNumber::ZERO,
        created_at: now,
        updated_at: now,
    };
    may_change(admin, permit, &client)?;
    check_registration(&client, tenant)?;
    let mut new_secret = None;
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
            new_secret = Some(secret.expose_secret().to_owned());
            client.secrets.push(row);
        }
        None => {}
    }
    Ok((client, new_secret))
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
    let (client, new_secret) = draft_client(admin, permit, input)?;
    let mut unit = admin.app.storage.write(tenant).await?;
    add_client(admin, permit, &mut unit.tenant(tenant), &client).await?;
    unit.commit().await?;
    Ok(CreatedClient { client: ClientView::from(&client), client_secret: new_secret })
}

/// Stores a new client with its secrets.
pub(super) async fn add_client(
    admin: &Admin<'_>,
    permit: &Permit,
    store: &mut TenantStore<'_>,
    client: &Client,
) -> Result<(), AdminError> {
    let event = Event::ClientCreated { client_id: client.client_id.clone() };
    store.insert_client(client).await?;
    for secret in &client.secrets {
        store.insert_secret(&client.client_id, secret).await?;
    }
    store.tell(&permit.occurrence(admin.app, event));
    Ok(())
}

/// Changes a client by JSON Merge Patch: the patch is put over the registration as it stands when
/// it is written, and the whole is checked again.
///
/// # Errors
/// [`AdminError::Invalid`], [`AdminError::NotFound`]; [`AdminError::Stale`] where it is no longer of
/// the version that is `expected`.
pub async fn update_client(
    admin: &Admin<'_>,
    permit: &Permit,
    client_id: &str,
    patch: Value,
    expected: &Expected,
) -> Result<Client, AdminError> {
    let mut unit = admin.app.storage.write(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    let client = store.take_client(client_id).await?.ok_or(AdminError::NotFound)?;
    may_change(admin, permit, &client)?;
    expected.check(client.version)?;
    let input = patched(&client, patch)?;
    if input.client_secret.is_some() {
        return Err(FieldError::new("client_secret", "roll secrets with POST …/secrets").into());
    }
    let updated = change_client(admin, permit, &mut store, client, input.metadata).await?;
    unit.commit().await?;
    Ok(updated)
}

/// What a client says of itself, in the words of the file that `apply` reads; its secrets aside.
pub(super) fn members_of(client: &Client) -> Result<Value, AdminError> {
    let mut members = serde_json::to_value(&client.metadata)
        .map_err(|why| AdminError::Broken(why.to_string()))?;
    if let Value::Object(members) = &mut members {
        members.insert("client_id".into(), client.client_id.clone().into());
    }
    Ok(members)
}

/// What `patch` makes of a client.
pub(super) fn patched(client: &Client, mut patch: Value) -> Result<ClientInput, AdminError> {
    let mut whole = members_of(client)?;
    alone(&mut patch);
    merge(&mut whole, patch);
    let input = ClientInput::from_value(whole)?;
    match &input.client_id {
        Some(id) if *id != client.client_id => {
            Err(FieldError::new("client_id", "cannot change").into())
        }
        _ => Ok(input),
    }
}

/// Gives a client, which was taken for changing, another registration, once that has been checked
/// as a whole.
pub(super) async fn change_client(
    admin: &Admin<'_>,
    permit: &Permit,
    store: &mut TenantStore<'_>,
    client: Client,
    metadata: ClientMetadata,
) -> Result<Client, AdminError> {
    may_change(admin, permit, &client)?;
    let mut client = Client { metadata, updated_at: admin.app.effects.now(), ..client };
    may_change(admin, permit, &client)?;
    check_registration(&client, permit.tenant())?;
    let event = Event::ClientChanged { client_id: client.client_id.clone() };
    store.set_client_metadata(&client.client_id, &client.metadata, client.updated_at).await?;
    // A secret that is no longer asked for must not count again, should it be asked for once more.
    if !client.metadata.uses_secret() && !client.secrets.is_empty() {
        store.delete_secrets(&client.client_id).await?;
        client.secrets.clear();
    }
    store.tell(&permit.occurrence(admin.app, event));
    Ok(client)
}

/// Gives a client the secret that a file names, in the place of all others.
pub(super) async fn give_secret(
    admin: &Admin<'_>,
    permit: &Permit,
    store: &mut TenantStore<'_>,
    client: &Client,
    given: &SecretString,
) -> Result<(), AdminError> {
    check_given(given)?;
    let now = admin.app.effects.now();
    let row = secret_row(&admin.app.effects, given, now);
    write_secret(admin, permit, store, client, &row, now).await
}

/// Whether a client may be changed, be it by a secret or by its deletion: to be asked before the question.
///
/// # Errors
/// [`AdminError::NotFound`], [`AdminError::Forbidden`].
pub async fn check_client_change(
    admin: &Admin<'_>,
    permit: &Permit,
    client_id: &str,
) -> Result<(), AdminError> {
    may_change(admin, permit, &show_client(admin, permit, client_id).await?)
}

/// Deletes a client; everything it had ends with it.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn delete_client(
    admin: &Admin<'_>,
    permit: &Permit,
    client_id: &str,
    expected: &Expected,
) -> Result<(), AdminError> {
    let mut unit = admin.app.storage.write(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    let client = store.take_client(client_id).await?.ok_or(AdminError::NotFound)?;
    expected.check(client.version)?;
    remove_client(admin, permit, &mut store, &client).await?;
    unit.commit().await?;
    Ok(())
}

/// Removes a client that was taken for changing, with everything it had.
pub(super) async fn remove_client(
    admin: &Admin<'_>,
    permit: &Permit,
    store: &mut TenantStore<'_>,
    client: &Client,
) -> Result<(), AdminError> {
    may_change(admin, permit, client)?;
    let event = Event::ClientDeleted { client_id: client.client_id.clone() };
    let _ = store.delete_client(&client.client_id).await?;
    store.tell(&permit.occurrence(admin.app, event));
    Ok(())
}

/// Makes a new secret; the client's others stay good for a day.
///
/// # Errors
/// [`AdminError::Invalid`] where the client's method uses none, [`AdminError::NotFound`].
pub async fn create_secret(
    admin: &Admin<'_>,
    permit: &Permit,
    client_id: &str,
) -> Result<CreatedSecret, AdminError> {
    let now = admin.app.effects.now();
    let (secret, row) = made_secret(&admin.app.effects, now);
    let others_expire_at = now.plus(ROLL_TTL);
    let mut unit = admin.app.storage.write(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    let client = store.take_client(client_id).await?.ok_or(AdminError::NotFound)?;
    write_secret(admin, permit, &mut store, &client, &row, others_expire_at).await?;
    unit.commit().await?;
    Ok(CreatedSecret {
        id: row.id.to_string(),
        client_secret: secret.expose_secret().to_owned(),
        others_expire_at,
    })
}

async fn write_secret(
    admin: &Admin<'_>,
    permit: &Permit,
    store: &mut TenantStore<'_>,
    client: &Client,
    row: &ClientSecret,
    others_expire_at: Timestamp,
) -> Result<(), AdminError> {
    may_change(admin, permit, client)?;
    if !client.metadata.uses_secret() {
        let why = "this client's token_endpoint_auth_method uses no secret";
        return Err(FieldError::new("client_secret", why).into());
    }
    let event = Event::ClientSecretCreated { client_id: client.client_id.clone(), secret: row.id };
    store.insert_secret(&client.client_id, row).await?;
    store.expire_secrets(&client.client_id, row.id, others_expire_at).await?;
    store.tell(&permit.occurrence(admin.app, event));
    Ok(())
}

/// Removes a secret at once, which ends its use. Where it has leaked, everything that the client
/// has ends with it, since whoever holds it may have been granted any of that.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn delete_secret(
    admin: &Admin<'_>,
    permit: &Permit,
    client_id: &str,
    id: &str,
    compromised: bool,
) -> Result<Option<Ending>, AdminError> {
    let secret: SecretId = id.parse().map_err(|_| AdminError::NotFound)?;
    let event = match (compromised, client_id.to_owned()) {
        (true, client_id) => Event::ClientSecretWithdrawn { client_id, secret },
        (false, client_id) => Event::ClientSecretDeleted { client_id, secret },
    };
    let mut unit = admin.app.storage.write(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    let client = store.take_client(client_id).await?.ok_or(AdminError::NotFound)?;
    may_change(admin, permit, &client)?;
    if !store.delete_secret(client_id, secret).await? {
        return Err(AdminError::NotFound);
    }
    store.tell(&permit.occurrence(admin.app, event));
    let place = compromised
        .then(|| store.end(domain::Ending::Client(client_id.to_owned()), EndReason::Withdrawn));
    let events = unit.commit().await?;
    let event = place.map(|place| place.in_events(&events)).transpose()?;
    Ok(event.map(|event| ended(admin, Default::default(), event)))
}

/// Whether `secret` is one of the client's that counts.
pub(super) fn has_secret(client: &Client, secret: &SecretString, now: Timestamp) -> bool {
    let digest = sha256(secret.expose_secret().as_bytes());
    client
        .secrets
        .iter()
        .any(|known| known.digest == digest && known.expires_at.is_none_or(|at| now < at))
}
