//! "PubSub Instances Reference": the table.

use crate::lab::*;

const TABLE: [(&str, &[&str], &[&str]); 9] = [
    (
        "ex_esdb_system",
        &["lifecycle", "config"],
        &["SystemLifecycle", "SystemConfig"],
    ),
    (
        "ex_esdb_health",
        &["cluster_health", "component_health"],
        &["NodeHealth", "ClusterHealth"],
    ),
    (
        "ex_esdb_metrics",
        &["performance", "persistence"],
        &["PerformanceMetric", "ThroughputMetric"],
    ),
    (
        "ex_esdb_alerts",
        &["node_failure", "persistence_failure"],
        &["SystemAlert"],
    ),
    (
        "ex_esdb_audit",
        &["data_change", "admin_action"],
        &["DataChange", "AdminAction"],
    ),
    (
        "ex_esdb_diagnostics",
        &["debug_trace", "performance_analysis"],
        &["DebugTrace"],
    ),
    ("ex_esdb_lifecycle", &["process_lifecycle"], &["ProcessLifecycle"]),
    ("ex_esdb_security", &["auth_event", "access_violation"], &["AuthEvent"]),
    ("ex_esdb_logging", &["log_entry", "log_summary"], &["LogEntry"]),
];

#[tokio::test]
async fn every_topic_delivers_every_type_of_its_row() {
    let pair = Pair::new().await;
    for (instance, topics, types) in TABLE {
        let instance = instance.parse().unwrap();
        for topic in topics {
            let mut heard = pair.subscribe(instance, &[topic]).await;
            for name in types {
                let message_type = named(name);
                assert_eq!(message_type.instance, instance, "{name}");
                pair.publish_typed(message_type, message_type.example(), Some(topic));
                let envelope = next(&mut heard).await;
                assert_eq!(envelope.head().event, message_type.tag, "{topic}");
                let payload = message_type.validate(payload(&envelope)).unwrap();
                assert_eq!(
                    payload,
                    message_type.validate(message_type.example()).unwrap(),
                    "{name} on {topic}"
                );
            }
            pair.nothing_more(&mut heard, topic).await;
        }
    }
}

/// A publisher that names no topic is heard by whoever subscribes to the topics of the row.
#[tokio::test]
async fn every_type_reaches_a_topic_of_its_row_by_itself() {
    let pair = Pair::new().await;
    for (instance, topics, types) in TABLE {
        let instance = instance.parse().unwrap();
        let mut heard = pair.subscribe(instance, topics).await;
        for name in types {
            let message_type = named(name);
            if *name == "SystemAlert" {
                // Its topic is its alert type, which its publisher says.
                published(
                    pair.a
                        .integration()
                        .broadcast_alert("node_failure", "critical", "x", serde_json::json!({})),
                );
            } else {
                pair.publish_typed(message_type, message_type.example(), None);
            }
            assert_eq!(next(&mut heard).await.head().event, message_type.tag);
        }
    }
}
