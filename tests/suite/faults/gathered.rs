//! What is written together for many, and one of it that cannot be.

use std::sync::Arc;

use portcullis::{
    domain::{Actor, EndReason, Event, FamilyId, Origin},
    storage::{EndOne, EndRequest},
};
use rocket::futures::future::join_all;

use crate::support::{TestApp, on_four_threads};

#[test]
fn o12_an_ending_that_the_trail_does_not_take_is_no_other_endings_trouble() {
    on_four_threads(async {
        let app = TestApp::start().await;
        let app = &app.site.app;
        let tenant = app.directory.find_tenant(&"acme".parse().unwrap()).await.unwrap().unwrap();
        let occurrence = || {
            let event = Event::TokenRevoked { token: "x".to_owned(), by: "a test" };
            app.audit.occurrence(
                &tenant,
                &Actor::Client("web".to_owned()),
                event,
                &Origin::default(),
            )
        };
        // Two entries of the trail cannot have one identifier: of these two, one cannot be written.
        let twice = occurrence();
        let all = (0..24).map(|at| {
            let family = app.effects.id::<FamilyId>();
            app.storage.end_one(EndRequest {
                tenant: Arc::clone(&tenant),
                what: EndOne::Grant(family),
                reason: EndReason::Revoked,
                occurrence: if matches!(at, 3 | 17) { twice.clone() } else { occurrence() },
                now: app.effects.now(),
            })
        });
        let done: Vec<bool> = join_all(all).await.iter().map(Result::is_ok).collect();
        assert!(done[3] != done[17], "{done:?}");
        assert_eq!(done.iter().filter(|ok| **ok).count(), 23, "{done:?}");
    });
}
