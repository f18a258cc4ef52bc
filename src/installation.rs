//! One running installation: everything that a use case may use.

use std::{path::Path, sync::Arc};

use secrecy::ExposeSecret;
use tokio::sync::Notify;

use crate::{
    changes::{Mirror, Parts, Revocations},
    config::Config,
    domain::{GrantType, NodeId, Tenant},
    effects::Effects,
    events::AuditLog,
    jobs::{Jobs, Work},
    keys::{Keystore, MasterKey, MasterKeyError},
    memory::{Directory, View, Written},
    storage::{EveryTenant, Storage, StorageError},
    throttle::{self, Throttle},
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
    /// Each tenant's metadata, written from the tenant and the grants that its clients may use.
    pub metadata: Written<Tenant, Vec<GrantType>>,
    /// How far this node has followed the events, and how old everything in memory is.
    pub view: Arc<View>,
    /// Every tenant's keys.
    pub keys: Arc<Keystore>,
    /// What no longer counts.
    pub revocations: Arc<Revocations>,
    /// What is done beside the requests.
    pub jobs: Jobs,
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
    pub async fn start(
        config: Config,
        effects: Effects,
        storage: Storage,
    ) -> Result<Arc<Self>, StartError> {
        let master = master_key_of(&storage, &config.master_key_file, &effects).await?;
        let view = Arc::new(View::default());
        let keys = Arc::new(Keystore::new(master, storage.clone(), Arc::clone(&view)));
        let directory = Arc::new(Directory::new(storage.clone(), Arc::clone(&view)));
        let installation = storage.read_installation().await?.installation().await?;
        let wake = Arc::new(Notify::new());
        let mirror = match &config.redis_url {
            Some(url) => {
                let connected =
                    Mirror::connect(url.expose_secret(), installation, Arc::clone(&wake)).await;
                Some(connected.map_err(|why| StartError::Redis(why.to_string()))?)
            }
            None => None,
        };
        let revocations = Arc::new(Revocations::new(Parts {
            node: effects.id::<NodeId>(),
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
        let client_failures = Throttle::new(effects.clock(), throttle::CLIENT_FAILURES);
        let revoking = Throttle::new(effects.clock(), throttle::REVOCATIONS);
        let jobs = Jobs::default();
        Ok(Arc::new(Self {
            config,
            effects,
            storage,
            directory,
            metadata: Written::new(10_000),
            view,
            keys,
            revocations,
            jobs,
            audit,
            client_failures,
            revoking,
        }))
    }

    /// Begins with what is done beside the requests.
    pub fn begin(&self) {
        let (effects, storage) = (self.effects.clone(), self.storage.clone());
        self.jobs.start(Work { effects, storage, revocations: Arc::clone(&self.revocations) });
    }

    /// Stops that, writes what waits, and says good-bye to the other nodes.
    pub async fn end(&self) {
        self.jobs.stop();
        self.audit.flush().await;
        if let Err(why) = self.revocations.leave().await {
            tracing::warn!(error = %why, "this node could not say good-bye: others wait until its lease is over");
        }
    }

    /// The issuer of `tenant`.
    pub fn issuer(&self, tenant: &Tenant) -> String {
        self.config.issuer(&tenant.slug)
    }
}

/// The key that the database was sealed under; for a database that has none yet, the one in the file,
/// which is made where there is none. Nothing is written where the two do not go together.
pub(crate) async fn master_key_of(
    storage: &Storage,
    file: &Path,
    effects: &Effects,
) -> Result<MasterKey, StartError> {
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
