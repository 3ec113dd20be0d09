//! "Common Issues".

use std::time::Duration;

use bellwether::{Delivery, GapCause, Host, Instance, IntegrationSettings, Node, NodeId, Timestamp};
use serde_json::json;

use crate::lab::*;

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn messages_not_received() {
    let pair = Pair::new().await;
    // "Check topic names match exactly"
    let mut nearly = pair.subscribe(Instance::Alerts, &["node_failures"]).await;
    let mut exactly = pair.subscribe(Instance::Alerts, &["node_failure"]).await;
    published(
        pair.a
            .integration()
            .broadcast_alert("node_failure", "critical", "Node down", json!({})),
    );
    hear_typed(&mut exactly, "node_failure", "system_alert").await;
    pair.nothing_more(&mut nearly, "node_failures").await;
    // "Verify PubSub instance names"
    let mistyped = "ex_esdb_helth".parse::<Instance>().unwrap_err();
    assert_eq!(mistyped.meant(), Some(Instance::Health));
    // "Ensure processes are still alive"
    let asked = topic("node_failure");
    let count = || {
        let found = pair.b.subscribers(Some(Instance::Alerts), Some(&asked));
        // The nodes themselves listen to all alerts.
        found
            .iter()
            .filter(|found| found.patterns == [pattern("node_failure")])
            .count()
    };
    assert_eq!(count(), 1);
    drop(exactly);
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn invalid_signature_errors() {
    let pair = Pair::new().await;
    // "Verify same secret across all nodes"
    let stranger = Node::builder(NodeId::new("x").unwrap())
        .secrets(["another secret that is also long enough"])
        .unwrap()
        .data_dir(pair.lab.directory().join("x"))
        .seed(address(&pair.a))
        .start()
        .await
        .unwrap();
    eventually("the node is refused, and counted", || pair.a.strangers() > 0).await;
    assert_eq!((stranger.members().len(), pair.a.members().len()), (1, 2));
    // "Check clock synchronization": no clock decides anything.
    fn an_hour_ahead() -> Timestamp {
        Timestamp::from_millis(Timestamp::now().as_millis() + HOUR_MS)
    }
    let ahead = Host {
        clock: an_hour_ahead,
        ..Host::default()
    };
    let c = pair
        .lab
        .builder("c")
        .host(ahead)
        .seed(address(&pair.a))
        .start()
        .await
        .unwrap();
    meet(&[&pair.a, &pair.b, &c]).await;
    let mut heard = pair.subscribe(Instance::System, &["lifecycle"]).await;
    published(
        c.integration()
            .broadcast_system_lifecycle("started", "ex_esdb", "0.8.0"),
    );
    let message = next(&mut heard).await;
    assert_eq!((message.reporting_node(), message.is_signed()), ("c", true));
    assert!(message.timestamp().as_millis() > Timestamp::now().as_millis() + HOUR_MS / 2);
}

#[tokio::test]
async fn high_memory_usage() {
    let lab = Lab::new();
    // "Reduce broadcast intervals"
    let seldom = |integration: &mut IntegrationSettings| {
        integration.health_interval = Duration::from_secs(120);
        integration.metrics_interval = Duration::from_secs(300);
    };
    let a = lab.builder("a").integration(seldom);
    let b = lab
        .builder("b")
        .instance(Instance::Metrics, |metrics| metrics.queue_messages = 16);
    let pair = Pair::of(lab, a, b).await;
    assert_eq!(pair.a.integration().health_broadcast_interval(), 120_000);
    assert_eq!(pair.a.integration().metrics_broadcast_interval(), 300_000);
    // "Implement selective subscription": nothing else is sent to this node.
    let mut persistence = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    let operations = |count: u64| json!({"operations_count": count});
    for count in 0..100 {
        published(pair.a.integration().broadcast_metrics("cache", operations(count)));
    }
    published(pair.a.integration().broadcast_metrics("persistence", operations(1)));
    hear_typed(&mut persistence, "persistence", "performance_metric").await;
    assert_eq!(pair.b.counters(Instance::Metrics).received.value(), 1);
    // "Monitor message queue lengths": they are bounded, and what does not fit is told.
    for count in 0..100 {
        published(pair.a.integration().broadcast_metrics("persistence", operations(count)));
    }
    eventually("all have come", || {
        pair.b.counters(Instance::Metrics).received.value() == 101
    })
    .await;
    let info = &pair.b.instances()[Instance::Metrics.index()];
    assert_eq!(
        (info.queue_limit_messages, info.deepest_queue_messages <= 17),
        (16, true),
        "{info:?}"
    );
    let mut lost = 0;
    let mut had = 0;
    while let Some(delivery) = persistence.try_next() {
        match delivery {
            Delivery::Gap(gap) => {
                assert_eq!(gap.cause, GapCause::SlowSubscriber);
                lost += gap.count;
            }
            _ => had += 1,
        }
    }
    assert_eq!(had + lost, 100);
    assert!((1..=16).contains(&had), "{had}");
}
