//! "Message Validation".

use bellwether::catalogue::{ValidateError, family_of, validate_message};
use bellwether::{Instance, Node, NodeId};
use serde_json::json;

use crate::lab::*;

/// A consumer gets what has the right signature, judges it, and survives what is none.
#[tokio::test]
async fn always_validate_received_messages() {
    let pair = Pair::new().await;
    let forger = Node::builder(NodeId::new("forger").unwrap())
        .secrets(["the forger's own secret, which is long enough"])
        .unwrap()
        .data_dir(pair.lab.directory().join("forger"))
        .seed(address(&pair.b))
        .start()
        .await
        .unwrap();
    let mut heard = pair.subscribe(Instance::Health, &["cluster_health"]).await;
    eventually("the forger is refused", || pair.b.strangers() > 0).await;
    let node_health = named("NodeHealth");
    forger
        .publish_payload(node_health, json!({"node": "forged", "status": "healthy"}), None)
        .unwrap();

    pair.publish(
        Instance::Health,
        "cluster_health",
        "node_health_updated",
        &json!({"status": "healthy"}),
    );
    pair.publish_typed(node_health, json!({"node": "node1", "status": "healthy"}), None);
    let mut handled = Vec::new();
    for _ in 0..2 {
        let payload = hear(&mut heard, "cluster:health", "node_health_updated").await;
        match validate_message(Instance::Health, "node_health_updated", payload) {
            Ok(payload) => handled.push(payload["node"].as_str().unwrap().to_owned()),
            Err(err) => handled.push(format!("{}: {err}", err.reason())),
        }
    }
    let missing = "missing_fields: `node` is missing; give the name of a node: text, not empty, without control \
                   characters; `timestamp` is missing; give a time such as `2026-11-21T10:57:54.123Z`, or whole \
                   milliseconds since 1970";
    assert_eq!(handled, [missing, "node1"]);
    assert_eq!(family_of(Instance::Health).unwrap().name, "HealthMessages");
    let other = validate_message(Instance::Health, "performance_metric", json!({}));
    assert!(matches!(other, Err(ValidateError::UnknownType { .. })));
    pair.nothing_more(&mut heard, "cluster:health").await;
}
