//! Publishes what the node is like, while somebody looks at the whole mesh.

use std::time::Duration;

use bellwether_message::{Draft, Instance, Topic};

use crate::node::Node;
use crate::snapshot::SNAPSHOTS;
use crate::ticks::every;

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);
/// The tag of these messages.
const EVENT: &str = "node_snapshot";

/// Runs whether the integration is switched on or not: nothing is said that nobody asked for.
pub(super) async fn run(node: Node) {
    let Ok(topic) = Topic::new(&format!("{SNAPSHOTS}:{}", node.id())) else {
        // No name of a node is too long for it.
        tracing::warn!("this node is not seen by those who look at the whole mesh: its name makes no topic");
        return std::future::pending().await;
    };
    let mut ticks = every(INTERVAL);
    loop {
        ticks.tick().await;
        // Who listens to all of `diagnostics` did not ask for these.
        let subscribers = node.subscribers(Some(Instance::Diagnostics), Some(&topic));
        let mut patterns = subscribers.iter().flat_map(|subscriber| &subscriber.patterns);
        if !patterns.any(|pattern| pattern.as_str().starts_with(SNAPSHOTS)) {
            continue;
        }
        match serde_json::to_string(&node.snapshot()) {
            Ok(json) => {
                let draft = Draft::new(topic.clone(), EVENT).json(json);
                // Refused while the node stops, and counted.
                let _ = node.publish(Instance::Diagnostics, &draft);
            }
            Err(err) => tracing::warn!(%err, "a snapshot cannot be written"),
        }
    }
}
