//! "Consumer Patterns": each consumer hears every example event that its patterns name, also what typed publishers and
//! helpers say of the same, and nothing else.

use bellwether::{Instance, Subscription};
use serde_json::json;

use super::example_events::{self, Example};
use crate::lab::*;

fn all_examples() -> Vec<Example> {
    vec![
        example_events::health_monitoring(),
        example_events::performance_metrics(),
        example_events::security_events(),
        example_events::audit_trail(),
        example_events::critical_alerts(),
        example_events::process_lifecycle(),
        example_events::diagnostic_information(),
    ]
}

/// Everything is published; the consumer gets what is its, and then the marker.
async fn consumes(pair: &Pair, mut consumer: Vec<Subscription>, wanted: &[Example]) {
    for (instance, topic, tag, event) in all_examples() {
        pair.publish(instance, topic, tag, &event);
    }
    for (instance, topic, tag, event) in wanted {
        let heard = consumer.iter_mut().find(|heard| heard.instance() == *instance).unwrap();
        assert_eq!(hear(heard, topic, tag).await, *event);
        pair.nothing_more(heard, topic).await;
    }
    assert_eq!(consumer.len(), wanted.len());
}

#[tokio::test]
async fn health_dashboard_consumer() {
    let pair = Pair::new().await;
    let consumer = vec![
        pair.subscribe(Instance::Health, &["subscription_health:*"]).await,
        pair.subscribe(Instance::Lifecycle, &["process_lifecycle:*"]).await,
    ];
    let wanted = [example_events::health_monitoring(), example_events::process_lifecycle()];
    consumes(&pair, consumer, &wanted).await;

    let mut lifecycle = pair.subscribe(Instance::Lifecycle, &["process_lifecycle:*"]).await;
    published(pair.a.integration().broadcast_lifecycle_event(
        "store_started",
        "store_main",
        json!({"store_id": "main"}),
    ));
    says(
        &hear_typed(&mut lifecycle, "process_lifecycle", "process_lifecycle_event").await,
        json!({"event": "store_started", "name": "store_main"}),
    );
}

#[tokio::test]
async fn security_operations_center() {
    let pair = Pair::new().await;
    let consumer = vec![
        pair.subscribe(Instance::Security, &["security_events:*"]).await,
        pair.subscribe(Instance::Audit, &["audit_trail:*"]).await,
        pair.subscribe(Instance::Alerts, &["system_alerts:critical"]).await,
    ];
    let wanted = [
        example_events::security_events(),
        example_events::audit_trail(),
        example_events::critical_alerts(),
    ];
    consumes(&pair, consumer, &wanted).await;

    let mut security = pair.subscribe(Instance::Security, &["security_events:*"]).await;
    let mut audit = pair.subscribe(Instance::Audit, &["audit_trail:*"]).await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["system_alerts:critical"]).await;
    for (name, topic) in [
        ("AuthEvent", "auth_events"),
        ("SessionEvent", "session_events"),
        ("AccessViolation", "access_violations"),
    ] {
        pair.publish_typed(named(name), named(name).example(), None);
        hear_typed(&mut security, topic, named(name).tag).await;
    }
    for (name, topic) in [
        ("DataChange", "data_changes"),
        ("AdminAction", "admin_actions"),
        ("AccessLog", "access_logs"),
    ] {
        pair.publish_typed(named(name), named(name).example(), None);
        hear_typed(&mut audit, topic, named(name).tag).await;
    }
    published(
        pair.a
            .integration()
            .broadcast_alert("node_failure", "critical", "Node down", json!({})),
    );
    hear_typed(&mut alerts, "node_failure", "system_alert").await;
    published(
        pair.a
            .integration()
            .broadcast_alert("resource_warning", "warning", "Memory", json!({})),
    );
    pair.nothing_more(&mut alerts, "system_alerts:critical").await;
}

#[tokio::test]
async fn performance_monitoring() {
    let pair = Pair::new().await;
    let consumer = vec![
        pair.subscribe(Instance::Metrics, &["subscription_metrics:*"]).await,
        pair.subscribe(Instance::Diagnostics, &["diagnostics:performance_trace"])
            .await,
    ];
    let wanted = [
        example_events::performance_metrics(),
        example_events::diagnostic_information(),
    ];
    consumes(&pair, consumer, &wanted).await;
}

#[tokio::test]
async fn incident_response() {
    let pair = Pair::new().await;
    let consumer = vec![
        pair.subscribe(Instance::Alerts, &["system_alerts:*"]).await,
        pair.subscribe(Instance::Health, &["subscription_health:*"]).await,
        pair.subscribe(Instance::Lifecycle, &["process_lifecycle:*"]).await,
    ];
    let wanted = [
        example_events::critical_alerts(),
        example_events::health_monitoring(),
        example_events::process_lifecycle(),
    ];
    consumes(&pair, consumer, &wanted).await;

    let mut alerts = pair.subscribe(Instance::Alerts, &["system_alerts:*"]).await;
    for (alert_type, severity) in [("node_failure", "critical"), ("resource_warning", "warning")] {
        published(
            pair.a
                .integration()
                .broadcast_alert(alert_type, severity, "x", json!({})),
        );
        hear_typed(&mut alerts, alert_type, "system_alert").await;
    }
}
