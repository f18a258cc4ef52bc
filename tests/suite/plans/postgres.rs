//! PostgreSQL's own account of what it did, by `auto_explain`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{MOST_COUNTED, MOST_READ, all_of_it, crowded};
use crate::support::{Postgres, Statistics, TABLES, TestApp, on_postgres};

/// The most rows that a node of a plan has read of a large table, and of which.
fn most_read(node: &Value) -> (u64, String) {
    let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
    let mut most = (0, String::new());
    let table = node["Relation Name"].as_str().unwrap_or_default();
    if TABLES.contains(&table) && node["Node Type"] != "ModifyTable" {
        let each = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        let read = (each * number("Actual Loops").max(1.0)) as u64;
        most = (
            read,
            format!(
                "{table} {} where {}, then {}",
                node["Index Name"], node["Index Cond"], node["Filter"]
            ),
        );
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        most = most.max(most_read(below));
    }
    most
}

/// The plans in a server's log.
fn plans_of(log: &str) -> Vec<Value> {
    let mut lines = log.lines().peekable();
    let mut plans = Vec::new();
    while let Some(line) = lines.next() {
        if !line.ends_with("plan:") {
            continue;
        }
        let mut text = String::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('\t')) {
            text.push_str(line);
            text.push('\n');
        }
        plans.push(serde_json::from_str(&text.replace('\t', " ")).unwrap());
    }
    plans
}

/// Figures are counted further than a page reads.
fn allowed(statement: &str) -> u64 {
    let counts =
        ["SELECT \"sessions\".\"ended_at\" FROM", "SELECT \"token_families\".\"ended_at\" FROM"];
    if counts.iter().any(|start| statement.starts_with(start)) { MOST_COUNTED } else { MOST_READ }
}

async fn plans(statistics: Statistics, plan_cache_mode: &str) {
    if !on_postgres() {
        return;
    }
    let server = Postgres::start();
    let app = TestApp::start_with(|mut config| {
        config.database_url = server.url().into();
        config
    })
    .await;
    crowded(&app, statistics).await;
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
        "auto_explain.log_format = json",
    ] {
        server.sql("postgres", &format!("ALTER DATABASE portcullis SET {setting}"));
    }
    server.sql(
        "postgres",
        &format!("ALTER DATABASE portcullis SET plan_cache_mode = {plan_cache_mode}"),
    );
    let node = app.another_node().await;
    all_of_it(&node).await;
    let plans = plans_of(&server.log());
    let mut worst: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for plan in &plans {
        let statement = plan["Query Text"].as_str().unwrap().to_owned();
        let read = most_read(&plan["Plan"]);
        let known = worst.entry(statement).or_default();
        *known = read.max(known.clone());
    }
    assert!(worst.len() > 100, "{} statements were looked at", worst.len());
    let lists: Vec<&String> = worst.keys().filter(|text| text.contains("= ANY(")).collect();
    assert!(lists.is_empty(), "they name many keys (docs/adr/0009): {lists:#?}");
    let objections: Vec<String> = worst
        .iter()
        // A rotation is made older by tests alone.
        .filter(|(statement, _)| !statement.contains("\"rotated_at\" - $1"))
        .filter(|(statement, (read, _))| *read > allowed(statement))
        .map(|(statement, (read, how))| format!("{read} rows by {how}\n    {statement}"))
        .collect();
    assert!(
        objections.is_empty(),
        "{statistics:?}, {plan_cache_mode}: {} of {}:\n{}",
        objections.len(),
        worst.len(),
        objections.join("\n")
    );
}

#[rocket::async_test]
async fn no_statement_on_postgresql_reads_more_as_a_tenant_grows() {
    // A plan is made for what is bound the first times, then for anything that could be.
    for (statistics, plan_cache_mode) in [
        (Statistics::Never, "auto"),
        (Statistics::Fresh, "auto"),
        (Statistics::Fresh, "force_generic_plan"),
        (Statistics::Stale, "force_generic_plan"),
    ] {
        plans(statistics, plan_cache_mode).await;
    }
}
