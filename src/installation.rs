//! One running installation: everything that a use case may use.

use std::{borrow::Cow, path::Path, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;

use crate::{
    config::Config,
    domain::{NodeId, Origin, Tenant, User},
    effects::Effects,
    events::AuditLog,
    keys::{Keystore, MasterKey, MasterKeyError},
    revocation::{Mirror, Parts, Revocations},
    storage::{Directory, EveryTenant, Storage, StorageError, View},
    throttle::Throttle,
};

/// The parts of a running server, shared by all requests.
pub struct Installation {
    /// What the operator decided.
    pub config: Config,
    /// Time and randomness.
    pub effects: Effects,
    /// The database.
    pub storage: Storage,
    /// Tenants and clients from memory.
    pub directory: Arc<Directory>,
    /// How far this node has followed the events, and how old everything in memory is.
    pub view: Arc<View>,
    /// Every tenant's keys.
    pub keys: Arc<Keystore>,
    /// What no longer counts.
    pub revocations: Arc<Revocations>,
    /// The audit trail.
    pub audit: AuditLog,
    /// Failed client authentications, by tenant, client and address.
    pub client_failures: Throttle,
    /// Revocations of single tokens, by tenant, client and subject: each is remembered by every
    /// node as long as the token lives.
    pub revoking: Throttle,
}

/// An installation that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The master key cannot be used.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The database cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// `PORTCULLIS_REDIS_URL` is no Redis URL.
    #[error("PORTCULLIS_REDIS_URL: {0}")]
    Redis(String),
}

impl Installation {
    /// Puts the parts together over `storage`.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config, effects: Effects, storage: Storage) -> Result<Arc<Self>, StartError> {
        let master = master_key_of(&storage, &config.master_key_file, &effects).await?;
        let view = Arc::new(View::default());
        let keys = Arc::new(Keystore::new(master, storage.clone(), Arc::clone(&view)));
        let directory = Arc::new(Directory::new(storage.clone(), Arc::clone(&view)));
        let installation = storage.read_installation().await?.installation().await?;
        let wake = Arc::new(Notify::new());
        let mirror = match &config.redis_url {
            Some(url) => {
                let connected = Mirror::connect(url.expose_secret(), installation, Arc::clone(&wake)).await;
                Some(connected.map_err(|why| StartError::Redis(why.to_string()))?)
            }
            None => None,
        };
        let revocations = Arc::new(Revocations::new(Parts {
            node: NodeId::new(&effects),
            storage: storage.clone(),
            view: Arc::clone(&view),
            directory: Arc::clone(&directory),
            keys: Arc::clone(&keys),
            mirror,
            wake,
            installation,
        }));
        storage.listen(Arc::clone(&revocations) as _);
        let audit = AuditLog::start(effects.clone(), storage.clone());
        let client_failures = Throttle::new(effects.clock(), 100, 1);
        let revoking = Throttle::per(effects.clock(), 1000, 50);
        let parts =
            Self { config, effects, storage, directory, view, keys, revocations, audit, client_failures, revoking };
        Ok(Arc::new(parts))
    }

    /// The issuer of `tenant`.
    pub fn issuer(&self, tenant: &Tenant) -> String {
        self.config.issuer(&tenant.slug)
    }
}

/// The key that the database was sealed under; for a database that has none yet, the one in the file,
/// which is made where there is none. Nothing is written where the two do not go together.
pub(crate) async fn master_key_of(storage: &Storage, file: &Path, effects: &Effects) -> Result<MasterKey, StartError> {
    let mismatch = || StartError::from(MasterKeyError::not_the_databases(file));
    let known = storage.read_installation().await?.master_key_check().await?;
    if known.is_some() && !file.exists() {
        return Err(mismatch());
    }
    let master = MasterKey::load_or_create(file, effects)?;
    let known = match known {
        Some(known) => known,
        // Of two nodes that start at once, each with a key of its own, one is told so.
        None => {
            let mut unit = storage.write(EveryTenant::Installation).await?;
            let known = unit.claim_master_key(&master.check_value()).await?;
            unit.commit().await?;
            known
        }
    };
    if known == master.check_value() { Ok(master) } else { Err(mismatch()) }
}

/// Why a sign-in was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInRefused {
    /// Name or password is wrong, or the user may not sign in: told apart in the trail alone.
    Credentials,
    /// Too many tries; seconds to wait.
    Throttled(u64),
    /// The server is busy hashing; seconds to wait.
    Busy(u64),
    /// The database is away.
    Away,
}

/// Tells users by name and password. The password grant and the console ask it; accounts answer.
#[async_trait::async_trait]
pub trait SignIn: Send + Sync + 'static {
    /// The user with this name and password.
    async fn check(
        &self,
        tenant: &Tenant,
        username: &str,
        password: &SecretString,
        origin: &Origin,
    ) -> Result<User, SignInRefused>;
}

/// Whose a password shall be: what everybody knows of them is tried first.
#[derive(Debug, Clone, Copy)]
pub struct PasswordOwner<'a> {
    /// The name they sign in with.
    pub username: &'a str,
    /// Their e-mail address.
    pub email: Option<&'a str>,
    /// Their name for people.
    pub name: Option<&'a str>,
}

/// Why no hash was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashRefused {
    /// The password is too short, too long or too well known: words for the person who chose it.
    Password(Cow<'static, str>),
    /// Too many are being hashed.
    Busy,
}

/// Makes password hashes. The admin's use cases ask it; accounts answer.
#[async_trait::async_trait]
pub trait PasswordHasher: Send + Sync + 'static {
    /// The hash to store for `password`, which `owner` shall have.
    ///
    /// # Errors
    /// [`HashRefused`].
    async fn hash(
        &self,
        tenant: &Tenant,
        owner: &PasswordOwner<'_>,
        password: &SecretString,
    ) -> Result<String, HashRefused>;

    /// Whether a hash that was made elsewhere can be verified here.
    ///
    /// # Errors
    /// What would be right, in words.
    fn check_hash(&self, hash: &str) -> Result<(), &'static str>;

    /// Whether `stored` is `given`, or what a sign-in has made of it: whoever gives it again changes
    /// nothing.
    fn stands_for(&self, stored: &str, given: &str) -> bool;

    /// Whether `password` is behind `hash`.
    ///
    /// # Errors
    /// [`HashRefused::Busy`]: it was not found out.
    async fn matches(&self, tenant: &Tenant, password: &SecretString, hash: &str) -> Result<bool, HashRefused>;
}
