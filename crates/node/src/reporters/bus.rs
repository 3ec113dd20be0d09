//! Reports trouble of the instances themselves: unusual volume, failed publications, slow consumers, links that miss.

use std::time::Duration;

use bellwether_broker::DropReason;
use bellwether_mesh::MemberState;
use bellwether_message::Instance;
use bellwether_monitor::bus_rules::{BusChange, BusRule, BusRules, BusSample, BusSettings};
use serde_json::json;
use tokio::time::Instant;

use crate::alerts::Raised;
use crate::instance_info::InstanceInfo;
use crate::node::Node;

/// How often the instances are looked at.
const INTERVAL: Duration = Duration::from_secs(5);
/// An instance that was found unavailable so often in a row is: a link that comes up takes a moment.
const UNAVAILABLE_AFTER: u32 = 2;

/// Looks while the node runs, so that what is usual is known; says it while the integration is switched on.
pub(super) async fn run(node: Node, settings: BusSettings) {
    let Ok(mut rules) = BusRules::new(settings) else {
        tracing::warn!("the instances are not watched: the settings of the alerts make no sense");
        return std::future::pending().await;
    };
    let began = Instant::now();
    let mut missing = [0_u32; Instance::COUNT];
    let mut ticks = super::every(INTERVAL);
    loop {
        ticks.tick().await;
        for (info, missing) in node.instances().iter().zip(&mut missing) {
            for change in rules.on_sample(info.instance, &sample(&node, info), began.elapsed()) {
                tell(&node, &change);
            }
            *missing = match is_available(&node, info.instance) {
                true => 0,
                false => missing.saturating_add(1),
            };
            if let Some(change) = rules.on_available(info.instance, *missing < UNAVAILABLE_AFTER) {
                tell(&node, &change);
            }
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
        queue_fill: info.deepest_queue_messages as f64 / info.queue_limit_messages.max(1) as f64,
    }
}

/// Whether every living member has confirmed to send what this node's subscriptions want of the instance.
fn is_available(node: &Node, instance: Instance) -> bool {
    let Some(mesh) = node.mesh() else { return true };
    let is_down = |node| {
        let members = mesh.members();
        members
            .iter()
            .any(|member| member.node == node && member.state != MemberState::Alive)
    };
    let subscriptions = node.broker().subscriptions(instance);
    subscriptions.iter().all(|subscription| {
        mesh.unconfirmed(instance, &subscription.patterns)
            .into_iter()
            .all(is_down)
    })
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
