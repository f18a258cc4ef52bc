//! One client of the file.

use super::{
    Entry,
    apply::Run,
    change::{Change, FieldChange, What, differences},
    in_context,
};
use crate::{
    admin::{AdminError, ClientInput, Permit, clients, input::merge},
    domain::Tenant,
};

impl Run<'_> {
    pub(super) async fn client(
        &mut self,
        tenant: &Tenant,
        permit: &Permit,
        entry: &Entry,
    ) -> Result<(), AdminError> {
        self.unit.check_time()?;
        let applied = self.applied_client(tenant, permit, entry).await;
        let change = applied.map_err(|why| {
            in_context(why, &format!("tenant {}, client {}", tenant.slug, entry.name))
        })?;
        self.changes.push(change);
        Ok(())
    }

    async fn applied_client(
        &mut self,
        tenant: &Tenant,
        permit: &Permit,
        entry: &Entry,
    ) -> Result<Change, AdminError> {
        let (admin, target) = (self.admin, format!("client {}/{}", tenant.slug, entry.name));
        let mut store = self.unit.tenant(tenant);
        let Some(found) = store.find_client(&entry.name).await? else {
            let mut whole = serde_json::json!({});
            merge(&mut whole, entry.patch.clone());
            let (client, secret) =
                clients::draft_client(admin, permit, ClientInput::from_value(whole)?)?;
            clients::add_client(admin, permit, &mut store, &client).await?;
            // A secret that is not stored is nobody's.
            let secret = secret.filter(|_| !self.dry_run);
            return Ok(Change { secret, ..Change::new(What::Created, target) });
        };
        let now = admin.app.effects.now();
        let wanted = clients::patched(&found, entry.patch.clone())?;
        let has_secret = |secret| clients::has_secret(&found, secret, now);
        if wanted.metadata == found.metadata && wanted.client_secret.as_ref().is_none_or(has_secret)
        {
            return Ok(Change::new(What::Unchanged, target));
        }
        // Read again, now that nobody else changes it.
        let old = store.take_client(&entry.name).await?.ok_or(AdminError::NotFound)?;
        let wanted = clients::patched(&old, entry.patch.clone())?;
        let mut client = old.clone();
        if wanted.metadata != old.metadata {
            client =
                clients::change_client(admin, permit, &mut store, client, wanted.metadata).await?;
        }
        let mut fields = differences(&clients::members_of(&old)?, &clients::members_of(&client)?);
        if let Some(secret) =
            wanted.client_secret.filter(|secret| !clients::has_secret(&client, secret, now))
        {
            clients::give_secret(admin, permit, &mut store, &client, &secret).await?;
            fields.push(FieldChange::secret("client_secret"));
        }
        Ok(Change::changed(target, fields))
    }
}
