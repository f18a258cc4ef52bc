//! `portcullis serve`.

use std::sync::Arc;

use super::{Done, Failure, output::say};
use crate::{
    admin::{self, Admin},
    config::Config,
    effects::Effects,
    web::{Management, Site},
};

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
    let base = config.base_url.clone();
    let management = rocket::Config::figment()
        .merge(("address", config.management_address.ip()))
        .merge(("port", config.management_address.port()))
        .merge(("ip_header", false));
    let server = crate::build(rocket::Config::figment(), config, Effects::system(), !arguments.no_migrate);
    let server = server.ignite().await.map_err(told)?;
    let site = server.state::<Arc<Site>>().cloned().ok_or(Failure("the server has no state".into()))?;
    let admin = Admin { app: &site.app, hasher: &*site.accounts };
    if arguments.demo {
        let changes = admin::seed_demo(&admin).await?;
        tracing::info!(things = changes.len(), "demo applied");
    }
    let operated = admin::has_operator(&admin).await?;
    let management = Management::build(management, Arc::clone(&site)).ignite().await.map_err(told)?;
    say(&format!("portcullis serves {base} (console: {base}/admin, API: {base}/api/docs)"))?;
    if arguments.demo {
        say("console: tenant system, user operator, password 'correct horse battery staple'")?;
        say("try it:")?;
        say(&format!(
            "curl -s -u web:demo-secret-for-the-acme-web-client -d grant_type=client_credentials \
             -d scope=reports.read {base}/t/acme/oauth2/token"
        ))?;
    } else if !operated {
        say("there is no operator yet: portcullis user create --tenant system --username NAME --role operator")?;
    }
    let (served, managed) = tokio::join!(server.launch(), management.launch());
    managed.map_err(told)?;
    served.map(|_| ()).map_err(told)
}

/// Rocket's errors panic where nobody looks at them; this one is looked at.
fn told(error: rocket::Error) -> Failure {
    use rocket::error::ErrorKind;
    let text = match error.kind() {
        ErrorKind::Bind(why) => format!("cannot listen: {why}: set ROCKET_PORT or PORTCULLIS_MANAGEMENT_ADDRESS"),
        ErrorKind::FailedFairings(_) => "the server did not start: the line above says why".to_owned(),
        other => format!("the server stopped: {other}"),
    };
    Failure(text.replace('\n', " "))
}
