//! SQLite's own account of its plans.

use std::collections::BTreeSet;

use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection,
    sql_types::{Integer, Text},
};

use super::{
    all_of_it, crowded,
    heard::{self, HEARD},
};
use crate::support::{Statistics, TABLES, TestApp, on_postgres, sqlite_beside};

/// What finds at most one row of a table.
const UNIQUE: [(&str, &[&str]); 11] = [
    ("users", &["tenant_id", "id"]),
    ("users", &["tenant_id", "username_key"]),
    ("users", &["tenant_id", "email_key"]),
    ("sessions", &["tenant_id", "id"]),
    ("sessions", &["tenant_id", "cookie_digest"]),
    ("token_families", &["tenant_id", "id"]),
    ("authorization_codes", &["tenant_id", "digest"]),
    ("client_assertions", &["tenant_id", "client_id", "jti_digest"]),
    // One for each client, of which a tenant has not a million.
    ("consents", &["tenant_id", "user_id"]),
    ("audit_events", &["tenant_id", "id"]),
    ("revocation_events", &["seq"]),
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Integer)]
    #[expect(dead_code, reason = "EXPLAIN QUERY PLAN has it")]
    id: i32,
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The columns of `table` that a statement compares with something.
fn compared(statement: &str, table: &str) -> BTreeSet<String> {
    let mark = format!("`{table}`.`");
    let comparisons = ["=", "<", ">", "!=", "IN ", "IS ", "LIKE ", "NOT ", "BETWEEN "];
    let parts = statement.split(&mark).skip(1).filter_map(|rest| rest.split_once('`'));
    parts
        .filter(|(_, after)| comparisons.iter().any(|sign| after.trim_start().starts_with(sign)))
        .map(|(column, _)| column.to_owned())
        .collect()
}

/// What is wrong with one line of a plan, if anything is.
fn objection(statement: &str, detail: &str) -> Option<String> {
    let table = detail.split(' ').nth(1).unwrap_or_default();
    if detail.contains("TEMP B-TREE") {
        let is_large = TABLES.iter().any(|table| statement.contains(&format!("`{table}`")));
        return is_large.then(|| "it sorts".to_owned());
    }
    if !TABLES.contains(&table) {
        return None;
    }
    if detail.starts_with("SCAN") {
        return Some(format!("it reads all of {table}"));
    }
    let conditions =
        detail.rsplit_once('(').map_or("", |(_, rest)| rest.trim_end_matches(" LEFT-JOIN"));
    let conditions: Vec<&str> = conditions.trim_end_matches(')').split(" AND ").collect();
    let equal: BTreeSet<&str> =
        conditions.iter().filter_map(|condition| condition.strip_suffix("=?")).collect();
    if UNIQUE
        .iter()
        .any(|(unique, key)| *unique == table && key.iter().all(|column| equal.contains(column)))
    {
        return None;
    }
    if !statement.contains("LIMIT") {
        return Some(format!("it reads any number of {table}"));
    }
    let searched: BTreeSet<&str> = conditions
        .iter()
        .map(|condition| condition.split(['=', '<', '>']).next().unwrap_or_default())
        .collect();
    // Of a session's families one client's are looked for once.
    if equal.contains("session_id") {
        return None;
    }
    // A partial index holds only what its own condition leaves.
    let partial = ["sessions_live", "sessions_ended", "sessions_due"]
        .iter()
        .any(|index| detail.contains(index));
    let left = compared(statement, table)
        .into_iter()
        // An entry's identifier begins with its time: a walk between two of them is short.
        .filter(|column| !(column == "at" && searched.contains("id")))
        .filter(|column| !searched.contains(column.as_str()))
        .filter(|column| !partial || column != "ended_at")
        .collect::<Vec<_>>();
    (!left.is_empty()).then(|| format!("it walks past rows of {table} that {left:?} leave out"))
}

async fn plans(statistics: Statistics) {
    if on_postgres() {
        return;
    }
    heard::listen();
    let app = TestApp::start().await;
    crowded(&app, statistics).await;
    // The connections that were open know the statistics of before.
    let node = app.another_node().await;
    HEARD.lock().unwrap().clear();
    all_of_it(&node).await;
    let statements = HEARD.lock().unwrap().clone();
    let mut conn = sqlite_beside(app.config.database_url().trim_start_matches("sqlite:"));
    let (mut objections, mut looked_at) = (Vec::new(), 0);
    for statement in &statements {
        if !["SELECT", "UPDATE", "DELETE", "INSERT"].iter().any(|verb| statement.starts_with(verb))
        {
            continue;
        }
        // A rotation is made older by tests alone; nobody has a consent for more clients than there are.
        if statement.contains("`rotated_at` - ?") {
            continue;
        }
        let Ok(lines) =
            diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load::<Line>(&mut conn)
        else {
            continue;
        };
        looked_at += 1;
        for line in lines {
            if let Some(why) = objection(statement, &line.detail) {
                objections.push(format!("{why}: {}\n    {statement}", line.detail));
            }
        }
    }
    assert!(looked_at > 100, "{looked_at} of {} statements were looked at", statements.len());
    assert!(
        objections.is_empty(),
        "{statistics:?}: {} of {looked_at}:\n{}",
        objections.len(),
        objections.join("\n")
    );
}

#[rocket::async_test]
async fn no_statement_on_sqlite_reads_more_as_a_tenant_grows() {
    for statistics in [Statistics::Never, Statistics::Fresh, Statistics::Stale] {
        plans(statistics).await;
    }
}

/// With it a plan does not depend on what is bound, so no statement is prepared anew for its
/// values (`.cargo/config.toml`).
#[test]
fn sqlite_is_compiled_with_its_query_planner_stability_guarantee() {
    #[derive(QueryableByName)]
    struct CompileOption {
        #[diesel(sql_type = Text)]
        compile_options: String,
    }
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    let options =
        diesel::sql_query("PRAGMA compile_options").load::<CompileOption>(&mut conn).unwrap();
    assert!(options.iter().any(|option| option.compile_options == "ENABLE_QPSG"));
}
