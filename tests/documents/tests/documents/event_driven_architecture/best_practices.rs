//! "Best Practices".

use bellwether::catalogue::Message;
use bellwether::catalogue::families::health::{NodeHealth, NodeStatus};
use bellwether::{Draft, Instance};
use serde_json::{Value, json};

use crate::lab::*;

/// Prefixes with the store behind them, for many tenants.
#[tokio::test]
async fn topic_naming_conventions() {
    let pair = Pair::new().await;
    for (instance, prefix) in [
        (Instance::Health, "store_health"),
        (Instance::System, "store_metrics"),
        (Instance::Events, "stream"),
    ] {
        let mut one = pair.subscribe(instance, &[&format!("{prefix}:tenant1")]).await;
        let mut all = pair.subscribe(instance, &[&format!("{prefix}:*")]).await;
        for tenant in ["tenant2", "tenant1"] {
            pair.publish(
                instance,
                &format!("{prefix}:{tenant}"),
                "said",
                &json!({"store_id": tenant}),
            );
        }
        assert_eq!(payload(&next(&mut one).await)["store_id"], "tenant1", "{prefix}");
        for tenant in ["tenant2", "tenant1"] {
            assert_eq!(payload(&next(&mut all).await)["store_id"], tenant, "{prefix}");
        }
    }
}

#[tokio::test]
async fn message_structure() {
    let pair = Pair::new().await;
    // "Include timestamp and correlation IDs", "use structured data"
    let mut heard = pair.subscribe(Instance::Events, &["event_stream:orders"]).await;
    let order = Draft::new(topic("event_stream:orders"), "order_placed")
        .json(json!({"order": 7, "lines": [{"sku": "a", "count": 2}]}).to_string())
        .correlation_id("checkout-42")
        .causation_id("events/a/1/1");
    pair.a.publish(Instance::Events, &order).unwrap();
    let message = next(&mut heard).await;
    let head = message.head();
    assert_eq!(
        (head.correlation_id, head.causation_id),
        (Some("checkout-42"), Some("events/a/1/1"))
    );
    assert!(message.timestamp().as_millis() > 0);
    assert_eq!(payload(&message)["lines"][0]["sku"], "a");

    // "Maintain backward compatibility in message formats": of a newer publisher, fields and words are kept.
    let mut health = pair.subscribe(Instance::Health, &["node_health"]).await;
    let newer: Value = json!({
        "node": "node1", "status": "dreaming", "timestamp": "2024-08-15T12:00:00Z", "mood": "calm",
    });
    pair.publish(Instance::Health, "node_health", "node_health_updated", &newer);
    let read = NodeHealth::read(next(&mut health).await.payload()).unwrap();
    assert_eq!(read.status, NodeStatus::Other("dreaming".into()));
    assert_eq!(read.extra["mood"], "calm");
    assert_eq!(head.schema_version, 1);
}

/// "Implement proper error handling in all subscribers".
#[tokio::test]
async fn error_handling() {
    let pair = Pair::new().await;
    let mut heard = pair.subscribe(Instance::Health, &["cluster_health"]).await;
    let good = json!({"node": "node1", "status": "healthy"});
    for bad in [
        json!(null),
        json!([]),
        json!({"node": 7}),
        json!({"node": "x", "status": {}}),
    ] {
        pair.publish(Instance::Health, "cluster_health", "node_health_updated", &bad);
    }
    pair.publish_typed(named("NodeHealth"), good, None);
    let mut results = Vec::new();
    for _ in 0..5 {
        results.push(NodeHealth::read(next(&mut heard).await.payload()).map(|health| health.node.to_string()));
    }
    let [errors @ .., Ok(last)] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert_eq!(last, "node1");
    assert!(
        errors
            .iter()
            .all(|result| result.as_ref().is_err_and(|err| !err.to_string().is_empty()))
    );
}

/// "Batch messages when possible".
#[tokio::test]
async fn performance_considerations() {
    use bellwether::catalogue::EventRecord;
    use bellwether::catalogue::families::events::{BATCH, read_batch};
    let pair = Pair::new().await;
    let mut heard = pair.subscribe(Instance::Events, &["main:$all"]).await;
    let event = |number: u64| {
        EventRecord::new(
            "$temperatures",
            number,
            format!("e{number}"),
            "temperature_measured:v1",
            json!(21),
        )
    };
    let batch: Vec<EventRecord> = (0..50).map(event).collect();
    pair.publish(
        Instance::Events,
        "main:$all",
        BATCH,
        &serde_json::to_value(&batch).unwrap(),
    );
    let message = next(&mut heard).await;
    assert_eq!((message.topic(), message.head().event), ("main:$all", BATCH));
    assert_eq!(read_batch(message.payload()).unwrap(), batch);
}
