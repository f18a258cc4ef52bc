//! What is written together for many, and one of it that cannot be.

use std::sync::Arc;

use portcullis::{
    domain::{Actor, EndReason, Event, FamilyId, Origin},
    storage::{EndOne, EndRequest},
};
use rocket::{futures::future::join_all, http::Method};
use secrecy::ExposeSecret as _;

use crate::support::{TestApp, Tokens, on_four_threads, on_postgres, sql};

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

#[test]
fn o12_a_family_that_cannot_be_read_is_no_other_rotations_trouble() {
    on_four_threads(async {
        let app = TestApp::start().await;
        let (acme, globex) = (app.acme(), app.globex());
        let mut tokens = Vec::new();
        for at in 0..16 {
            let tenant = if at % 2 == 0 { acme } else { globex };
            tokens.push((tenant, tenant.sign_in("ada").await));
        }
        let unread = &tokens[6].1;
        let me = acme.bearer(Method::Get, "/auth/me", &unread.access).await.json();
        let session = me["sid"].as_str().unwrap();
        let of_it = match on_postgres() {
            true => format!("session_id = '{session}'"),
            false => format!("lower(hex(session_id)) = '{}'", session.replace('-', "")),
        };
        let spoil = format!("UPDATE token_families SET amr = 'no JSON' WHERE {of_it}");
        sql(app.config.database_url.expose_secret(), &spoil).await;
        let rotate = tokens.iter().map(|(tenant, tokens)| tenant.refresh(&tokens.refresh));
        for (at, reply) in join_all(rotate).await.into_iter().enumerate() {
            let (tenant, before) = &tokens[at];
            if at == 6 {
                assert_eq!(reply.status, 500, "{}", reply.body);
                continue;
            }
            // Each is answered with what is its own.
            let sid = async |tokens: &Tokens| {
                tenant.bearer(Method::Get, "/auth/me", &tokens.access).await.json()["sid"].clone()
            };
            let (first, second) = (sid(before).await, sid(&reply.tokens()).await);
            assert_eq!(first, second, "{at}");
        }
    });
}
