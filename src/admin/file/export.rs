//! Writing the file.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    admin::{Action, Admin, AdminError, Authority, MOST_ITEMS, clients, tenants, users},
    domain::{Tenant, User},
    storage::{StorageError, UserCursor},
};

/// The file that makes what is there, of every tenant or of one, with every member that a file may
/// have. Client secrets and keys are left out, and password hashes are in it where `with_hashes` asks
/// for them.
///
/// # Errors
/// [`AdminError::NotFound`] for an unknown slug.
pub async fn export(
    admin: &Admin<'_>,
    authority: &Authority,
    slug: Option<&str>,
    with_hashes: bool,
) -> Result<Value, AdminError> {
    let mut tenants = Vec::new();
    match slug {
        Some(slug) => tenants.push((*tenants::find_tenant(admin, slug).await?).clone()),
        None => {
            authority.everywhere(Action::ReadInstallation)?;
            let mut after = String::new();
            loop {
                let page = admin
                    .app
                    .storage
                    .read_installation()
                    .await?
                    .list_tenants(&after, MOST_ITEMS)
                    .await?;
                tenants.extend(page.items);
                match page.next {
                    Some(next) => after = next,
                    None => break,
                }
            }
        }
    }
    let mut out = Vec::new();
    for tenant in &tenants {
        authority.over(admin.app, Arc::new(tenant.clone()))?;
        out.push(export_tenant(admin, tenant, with_hashes).await?);
    }
    Ok(json!({ "tenants": out }))
}

async fn export_tenant(
    admin: &Admin<'_>,
    tenant: &Tenant,
    with_hashes: bool,
) -> Result<Value, AdminError> {
    // A unit of work a page: each has its deadline, and a tenant may have any number of users.
    let (mut client_entries, mut user_entries, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let mut unit = admin.app.storage.read(tenant).await?;
        let page = unit.tenant(tenant).list_clients(&after, MOST_ITEMS).await?;
        for client in &page.items {
            client_entries.push(clients::members_of(client)?);
        }
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let mut after = UserCursor::Name(String::new());
    loop {
        let mut unit = admin.app.storage.read(tenant).await?;
        let page = unit.tenant(tenant).list_users("", &after, MOST_ITEMS).await?;
        user_entries.extend(page.items.iter().map(|user| user_entry(user, with_hashes)));
        match page.next {
            Some(next) => after = UserCursor::parse(&next).ok_or(StorageError::Broken(next))?,
            None => break,
        }
    }
    let mut entry = tenants::members_of(tenant);
    if let Value::Object(members) = &mut entry {
        members.insert("clients".into(), client_entries.into());
        members.insert("users".into(), user_entries.into());
    }
    Ok(entry)
}

fn user_entry(user: &User, with_hashes: bool) -> Value {
    let mut entry = users::members_of(user);
    if let (Value::Object(members), Some(hash), true) =
        (&mut entry, &user.password_hash, with_hashes)
    {
        members.insert("password_hash".into(), hash.clone().into());
    }
    entry
}
