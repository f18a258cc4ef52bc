//! O6: what ends in the trail, while the database is away and when there is much of it.

use std::collections::HashSet;

use portcullis::domain::{Actor, AuditEntry, Event};
use rocket::{
    futures::future::join_all,
    http::Method,
    tokio::{self, time::Duration},
};
use serde_json::Value;

use super::{o12_locked_file::Writer, process::seeded};
use crate::support::{TestApp, basic, on_four_threads, on_postgres};

/// Keeps every writer out of the trail, until it is dropped.
enum Hold {
    #[expect(dead_code, reason = "held, not read")]
    Sqlite(Writer),
    Postgres(tokio_postgres::Client),
}

async fn hold(app: &TestApp) -> Hold {
    let url = app.config.database_url();
    if !on_postgres() {
        return Hold::Sqlite(Writer::at(url.strip_prefix("sqlite:").unwrap()));
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await.unwrap();
    Hold::Postgres(client)
}

impl Hold {
    async fn release(self) {
        if let Self::Postgres(client) = self {
            client.batch_execute("ROLLBACK").await.unwrap();
        }
    }
}

async fn refused_names(app: &TestApp) -> HashSet<String> {
    let trail = app
        .api(Method::Get, "/tenants/acme/audit?action=client.refused&limit=200", Value::Null)
        .await
        .json();
    let items = trail["items"].as_array().unwrap();
    items.iter().map(|item| item["target"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn o6_nothing_of_the_trail_is_lost_while_the_database_takes_no_writes() {
    on_four_threads(async {
        let app = TestApp::start().await;
        let held = hold(&app).await;
        let refused = |from: usize| {
            let app = &app;
            async move {
                for at in from..from + 60 {
                    let bad = basic(&format!("nobody{at}"), "x");
                    let reply = app
                        .acme()
                        .post_basic("token", &bad, &[("grant_type", "client_credentials")])
                        .await;
                    // Without a lease the node has to ask the database, which may not answer it.
                    assert!(matches!(reply.status, 401 | 503), "{reply:?}");
                }
            }
        };
        refused(0).await;
        // Longer than a write may wait: it is tried again, and what comes meanwhile waits behind it.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for at in 0..60 {
            let noted = format!("noted{at}");
            let permit = app.permit("acme").await;
            let origin = portcullis::domain::Origin::default();
            let event = Event::ClientRefused { client_id: noted, why: "away".into() };
            app.site.app.audit.refused(permit.tenant(), &Actor::Anonymous, event, &origin);
        }
        held.release().await;
        let mut names = HashSet::new();
        for _ in 0..100 {
            names = refused_names(&app).await;
            if names.len() >= 120 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for at in 0..60 {
            assert!(names.contains(&format!("nobody{at}")), "of before: {at} of {}", names.len());
            assert!(names.contains(&format!("noted{at}")), "of meanwhile: {at} of {}", names.len());
        }
        assert_eq!(app.site.app.audit.dropped(), 0);
    });
}

#[rocket::async_test]
async fn o6_what_waits_for_the_trail_is_written_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = seeded(folder.path()).await;
    let refused = (0..30).map(|at| {
        let (server, bad) = (&server, basic(&format!("nobody{at}"), "x"));
        async move {
            let headers = [
                ("Authorization", bad.as_str()),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ];
            let body = "grant_type=client_credentials";
            server.request("POST", "/t/acme/oauth2/token", &headers, body).await
        }
    });
    for (status, body) in join_all(refused).await {
        assert_eq!(status, 401, "{body}");
    }
    assert_eq!(server.terminate(), Some(0));
    server.restart().await;
    let (code, token, error) = server.command(&["token", "--tenant", "system"], "");
    assert_eq!(code, 0, "{error}");
    let bearer = format!("Bearer {}", token.trim());
    let path = "/api/v1/tenants/acme/audit?action=client.refused&limit=200";
    let (_, body) = server.request("GET", path, &[("Authorization", &bearer)], "").await;
    for at in 0..30 {
        assert!(body.contains(&format!("nobody{at}\"")), "nobody{at} is not in {body}");
    }
}

#[rocket::async_test]
async fn o6_an_export_brings_each_entry_of_a_large_trail_once() {
    let app = TestApp::start().await;
    let permit = app.permit("acme").await;
    let origin = portcullis::domain::Origin::default();
    let audit = &app.site.app.audit;
    let entry = |at: usize| {
        let event = Event::LoginRefused { who: format!("=entry,\"{at}\""), why: "a\nb".into() };
        AuditEntry::from(&audit.occurrence(permit.tenant(), &Actor::Anonymous, event, &origin))
    };
    let entries: Vec<_> = (0..5_000).map(entry).collect();
    for part in entries.chunks(250) {
        app.site.app.storage.write_audit(part).await.unwrap();
    }
    let token = app.operator_token().await;
    let bearer = format!("Bearer {token}");
    let export = |media_type: &'static str| {
        let headers = [("Authorization", bearer.as_str()), ("Accept", media_type)];
        let headers = headers.map(|(name, value)| (name, value.to_owned()));
        let app = &app;
        async move {
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            app.send(Method::Get, "/api/v1/tenants/acme/audit?action=login.refused", &headers, "")
                .await
                .ok()
        }
    };
    let lines = export("application/x-ndjson").await;
    let lines: Vec<Value> =
        lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5_000);
    let named: HashSet<String> =
        lines.iter().map(|line| line["target"].as_str().unwrap().to_owned()).collect();
    let expected: HashSet<String> = (0..5_000).map(|at| format!("=entry,\"{at}\"")).collect();
    assert_eq!(named, expected);
    let table = export("text/csv").await;
    let rows =
        csv::Reader::from_reader(table.body.as_bytes()).into_records().map(Result::unwrap).count();
    assert_eq!(rows, 5_000);
}
