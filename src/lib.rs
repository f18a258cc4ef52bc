//! Portcullis: a multi-tenant OAuth 2.0 / OpenID Connect authorization server.
//!
//! The layout, and who may import whom, is in `docs/architecture.md`; a test holds it.

pub mod accounts;
pub mod admin;
pub mod changes;
pub mod cli;
pub mod config;
pub mod domain;
pub mod effects;
pub mod events;
pub mod installation;
pub mod jobs;
pub mod keys;
pub mod memory;
pub mod oauth;
pub mod outside;
pub mod protocol;
pub mod request_span;
pub mod storage;
pub mod throttle;
pub mod turns;
pub mod views;
pub mod web;

use std::sync::Arc;

use rocket::{Build, Rocket, fairing::AdHoc, figment::Figment};
use rocket_db_pools::Database as _;

use config::Config;
use effects::Effects;
use storage::{Db, Storage};
use web::Site;

/// Builds the server: it opens the database, migrates it where it is told to, and serves.
///
/// `figment` is Rocket's own configuration; ours is `config`.
pub fn build(figment: Figment, config: Config, effects: Effects, migrate: bool) -> Rocket<Build> {
    let figment = figment
        .merge(("databases.portcullis.url", config.database_url()))
        .merge(("databases.portcullis.max_connections", config.database_connections))
        .merge(("databases.portcullis.connect_timeout", 5))
        .merge(("ip_header", false))
        .merge(("limits.forms", 16 * 1024));
    let start = AdHoc::try_on_ignite("installation", move |rocket| async move {
        match start(&rocket, config, effects, migrate).await {
            Ok(site) => Ok(rocket.manage(site)),
            Err(why) => {
                tracing::error!(error = %why, "the server cannot start");
                eprintln!("portcullis: {why}");
                Err(rocket)
            }
        }
    });
    // The tasks begin with the server, and it does not go before they have said good-bye.
    let begin = AdHoc::on_liftoff("tasks", |rocket| {
        Box::pin(async move {
            if let Some(site) = rocket.state::<Arc<Site>>() {
                site.app.begin();
            }
        })
    });
    let end = AdHoc::on_shutdown("good-bye", |rocket| {
        Box::pin(async move {
            if let Some(site) = rocket.state::<Arc<Site>>() {
                site.app.end().await;
            }
        })
    });
    let rocket = rocket::custom(figment).attach(Db::init()).attach(start);
    web::mount(rocket).attach(begin).attach(end)
}

async fn start(
    rocket: &Rocket<Build>,
    config: Config,
    effects: Effects,
    migrate: bool,
) -> Result<Arc<Site>, Box<dyn std::error::Error + Send + Sync>> {
    let pool = Db::fetch(rocket).ok_or("the database could not be opened: see the line above")?;
    let storage = Storage::new((**pool).clone());
    if migrate {
        storage.migrate().await?;
    } else if let Some(first) = storage.pending_migrations().await?.first() {
        return Err(
            format!("the database lacks migration {first}: run `portcullis migrate`").into()
        );
    }
    storage.check().await?;
    if storage.policies_hold().await? == Some(false) {
        tracing::error!(
            "row-level security does not hold this role on PostgreSQL: portcullis doctor says why"
        );
    }
    let app = installation::Installation::start(config, effects, storage).await?;
    let accounts = Arc::new(accounts::Accounts::new(Arc::clone(&app)));
    admin::ensure_system_tenant(&admin::Admin { app: &app, accounts: &accounts }).await?;
    // Nothing is answered before it is known what was ended.
    app.revocations.check_restored().await?;
    // Without a lease it asks the database each time: a full disk is no reason not to serve.
    if let Err(why) = app.revocations.say().await {
        tracing::warn!(error = %why, "this node could not renew its lease");
    }
    app.revocations.follow().await?;
    let views = views::Renderer::new()?;
    Ok(Arc::new(Site::new(app, accounts, views)))
}
