//! "Message Validation".

use bellwether::catalogue::validate_message;
use bellwether::{Delivery, Instance, Node, NodeId};
use serde_json::json;

use crate::lab::*;

/// What the sample matches on is decided before a message is delivered: a signature that is not right, and a message
/// that is not signed, never arrive.
#[tokio::test]
async fn secure_messages() {
    let pair = Pair::new().await;
    let stranger = Node::builder(NodeId::new("x").unwrap())
        .secrets(["another secret that is also long enough"])
        .unwrap()
        .data_dir(pair.lab.directory().join("x"))
        .seed(address(&pair.a))
        .seed(address(&pair.b))
        .start()
        .await
        .unwrap();
    let mut health = pair.subscribe(Instance::Health, &["node_health"]).await;
    let refused = || pair.a.strangers() > 0 && pair.b.strangers() > 0;
    eventually("a node with another secret is refused", refused).await;

    let sick = json!({"node": "node1", "status": "unhealthy"});
    stranger.publish_payload(named("NodeHealth"), sick, None).unwrap();
    let well = json!({"node": "node1", "status": "healthy"});
    pair.publish_typed(named("NodeHealth"), well, None);
    let payload = hear(&mut health, "cluster:health", "node_health_updated").await;
    assert_eq!(
        validate_message(Instance::Health, "node_health_updated", payload).unwrap()["status"],
        "healthy"
    );
    assert!(pair.b.members().iter().all(|member| member.node.as_str() != "x"));

    let unsecured = Node::builder(NodeId::new("y").unwrap())
        .data_dir(pair.lab.directory().join("y"))
        .start()
        .await
        .unwrap();
    assert!(!unsecured.is_signed());
    let mut alone = subscribe(&unsecured, Instance::Health, &["node_health"]).await;
    let own = json!({"node": "y", "status": "healthy"});
    unsecured.publish_payload(named("NodeHealth"), own, None).unwrap();
    match alone.next().await {
        Some(Delivery::Message(message)) => assert!(!message.is_signed(), "no secret is configured"),
        other => panic!("{other:?}"),
    }
    pair.nothing_more(&mut health, "cluster:health").await;
}
