//! What is done beside the requests.

use std::time::Duration;

use portcullis::{domain::NodeId, storage::Step};
use rocket::tokio;

use crate::support::TestApp;

/// A round that comes again and again is one node's, and the next one's as soon as it is due.
#[rocket::async_test]
async fn each_round_is_one_nodes() {
    let app = TestApp::start().await;
    let storage = &app.site.app.storage;
    let nodes: [NodeId; 2] = std::array::from_fn(|_| app.site.app.effects.id::<NodeId>());
    let hour = Duration::from_secs(3600);
    let begun =
        |name: &'static str, node: usize, each| storage.begin_round(name, nodes[node], each);
    let (one, two) = tokio::join!(begun("a round", 0, hour), begun("a round", 1, hour));
    assert_eq!([one.unwrap(), two.unwrap()].into_iter().filter(|begun| *begun).count(), 1);
    for node in [0, 1] {
        assert!(!begun("a round", node, hour).await.unwrap(), "it is not due");
    }
    // Another job's is its own.
    assert!(begun("another round", 1, Duration::ZERO).await.unwrap());
    // Due by the database's clock, which nobody sets: within a few of its milliseconds.
    while !begun("another round", 0, Duration::ZERO).await.unwrap() {
        tokio::task::yield_now().await;
    }
    // None of them is a job that waits to be settled.
    let now = app.site.app.effects.now();
    assert_eq!(storage.settle_some(nodes[0], now).await.unwrap(), Step::Idle);
}
