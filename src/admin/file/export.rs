//! The file that `apply` reads and `export` writes: the installation as it shall be.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Action, Admin, AdminError, Authority, ClientInput, TenantInput, UserInput, clients, tenants, users};
use crate::{
    domain::{Client, FieldError, GrantType, Tenant, User, UserStatus},
    storage::{StorageError, UserCursor},
};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    tenants: Vec<TenantEntry>,
}

#[derive(Debug, Clone, Deserialize)]
struct TenantEntry {
    #[serde(default)]
    clients: Vec<ClientInput>,
    #[serde(default)]
    users: Vec<UserInput>,
    #[serde(flatten)]
    tenant: Value,
}

/// What became of one thing in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `created`, `changed` or `unchanged`.
    pub what: &'static str,
    /// Its kind and name.
    pub target: String,
    /// A secret that was made, told this once.
    pub secret: Option<String>,
}

impl File {
    /// Reads YAML, of which JSON is a part.
    ///
    /// # Errors
    /// Where the text is none, or has a field that is unknown.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        serde_norway::from_str(text).map_err(|why| FieldError::new("file", why.to_string()))
    }
}

/// Makes everything be as the file says, and tells what was created, changed and left.
/// What the file does not speak of is not touched.
///
/// # Errors
/// The first thing that cannot be as the file says; what came before it is done, and a
/// second run goes on from there.
pub async fn apply(
    admin: &Admin<'_>,
    authority: &Authority,
    file: File,
    dry_run: bool,
) -> Result<Vec<Change>, AdminError> {
    let mut run = Run { admin, authority, dry_run, changes: Vec::new() };
    for entry in file.tenants {
        run.tenant(entry).await?;
    }
    Ok(run.changes)
}

struct Run<'a> {
    admin: &'a Admin<'a>,
    authority: &'a Authority,
    dry_run: bool,
    changes: Vec<Change>,
}

impl Run<'_> {
    fn note(&mut self, what: &'static str, target: String, secret: Option<String>) {
        self.changes.push(Change { what, target, secret });
    }

    async fn tenant(&mut self, entry: TenantEntry) -> Result<(), AdminError> {
        let input: TenantInput = super::input::read(entry.tenant)?;
        let target = format!("tenant {}", input.slug);
        let found = self.admin.app.storage.read_installation().await?.find_tenant(&input.slug).await?;
        let tenant = match found {
            None if self.dry_run => {
                // Nothing is stored under its new identifier, so all in it is found to be new.
                let draft = tenants::draft_tenant(self.admin, input)?;
                self.note("created", target, None);
                draft
            }
            None => {
                let everywhere = self.authority.everywhere(Action::OperateInstallation)?;
                let tenant = tenants::create_tenant(self.admin, &everywhere, input).await?;
                self.note("created", target, None);
                tenant
            }
            Some(tenant) => self.existing_tenant(tenant, input, target).await?,
        };
        for client in entry.clients {
            self.client(&tenant, client).await?;
        }
        for user in entry.users {
            self.user(&tenant, user).await?;
        }
        Ok(())
    }

    async fn existing_tenant(
        &mut self,
        tenant: Tenant,
        input: TenantInput,
        target: String,
    ) -> Result<Tenant, AdminError> {
        let wanted = Tenant {
            name: input.name.clone().unwrap_or_else(|| input.slug.to_string()),
            settings: input.settings.clone(),
            scopes: input.scopes.clone(),
            resources: input.resources.clone(),
            ..tenant.clone()
        };
        if wanted == tenant {
            self.note("unchanged", target, None);
            return Ok(tenant);
        }
        self.note("changed", target, None);
        if self.dry_run {
            wanted.check()?;
            return Ok(wanted);
        }
        let permit = self.authority.over(self.admin.app, Arc::new(tenant.clone()))?;
        tenants::replace_tenant(self.admin, &permit, input).await
    }

    async fn client(&mut self, tenant: &Tenant, input: ClientInput) -> Result<(), AdminError> {
        let named = |why: AdminError| in_context(why, &format!("client {}", input.client_id.as_deref().unwrap_or("?")));
        let client_id = input.client_id.clone().ok_or_else(|| {
            named(FieldError::new("client_id", "each client in a file needs one, so that it is found again").into())
        })?;
        let target = format!("client {}/{client_id}", tenant.slug);
        let found = self.admin.app.storage.read(tenant).await?.tenant(tenant).find_client(&client_id).await?;
        let permit = self.authority.over(self.admin.app, Arc::new(tenant.clone()))?;
        let Some(client) = found else {
            let secret = if self.dry_run {
                clients::draft_client(self.admin, &permit, input.clone()).map_err(named)?;
                None
            } else {
                clients::create_client(self.admin, &permit, input.clone()).await.map_err(named)?.client_secret
            };
            self.note("created", target, secret);
            return Ok(());
        };
        let now = self.admin.app.effects.now();
        let has = |secret: &&secrecy::SecretString| clients::has_secret(&client, secret, now);
        let new_secret = input.client_secret.as_ref().filter(|secret| !has(secret));
        let same = client.metadata == input.metadata;
        let is_changed = !same || new_secret.is_some();
        if self.dry_run {
            let client = Client { metadata: input.metadata.clone(), ..client.clone() };
            client.check(tenant).map_err(|why| named(why.into()))?;
            new_secret.map(clients::check_given).transpose().map_err(named)?;
        } else if is_changed {
            clients::replace_client(self.admin, &permit, &input, &client_id).await.map_err(named)?;
        }
        let what = if is_changed { "changed" } else { "unchanged" };
        self.note(what, target, None);
        Ok(())
    }

    async fn user(&mut self, tenant: &Tenant, mut input: UserInput) -> Result<(), AdminError> {
        let context = format!("user {}", input.username);
        let target = format!("user {}/{}", tenant.slug, input.username);
        let mut unit = self.admin.app.storage.read(tenant).await?;
        let found = unit.tenant(tenant).find_user_by_login(&input.username).await?;
        drop(unit);
        let found = found.filter(|user| User::key(&user.username) == User::key(&input.username));
        let permit = self.authority.over(self.admin.app, Arc::new(tenant.clone()))?;
        let Some(user) = found else {
            let made = match self.dry_run {
                true => users::draft_user(self.admin, &permit, &input),
                false => users::create_user(self.admin, &permit, input).await,
            };
            made.map_err(|why| in_context(why, &context))?;
            self.note("created", target, None);
            return Ok(());
        };
        if self.has_this_password(tenant, &user, &input).await {
            (input.password, input.password_hash) = (None, None);
        }
        let same = input.password.is_none() && input.password_hash.is_none() && users::is_as(&user, &input);
        if !same {
            let replaced = match self.dry_run {
                true => users::draft_user(self.admin, &permit, &input),
                false => users::replace_user(self.admin, &permit, user.id, input).await,
            };
            replaced.map_err(|why| in_context(why, &context))?;
        }
        self.note(if same { "unchanged" } else { "changed" }, target, None);
        Ok(())
    }

    async fn has_this_password(&self, tenant: &Tenant, user: &User, input: &UserInput) -> bool {
        match (&input.password, &input.password_hash, &user.password_hash) {
            (Some(password), _, Some(hash)) => self.admin.hasher.matches(tenant, password, hash).await,
            (None, Some(given), Some(hash)) => given == hash,
            _ => false,
        }
    }
}

fn in_context(error: AdminError, context: &str) -> AdminError {
    match error {
        AdminError::Invalid(field) => {
            AdminError::Invalid(FieldError::new(format!("{context}: {}", field.field), field.message))
        }
        AdminError::Conflict(why) => AdminError::Conflict(format!("{context}: {why}")),
        other => other,
    }
}

/// The file that makes what is there, of every tenant or of one; secrets are left out, and
/// password hashes are in it where `with_hashes` asks for them.
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
        Some(slug) => tenants.push((*super::find_tenant(admin, slug).await?).clone()),
        None => {
            authority.everywhere(Action::ReadInstallation)?;
            let mut after = String::new();
            loop {
                let page = admin.app.storage.read_installation().await?.list_tenants(&after, super::MOST_ITEMS).await?;
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

async fn export_tenant(admin: &Admin<'_>, tenant: &Tenant, with_hashes: bool) -> Result<Value, AdminError> {
    // A unit of work a page: each has its deadline, and a tenant may have any number of users.
    let (mut clients, mut users, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let mut unit = admin.app.storage.read(tenant).await?;
        let page = unit.tenant(tenant).list_clients(&after, super::MOST_ITEMS).await?;
        clients.extend(page.items.iter().map(client_entry));
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let mut after = UserCursor::Name(String::new());
    loop {
        let mut unit = admin.app.storage.read(tenant).await?;
        let page = unit.tenant(tenant).list_users("", &after, super::MOST_ITEMS).await?;
        users.extend(page.items.iter().map(|user| user_entry(user, with_hashes)));
        match page.next {
            Some(next) => after = UserCursor::parse(&next).ok_or(StorageError::Broken(next))?,
            None => break,
        }
    }
    Ok(json!({
        "slug": tenant.slug, "name": tenant.name, "settings": tenant.settings, "scopes": tenant.scopes,
        "resources": tenant.resources, "clients": clients, "users": users,
    }))
}

fn client_entry(client: &Client) -> Value {
    let mut entry = serde_json::to_value(&client.metadata).unwrap_or_default();
    if let Value::Object(members) = &mut entry {
        members.insert("client_id".into(), client.client_id.clone().into());
        members.retain(|_, value| !value.is_null());
        let grants: Vec<&str> = client.metadata.grant_types.iter().copied().map(GrantType::as_str).collect();
        members.insert("grant_types".into(), grants.into());
    }
    entry
}

fn user_entry(user: &User, with_hashes: bool) -> Value {
    let mut entry = json!({
        "username": user.username, "email": user.email, "email_verified": user.email_verified,
        "name": user.name, "roles": user.roles,
    });
    if let Value::Object(members) = &mut entry {
        members.retain(|_, value| !value.is_null());
        if user.status != UserStatus::Active {
            members.insert("status".into(), user.status.as_str().into());
        }
        if let Some(hash) = user.password_hash.as_ref().filter(|_| with_hashes) {
            members.insert("password_hash".into(), hash.clone().into());
        }
    }
    entry
}
