//! The table of cases (`guard/cases.json`), asked of every program of `guard/programs.json`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "it may stop where it stands, and nobody builds on it"
)]

mod keys;
#[path = "../support/programs.rs"]
mod programs;
mod scenario;
mod table;
mod tenant;
mod tokens;
mod world;

use std::sync::Arc;

use futures_util::future::join_all;
use programs::{Program, Running};
use table::Table;
use world::World;

const PROGRAMS: &str = "guard/programs.json";

/// The API's own name.
const API: &str = "https://api.example";

/// The client that reads the feed: with what must be encoded in it.
const CLIENT_ID: &str = "api";
const CLIENT_SECRET: &str = "a:secret/with+oddities%";

fn start(program: &Program, world: &World, when_behind: Option<&str>) -> Running {
    let issuers = format!("{}/{{tenant}}", world.base);
    let mut settings = vec![
        ("ISSUER", issuers.as_str()),
        ("AUDIENCE", API),
        ("CLIENT_ID", CLIENT_ID),
        ("CLIENT_SECRET", CLIENT_SECRET),
    ];
    settings.extend(when_behind.map(|choice| ("WHEN_BEHIND", choice)));
    program.start(programs::free_port(), &settings)
}

/// What a program does that its table does not say, where it was told to do this while nothing is heard.
async fn wrong(program: &Program, table: &Table, when_behind: Option<&str>) -> Vec<String> {
    let world = World::start().await;
    let running = start(program, &world, when_behind);
    let mut wrong = Vec::new();
    if when_behind.is_none() {
        wrong.extend(table.ask_tokens(&world, &running.base).await);
    }
    let scenarios = table.scenarios(when_behind).enumerate();
    let played = scenarios.map(|(at, it)| it.play(Arc::clone(&world), &running.base, at));
    wrong.extend(join_all(played).await.into_iter().flatten());
    if !wrong.is_empty() {
        wrong.push(format!("it wrote: {}", running.log()));
    }
    wrong
}

async fn holds(name: &str) {
    let program =
        programs::listed(PROGRAMS).into_iter().find(|program| program.name == name).unwrap();
    let table = Table::read();
    let asked = table.choices().into_iter().map(|choice| wrong(&program, &table, choice));
    let wrong: Vec<String> = join_all(asked).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

macro_rules! programs {
    ($($test:ident = $name:literal),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                holds($name).await;
            }
        )+

        #[test]
        fn every_program_is_asked() {
            let listed: Vec<String> = programs::listed(PROGRAMS).into_iter().map(|it| it.name).collect();
            assert_eq!(listed, [$($name),+]);
        }
    };
}

programs! {
    y1_axum = "axum",
    y1_rocket = "rocket",
    y1_express = "express",
    y1_fastify = "fastify",
    y1_nest = "nest",
    y1_fastapi = "fastapi",
    y1_flask = "flask",
    y1_go = "go",
}
