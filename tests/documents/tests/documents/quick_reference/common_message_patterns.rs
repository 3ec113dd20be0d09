//! "Common Message Patterns": each sample as JSON, from the publisher to the Rust type of the receiver.

use bellwether::catalogue::families::alerts::{AlertCategory, AlertSeverity, SystemAlert};
use bellwether::catalogue::families::health::{CheckState, ClusterHealth, ClusterStatus, NodeHealth, NodeStatus};
use bellwether::catalogue::families::metrics::{PerformanceMetric, ThroughputMetric};
use bellwether::catalogue::{Message, NodeName, Number};
use serde_json::{Value, json};

use crate::lab::*;

const TIME: &str = "2024-08-15T12:00:00Z";
const TIME_AS_SENT: &str = "2024-08-15T12:00:00.000Z";

/// Published as the sample has it, it says just that, in one form of time, and is read back.
async fn carried<M: Message>(pair: &Pair, sample: Value) -> M {
    let mut heard = pair.subscribe(M::TYPE.instance, &["*"]).await;
    pair.publish_typed(M::TYPE, sample.clone(), None);
    let envelope = next(&mut heard).await;
    assert_eq!(envelope.head().event, M::TYPE.tag);
    let mut expected = sample;
    expected["timestamp"] = TIME_AS_SENT.into();
    let payload = payload(&envelope);
    says(&payload, expected);
    let judged = bellwether::catalogue::validate_message(M::TYPE.instance, M::TYPE.tag, payload.clone()).unwrap();
    assert_eq!(judged, payload);
    M::read(envelope.payload()).unwrap()
}

#[tokio::test]
async fn health_messages() {
    let pair = Pair::new().await;
    let node: NodeHealth = carried(
        &pair,
        json!({
            "node": "node1", "status": "healthy", "checks": {"persistence": "pass", "network": "pass"},
            "memory_usage": 45.2, "timestamp": TIME,
        }),
    )
    .await;
    assert_eq!(NodeHealth::TYPE.tag, "node_health_updated");
    assert_eq!((node.node.as_str(), node.status), ("node1", NodeStatus::Healthy));
    assert_eq!(node.checks["persistence"], CheckState::Pass);
    assert_eq!(node.checks["network"], CheckState::Pass);
    assert_eq!(node.memory_usage, Some(45.2));
    assert_eq!(node.timestamp.unwrap().to_string(), TIME_AS_SENT);

    let cluster: ClusterHealth = carried(
        &pair,
        json!({
            "status": "healthy", "healthy_nodes": 3, "total_nodes": 4, "degraded_nodes": [],
            "unhealthy_nodes": ["node4"], "timestamp": TIME,
        }),
    )
    .await;
    assert_eq!(ClusterHealth::TYPE.tag, "cluster_health_updated");
    assert_eq!(cluster.status, ClusterStatus::Healthy, "as its publisher judges it");
    assert_eq!((cluster.healthy_nodes, cluster.total_nodes), (3, 4));
    assert_eq!(cluster.degraded_nodes, []);
    assert_eq!(cluster.unhealthy_nodes, [NodeName::from("node4")]);
}

#[tokio::test]
async fn metric_messages() {
    let pair = Pair::new().await;
    let performance: PerformanceMetric = carried(
        &pair,
        json!({
            "metric_name": "persistence_operation", "value": 1000, "unit": "operations", "component": "persistence",
            "node": "node1", "timestamp": TIME,
        }),
    )
    .await;
    assert_eq!(PerformanceMetric::TYPE.tag, "performance_metric");
    assert_eq!(performance.metric_name, "persistence_operation");
    assert_eq!(
        (performance.value, performance.unit.as_str()),
        (Number::Whole(1000), "operations")
    );
    assert_eq!(performance.component.as_deref(), Some("persistence"));
    assert_eq!(performance.node, Some(NodeName::from("node1")));

    let throughput: ThroughputMetric = carried(
        &pair,
        json!({
            "operation": "event_emission", "count": 1250, "duration_ms": 1000, "rate_per_sec": 1250.0, "node": "node1",
            "timestamp": TIME,
        }),
    )
    .await;
    assert_eq!(ThroughputMetric::TYPE.tag, "throughput_metric");
    assert_eq!(throughput.operation, "event_emission");
    assert_eq!((throughput.count, throughput.duration_ms), (1250, 1000));
    assert_eq!(throughput.rate_per_sec, Some(1250.0));
}

#[tokio::test]
async fn alert_messages() {
    let pair = Pair::new().await;
    let alert: SystemAlert = carried(
        &pair,
        json!({
            "alert_type": "node_failure", "severity": "critical", "message": "Node node2 has become unresponsive",
            "context": {"failed_node": "node2", "cluster_size": 3}, "timestamp": TIME,
        }),
    )
    .await;
    assert_eq!(SystemAlert::TYPE.tag, "system_alert");
    assert_eq!(alert.alert_type.as_deref(), Some("node_failure"));
    assert_eq!(
        (alert.severity, alert.category),
        (AlertSeverity::Critical, AlertCategory::Network)
    );
    assert_eq!(alert.message.as_deref(), Some("Node node2 has become unresponsive"));
    assert_eq!(alert.title, "Node node2 has become unresponsive");
    let context = alert.context.unwrap();
    assert_eq!(
        (&context["failed_node"], &context["cluster_size"]),
        (&json!("node2"), &json!(3))
    );
    assert_eq!(alert.metadata, context);
}
