//! Reports trouble of the instances themselves: unusual volume, failed publications, slow consumers, links that miss.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_broker::DropReason;
use bellwether_message::Instance;
use bellwether_monitor::bus_rules::{BusChange, BusRule, BusRules, BusSample, BusSettings};
use serde_json::json;
use tokio::time::Instant;

use crate::alerts::Raised;
use crate::instance_info::InstanceInfo;
use crate::node::Node;
use crate::ticks::every;

/// An instance that was found unavailable so often in a row is: a link that comes up takes a moment.
const UNAVAILABLE_AFTER: u32 = 2;

/// Looks while the node runs, so that what is usual is known; says it while the integration is switched on.
pub(super) async fn run(node: Node, settings: BusSettings, interval: Duration) {
    let Ok(mut rules) = BusRules::new(settings) else {
        tracing::warn!("the instances are not watched: the settings of the alerts make no sense");
        return std::future::pending().await;
    };
    let began = Instant::now();
    let mut missing = [0_u32; Instance::COUNT];
    let mut changes: Vec<BusChange> = Vec::new();
    // By rule and instance: what has changed and was not said yet, since the integration is switched off.
    let mut untold: BTreeMap<String, BusChange> = BTreeMap::new();
    let mut ticks = every(interval);
    loop {
        ticks.tick().await;
        for (info, missing) in node.instances().iter().zip(&mut missing) {
            changes.extend(rules.on_sample(info.instance, &sample(&node, info), began.elapsed()));
            let is_covered = node.mesh().is_none_or(|mesh| mesh.is_covered(info.instance));
            *missing = if is_covered { 0 } else { missing.saturating_add(1) };
            changes.extend(rules.on_available(info.instance, *missing < UNAVAILABLE_AFTER));
        }
        for change in changes.drain(..) {
            match change.raised {
                true => untold.insert(change.key(), change),
                // What begins and ends while nobody is told is not told at all.
                false => match untold.remove(&change.key()) {
                    Some(BusChange { raised: true, .. }) => None,
                    _ => untold.insert(change.key(), change),
                },
            };
        }
        if node.integration().enabled() {
            std::mem::take(&mut untold)
                .values()
                .for_each(|change| tell(&node, change));
        }
    }
}

fn sample(node: &Node, info: &InstanceInfo) -> BusSample {
    let dropped = |reason: DropReason| info.dropped.get(reason.name()).copied().unwrap_or_default();
    BusSample {
        published: info.published,
        delivered: info.delivered,
        received: info.received,
        failed: dropped(DropReason::Refused),
        dropped: dropped(DropReason::SlowSubscriber),
        ended: node.counters(info.instance).disconnected.value(),
        queue_fill: info.fullest_queue_percent as f64 / 100.0,
    }
}

fn tell(node: &Node, change: &BusChange) {
    let instance = change.instance;
    let (severity, words) = match change.rule {
        BusRule::VolumeHigh => (
            "warning",
            format!(
                "{instance} has {:.0} messages a second, far more than usual",
                change.value
            ),
        ),
        BusRule::PublicationsFailed => (
            "error",
            format!("{:.0} publications on {instance} failed", change.value),
        ),
        BusRule::InstanceUnavailable => ("critical", format!("not every node sends what is wanted of {instance}")),
        BusRule::ConsumerDisconnected => (
            "warning",
            format!(
                "{:.0} consumers of {instance} were too slow and were cut off",
                change.value
            ),
        ),
        BusRule::ConsumerLagging => (
            "warning",
            format!(
                "a consumer of {instance} reads too slowly: its queue is {:.0} % full",
                change.value * 100.0
            ),
        ),
    };
    let raised = Raised {
        alert_type: format!("bus_{}", change.rule.name()),
        about: format!("{}:{instance}", node.id()),
        severity,
        words,
        context: json!({"instance": instance, "rule": change.rule.name(), "value": change.value, "limit": change.limit}),
    };
    match change.raised {
        true => raised.raise(node),
        false => raised.clear(node, &format!("{instance}: {} is over", change.rule.name())),
    }
}
