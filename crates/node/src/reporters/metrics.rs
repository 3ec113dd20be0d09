//! Reports the node's own figures: throughput, queues and drops of each instance, and how far the peers are.

use std::time::Duration;

use bellwether_broker::DropReason;
use bellwether_catalogue::families::metrics::{LatencyMetric, Percentile, PerformanceMetric, ThroughputMetric};
use bellwether_catalogue::field::Object;
use tokio::time::Instant;

use crate::instance_info::InstanceInfo;
use crate::integration::{Integration, IntegrationSettings};
use crate::node::Node;

/// Whose figures they are.
const COMPONENT: &str = "bellwether";

/// Reports every interval. An instance in which nothing happened, nothing waits and nothing was lost says nothing.
pub(super) async fn run(node: Node, settings: IntegrationSettings) {
    let integration = node.integration();
    let mut before = node.instances();
    let mut measured_at = Instant::now();
    let mut ticks = super::every(settings.metrics_interval);
    loop {
        ticks.tick().await;
        let now = node.instances();
        if integration.enabled() {
            let took = measured_at.elapsed();
            for (before, now) in before.iter().zip(&now) {
                report(&integration, before, now, took);
            }
            round_trips(&node, &integration);
        }
        before = now;
        measured_at = Instant::now();
    }
}

/// Of a broadcast that fails it was said where it failed.
fn report(integration: &Integration, before: &InstanceInfo, now: &InstanceInfo, took: Duration) {
    let instance = now.instance;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    for (what, before, now) in [
        ("published", before.published, now.published),
        ("delivered", before.delivered, now.delivered),
        ("forwarded", before.forwarded, now.forwarded),
        ("received", before.received, now.received),
    ] {
        let count = now.saturating_sub(before);
        if count > 0 {
            let _ = integration.publish(|| ThroughputMetric::new(format!("{instance}_{what}"), count, took_ms));
        }
    }
    let queued = now.queue_messages;
    if queued > 0 {
        let tags = tags(&[
            ("instance", instance.name().into()),
            ("deepest", now.deepest_queue_messages.into()),
            ("subscriptions", now.subscriptions.into()),
            ("backlog_messages", now.backlog_messages.into()),
        ]);
        let _ = integration.publish(|| {
            PerformanceMetric::new("queue_depth", queued, "messages")
                .component(COMPONENT)
                .tags(tags)
        });
    }
    for reason in DropReason::ALL.map(DropReason::name) {
        let total = |info: &InstanceInfo| info.dropped.get(reason).copied().unwrap_or_default();
        let count = total(now).saturating_sub(total(before));
        if count > 0 {
            let tags = tags(&[("instance", instance.name().into()), ("reason", reason.into())]);
            let _ = integration.publish(|| {
                PerformanceMetric::new("dropped", count, "messages")
                    .component(COMPONENT)
                    .tags(tags)
            });
        }
    }
}

fn round_trips(node: &Node, integration: &Integration) {
    let trips = node.mesh().map(|mesh| mesh.round_trips()).unwrap_or_default();
    for (peer, trip) in trips {
        let _ = integration.publish(|| {
            LatencyMetric::new(
                format!("round_trip:{peer}"),
                trip.as_secs_f64() * 1000.0,
                Percentile::Avg,
                1,
            )
        });
    }
}

fn tags(pairs: &[(&str, serde_json::Value)]) -> Object {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}
