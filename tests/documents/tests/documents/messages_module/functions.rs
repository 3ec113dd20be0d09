//! "Functions".

use std::collections::BTreeMap;

use bellwether::Instance;
use bellwether::catalogue::{self, FAMILIES, ValidateError, family_of};
use serde_json::json;

#[test]
fn all_modules() {
    let names = FAMILIES.map(|family| family.name);
    let expected = [
        "System",
        "Health",
        "Metrics",
        "Lifecycle",
        "Alert",
        "Audit",
        "Diagnostics",
        "Security",
        "Logging",
    ];
    assert_eq!(names, expected.map(|name| format!("{name}Messages")));
}

#[test]
fn instance_to_module_map() {
    let map: BTreeMap<&str, &str> = FAMILIES
        .iter()
        .map(|family| (family.instance.prefixed_name(), family.name))
        .collect();
    assert_eq!(map.len(), 9);
    assert_eq!(map["ex_esdb_alerts"], "AlertMessages");
    assert_eq!(map["ex_esdb_logging"], "LoggingMessages");
}

#[test]
fn module_for_instance() {
    assert_eq!(
        family_of("ex_esdb_health".parse().unwrap()).unwrap().name,
        "HealthMessages"
    );
    assert!("invalid".parse::<Instance>().is_err());
    assert!(family_of(Instance::Events).is_none());
}

#[test]
fn supported_instances() {
    let all = Instance::ALL
        .into_iter()
        .filter(|instance| *instance != Instance::Events);
    assert!(all.eq(catalogue::supported_instances()));
}

#[test]
fn validate_message() {
    let message = json!({"node": "node1", "status": "healthy", "timestamp": 1_672_531_200_000_i64});
    let payload = catalogue::validate_message(Instance::Health, "node_health_updated", message.clone()).unwrap();
    assert_eq!(
        (&payload["node"], &payload["status"]),
        (&json!("node1"), &json!("healthy"))
    );
    assert_eq!(payload["timestamp"], "2023-01-01T00:00:00.000Z");
    let unknown = catalogue::validate_message(Instance::Events, "node_health_updated", message);
    assert!(matches!(unknown, Err(ValidateError::UnknownInstance { .. })));
    assert_eq!(unknown.unwrap_err().reason(), "unknown_instance");
}
