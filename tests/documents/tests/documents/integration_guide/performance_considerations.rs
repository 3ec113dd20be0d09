//! "Performance Considerations".

use std::time::Duration;

use bellwether::catalogue::all_types;
use bellwether::{Instance, IntegrationSettings};
use serde_json::json;
use tokio::time::Instant;

use crate::lab::*;

#[tokio::test]
async fn intervals_alerts_and_sizes() {
    // "Health updates: every 30 seconds (configurable). Metrics: every 60 seconds (configurable)"
    let settings = IntegrationSettings::default();
    assert_eq!(
        (settings.health_interval, settings.metrics_interval),
        (Duration::from_secs(30), Duration::from_secs(60))
    );
    assert!(settings.report_health && settings.report_metrics);

    // "Alerts: immediate"
    let pair = Pair::new().await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["node_failure"]).await;
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let began = Instant::now();
        published(
            pair.a
                .integration()
                .broadcast_alert("node_failure", "critical", "Node down", json!({"node": "b"})),
        );
        hear_typed(&mut alerts, "node_failure", "system_alert").await;
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");

    // "Network bandwidth: ~1KB per message average"
    let mut bytes = 0;
    let mut count = 0;
    for message_type in all_types() {
        let mut heard = pair.subscribe(message_type.instance, &["sizes"]).await;
        pair.publish_typed(message_type, message_type.example(), Some("sizes"));
        bytes += next(&mut heard).await.body().len();
        count += 1;
    }
    assert!(bytes / count < 1024, "{} bytes each", bytes / count);
}
