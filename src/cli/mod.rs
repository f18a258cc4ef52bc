//! The command line. Exit status 0 done, 1 failed, 2 wrong usage; every error is one line.

mod apply;
mod audit;
mod client;
mod confirm;
mod consent;
mod doctor;
mod door;
mod health;
mod init;
mod key;
mod log;
mod login;
mod loopback;
mod migrate;
mod output;
mod pages;
mod profiles;
mod restore;
mod serve;
mod session;
mod settings;
mod shell;
mod sign_in;
mod tenant;
mod token;
mod trial;
mod user;

pub use apply::describe_changes;
pub use doctor::Finding;
pub use output::{Format, format_list, format_one};

/// What the list of each command shows of its items.
pub mod columns {
    pub use super::{
        audit::COLUMNS as AUDIT, client::COLUMNS as CLIENTS, consent::COLUMNS as CONSENTS,
        key::COLUMNS as KEYS, session::COLUMNS as SESSIONS, tenant::COLUMNS as TENANTS,
        user::COLUMNS as USERS,
    };
}

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing::Instrument as _;

use crate::{admin::AdminError, config::Config, effects::Effects};
use door::{Door, There};
use output::Out;
use profiles::Profiles;
use shell::{Shell, open_storage};

/// A multi-tenant OAuth 2.0 / OpenID Connect authorization server.
#[derive(Parser)]
#[command(name = "portcullis", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    out: Out,
    /// Work at this server, over the network, as whoever signed in there by `portcullis login`
    #[arg(long, global = true, value_name = "URL", env = "PORTCULLIS_SERVER")]
    server: Option<String>,
    /// The same with a profile of `portcullis login`
    #[arg(long, global = true, value_name = "NAME", env = "PORTCULLIS_PROFILE")]
    profile: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Installation(OfInstallation),
    #[command(flatten)]
    Admin(OfAdmin),
    #[command(flatten)]
    Shell(OfShell),
}

/// What is done to the installation on this machine.
#[derive(Subcommand)]
enum OfInstallation {
    /// Run the server
    Serve(serve::Arguments),
    /// Bring the database to this version; safe to run twice, and from two nodes at once
    Migrate,
    /// Make tenants, clients, users and keys what a file says (YAML or JSON)
    Apply(apply::Arguments),
    /// Write the file that makes what is there; secrets are left out
    Export(apply::ExportArguments),
    /// Mint an access token for the admin API
    Token(token::Arguments),
    /// End everything of before: after the database was restored from a backup
    Restore(restore::Arguments),
    /// Check database, Redis, keys, clock and base URL
    Doctor,
    /// Ask the server on this machine whether it is ready: exit status 0 if it is
    Health,
    /// The configuration
    #[command(subcommand)]
    Config(settings::Command),
}

/// What the admin API does, here or at a server.
#[derive(Subcommand)]
enum OfAdmin {
    /// Begin: make a tenant, somebody to sign in and a client, write an .env, and print a program for it
    Init(init::Arguments),
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
    /// What users have allowed clients
    #[command(subcommand)]
    Consent(consent::Command),
    /// Signing keys
    #[command(subcommand)]
    Key(key::Command),
    /// The audit trail
    #[command(subcommand)]
    Audit(audit::Command),
}

/// What needs no installation.
#[derive(Subcommand)]
enum OfShell {
    /// Sign in to a server, to work at it over the network
    Login(login::Arguments),
    /// Sign out of a server
    Logout,
    /// The servers that were signed in to
    #[command(subcommand)]
    Profile(login::Command),
    /// Print what completes commands in a shell
    Completion(pages::CompletionArguments),
    /// Write the manual's pages
    Man(pages::ManArguments),
    /// Print the version
    Version,
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
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("portcullis: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Seconds since the Unix epoch, by this machine's clock.
fn now() -> u64 {
    u64::try_from(Effects::system().now().millis() / 1000).unwrap_or_default()
}

fn run(arguments: Arguments) -> Done {
    let Arguments { command, out, server, profile } = arguments;
    let place = Place { server, profile };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let span = match command {
        // Its requests have ids of their own.
        Command::Installation(OfInstallation::Serve(_)) => tracing::Span::none(),
        _ => tracing::error_span!("command", request_id = tracing::field::Empty),
    };
    let done = async {
        match command {
            Command::Shell(command) => of_shell(command, &place, out).await,
            Command::Admin(command) => {
                let door = match command {
                    OfAdmin::Init(_) => place.door_to_begin().await?,
                    _ => place.door().await?,
                };
                let work = Work { door, out };
                let done = of_admin(command, &work).await;
                work.door.close().await;
                done
            }
            Command::Installation(command) => of_installation(command, &place, out).await,
        }
    };
    let done = runtime.block_on(done.instrument(span));
    // A password that is still being hashed is nobody's any more: its answer has been given up.
    runtime.shutdown_background();
    done
}

async fn of_shell(command: OfShell, place: &Place, out: Out) -> Done {
    let Place { server, profile } = place;
    match command {
        OfShell::Login(arguments) => {
            login::run(arguments, server.clone(), profile.clone(), out).await
        }
        OfShell::Logout => login::log_out(server.as_deref(), profile.as_deref(), out).await,
        OfShell::Profile(command) => login::profiles(command, out),
        OfShell::Completion(arguments) => pages::completion(&arguments),
        OfShell::Man(arguments) => pages::man(&arguments),
        OfShell::Version => pages::version(out),
    }
}

async fn of_admin(command: OfAdmin, work: &Work) -> Done {
    match command {
        OfAdmin::Init(arguments) => init::run(arguments, work).await,
        OfAdmin::Tenant(command) => tenant::run(command, work).await,
        OfAdmin::Client(command) => client::run(command, work).await,
        OfAdmin::User(command) => user::run(command, work).await,
        OfAdmin::Session(command) => session::run(command, work).await,
        OfAdmin::Consent(command) => consent::run(command, work).await,
        OfAdmin::Key(command) => key::run(command, work).await,
        OfAdmin::Audit(command) => audit::run(command, work).await,
    }
}

async fn of_installation(command: OfInstallation, place: &Place, out: Out) -> Done {
    if place.is_elsewhere() {
        return Err(Failure(
            "this works on the machine of the server alone: leave --server out".into(),
        ));
    }
    let config = Config::load()?;
    log::start(&config);
    match command {
        OfInstallation::Serve(arguments) => serve::run(arguments, config).await,
        OfInstallation::Migrate => migrate::run(&config, out).await,
        OfInstallation::Restore(arguments) => restore::run(&arguments, &config, out).await,
        OfInstallation::Doctor => doctor::run(&config, out).await,
        OfInstallation::Health => health::run(&config, out).await,
        OfInstallation::Config(command) => settings::run(&command, &config, out),
        OfInstallation::Apply(arguments) => apply::run(arguments, config, out).await,
        OfInstallation::Export(arguments) => apply::export(arguments, config, out).await,
        OfInstallation::Token(arguments) => token::run(&arguments, config, out).await,
    }
}

/// Where a command works: at a server, or on this machine.
struct Place {
    server: Option<String>,
    profile: Option<String>,
}

/// What a command of the admin API works with.
struct Work {
    door: Door,
    out: Out,
}

impl Place {
    /// Whether a server was named. One that the environment names counts too: it was meant.
    fn is_elsewhere(&self) -> bool {
        self.server.is_some() || self.profile.is_some()
    }

    /// The door of the server that was named; else this machine's, where there is a database; else that of the
    /// server that was last signed in to.
    async fn door(&self) -> Result<Door, Failure> {
        if let Some(server) = &self.server {
            let found = Profiles::load()?.of_server(server);
            let (name, profile) = found
                .ok_or(format!("nobody is signed in there: portcullis login --server {server}"))?;
            return Ok(Door::There(Box::new(There::with(name, profile))));
        }
        if let Some(name) = &self.profile {
            let found = Profiles::load()?.find(Some(name));
            let (name, profile) =
                found.ok_or(format!("no profile {name}: see `portcullis profile list`"))?;
            return Ok(Door::There(Box::new(There::with(name, profile))));
        }
        let config = Config::load()?;
        log::start(&config);
        if !config.has_database()
            && let Some((name, profile)) = Profiles::load()?.find(None)
        {
            return Ok(Door::There(Box::new(There::with(name, profile))));
        }
        Ok(Door::Here(Box::new(Shell::open(config).await?.door().await?)))
    }

    /// The same for whoever begins: without a server that is named, this machine's database is made where there is
    /// none.
    async fn door_to_begin(&self) -> Result<Door, Failure> {
        if self.is_elsewhere() {
            return self.door().await;
        }
        let config = Config::load()?;
        log::start(&config);
        Ok(Door::Here(Box::new(Shell::open_migrated(config).await?.door().await?)))
    }
}

/// "not found" with a name to it.
fn named<T>(result: Result<T, AdminError>, what: &str) -> Result<T, Failure> {
    result.map_err(|error| match error {
        AdminError::NotFound => Failure(format!("no {what}")),
        other => other.into(),
    })
}
