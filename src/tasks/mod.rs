//! What runs beside the requests.

mod sweep;

use std::sync::Arc;

use rocket::{
    Orbit, Rocket,
    fairing::{Fairing, Info, Kind},
};

use crate::web::Site;

/// Starts the tasks when the server does, and says good-bye when it stops.
pub(crate) struct Tasks;

#[rocket::async_trait]
impl Fairing for Tasks {
    fn info(&self) -> Info {
        Info { name: "tasks", kind: Kind::Liftoff | Kind::Shutdown }
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let Some(site) = rocket.state::<Arc<Site>>() else { return };
        let app = Arc::clone(&site.app);
        let following = Arc::clone(&app.revocations);
        let follow = tokio::spawn(async move { following.run().await });
        let swept = tokio::spawn(sweep::run(app));
        let stop = rocket.shutdown();
        tokio::spawn(async move {
            stop.await;
            follow.abort();
            swept.abort();
        });
    }

    async fn on_shutdown(&self, rocket: &Rocket<Orbit>) {
        let Some(site) = rocket.state::<Arc<Site>>() else { return };
        site.app.audit.flush().await;
        if let Err(why) = site.app.revocations.leave().await {
            tracing::warn!(error = %why, "this node could not say good-bye");
        }
    }
}
