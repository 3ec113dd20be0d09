//! "Broadcasting Events".

use bellwether::Instance;
use serde_json::json;

use crate::lab::*;

#[tokio::test]
async fn system_events() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut lifecycle = pair.subscribe(Instance::System, &["lifecycle"]).await;
    let mut config = pair.subscribe(Instance::System, &["config"]).await;

    published(integration.broadcast_system_lifecycle("started", "ex_esdb", "0.8.0"));
    says(
        &hear_typed(&mut lifecycle, "lifecycle", "system_lifecycle_event").await,
        json!({"event": "started", "system_name": "ex_esdb", "version": "0.8.0", "node": "a"}),
    );

    published(integration.broadcast_system_config("store", json!({"enabled": true})));
    says(
        &hear_typed(&mut config, "config", "system_config_changed").await,
        json!({"component": "store", "changes": {"enabled": true}, "changed_by": "system", "node": "a"}),
    );
}

#[tokio::test]
async fn health_events() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut component = pair.subscribe(Instance::Health, &["component_health"]).await;
    let mut cluster = pair.subscribe(Instance::Health, &["cluster_health"]).await;

    published(integration.broadcast_health_update("store_worker", "healthy", json!({"store_id": "main"})));
    says(
        &hear_typed(&mut component, "component_health", "component_health_updated").await,
        json!({"component": "store_worker", "status": "healthy", "details": {"store_id": "main"}, "node": "a"}),
    );

    let (nodes, failed_nodes) = (["node1", "node2"], ["node3"]);
    published(integration.broadcast_cluster_health(&nodes, &failed_nodes, "node_down"));
    says(
        &hear_typed(&mut cluster, "cluster:health", "cluster_health_updated").await,
        json!({
            "status": "degraded", "healthy_nodes": 2, "total_nodes": 3, "nodes": ["node1", "node2"],
            "unhealthy_nodes": ["node3"], "degraded_nodes": [], "quorum_status": "available", "event_type": "node_down",
        }),
    );
}

#[tokio::test]
async fn performance_metrics() {
    let pair = Pair::new().await;
    let mut heard = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    let metrics = json!({"operations_count": 1000, "duration_ms": 250, "success_count": 995, "error_count": 5});
    published(pair.a.integration().broadcast_metrics("persistence", metrics));
    says(
        &hear_typed(&mut heard, "persistence", "performance_metric").await,
        json!({
            "metric_name": "persistence_operation", "value": 1000, "unit": "operations", "component": "persistence",
            "tags": {"stores_count": 0, "duration_ms": 250, "success_count": 995, "error_count": 5}, "node": "a",
        }),
    );
}

#[tokio::test]
async fn alerts() {
    let pair = Pair::new().await;
    let mut heard = pair.subscribe(Instance::Alerts, &["node_failure"]).await;
    let context = json!({"node": "node1"});
    let integration = pair.a.integration();
    published(integration.broadcast_alert("node_failure", "critical", "Node down", context));
    let alert = hear_typed(&mut heard, "node_failure", "system_alert").await;
    says(
        &alert,
        json!({
            "alert_type": "node_failure", "severity": "critical", "message": "Node down", "context": {"node": "node1"},
            "title": "Node down", "description": "Node down", "category": "network", "metadata": {"node": "node1"},
            "source": "ExESDB", "requires_ack": true, "node": "a",
        }),
    );
    assert_eq!(alert["alert_id"].as_str().unwrap().len(), 16);
}
