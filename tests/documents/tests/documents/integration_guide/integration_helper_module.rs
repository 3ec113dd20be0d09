//! "Integration Helper Module".

use bellwether::Instance;
use serde_json::json;

use crate::lab::*;

#[tokio::test]
async fn the_four_calls() {
    let pair = Pair::new().await;
    let integration = pair.a.integration();
    let mut system = pair.subscribe(Instance::System, &["*"]).await;
    let mut health = pair.subscribe(Instance::Health, &["*"]).await;
    let mut metrics = pair.subscribe(Instance::Metrics, &["*"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["*"]).await;

    published(integration.broadcast_system_lifecycle("started", "ex_esdb", "0.8.0"));
    published(integration.broadcast_health_update("store_worker", "healthy", json!({"store_id": "main"})));
    let figures = json!({"operations_count": 1000, "duration_ms": 250, "success_count": 995, "error_count": 5});
    published(integration.broadcast_metrics("persistence", figures));
    published(integration.broadcast_alert("node_failure", "critical", "Node down", json!({"node": "node1"})));

    says(
        &hear_typed(&mut system, "lifecycle", "system_lifecycle_event").await,
        json!({"event": "started", "system_name": "ex_esdb", "version": "0.8.0"}),
    );
    says(
        &hear_typed(&mut health, "component_health", "component_health_updated").await,
        json!({"component": "store_worker", "status": "healthy", "details": {"store_id": "main"}}),
    );
    let metric = hear_typed(&mut metrics, "persistence", "performance_metric").await;
    says(&metric, json!({"value": 1000, "component": "persistence"}));
    says(
        &metric["tags"],
        json!({"duration_ms": 250, "success_count": 995, "error_count": 5}),
    );
    says(
        &hear_typed(&mut alerts, "node_failure", "system_alert").await,
        json!({
            "alert_type": "node_failure", "severity": "critical", "message": "Node down", "context": {"node": "node1"},
        }),
    );
}
