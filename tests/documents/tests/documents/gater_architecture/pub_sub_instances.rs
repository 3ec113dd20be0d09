//! "PubSub Instances": the typical topics of each, by their own name and by their first level; and the events that are
//! shown as examples.

use bellwether::Instance;
use bellwether::catalogue::type_of;
use serde_json::{Value, json};

use super::example_events;
use crate::lab::*;

/// Each topic delivers by its own text, and by a pattern of its first level.
async fn typical_topics(instance: &str, topics: &[&str]) {
    let instance: Instance = instance.parse().unwrap();
    let pair = Pair::new().await;
    for topic in topics {
        let (first, _) = topic.split_once(':').unwrap();
        let mut exact = pair.subscribe(instance, &[topic]).await;
        let mut family = pair.subscribe(instance, &[&format!("{first}:*")]).await;
        let said = json!({"on": topic});
        pair.publish(instance, topic, "said", &said);
        assert_eq!(hear(&mut exact, topic, "said").await, said);
        assert_eq!(hear(&mut family, topic, "said").await, said);
        pair.nothing_more(&mut exact, topic).await;
    }
}

/// The event as the document has it arrives as it is; judged, its time has the one form, and a publisher of the type
/// that names no topic is heard there too.
async fn example_event(example: (Instance, &str, &str, Value)) {
    let (instance, topic, tag, event) = example;
    let pair = Pair::new().await;
    let mut heard = pair.subscribe(instance, &[topic]).await;
    pair.publish(instance, topic, tag, &event);
    let came = hear(&mut heard, topic, tag).await;
    assert_eq!(came, event);
    assert_eq!(came["timestamp"], 1_672_531_200_000_i64);
    let judged = type_of(instance, tag).unwrap().validate(came).unwrap();
    let mut expected = event.clone();
    expected["timestamp"] = "2023-01-01T00:00:00.000Z".into();
    if tag == "critical_alert" {
        // The word of this document for the worst.
        expected["severity"] = "critical".into();
    }
    assert_eq!(judged, expected);
    pair.publish_typed(type_of(instance, tag).unwrap(), event, None);
    assert_eq!(hear_typed(&mut heard, topic, tag).await, expected);
}

#[tokio::test]
async fn core_event_data() {
    let topics = [
        "event_stream:orders-7",
        "projection_updates:users",
        "aggregate_events:order-7",
    ];
    typical_topics("ex_esdb_events", &topics).await;
}

#[tokio::test]
async fn system_events() {
    let topics = [
        "system_status:api",
        "configuration_changes:billing",
        "service_discovery:node1",
    ];
    typical_topics("ex_esdb_system", &topics).await;
}

#[tokio::test]
async fn log_aggregation() {
    let topics = ["logs:billing:error", "structured_logs:store", "error_reports:billing"];
    typical_topics("ex_esdb_logging", &topics).await;
}

#[tokio::test]
async fn health_monitoring() {
    let topics = [
        "subscription_health:production_store:user_projection",
        "process_health:store",
        "circuit_breaker_status:billing",
    ];
    typical_topics("ex_esdb_health", &topics).await;
    example_event(example_events::health_monitoring()).await;
}

#[tokio::test]
async fn performance_metrics() {
    let topics = [
        "subscription_metrics:production_store:user_projection",
        "performance_metrics:store",
        "throughput_stats:billing",
    ];
    typical_topics("ex_esdb_metrics", &topics).await;
    example_event(example_events::performance_metrics()).await;
}

#[tokio::test]
async fn security_events() {
    let topics = [
        "security_events:authentication",
        "security_events:authorization",
        "threat_detection:billing",
        "access_violations:stream_7",
    ];
    typical_topics("ex_esdb_security", &topics).await;
    example_event(example_events::security_events()).await;
}

#[tokio::test]
async fn audit_trail() {
    let topics = [
        "audit_trail:user_actions",
        "audit_trail:admin_operations",
        "compliance_events:gdpr",
    ];
    typical_topics("ex_esdb_audit", &topics).await;
    example_event(example_events::audit_trail()).await;
}

#[tokio::test]
async fn critical_alerts() {
    let topics = [
        "system_alerts:critical",
        "system_alerts:warning",
        "incident_alerts:high",
    ];
    typical_topics("ex_esdb_alerts", &topics).await;
    example_event(example_events::critical_alerts()).await;
}

#[tokio::test]
async fn diagnostic_information() {
    let topics = [
        "diagnostics:performance_trace",
        "diagnostics:memory_analysis",
        "diagnostics:connection_pool",
    ];
    typical_topics("ex_esdb_diagnostics", &topics).await;
}

#[tokio::test]
async fn process_lifecycle() {
    let topics = [
        "process_lifecycle:subscription_proxies",
        "process_lifecycle:supervisors",
        "process_lifecycle:store",
    ];
    typical_topics("ex_esdb_lifecycle", &topics).await;
    example_event(example_events::process_lifecycle()).await;
}
