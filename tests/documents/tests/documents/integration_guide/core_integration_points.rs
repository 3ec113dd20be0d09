//! "Core Integration Points".

use bellwether::Instance;
use serde_json::json;

use crate::lab::*;

/// "1. System Lifecycle (`ExESDB.System`)"
#[tokio::test]
async fn system_lifecycle() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut lifecycle = pair.subscribe(Instance::System, &["lifecycle"]).await;
    let mut config = pair.subscribe(Instance::System, &["config"]).await;

    let version = env!("CARGO_PKG_VERSION");
    published(integration.broadcast_system_lifecycle("started", "ex_esdb", version));
    says(
        &hear_typed(&mut lifecycle, "lifecycle", "system_lifecycle_event").await,
        json!({"event": "started", "system_name": "ex_esdb", "version": version}),
    );

    let changes = json!({"store_id": "main", "enabled": true});
    let on_config = integration.clone().on_topic(topic("config"));
    published(on_config.broadcast_system_config("store_config", changes.clone()));
    says(
        &hear_typed(&mut config, "config", "system_config_changed").await,
        json!({"component": "store_config", "changes": changes}),
    );
    // The option is heeded: another topic is another one.
    let mut elsewhere = pair.subscribe(Instance::System, &["configuration_changes:store"]).await;
    let elsewhere_too = integration.on_topic(topic("configuration_changes:store"));
    published(elsewhere_too.broadcast_system_config("store_config", changes));
    hear_typed(&mut elsewhere, "configuration_changes:store", "system_config_changed").await;
    pair.nothing_more(&mut config, "config").await;
}

/// "2. Store Operations (`ExESDB.StoreWorker`)"
#[tokio::test]
async fn store_operations() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut health = pair.subscribe(Instance::Health, &["component_health"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["store_failure"]).await;

    let running = json!({"store_id": "main", "status": "running"});
    published(integration.broadcast_health_update("store_worker", "healthy", running.clone()));
    says(
        &hear_typed(&mut health, "component_health", "component_health_updated").await,
        json!({"component": "store_worker", "status": "healthy", "details": running}),
    );

    let failed = json!({"store_id": "main", "reason": "timeout"});
    published(integration.broadcast_alert("store_failure", "critical", "Store worker failed", failed.clone()));
    says(
        &hear_typed(&mut alerts, "store_failure", "system_alert").await,
        json!({
            "alert_type": "store_failure", "severity": "critical", "message": "Store worker failed", "context": failed,
            "category": "data",
        }),
    );
}

/// "3. Health Monitoring (`ExESDB.Monitoring.HealthChecker`)"
#[tokio::test]
async fn health_monitoring() {
    let pair = Pair::new().await;
    let mut health = pair.subscribe(Instance::Health, &["component_health"]).await;
    let details = json!({"cpu_usage": 45.2, "memory_usage": 67.8, "disk_usage": 23.1, "check_duration_ms": 150});
    for health_status in ["healthy", "degraded", "unhealthy"] {
        let integration = pair.a.integration();
        published(integration.broadcast_health_update("health_checker", health_status, details.clone()));
        says(
            &hear_typed(&mut health, "component_health", "component_health_updated").await,
            json!({"component": "health_checker", "status": health_status, "details": details, "node": "a"}),
        );
    }
}

/// "4. Cluster Monitoring (`ExESDB.NodeMonitor`)"
#[tokio::test]
async fn cluster_monitoring() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut alerts = pair.subscribe(Instance::Alerts, &["node_failure"]).await;
    let mut health = pair.subscribe(Instance::Health, &["cluster_health"]).await;

    let (connected_nodes, down_node) = (["node1", "node3"], "node2");
    let context = json!({"node": down_node, "cluster_size": connected_nodes.len()});
    published(integration.broadcast_alert("node_failure", "critical", "Node disconnected", context.clone()));
    says(
        &hear_typed(&mut alerts, "node_failure", "system_alert").await,
        json!({
            "alert_type": "node_failure", "severity": "critical", "message": "Node disconnected", "context": context,
        }),
    );

    published(integration.broadcast_cluster_health(&connected_nodes, &[down_node], "node_down"));
    says(
        &hear_typed(&mut health, "cluster:health", "cluster_health_updated").await,
        json!({
            "status": "degraded", "healthy_nodes": 2, "total_nodes": 3, "unhealthy_nodes": ["node2"],
            "nodes": connected_nodes, "quorum_status": "available", "event_type": "node_down",
        }),
    );
}

/// "5. Persistence Monitoring (`ExESDB.PersistenceWorker`)"
#[tokio::test]
async fn persistence_monitoring() {
    let pair = Pair::new().await;
    let mut heard = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    let figures = json!({"stores_count": 2, "duration_ms": 250, "success_count": 2, "error_count": 0});
    published(pair.a.integration().broadcast_metrics("persistence", figures.clone()));
    says(
        &hear_typed(&mut heard, "persistence", "performance_metric").await,
        json!({
            "metric_name": "persistence_operation", "value": 0, "unit": "operations", "component": "persistence",
            "tags": figures, "node": "a",
        }),
    );
}
