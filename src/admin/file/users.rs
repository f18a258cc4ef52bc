//! One user of the file.

use super::{
    Entry,
    apply::Run,
    change::{Change, FieldChange, What, differences},
    in_context,
    preparations::{Known, Need},
};
use crate::{
    accounts::Accounts,
    admin::{
        AdminError, Permit, UserInput,
        input::{merge, read},
        users::{self, Given},
    },
    domain::{Tenant, User},
};

/// A password that is to be stored.
struct NewPassword {
    /// The member that gave it.
    field: &'static str,
    /// `None` where it is still to be made.
    hash: Option<String>,
}

impl Run<'_> {
    pub(super) async fn user(
        &mut self,
        tenant: &Tenant,
        permit: &Permit,
        entry: &Entry,
    ) -> Result<User, AdminError> {
        self.unit.check_time()?;
        let applied = self.applied_user(tenant, permit, entry).await;
        let context = || format!("tenant {}, user {}", tenant.slug, entry.name);
        let (change, user) = applied.map_err(|why| in_context(why, &context()))?;
        self.changes.push(change);
        Ok(user)
    }

    async fn applied_user(
        &mut self,
        tenant: &Tenant,
        permit: &Permit,
        entry: &Entry,
    ) -> Result<(Change, User), AdminError> {
        let (admin, target) = (self.admin, format!("user {}/{}", tenant.slug, entry.name));
        let Some(found) = self.unit.tenant(tenant).find_user_by_username(&entry.name).await? else {
            let mut whole = serde_json::json!({});
            merge(&mut whole, entry.patch.clone());
            let input: UserInput = read(&whole)?;
            let mut user = users::draft_user(admin, permit, &input)?;
            user.password_hash =
                self.new_password(tenant, entry, &input, None)?.and_then(|new| new.hash);
            users::add_user(admin, permit, &mut self.unit.tenant(tenant), &user).await?;
            return Ok((Change::new(What::Created, target), user));
        };
        let wanted = users::patched(&found, entry.patch.clone())?;
        let new_password =
            self.new_password(tenant, entry, &wanted, found.password_hash.as_deref())?;
        if new_password.is_none() && users::is_as(&found, &wanted) {
            return Ok((Change::new(What::Unchanged, target), found));
        }
        // Read again, now that nobody else changes it.
        let old =
            self.unit.tenant(tenant).take_user(found.id).await?.ok_or(AdminError::NotFound)?;
        let wanted = users::patched(&old, entry.patch.clone())?;
        let new_password =
            self.new_password(tenant, entry, &wanted, old.password_hash.as_deref())?;
        let (hash, field) = new_password.map(|new| (new.hash, new.field)).unzip();
        let store = &mut self.unit.tenant(tenant);
        let user = users::change_user(admin, permit, store, &old, wanted, hash.flatten()).await?;
        let mut fields = differences(&users::members_of(&old), &users::members_of(&user));
        fields.extend(field.map(FieldChange::secret));
        Ok((Change::changed(target, fields), user))
    }

    /// The password that the file gives, where it is not the one that is `stored`.
    fn new_password(
        &mut self,
        tenant: &Tenant,
        entry: &Entry,
        input: &UserInput,
        stored: Option<&str>,
    ) -> Result<Option<NewPassword>, AdminError> {
        let password = match users::given_password(input)? {
            Given::Nothing => return Ok(None),
            Given::Hash(hash)
                if stored.is_some_and(|stored| Accounts::stands_for(stored, hash)) =>
            {
                return Ok(None);
            }
            Given::Hash(hash) => {
                return Ok(Some(NewPassword {
                    field: "password_hash",
                    hash: Some(hash.to_owned()),
                }));
            }
            Given::Password(password) => password,
        };
        let hash = match self.ready.password(&tenant.slug, &entry.name, stored) {
            Known::Same => return Ok(None),
            Known::Other(hash) => Some(hash.to_owned()),
            Known::Nothing => {
                self.needs.push(Need::Password {
                    tenant: Box::new(tenant.clone()),
                    input: Box::new(input.clone()),
                    user: entry.name.clone(),
                    password: password.clone(),
                    stored: stored.map(str::to_owned),
                });
                None
            }
        };
        Ok(Some(NewPassword { field: "password", hash }))
    }
}
