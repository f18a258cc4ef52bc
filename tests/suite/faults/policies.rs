//! What stands behind the tenant filter on PostgreSQL, where a query has forgotten it.

use crate::support::{TestApp, on_postgres, psql, service};

async fn connect(app: &TestApp) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(app.config.database_url(), tokio_postgres::NoTls).await.unwrap();
    rocket::tokio::spawn(connection);
    client
}

async fn count(client: &tokio_postgres::Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

#[rocket::async_test]
async fn a_query_that_forgets_the_tenant_finds_nothing_of_another() {
    if !on_postgres() {
        return;
    }
    let app = TestApp::start().await;
    app.acme().sign_in("ada").await;
    app.globex().sign_in("ada").await;
    let (acme, globex) =
        (app.permit("acme").await.tenant().id, app.permit("globex").await.tenant().id);
    let client = connect(&app).await;
    let tables = "SELECT relname::text FROM pg_class WHERE relrowsecurity AND relforcerowsecurity ORDER BY 1";
    let tables: Vec<String> =
        client.query(tables, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let scoped = "SELECT table_name::text FROM information_schema.columns WHERE column_name = 'tenant_id' \
        AND table_schema = 'public' AND table_name NOT IN ('jobs', 'revocation_events') ORDER BY 1";
    let scoped: Vec<String> =
        client.query(scoped, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(tables, scoped, "each table that bears a tenant has its policy");

    // Nobody has said whose rows are wanted.
    for table in &tables {
        assert_eq!(count(&client, &format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    for (own, others) in [(acme, globex), (globex, acme)] {
        client.batch_execute(&format!("SET portcullis.tenant = '{own}'")).await.unwrap();
        for table in ["users", "sessions", "token_families", "clients", "signing_keys"] {
            assert!(count(&client, &format!("SELECT count(*) FROM {table}")).await > 0, "{table}");
            let query = format!("SELECT count(*) FROM {table} WHERE tenant_id <> '{own}'");
            assert_eq!(count(&client, &query).await, 0, "{table}");
        }
        // Neither changed, removed nor added, nor given away.
        for statement in [
            format!("UPDATE users SET name = 'x' WHERE tenant_id = '{others}'"),
            format!("DELETE FROM sessions WHERE tenant_id = '{others}'"),
        ] {
            assert_eq!(client.execute(&statement, &[]).await.unwrap(), 0, "{statement}");
        }
        for statement in [
            format!(
                "INSERT INTO consents (tenant_id, user_id, client_id, scope, born_seq, granted_at) \
                 VALUES ('{others}', gen_random_uuid(), 'app', '[]', 0, 0)"
            ),
            format!("UPDATE sessions SET tenant_id = '{others}'"),
        ] {
            let refused = client.execute(&statement, &[]).await.unwrap_err();
            assert_eq!(refused.code().unwrap().code(), "42501", "{statement}: {refused}");
        }
    }
    client
        .batch_execute("SET portcullis.tenant = ''; SET portcullis.every_tenant = on")
        .await
        .unwrap();
    assert_eq!(count(&client, "SELECT count(DISTINCT tenant_id) FROM users").await, 3);
    assert_eq!(count(&client, "SELECT count(DISTINCT tenant_id) FROM sessions").await, 2);
}

#[rocket::async_test]
async fn doctor_says_whether_the_role_is_held_by_the_policies() {
    if !on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    crate::support::write_master_key(folder.path());
    let database = crate::support::new_database(folder.path()).await;
    let server = crate::support::Server::start(folder.path(), &database, &[]).await;
    let (code, told, error) = server.command(&["doctor"], "");
    assert!(code == 0 && told.contains("row-level security holds this role"), "{told} {error}");
    let port = url::Url::parse(&service("POSTGRES")).unwrap().port().unwrap();
    let role = format!("r{}", database.rsplit('/').next().unwrap());
    let owner = format!("CREATE ROLE {role} LOGIN BYPASSRLS IN ROLE portcullis");
    psql(port, "postgres", &[&owner]);
    let bypasses = database.replace("portcullis@", &format!("{role}@"));
    let server = server.over(&bypasses);
    let (code, told, _) = server.command(&["doctor"], "");
    psql(port, "postgres", &[&format!("DROP ROLE {role}")]);
    assert!(code == 1 && told.contains("bypasses row-level security"), "{told}");
}
