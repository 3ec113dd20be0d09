//! "ExESDBGater Message System": the table, which the event-driven design has too.

use bellwether::Instance;
use bellwether::catalogue::family_of;

use crate::lab::*;

pub(crate) const TABLE: [(&str, &[&str]); 9] = [
    ("ex_esdb_system", &["SystemLifecycle", "SystemConfig"]),
    ("ex_esdb_health", &["NodeHealth", "ClusterHealth", "ComponentHealth"]),
    (
        "ex_esdb_metrics",
        &["PerformanceMetric", "ThroughputMetric", "LatencyMetric"],
    ),
    ("ex_esdb_lifecycle", &["ProcessLifecycle", "ClusterMembership"]),
    ("ex_esdb_alerts", &["SystemAlert", "AlertAck", "AlertEscalation"]),
    ("ex_esdb_audit", &["DataChange", "AdminAction", "AccessLog"]),
    ("ex_esdb_diagnostics", &["DebugTrace", "PerformanceAnalysis"]),
    ("ex_esdb_security", &["AuthEvent", "AccessViolation", "SecurityAlert"]),
    ("ex_esdb_logging", &["LogEntry", "LogSummary", "LogRotation"]),
];

/// Each type is in the family of its instance, and goes from one node to the other in it, whole, on its usual topic.
#[tokio::test]
async fn every_type_of_the_table_travels_in_its_instance() {
    let pair = Pair::new().await;
    for (instance, types) in TABLE {
        let instance: Instance = instance.parse().unwrap();
        let family = family_of(instance).unwrap();
        let mut heard = pair.subscribe(instance, &["*"]).await;
        for name in types {
            let message_type = *family.types.iter().find(|found| found.name == *name).unwrap();
            let example = message_type.example();
            let usual = message_type.topic_of(&example);
            pair.publish_typed(message_type, example.clone(), None);
            let payload = hear_typed(&mut heard, &usual, message_type.tag).await;
            says(&payload, message_type.validate(example).unwrap());
        }
    }
}
