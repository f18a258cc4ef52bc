//! The command line. Exit status 0 done, 1 failed, 2 wrong usage; every error is one line.

mod apply;
mod client;
mod confirm;
mod doctor;
mod key;
mod log;
mod migrate;
mod output;
mod restore;
mod serve;
mod session;
mod tenant;
mod token;
mod user;

pub use apply::describe_changes;
pub use doctor::Finding;
pub use output::{Format, TableRow, format_list};

use std::{process::ExitCode, sync::Arc};

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing::Instrument as _;

use crate::{
    accounts::Accounts,
    admin::{self, Admin, AdminError, Authority, Permit},
    config::Config,
    domain::RequestId,
    effects::Effects,
    installation::Installation,
    storage::{Pool, Storage},
};

/// A multi-tenant OAuth 2.0 / OpenID Connect authorization server.
#[derive(Parser)]
#[command(name = "portcullis", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Arguments),
    /// Bring the database to this version; safe to run twice, and from two nodes at once
    Migrate,
    /// Make tenants, clients, users and keys what a file says (YAML or JSON)
    Apply(apply::Arguments),
    /// Write the file that makes what is there; secrets are left out
    Export(apply::ExportArguments),
    /// Tenants
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Clients
    #[command(subcommand)]
    Client(client::Command),
    /// Users
    #[command(subcommand)]
    User(user::Command),
    /// Sessions
    #[command(subcommand)]
    Session(session::Command),
    /// Signing keys
    #[command(subcommand)]
    Key(key::Command),
    /// Mint an access token for the admin API
    Token(token::Arguments),
    /// End everything of before: after the database was restored from a backup
    Restore(restore::Arguments),
    /// Check database, Redis, keys, clock and base URL
    Doctor,
}

/// The tenant that a command works in.
#[derive(clap::Args)]
struct TenantArgument {
    /// The tenant's slug
    #[arg(long = "tenant", value_name = "TENANT")]
    slug: String,
}

/// What went wrong, in one line that says what to do.
struct Failure(String);

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        // Names out of a file or a database stand in it: they must not speak to the terminal.
        Self(error.to_string().replace(char::is_control, " "))
    }
}

type Done = Result<(), Failure>;

/// Every command and its arguments, as the help describes them.
pub fn arguments() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    // rustls asks which cryptography to use before the first rediss:// or TLS connection.
    // It is already installed where a second call finds it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("portcullis: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Done {
    let config = Config::load()?;
    log::start(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let span = match command {
        // Its requests have ids of their own.
        Command::Serve(_) => tracing::Span::none(),
        _ => tracing::error_span!("command", request_id = tracing::field::Empty),
    };
    let done = runtime.block_on(dispatch(command, config).instrument(span));
    // A password that is still being hashed is nobody's any more: its answer has been given up.
    runtime.shutdown_background();
    done
}

async fn dispatch(command: Command, config: Config) -> Done {
    match command {
        Command::Serve(arguments) => serve::run(arguments, config).await,
        Command::Migrate => migrate::run(&config).await,
        Command::Restore(arguments) => restore::run(&arguments, &config).await,
        Command::Doctor => doctor::run(&config).await,
        Command::Apply(arguments) => apply::run(arguments, config).await,
        Command::Export(arguments) => apply::export(arguments, config).await,
        Command::Tenant(command) => tenant::run(command, Shell::open(config).await?).await,
        Command::Client(command) => client::run(command, Shell::open(config).await?).await,
        Command::User(command) => user::run(command, Shell::open(config).await?).await,
        Command::Session(command) => session::run(command, Shell::open(config).await?).await,
        Command::Key(command) => key::run(command, Shell::open(config).await?).await,
        Command::Token(arguments) => token::run(&arguments, Shell::open(config).await?).await,
    }
}

async fn open_storage(config: &Config) -> Result<Storage, Failure> {
    Ok(Storage::new(Pool::open(config.database_url(), config.database_connections).await?))
}

/// The installation as a person with a shell on the server works with it.
struct Shell {
    app: Arc<Installation>,
    accounts: Accounts,
    authority: Authority,
}

impl Shell {
    /// Opens the installation; its database must be at this version.
    async fn open(config: Config) -> Result<Self, Failure> {
        let storage = open_storage(&config).await?;
        if let Some(first) = storage.pending_migrations().await?.first() {
            return Err(Failure(format!(
                "the database lacks migration {first}: run `portcullis migrate`"
            )));
        }
        Self::over(config, storage).await
    }

    /// Opens the installation and brings its database to this version first.
    async fn open_migrated(config: Config) -> Result<Self, Failure> {
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

    fn admin(&self) -> Admin<'_> {
        Admin { app: &self.app, accounts: &self.accounts }
    }

    async fn permit(&self, slug: &str) -> Result<Permit, Failure> {
        match admin::find_tenant(&self.admin(), slug).await {
            Ok(tenant) => Ok(self.authority.over(&self.app, tenant)?),
            Err(AdminError::NotFound) => {
                Err(Failure(format!("no tenant {slug}: see `portcullis tenant list`")))
            }
            Err(other) => Err(other.into()),
        }
    }
}

/// Gathers every page of a list.
async fn all_pages<T, F, W>(mut page: F) -> Result<Vec<T>, Failure>
where
    F: FnMut(String) -> W,
    W: Future<Output = Result<admin::Listed<T>, AdminError>>,
{
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let listed = page(after).await?;
        items.extend(listed.items);
        match listed.next {
            Some(next) => after = next,
            None => return Ok(items),
        }
    }
}

/// "not found" with a name to it.
fn named<T>(result: Result<T, AdminError>, what: &str) -> Result<T, Failure> {
    result.map_err(|error| match error {
        AdminError::NotFound => Failure(format!("no {what}")),
        other => other.into(),
    })
}
