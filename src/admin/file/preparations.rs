//! What takes long and comes before the transaction: hashes of passwords, and keys.

use std::collections::HashMap;

use secrecy::SecretString;

use super::in_context;
use crate::{
    accounts::PasswordOwner,
    admin::{Admin, AdminError, UserInput, tenants},
    domain::{SigningAlg, SigningKey, Slug, Tenant, TenantId},
};

/// What a run of the file has found to be missing.
pub(super) enum Need {
    /// The identifier and the first keys of a new tenant.
    Keys { slug: Slug, alg: SigningAlg },
    /// Whether a password is the one that is stored already, and its hash where it is not.
    Password {
        tenant: Box<Tenant>,
        input: Box<UserInput>,
        user: String,
        password: SecretString,
        stored: Option<String>,
    },
}

/// What was made, and what it was made for: a run takes it only where that still is so.
#[derive(Default)]
pub(super) struct Preparations {
    tenants: HashMap<Slug, NewTenant>,
    passwords: HashMap<(Slug, String), Password>,
}

pub(super) struct NewTenant {
    pub(super) id: TenantId,
    pub(super) keys: [SigningKey; 2],
    alg: SigningAlg,
}

#[derive(Default)]
struct Password {
    hash: Option<String>,
    /// Whether it is behind each of the stored hashes that were seen.
    behind: HashMap<String, bool>,
}

/// What is known of a password that the file gives.
pub(super) enum Known<'a> {
    /// It is the one that is stored.
    Same,
    /// It is another; its hash.
    Other(&'a str),
    /// Nothing yet, or nothing of the hash that is stored by now.
    Nothing,
}

impl Preparations {
    pub(super) fn new_tenant(&self, slug: &Slug, alg: SigningAlg) -> Option<&NewTenant> {
        self.tenants.get(slug).filter(|made| made.alg == alg)
    }

    pub(super) fn password(&self, slug: &Slug, user: &str, stored: Option<&str>) -> Known<'_> {
        let Some(known) = self.passwords.get(&(slug.clone(), user.to_owned())) else {
            return Known::Nothing;
        };
        match stored.map(|stored| known.behind.get(stored)) {
            Some(None) => Known::Nothing,
            Some(Some(true)) => Known::Same,
            Some(Some(false)) | None => known.hash.as_deref().map_or(Known::Nothing, Known::Other),
        }
    }

    /// Makes what is missing.
    pub(super) async fn make(
        &mut self,
        admin: &Admin<'_>,
        needs: Vec<Need>,
    ) -> Result<(), AdminError> {
        for need in needs {
            match need {
                Need::Keys { slug, alg } => {
                    let id = admin.app.effects.id::<TenantId>();
                    let keys = tenants::first_keys(admin, id, alg).await?;
                    self.tenants.insert(slug, NewTenant { id, keys, alg });
                }
                Need::Password { tenant, input, user, password, stored } => {
                    let context = format!("tenant {}, user {user}", tenant.slug);
                    let known = self.passwords.entry((tenant.slug.clone(), user)).or_default();
                    let made = known.learn(admin, &tenant, &input.owner(), &password, stored).await;
                    made.map_err(|why| in_context(why, &context))?;
                }
            }
        }
        Ok(())
    }
}

impl Password {
    async fn learn(
        &mut self,
        admin: &Admin<'_>,
        tenant: &Tenant,
        owner: &PasswordOwner<'_>,
        password: &SecretString,
        stored: Option<String>,
    ) -> Result<(), AdminError> {
        if let Some(stored) = stored {
            let is_behind = admin.accounts.matches(tenant, password, &stored).await?;
            self.behind.insert(stored, is_behind);
            if is_behind {
                return Ok(());
            }
        }
        if self.hash.is_none() {
            self.hash = Some(admin.hash(tenant, owner, password).await?);
        }
        Ok(())
    }
}
