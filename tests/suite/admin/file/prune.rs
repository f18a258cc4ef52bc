//! What the file no longer names.

use portcullis::admin::{Manner, Prune};

use super::outcomes;
use crate::support::TestApp;

fn pruning() -> Manner {
    Manner { dry_run: false, prune: Prune::Everything }
}

#[rocket::async_test]
async fn clients_and_users_that_are_not_named_go_and_nothing_else() {
    let app = TestApp::start().await;
    let (ada, alan) = (app.acme().sign_in("ada").await, app.acme().sign_in("alan").await);
    let globex = app.export(Some("globex"), true).await;
    let file = "tenants: [{ slug: acme, users: [{ username: ADA }, { username: new, email: grace@acme.example }], \
                clients: [{ client_id: app }, { client_id: web }] }]";

    let dry = app.try_apply(file, &Manner { dry_run: true, ..pruning() }).await.unwrap();
    assert!(app.acme().is_active(&alan.access).await);
    let done = app.try_apply(file, &pruning()).await.unwrap();

    assert_eq!(done, dry);
    assert_eq!(
        outcomes(&done),
        [
            "unchanged tenant acme",
            "removed client acme/other",
            "removed client acme/robot",
            "removed user acme/alan",
            "removed user acme/grace",
            "removed user acme/sam",
            "unchanged client acme/app",
            "unchanged client acme/web",
            "changed user acme/ADA",
            "created user acme/new",
        ]
    );
    assert!(app.acme().is_active(&ada.access).await);
    assert!(!app.acme().is_active(&alan.access).await);
    assert!(
        app.audited("acme", "user.deleted").await && app.audited("acme", "client.deleted").await
    );
    assert_eq!(app.export(Some("globex"), true).await, globex);
}

#[rocket::async_test]
async fn a_tenant_without_a_list_keeps_what_it_has() {
    let app = TestApp::start().await;
    let before = app.export(None, true).await;
    for file in [
        "tenants: [{ slug: acme }]",
        "tenants: [{ slug: acme, users: , clients: null }]",
        "tenants: []",
    ] {
        let done = app.try_apply(file, &pruning()).await.unwrap();
        assert!(outcomes(&done).iter().all(|line| line.starts_with("unchanged")), "{file}");
    }
    assert_eq!(app.export(None, true).await, before);
    let done = app.try_apply("tenants: [{ slug: acme, clients: [] }]", &pruning()).await.unwrap();
    assert_eq!(done.len(), 5, "an empty list names nobody: {done:?}");
}

#[rocket::async_test]
async fn the_last_operator_is_not_removed() {
    let app = TestApp::start().await;
    let before = app.export(None, true).await;
    for file in [
        "tenants: [{ slug: acme, users: [] }, { slug: system, users: [] }]",
        "tenants: [{ slug: system, users: [{ username: other }] }]",
        "tenants: [{ slug: system, users: [{ username: other, roles: [operator], status: disabled }] }]",
    ] {
        let refused = app.try_apply(file, &pruning()).await.unwrap_err();
        assert!(refused.starts_with("tenant system, user root: the last operator"), "{refused}");
    }
    assert_eq!(app.export(None, true).await, before);
    let file = "tenants: [{ slug: system, users: [{ username: other, roles: [operator] }] }]";
    let done = app.try_apply(file, &pruning()).await.unwrap();
    assert_eq!(outcomes(&done)[1..], ["removed user system/root", "created user system/other"]);
}

#[rocket::async_test]
async fn what_nobody_was_shown_is_not_removed() {
    let app = TestApp::start().await;
    let before = app.export(None, true).await;
    let shown = ["user acme/alan", "user acme/sam"].map(str::to_owned);
    let manner = Manner { dry_run: false, prune: Prune::These(shown.into()) };
    let refused = app
        .try_apply("tenants: [{ slug: acme, users: [{ username: ada }] }]", &manner)
        .await
        .unwrap_err();
    assert!(refused.contains("user acme/grace"), "{refused}");
    assert_eq!(app.export(None, true).await, before);
    let file = "tenants: [{ slug: acme, users: [{ username: ada }, { username: grace }] }]";
    app.try_apply(file, &manner).await.unwrap();
}
