//! Reports the node's own figures: throughput, queues and drops of each instance, and how far the peers are.

use std::time::Duration;

use bellwether_broker::DropReason;
use bellwether_catalogue::families::metrics::{LatencyMetric, Percentile, PerformanceMetric, ThroughputMetric};
use bellwether_catalogue::field::Object;
use bellwether_message::Instance;
use tokio::time::Instant;

use crate::instance_info::InstanceInfo;
use crate::integration::{Integration, IntegrationSettings};
use crate::node::Node;
use crate::ticks::every;

/// Reports every interval. An instance in which nothing happened, nothing waits and nothing was lost says nothing.
pub(super) async fn run(node: Node, settings: IntegrationSettings) {
    let integration = node.integration();
    let mut before = node.instances();
    let mut measured_at = Instant::now();
    let mut told = [[0_u64; 4]; Instance::COUNT];
    let mut ticks = every(settings.metrics_interval);
    loop {
        ticks.tick().await;
        let now = node.instances();
        if integration.enabled() {
            let took = measured_at.elapsed();
            for ((before, now), told) in before.iter().zip(&now).zip(&mut told) {
                report(&integration, before, now, told, took);
            }
            round_trips(&node, &integration);
        }
        before = now;
        measured_at = Instant::now();
    }
}

/// Of a broadcast that fails it was said where it failed.
/// `told` are the throughputs of the report before.
fn report(integration: &Integration, before: &InstanceInfo, now: &InstanceInfo, told: &mut [u64; 4], took: Duration) {
    let instance = now.instance;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    for ((what, count), last) in ["published", "delivered", "forwarded", "received"]
        .into_iter()
        .zip(counted(before, now))
        .zip(told)
    {
        // One zero after others, here and below, so that whoever keeps the last value does not keep a wrong one.
        if count > 0 || *last > 0 {
            let _ = integration.publish(|| ThroughputMetric::new(format!("{instance}_{what}"), count, took_ms));
        }
        *last = count;
    }
    let queued = now.queue_messages;
    if queued > 0 || before.queue_messages > 0 {
        let tags = tags(&[
            ("deepest", now.deepest_queue_messages.into()),
            ("subscriptions", now.subscriptions.into()),
            ("backlog_messages", now.backlog_messages.into()),
        ]);
        let _ = integration.publish(|| {
            PerformanceMetric::new("queue_depth", queued, "messages")
                .component(instance.name())
                .tags(tags)
        });
    }
    for reason in DropReason::ALL.map(DropReason::name) {
        let total = |info: &InstanceInfo| info.dropped.get(reason).copied().unwrap_or_default();
        let count = total(now).saturating_sub(total(before));
        if count > 0 {
            let _ = integration.publish(|| {
                PerformanceMetric::new(format!("dropped_{reason}"), count, "messages").component(instance.name())
            });
        }
    }
}

/// Published, delivered, forwarded and received between two looks.
fn counted(before: &InstanceInfo, now: &InstanceInfo) -> [u64; 4] {
    let totals = |info: &InstanceInfo| [info.published, info.delivered, info.forwarded, info.received];
    let [published, delivered, forwarded, received] = totals(before);
    let [p, d, f, r] = totals(now);
    [
        p.saturating_sub(published),
        d.saturating_sub(delivered),
        f.saturating_sub(forwarded),
        r.saturating_sub(received),
    ]
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
