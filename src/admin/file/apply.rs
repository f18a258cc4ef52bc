//! Applying the file: one transaction over all of its tenants, and one way through it, whether it
//! is a dry run or not.

use std::{collections::HashSet, sync::Arc};

use super::{
    Entry, File, Manner, TenantEntry,
    change::{Change, What, differences},
    in_context,
    preparations::{Need, Preparations},
    prune::{Prune, keeps_an_operator},
};
use crate::{
    admin::{
        Action, Admin, AdminError, Authority, Permit, TenantInput,
        input::{merge, read},
        tenants,
    },
    domain::{Tenant, TenantId, User},
    storage::Unit,
};

/// How often what a run rests on may have been changed by others before it is given up. One of
/// those who come at once is done in each round.
const ROUNDS: u32 = 20;

/// Makes everything be as the file says, all of it or nothing, and tells what was created, changed,
/// removed and left. What the file does not speak of is not touched.
///
/// Hashes and keys are not made within the transaction, which others wait for: a run that lacks some
/// is undone, they are made, and the next one goes the same way, taking them where they still fit. A
/// dry run is a run that is undone.
///
/// # Errors
/// The first thing that cannot be as the file says; nothing was done.
pub async fn apply(
    admin: &Admin<'_>,
    authority: &Authority,
    file: &mut File,
    manner: &Manner,
) -> Result<Vec<Change>, AdminError> {
    let File { tenants, ready } = file;
    for _ in 0..ROUNDS {
        let unit = admin.app.storage.write_in_turn().await?;
        let (dry_run, prune) = (manner.dry_run, &manner.prune);
        let mut run = Run {
            admin,
            authority,
            dry_run,
            prune,
            ready: &*ready,
            unit,
            needs: Vec::new(),
            changes: Vec::new(),
        };
        for entry in &*tenants {
            run.tenant(entry).await?;
        }
        let Run { unit, needs, changes, .. } = run;
        if needs.is_empty() {
            if !dry_run {
                unit.commit().await?;
            }
            return Ok(changes);
        }
        drop(unit);
        ready.make(admin, needs).await?;
    }
    Err(AdminError::Unavailable(
        "others keep changing what the file is about: apply it again".into(),
    ))
}

/// One way through the file.
pub(super) struct Run<'a> {
    pub(super) admin: &'a Admin<'a>,
    authority: &'a Authority,
    pub(super) dry_run: bool,
    pub(super) prune: &'a Prune,
    pub(super) ready: &'a Preparations,
    pub(super) unit: Unit,
    /// What has to be made before a run can last.
    pub(super) needs: Vec<Need>,
    pub(super) changes: Vec<Change>,
}

impl Run<'_> {
    async fn tenant(&mut self, entry: &TenantEntry) -> Result<(), AdminError> {
        let made = match self.unit.find_tenant(&entry.slug).await? {
            Some(found) => self.existing_tenant(found, entry).await.map(Some),
            None => self.new_tenant(entry).await,
        };
        let made = made.map_err(|why| in_context(why, &format!("tenant {}", entry.slug)))?;
        let Some((tenant, change)) = made else { return Ok(()) };
        self.changes.push(change);
        self.unit.narrow(&tenant);
        let tenant = Arc::new(tenant);
        let permit = self.authority.over(self.admin.app, Arc::clone(&tenant))?;
        // What is removed comes first: an address that it had is free for another then.
        let operators_gone = self.prune(&tenant, &permit, entry).await?;
        for client in entry.clients.iter().flatten() {
            self.client(&tenant, &permit, client).await?;
        }
        let mut users = Vec::new();
        for user in entry.users.iter().flatten() {
            users.push(self.user(&tenant, &permit, user).await?);
        }
        keeps_an_operator(&operators_gone, &users)
    }

    /// Makes a tenant; `None` where its keys are missing, for then this run does not last, and what
    /// is in the tenant may wait for the next.
    async fn new_tenant(
        &mut self,
        entry: &TenantEntry,
    ) -> Result<Option<(Tenant, Change)>, AdminError> {
        let everywhere = self.authority.everywhere(Action::OperateInstallation)?;
        let mut whole = serde_json::json!({});
        merge(&mut whole, entry.patch.clone());
        let input: TenantInput = read(&whole)?;
        let alg = input.settings.signing_alg;
        let Some(made) = self.ready.new_tenant(&entry.slug, alg) else {
            tenants::draft_tenant(self.admin, self.admin.app.effects.id::<TenantId>(), input)?;
            self.needs.push(Need::Keys { slug: entry.slug.clone(), alg });
            return Ok(None);
        };
        let tenant = tenants::draft_tenant(self.admin, made.id, input)?;
        self.unit.narrow(&tenant);
        tenants::add_tenant(self.admin, &everywhere, &mut self.unit, &tenant, &made.keys).await?;
        Ok(Some((tenant, Change::new(What::Created, format!("tenant {}", entry.slug)))))
    }

    async fn existing_tenant(
        &mut self,
        found: Tenant,
        entry: &TenantEntry,
    ) -> Result<(Tenant, Change), AdminError> {
        let target = format!("tenant {}", entry.slug);
        let wanted = tenants::patched(&found, entry.patch.clone())?;
        if tenants::is_as(&found, &wanted) {
            return Ok((found, Change::new(What::Unchanged, target)));
        }
        self.unit.narrow(&found);
        // Read again, now that nobody else changes it.
        let old = self.unit.take_tenant(found.id).await?.ok_or(AdminError::NotFound)?;
        let permit = self.authority.over(self.admin.app, Arc::new(old.clone()))?;
        let wanted = tenants::patched(&old, entry.patch.clone())?;
        let tenant =
            tenants::change_tenant(self.admin, &permit, &mut self.unit, &old, wanted).await?;
        let fields = differences(&tenants::members_of(&old), &tenants::members_of(&tenant));
        Ok((tenant, Change::changed(target, fields)))
    }

    /// Removes what the file does not name, where it has a list; answers the operators among it.
    async fn prune(
        &mut self,
        tenant: &Tenant,
        permit: &Permit,
        entry: &TenantEntry,
    ) -> Result<Vec<String>, AdminError> {
        if *self.prune == Prune::Nothing {
            return Ok(Vec::new());
        }
        let names = |entries: &[Entry], key: fn(&str) -> String| -> HashSet<String> {
            entries.iter().map(|entry| key(&entry.name)).collect()
        };
        if let Some(clients) = &entry.clients {
            self.prune_clients(tenant, permit, &names(clients, str::to_owned)).await?;
        }
        match &entry.users {
            Some(users) => self.prune_users(tenant, permit, &names(users, User::key)).await,
            None => Ok(Vec::new()),
        }
    }
}
