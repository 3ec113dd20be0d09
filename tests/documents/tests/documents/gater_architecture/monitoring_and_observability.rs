//! "Monitoring and Observability".

use std::time::Duration;

use bellwether::{AlertState, DropReason, Instance, InstanceInfo};
use serde_json::json;
use tokio::time::timeout;

use crate::lab::*;

fn info(node: &bellwether::Node, instance: Instance) -> InstanceInfo {
    node.instances().swap_remove(instance.index())
}

/// "Message throughput per instance", "consumer lag", "failed publications", "instance availability and health".
#[tokio::test]
async fn metrics_to_track() {
    let pair = Pair::new().await;
    let mut audit = pair.subscribe(Instance::Audit, &["*"]).await;
    for _ in 0..10 {
        pair.publish(Instance::Audit, "audit_trail:user_actions", "audit_event", &json!({}));
    }
    let too_large = "x".repeat(info(&pair.a, Instance::Audit).max_payload_bytes + 1);
    let draft = bellwether::Draft::new(topic("audit_trail:user_actions"), "audit_event").text(too_large);
    assert!(pair.a.publish(Instance::Audit, &draft).is_err());

    eventually("all have come", || info(&pair.b, Instance::Audit).received == 10).await;
    let (there, here) = (info(&pair.b, Instance::Audit), info(&pair.a, Instance::Audit));
    assert_eq!((here.published, here.forwarded), (10, 10), "throughput");
    assert_eq!(here.dropped[DropReason::Refused.name()], 1, "a failed publication");
    assert_eq!((there.delivered, there.queue_messages), (0, 10), "consumer lag");
    for _ in 0..10 {
        next(&mut audit).await;
    }
    let there = info(&pair.b, Instance::Audit);
    assert_eq!((there.delivered, there.queue_messages), (10, 0), "no lag");
    let idle = info(&pair.b, Instance::Logging);
    assert_eq!((idle.received, idle.delivered, idle.subscriptions), (0, 0, 0));
    // Availability: every node is ready, and from every node everything comes.
    assert!(pair.a.readiness().ready && pair.b.readiness().ready);
    assert!(pair.b.became_live(&audit).await.is_complete());
}

/// "Failed publications above threshold": the node looks every five seconds, and says so to all.
#[tokio::test]
async fn alerting() {
    let pair = Pair::new().await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["bus_publications_failed"]).await;
    let too_large = "x".repeat(info(&pair.a, Instance::Audit).max_payload_bytes + 1);
    let draft = bellwether::Draft::new(topic("audit_trail:user_actions"), "audit_event").text(too_large);
    // What failed before the node looked for the first time is where it counts from.
    let alert = loop {
        for _ in 0..20 {
            assert!(pair.a.publish(Instance::Audit, &draft).is_err());
        }
        let heard = hear_typed(&mut alerts, "bus_publications_failed", "system_alert");
        if let Ok(alert) = timeout(Duration::from_millis(200), heard).await {
            break alert;
        }
    };
    says(
        &alert,
        json!({"alert_type": "bus_publications_failed", "severity": "error", "requires_ack": true}),
    );
    says(&alert["context"], json!({"instance": "audit"}));
    assert!(
        alert["context"]["value"].as_f64() >= alert["context"]["limit"].as_f64(),
        "{alert}"
    );
    let known = || {
        pair.b
            .alerts()
            .open()
            .into_iter()
            .find(|open| open.key == "bus_publications_failed:a:audit")
    };
    eventually("it is open on every node", || known().is_some()).await;
    assert_eq!(known().unwrap().state, AlertState::Open);
}
