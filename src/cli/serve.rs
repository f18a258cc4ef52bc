//! `portcullis serve`.

use std::{net::SocketAddr, sync::Arc};

use rocket::futures::{FutureExt as _, TryFutureExt as _};

use super::{Done, Failure, output::say};
use crate::{
    admin::{self, Admin},
    config::Config,
    effects::{Effects, is_open_to_others},
    installation::master_key_of,
    web::{
        Management, Site,
        listener::{Listener, TlsFiles, files_of_process, share_of_strangers},
    },
};

/// How many connections the management address holds.
const MANAGERS: usize = 32;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Add tenant acme with clients and users, and print a curl line that works. Its secrets are public
    #[arg(long)]
    demo: bool,
    /// Fail where the database is not at this version, rather than migrate it
    #[arg(long)]
    no_migrate: bool,
}

pub(super) async fn run(arguments: Arguments, config: Config) -> Done {
    look_before(&config, !arguments.no_migrate).await?;
    let management = rocket::Config::figment()
        .merge(("address", config.management_address.ip()))
        .merge(("port", config.management_address.port()))
        .merge(("ip_header", false));
    // A connection to SQLite takes three files: the database, its log, the log's index.
    let kept = MANAGERS + 3 * config.database_connections + 64;
    let server =
        crate::build(rocket::Config::figment(), config, Effects::system(), !arguments.no_migrate);
    let server = server.ignite().await.map_err(|why| in_one_line(&why))?;
    let site =
        server.state::<Arc<Site>>().cloned().ok_or(Failure("the server has no state".into()))?;
    if arguments.demo {
        let changes = admin::seed_demo(&Admin { app: &site.app, accounts: &site.accounts }).await?;
        tracing::info!(
            things = changes.len(),
            "the demonstration is in place, with secrets that are public"
        );
    }
    let management = Management::build(management, Arc::clone(&site))
        .ignite()
        .await
        .map_err(|why| in_one_line(&why))?;
    let most = share_of_strangers(files_of_process(), kept);
    // Of the door that clients come in by: the management address has its own, and no streams.
    site.let_streams_have(most);
    let tls = tls_of(&site.app.config);
    let server = Listener::open(server, most).await.map_err(|why| in_use(&why))?;
    let server = server.with_tls(tls).map_err(|why| not_tls(&why))?;
    let management = Listener::open(management, MANAGERS).await.map_err(|why| in_use(&why))?;
    let address = server.address().map_err(|why| in_use(&why))?;
    greet(&site, arguments.demo, address).await;
    let stop = told_to_stop().map_err(|why| why.to_string()).shared();
    tokio::join!(server.serve(stop.clone()), management.serve(stop.clone()));
    Ok(stop.await?)
}

/// The files of its certificate and key, where TLS is its own.
fn tls_of(config: &Config) -> Option<TlsFiles> {
    let (certificate, key) = config.tls.clone()?;
    Some(TlsFiles { certificate, key })
}

fn not_tls(why: &std::io::Error) -> Failure {
    Failure(format!("PORTCULLIS_TLS_CERT and PORTCULLIS_TLS_KEY: {why}"))
}

/// SIGTERM, or the interrupt key.
async fn told_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn in_use(why: &std::io::Error) -> Failure {
    Failure(format!("cannot listen: {why}: set ROCKET_PORT or PORTCULLIS_MANAGEMENT_ADDRESS"))
}

/// Finds out what would keep the server from starting, to say it in one line: afterwards Rocket tells of
/// it in its own way.
async fn look_before(config: &Config, migrate: bool) -> Done {
    if let Some(files) = tls_of(config) {
        files.check().map_err(|why| not_tls(&why))?;
    }
    let server = rocket::Config::figment().extract::<rocket::Config>()?;
    let addresses = [
        ("ROCKET_ADDRESS and ROCKET_PORT", SocketAddr::new(server.address, server.port)),
        ("PORTCULLIS_MANAGEMENT_ADDRESS", config.management_address),
    ];
    for (name, address) in addresses {
        std::net::TcpListener::bind(address)
            .map_err(|why| format!("cannot listen on {address}: {why}: set {name}"))?;
    }
    let storage = super::open_storage(config).await?;
    if migrate {
        storage.migrate().await?;
    } else if let Some(first) = storage.pending_migrations().await?.first() {
        return Err(Failure(format!(
            "the database lacks migration {first}: run `portcullis migrate`"
        )));
    }
    storage.check().await?;
    master_key_of(&storage, &config.master_key_file, &Effects::system()).await?;
    for (file, what) in
        [(Some(&*config.master_key_file), "the master key"), (storage.file(), "the database")]
    {
        if let Some(file) = file.filter(|file| is_open_to_others(file)) {
            tracing::error!(file = %file.display(), "{what} may be read by others than its owner: chmod 600");
        }
    }
    Ok(())
}

/// Says, once the server listens, where it is and what to do first.
async fn greet(site: &Site, demo: bool, address: SocketAddr) {
    let base = &site.app.config.base_url;
    let mut lines =
        vec![format!("portcullis serves {base} (console: {base}/admin, API: {base}/api/docs)")];
    if let Some(other) = other_port(base, address) {
        lines.push(format!(
            "it listens at {address}, and its links lead to port {other}: unless a proxy stands between them, set \
             PORTCULLIS_BASE_URL"
        ));
    }
    if demo {
        lines.push(
            "console: tenant system, user operator, password 'correct horse battery staple'".into(),
        );
        lines.push(format!(
            "an application, in the repository: cd examples/express && npm ci && ISSUER={base}/t/acme npm start; then \
             http://127.0.0.1:9000, where ada signs in with the same password"
        ));
        lines.push("try it:".into());
        lines.push(format!(
            "curl -s -u web:demo-secret-for-the-acme-web-client -d grant_type=client_credentials \
             -d scope=reports.read {base}/t/acme/oauth2/token"
        ));
    } else {
        match admin::has_operator(&Admin { app: &site.app, accounts: &site.accounts }).await {
            Ok(true) => {}
            Ok(false) => lines.push(
                "there is no operator yet: portcullis user create --tenant system --username NAME --role operator"
                    .into(),
            ),
            Err(why) => tracing::warn!(error = %why, "it could not be found out whether there is an operator"),
        }
    }
    for line in lines {
        if let Err(Failure(why)) = say(&line) {
            tracing::warn!(error = why, "a line could not be written to standard output");
        }
    }
}

/// The port of a base URL on this machine, where it is not the one that is listened at.
fn other_port(base_url: &str, address: SocketAddr) -> Option<u16> {
    let base = url::Url::parse(base_url).ok()?;
    let is_here = matches!(base.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    base.port_or_known_default().filter(|port| is_here && *port != address.port())
}

/// Rocket's errors panic where nobody looks at them; this one is looked at.
fn in_one_line(error: &rocket::Error) -> Failure {
    use rocket::error::ErrorKind;
    let text = match error.kind() {
        ErrorKind::FailedFairings(_) => {
            "the server did not start: the line above says why".to_owned()
        }
        other => format!("the server stopped: {other}"),
    };
    Failure(text.replace('\n', " "))
}
