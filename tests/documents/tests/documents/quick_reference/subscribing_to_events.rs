//! "Subscribing to Events".

use bellwether::catalogue::Message;
use bellwether::catalogue::families::alerts::SystemAlert;
use bellwether::catalogue::families::health::{NodeHealth, NodeStatus};
use bellwether::catalogue::families::metrics::PerformanceMetric;
use bellwether::{Envelope, Instance};
use serde_json::json;

use crate::lab::*;

#[tokio::test]
async fn basic_subscription() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut system = pair.subscribe(Instance::System, &["lifecycle"]).await;
    let mut health = pair.subscribe(Instance::Health, &["cluster_health"]).await;
    let mut metrics = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["node_failure"]).await;

    published(integration.broadcast_system_lifecycle("started", "ex_esdb", "0.8.0"));
    published(integration.broadcast_cluster_health(&["node1"], &["node2"], "node_down"));
    published(integration.broadcast_metrics("persistence", json!({"operations_count": 1000})));
    published(integration.broadcast_alert("node_failure", "critical", "Node down", json!({"node": "node1"})));

    hear_typed(&mut system, "lifecycle", "system_lifecycle_event").await;
    hear_typed(&mut health, "cluster:health", "cluster_health_updated").await;
    hear_typed(&mut metrics, "persistence", "performance_metric").await;
    hear_typed(&mut alerts, "node_failure", "system_alert").await;
    for (heard, topic) in [
        (&mut system, "lifecycle"),
        (&mut health, "cluster_health"),
        (&mut metrics, "persistence"),
        (&mut alerts, "node_failure"),
    ] {
        pair.nothing_more(heard, topic).await;
    }
}

/// The assigns and the flash of a page.
#[derive(Default)]
struct Dashboard {
    status: Option<NodeHealth>,
    error: Option<String>,
}

impl Dashboard {
    fn handle_info(&mut self, message: &Envelope) {
        match message.head().event {
            "node_health_updated" => self.status = Some(NodeHealth::read(message.payload()).unwrap()),
            "system_alert" => self.error = SystemAlert::read(message.payload()).unwrap().message,
            other => panic!("the page knows no {other}"),
        }
    }
}

#[tokio::test]
async fn live_view_integration() {
    let pair = Pair::new().await;
    let mut health = pair.subscribe(Instance::Health, &["cluster_health"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["node_failure"]).await;
    let mut page = Dashboard::default();

    let status = NodeHealth::new("node1", NodeStatus::Healthy).memory_usage(45.2);
    pair.a.publish_typed(&status, None).unwrap();
    let down = || json!({"node": "node1"});
    published(
        pair.a
            .integration()
            .broadcast_alert("node_failure", "critical", "Node down", down),
    );

    page.handle_info(&next(&mut health).await);
    page.handle_info(&next(&mut alerts).await);
    let status = page.status.unwrap();
    assert_eq!((status.node.as_str(), status.status), ("node1", NodeStatus::Healthy));
    assert_eq!(page.error.as_deref(), Some("Node down"));
}

/// A worker's state.
#[derive(Default)]
struct MonitoringWorker {
    metrics: Vec<(String, f64)>,
    alerts: Vec<String>,
}

impl MonitoringWorker {
    fn handle_info(&mut self, message: &Envelope) {
        match message.head().event {
            "performance_metric" => {
                let metric = PerformanceMetric::read(message.payload()).unwrap();
                self.metrics.push((metric.metric_name, metric.value.as_f64()));
            }
            "system_alert" => self.alerts.push(SystemAlert::read(message.payload()).unwrap().title),
            other => panic!("the worker knows no {other}"),
        }
    }
}

#[tokio::test]
async fn gen_server_integration() {
    let pair = Pair::new().await;
    let mut metrics = pair.subscribe(Instance::Metrics, &["performance"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["node_failure"]).await;
    let mut worker = MonitoringWorker::default();

    let integration = pair.a.integration();
    // `performance` is whatever is told of performance: helpers use the name of the component as topic.
    published(integration.broadcast_metrics("persistence", json!({"operations_count": 1000})));
    published(integration.broadcast_metrics("cache", json!({"value": 0.93, "unit": "ratio"})));
    let usual = PerformanceMetric::new("queue_depth", 7, "messages");
    pair.a.publish_typed(&usual, None).unwrap();
    published(integration.broadcast_alert("node_failure", "critical", "Node down", json!({})));

    for _ in 0..3 {
        worker.handle_info(&next(&mut metrics).await);
    }
    worker.handle_info(&next(&mut alerts).await);
    let expected = [("persistence_operation", 1000.0), ("cache", 0.93), ("queue_depth", 7.0)];
    assert_eq!(worker.metrics, expected.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(worker.alerts, ["Node down"]);
    pair.nothing_more(&mut metrics, "performance").await;
}
