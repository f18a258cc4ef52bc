//! The installation as a person with a shell on the server works with it.

use std::sync::Arc;

use super::{Failure, door::Here};
use crate::{
    accounts::Accounts,
    admin::{self, Admin, AdminError, Authority, Permit},
    config::Config,
    domain::RequestId,
    effects::Effects,
    installation::Installation,
    storage::{Pool, Storage},
    views::Renderer,
    web::Site,
};

/// Opens the database.
pub(super) async fn open_storage(config: &Config) -> Result<Storage, Failure> {
    Ok(Storage::new(Pool::open(config.database_url(), config.database_connections).await?))
}

/// The installation as a person with a shell on the server works with it.
pub(super) struct Shell {
    pub(super) app: Arc<Installation>,
    accounts: Accounts,
    pub(super) authority: Authority,
}

impl Shell {
    /// Opens the installation; its database must be there, and at this version.
    pub(super) async fn open(config: Config) -> Result<Self, Failure> {
        if !config.has_database() {
            return Err(Failure(format!(
                "there is no database here ({}) and no server was named: run `portcullis serve` or `portcullis migrate` to \
                 make one, set PORTCULLIS_DATABASE_URL, or sign in to a server by `portcullis login --server URL`",
                config.database_url()
            )));
        }
        let storage = open_storage(&config).await?;
        if let Some(first) = storage.pending_migrations().await?.first() {
            return Err(Failure(format!(
                "the database lacks migration {first}: run `portcullis migrate`"
            )));
        }
        Self::over(config, storage).await
    }

    /// Opens the installation and brings its database to this version first.
    pub(super) async fn open_migrated(config: Config) -> Result<Self, Failure> {
        let storage = open_storage(&config).await?;
        storage.migrate().await?;
        Self::over(config, storage).await
    }

    async fn over(config: Config, storage: Storage) -> Result<Self, Failure> {
        storage.check().await?;
        let app = Installation::start(config, Effects::system(), storage).await?;
        let accounts = Accounts::new(Arc::clone(&app));
        let id = RequestId::from_bytes(app.effects.label());
        tracing::Span::current().record("request_id", tracing::field::display(id));
        let shell = Self { app, accounts, authority: Authority::of_shell().with_id(id) };
        admin::ensure_system_tenant(&shell.admin()).await?;
        Ok(shell)
    }

    pub(super) fn admin(&self) -> Admin<'_> {
        Admin { app: &self.app, accounts: &self.accounts }
    }

    pub(super) async fn permit(&self, slug: &str) -> Result<Permit, Failure> {
        match admin::find_tenant(&self.admin(), slug).await {
            Ok(tenant) => Ok(self.authority.over(&self.app, tenant)?),
            Err(AdminError::NotFound) => {
                Err(Failure(format!("no tenant {slug}: see `portcullis tenant list`")))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The admin API over it.
    pub(super) async fn door(self) -> Result<Here, Failure> {
        let Self { app, accounts, authority } = self;
        let site = Site::new(app, Arc::new(accounts), Renderer::new()?);
        Here::open(Arc::new(site), authority).await
    }
}
