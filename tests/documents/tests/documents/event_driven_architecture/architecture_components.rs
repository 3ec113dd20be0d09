//! "Architecture Components".

use bellwether::Instance;
use bellwether::catalogue::family_of;
use serde_json::json;

use crate::integration_guide::ex_esdb_gater_message_system::TABLE;
use crate::lab::*;

/// "ExESDBGater Message System": what each instance of the table is for, as the catalogue says it.
#[test]
fn ex_esdb_gater_message_system() {
    for (instance, purpose) in [
        ("ex_esdb_system", "configuration"),
        ("ex_esdb_health", "health"),
        ("ex_esdb_metrics", "performance figures"),
        ("ex_esdb_lifecycle", "starts, stops"),
        ("ex_esdb_alerts", "alerts"),
        ("ex_esdb_audit", "compliance"),
        ("ex_esdb_diagnostics", "traces"),
        ("ex_esdb_security", "authentication"),
        ("ex_esdb_logging", "aggregation"),
    ] {
        let instance: Instance = instance.parse().unwrap();
        assert!(
            instance.purpose().contains(purpose),
            "{instance}: {}",
            instance.purpose()
        );
    }
    // Its types are those of the guide's table, which travel in `integration_guide`.
    for (instance, types) in TABLE {
        let family = family_of(instance.parse().unwrap()).unwrap();
        let is_there = |name: &&str| family.types.iter().any(|found| found.name == *name);
        assert!(types.iter().all(is_there), "{types:?}");
    }
}

/// "Integration Helper Module": the same four calls, from a second handle of the helper.
#[tokio::test]
async fn integration_helper_module() {
    let pair = Pair::new().await;
    let integration = pair.a.integration().about_node("node1");
    let mut system = pair.subscribe(Instance::System, &["lifecycle"]).await;
    let mut health = pair.subscribe(Instance::Health, &["component_health"]).await;
    let mut metrics = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["node_failure"]).await;

    published(integration.broadcast_system_lifecycle("started", "ex_esdb", "0.8.0"));
    published(integration.broadcast_health_update("store_worker", "healthy", json!({"store_id": "main"})));
    let figures = json!({"operations_count": 1000, "duration_ms": 250, "success_count": 995, "error_count": 5});
    published(integration.broadcast_metrics("persistence", figures));
    published(integration.broadcast_alert("node_failure", "critical", "Node down", json!({"node": "node1"})));

    for (heard, topic, tag) in [
        (&mut system, "lifecycle", "system_lifecycle_event"),
        (&mut health, "component_health", "component_health_updated"),
        (&mut metrics, "persistence", "performance_metric"),
        (&mut alerts, "node_failure", "system_alert"),
    ] {
        says(&hear_typed(heard, topic, tag).await, json!({"node": "node1"}));
    }
}
