//! "Performance Tips".

use std::time::Duration;

use bellwether::catalogue::families::logging::{LogEntry, LogLevel};
use bellwether::catalogue::{Broadcast, Message};
use bellwether::{BatchCounts, Instance};
use serde_json::{Value, json};

use crate::lab::*;

fn object(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

/// "Use topic-based filtering to reduce processing": what no topic asks for is not even sent.
#[tokio::test]
async fn topic_based_filtering() {
    let pair = Pair::new().await;
    let mut errors = pair.subscribe(Instance::Logging, &["logs:shop:error"]).await;
    for _ in 0..100 {
        pair.publish(
            Instance::Logging,
            "logs:shop:debug",
            "log",
            &json!({"message": "x".repeat(1000)}),
        );
    }
    pair.publish(Instance::Logging, "logs:shop:error", "log", &json!({"message": "y"}));
    says(
        &hear(&mut errors, "logs:shop:error", "log").await,
        json!({"message": "y"}),
    );
    assert_eq!(pair.b.counters(Instance::Logging).received.value(), 1);
}

/// "Implement message batching for high frequency events".
#[tokio::test]
async fn message_batching() {
    let pair = Pair::new().await;
    let mut heard = pair.subscribe(Instance::Metrics, &["emitter"]).await;
    let batch = (0..100).map(|count| Broadcast::Metrics {
        component: "emitter".into(),
        metrics: object(json!({"events_emitted": count})),
    });
    let counts = pair.a.integration().broadcast_batch(batch);
    assert_eq!(
        counts,
        BatchCounts {
            success: 100,
            ..BatchCounts::default()
        }
    );
    for count in 0..100 {
        says(
            &hear_typed(&mut heard, "emitter", "throughput_metric").await,
            json!({"operation": "event_emission", "count": count, "duration_ms": 1000}),
        );
    }
}

/// "Set appropriate broadcast intervals": a node reports by them.
#[tokio::test]
async fn broadcast_intervals() {
    let lab = Lab::new();
    let a = lab.builder("a").integration(|integration| {
        integration.report_health = true;
        integration.report_metrics = true;
        integration.health_interval = Duration::from_millis(100);
        integration.metrics_interval = Duration::from_millis(100);
    });
    let b = lab.builder("b");
    let pair = Pair::of(lab, a, b).await;
    let mut health = pair.subscribe(Instance::Health, &["cluster_health"]).await;
    let mut metrics = pair.subscribe(Instance::Metrics, &["throughput"]).await;
    for _ in 0..3 {
        let node = hear_typed(&mut health, "cluster:health", "node_health_updated").await;
        says(&node, json!({"node": "a"}));
    }
    hear_typed(&mut metrics, "throughput", "throughput_metric").await;
}

/// "Monitor subscriber performance".
#[tokio::test]
async fn subscriber_performance() {
    let pair = Pair::new().await;
    let mut slow = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    for count in 0..5 {
        published(
            pair.a
                .integration()
                .broadcast_metrics("persistence", json!({"operations_count": count})),
        );
    }
    let waiting = || pair.b.instances()[Instance::Metrics.index()].deepest_queue_messages;
    eventually("what was not read is seen", || waiting() == 5).await;
    for _ in 0..5 {
        next(&mut slow).await;
    }
    assert_eq!(waiting(), 0);
}

/// "Use structured logging for debugging".
#[tokio::test]
async fn structured_logging() {
    let pair = Pair::new().await;
    let mut logs = pair.subscribe(Instance::Logging, &["log_entry"]).await;
    let entry = LogEntry::new("warning", "slow write", "store").metadata(json!({"store_id": "main", "took_ms": 812}));
    pair.a.publish_typed(&entry, None).unwrap();
    let message = next(&mut logs).await;
    assert_eq!(
        (message.topic(), message.head().event),
        ("application_logs", "log_entry")
    );
    let read = LogEntry::read(message.payload()).unwrap();
    assert_eq!((read.level, read.message.as_str()), (LogLevel::Warn, "slow write"));
    assert_eq!(
        (&read.metadata["store_id"], &read.metadata["took_ms"]),
        (&json!("main"), &json!(812))
    );
}
