//! Who listens: a subscription, or a peer's interest, as an operator sees it.

use bellwether_message::{Instance, NodeId, Pattern, Topic};
use serde::Serialize;

/// A subscription, or a peer's interest, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscriber {
    /// The node that has it.
    pub node: NodeId,
    /// Its instance.
    pub instance: Instance,
    /// Its patterns.
    pub patterns: Vec<Pattern>,
    /// Items that wait in its queue; null for a peer's.
    pub queue_messages: Option<usize>,
    /// Their bytes; null for a peer's.
    pub queue_bytes: Option<usize>,
}

impl Subscriber {
    pub(crate) fn wants(&self, topic: &Topic) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(topic.as_str()))
    }
}
