//! Each tenant's keys, opened and held in memory.

use std::sync::Arc;

use super::{
    KeyError, Mac, MasterKey, Purpose, TokenRejected, TokenType, generate::PrivateKey,
    jwt::VerifyingKey, verified::Verified,
};
use crate::{
    domain::{KeyState, SigningAlg, SigningKey, Tenant, TenantId, Timestamp},
    memory::{Cache, View},
    protocol::AccessTokenClaims,
    storage::Storage,
    turns::{Standing, Turns},
};

pub(super) struct ActiveKey {
    pub(super) kid: String,
    pub(super) alg: SigningAlg,
    pub(super) key: PrivateKey,
}

/// The keys of one tenant.
pub struct TenantKeys {
    pub(super) active: ActiveKey,
    pub(super) verifying: Vec<VerifyingKey>,
    jwks: String,
}

impl TenantKeys {
    fn open(master: &MasterKey, keys: &[SigningKey]) -> Result<Self, KeyError> {
        if keys.is_empty() {
            return Err(KeyError::Gone);
        }
        let signing = keys.iter().find(|key| key.state == KeyState::Active);
        let signing = signing.ok_or(KeyError::Broken("the tenant has no active key"))?;
        let private = master.open(signing.tenant_id, &signing.kid, &signing.sealed_private);
        let private =
            private.ok_or(KeyError::Broken("the master key does not open this tenant's keys"))?;
        let verifying = keys
            .iter()
            .map(|key| VerifyingKey::new(&key.kid, key.alg, &key.public_jwk))
            .collect::<Result<_, _>>()?;
        let public: Vec<&serde_json::Value> = keys.iter().map(|key| &key.public_jwk).collect();
        Ok(Self {
            active: ActiveKey {
                kid: signing.kid.clone(),
                alg: signing.alg,
                key: PrivateKey::parse(signing.alg, &private)?,
            },
            verifying,
            jwks: serde_json::json!({ "keys": public }).to_string(),
        })
    }

    /// The public keys, a JWK Set (RFC 7517 §5), as JSON.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// The `kid` of the key that signs.
    pub fn active_kid(&self) -> &str {
        &self.active.kid
    }
}

/// The keys of every tenant.
pub struct Keystore {
    master: Arc<MasterKey>,
    /// Making an RSA key holds a core for a while.
    making: Turns,
    storage: Storage,
    view: Arc<View>,
    cache: Cache<TenantId, Arc<TenantKeys>>,
    /// Derived of the master key alone, so there is nothing by which one could grow old.
    macs: moka::sync::Cache<(Purpose, Option<TenantId>), Arc<Mac>>,
    verified: Verified,
}

impl Keystore {
    /// A keystore that opens keys with `master`, and holds them as long as `view` is fresh.
    pub fn new(master: MasterKey, storage: Storage, view: Arc<View>) -> Self {
        Self {
            master: Arc::new(master),
            making: Turns::new(1),
            storage,
            view,
            cache: Cache::new(10_000),
            macs: moka::sync::Cache::new(10_000),
            verified: Verified::new(),
        }
    }

    /// A key that tells what this server has made for `purpose`, at `tenant` alone where one is given.
    pub fn mac(&self, purpose: Purpose, tenant: Option<TenantId>) -> Arc<Mac> {
        let derived = || Arc::new(self.master.mac(purpose, tenant));
        self.macs.get_with((purpose, tenant), derived)
    }

    /// The key that passwords are peppered with.
    pub fn pepper(&self) -> Mac {
        self.master.pepper()
    }

    /// A new signing key of a tenant, made beside the requests, one at a time.
    ///
    /// # Errors
    /// [`KeyError::Busy`] where too many wait for one, [`KeyError::Broken`] where the cryptographic
    /// library refuses.
    pub async fn new_signing_key(
        &self,
        id: TenantId,
        alg: SigningAlg,
        state: KeyState,
        now: Timestamp,
    ) -> Result<SigningKey, KeyError> {
        let turn = self.making.wait(id, Standing::Known, 1).await.map_err(|_| KeyError::Busy)?;
        let master = Arc::clone(&self.master);
        let made = tokio::task::spawn_blocking(move || {
            let key = master.new_signing_key(id, alg, state, now);
            drop(turn);
            key
        });
        made.await.map_err(|_| KeyError::Broken("no key could be made"))?
    }

    /// The keys of a tenant.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn of(&self, tenant: &Tenant) -> Result<Arc<TenantKeys>, KeyError> {
        let load = async || {
            let keys = self.storage.read(tenant).await?.tenant(tenant).list_keys().await?;
            TenantKeys::open(&self.master, &keys).map(|keys| Some(Arc::new(keys)))
        };
        let keys = self.cache.find_or(tenant.id, self.view.is_fresh(), load).await?;
        keys.ok_or(KeyError::Gone)
    }

    /// The claims of an access token that `keys` of `tenant` signed ([`TenantKeys::verify`]).
    ///
    /// # Errors
    /// [`TokenRejected`]. Expiry and endings are for the caller to check.
    pub fn verify_access_token(
        &self,
        tenant: TenantId,
        keys: &TenantKeys,
        token: &str,
    ) -> Result<Arc<AccessTokenClaims>, TokenRejected> {
        let verify = || keys.verify_named(TokenType::Access, token);
        self.verified.find_or(tenant, token, |kid| keys.know(kid), verify)
    }

    /// Forgets what is held of a tenant.
    pub fn forget(&self, tenant: TenantId) {
        self.cache.forget(&tenant);
    }

    /// Forgets everything that is held.
    pub fn forget_all(&self) {
        self.cache.forget_all();
    }
}
