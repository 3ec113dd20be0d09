//! "Subscription Examples".

use std::collections::BTreeMap;

use bellwether::catalogue::Message;
use bellwether::catalogue::families::health::{NodeHealth, NodeStatus};
use bellwether::catalogue::families::metrics::PerformanceMetric;
use bellwether::{Envelope, GaugeKind, Instance};
use serde_json::json;

use crate::lab::*;

/// A page that shows the health of the nodes and counts whatever else it hears.
#[derive(Default)]
struct Dashboard {
    cluster_status: BTreeMap<String, NodeStatus>,
    others: Vec<String>,
}

impl Dashboard {
    fn handle_info(&mut self, message: &Envelope) {
        match message.head().event {
            "node_health_updated" => {
                let health = NodeHealth::read(message.payload()).unwrap();
                self.cluster_status.insert(health.node.to_string(), health.status);
            }
            other => self.others.push(format!("{} {}", message.topic(), other)),
        }
    }
}

#[tokio::test]
async fn dashboard_integration() {
    let pair = Pair::new().await;
    let mut system = pair.subscribe(Instance::System, &["lifecycle"]).await;
    let mut health = pair.subscribe(Instance::Health, &["cluster_health"]).await;
    let mut metrics = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["node_failure"]).await;

    let integration = pair.a.integration();
    published(integration.broadcast_system_lifecycle("started", "ex_esdb", "0.8.0"));
    for (node, status) in [("node1", NodeStatus::Healthy), ("node2", NodeStatus::Degraded)] {
        pair.a.publish_typed(&NodeHealth::new(node, status), None).unwrap();
    }
    published(integration.broadcast_metrics("persistence", json!({"operations_count": 1})));
    published(integration.broadcast_alert("node_failure", "critical", "Node down", json!({"node": "node3"})));

    let mut page = Dashboard::default();
    page.handle_info(&next(&mut system).await);
    page.handle_info(&next(&mut health).await);
    page.handle_info(&next(&mut health).await);
    page.handle_info(&next(&mut metrics).await);
    page.handle_info(&next(&mut alerts).await);
    let status = [("node1", NodeStatus::Healthy), ("node2", NodeStatus::Degraded)];
    let status = status.map(|(node, status)| (node.to_owned(), status));
    assert_eq!(page.cluster_status, BTreeMap::from(status));
    assert_eq!(
        page.others,
        [
            "lifecycle system_lifecycle_event",
            "persistence performance_metric",
            "node_failure system_alert"
        ]
    );
}

/// Stands for a Prometheus client.
#[derive(Default)]
struct MetricsCollector {
    gauges: BTreeMap<String, f64>,
    alerts: usize,
}

impl MetricsCollector {
    fn handle_info(&mut self, message: &Envelope) {
        match message.head().event {
            "performance_metric" => {
                let metric = PerformanceMetric::read(message.payload()).unwrap();
                let component = metric.component.unwrap();
                let gauge = format!("exesdb_{component}_performance");
                self.gauges.insert(gauge, metric.value.as_f64());
            }
            _ => self.alerts += 1,
        }
    }
}

#[tokio::test]
async fn external_monitoring() {
    let pair = Pair::new().await;
    let mut metrics = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["node_failure"]).await;
    let integration = pair.a.integration();
    published(integration.broadcast_metrics("persistence", json!({"operations_count": 1000})));
    published(integration.broadcast_metrics("persistence", json!({"operations_count": 1250})));
    published(integration.broadcast_alert("node_failure", "critical", "Node down", json!({})));

    let mut collector = MetricsCollector::default();
    collector.handle_info(&next(&mut metrics).await);
    collector.handle_info(&next(&mut metrics).await);
    collector.handle_info(&next(&mut alerts).await);
    let expected = ("exesdb_persistence_performance".to_owned(), 1250.0);
    assert_eq!((collector.gauges, collector.alerts), (BTreeMap::from([expected]), 1));

    // The node that a figure comes from keeps it for collectors too.
    let gauges = pair.a.gauges();
    let [gauge] = gauges.as_slice() else {
        panic!("{gauges:?}");
    };
    assert_eq!(
        (gauge.kind, gauge.component.as_str(), gauge.value),
        (GaugeKind::Performance, "persistence", 1250.0)
    );
}
