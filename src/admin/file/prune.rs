//! Removing what the file does not name.

use std::collections::{BTreeSet, HashSet};

use super::{
    apply::Run,
    change::{Change, What},
    in_context,
};
use crate::{
    admin::{AdminError, MOST_ITEMS, Permit, clients, users},
    domain::{FieldError, Role, Tenant, User},
    storage::{StorageError, UserCursor},
};

/// What of that which the file does not name is removed: clients and users of the tenants that it
/// names, where it has a list of them. Never a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Prune {
    /// Nothing.
    #[default]
    Nothing,
    /// All of it.
    Everything,
    /// These targets, as they were shown to somebody who agreed; another stops everything.
    These(BTreeSet<String>),
}

impl Prune {
    fn check(&self, target: &str) -> Result<(), AdminError> {
        match self {
            Self::These(agreed) if !agreed.contains(target) => Err(AdminError::Conflict(format!(
                "{target} has come since it was shown what goes: look again"
            ))),
            _ => Ok(()),
        }
    }
}

impl Run<'_> {
    pub(super) async fn prune_clients(
        &mut self,
        tenant: &Tenant,
        permit: &Permit,
        named: &HashSet<String>,
    ) -> Result<(), AdminError> {
        let (mut gone, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.unit.tenant(tenant).list_clients(&after, MOST_ITEMS).await?;
            gone.extend(
                page.items
                    .into_iter()
                    .map(|client| client.client_id)
                    .filter(|id| !named.contains(id)),
            );
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        for id in gone {
            let target = format!("client {}/{id}", tenant.slug);
            self.prune.check(&target)?;
            self.unit.check_time()?;
            let mut store = self.unit.tenant(tenant);
            let Some(client) = store.take_client(&id).await? else { continue };
            let removed = clients::remove_client(self.admin, permit, &mut store, &client).await;
            removed
                .map_err(|why| in_context(why, &format!("tenant {}, client {id}", tenant.slug)))?;
            self.changes.push(Change::new(What::Removed, target));
        }
        Ok(())
    }

    /// Removes users; answers the names of operators among them.
    pub(super) async fn prune_users(
        &mut self,
        tenant: &Tenant,
        permit: &Permit,
        named: &HashSet<String>,
    ) -> Result<Vec<String>, AdminError> {
        let (mut gone, mut after) = (Vec::new(), UserCursor::Name(String::new()));
        loop {
            let page = self.unit.tenant(tenant).list_users("", &after, MOST_ITEMS).await?;
            gone.extend(
                page.items.into_iter().filter(|user| !named.contains(&User::key(&user.username))),
            );
            match page.next {
                Some(next) => after = UserCursor::parse(&next).ok_or(StorageError::Broken(next))?,
                None => break,
            }
        }
        let mut operators = Vec::new();
        for user in gone {
            let target = format!("user {}/{}", tenant.slug, user.username);
            self.prune.check(&target)?;
            self.unit.check_time()?;
            let mut store = self.unit.tenant(tenant);
            // As it stands once nobody else changes it.
            let Some(user) = store.take_user(user.id).await? else { continue };
            let removed = users::remove_user(self.admin, permit, &mut store, &user).await;
            removed.map_err(|why| {
                in_context(why, &format!("tenant {}, user {}", tenant.slug, user.username))
            })?;
            if user.roles.contains(&Role::Operator) {
                operators.push(user.username);
            }
            self.changes.push(Change::new(What::Removed, target));
        }
        Ok(operators)
    }
}

/// Whether somebody operates the installation still, where `gone` did. Whoever is left in the
/// tenant is in the file: all others were removed.
pub(super) fn keeps_an_operator(gone: &[String], left: &[User]) -> Result<(), AdminError> {
    let operates = |user: &User| user.is_active() && user.roles.contains(&Role::Operator);
    match gone.first() {
        Some(name) if !left.iter().any(operates) => {
            let why = "the last operator is not removed: name it in the file, or another one";
            Err(FieldError::new(format!("tenant system, user {name}"), why).into())
        }
        _ => Ok(()),
    }
}
