//! What a node can truthfully promise right now.

use bellwether_message::NodeId;
use serde::Serialize;

/// On how many nodes a subscription is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveReport {
    /// Nodes, this one included, from which everything that matches will come.
    pub live: usize,
    /// Nodes known, this one included.
    pub nodes: usize,
    /// The known nodes that have not confirmed.
    pub not_yet: Vec<NodeId>,
    /// Whether this node has joined its mesh. If not, the mesh may have nodes that it does not know yet; what they publish
    /// before it has linked with them is not for this subscription.
    pub joined: bool,
}

impl LiveReport {
    /// Whether this node has joined and every known node has confirmed.
    pub fn is_complete(&self) -> bool {
        self.joined && self.not_yet.is_empty()
    }
}

/// Whether a node is ready to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// The first join is done (or no seeds are configured) and interest is exchanged with every member.
    pub ready: bool,
    /// What is still waited for, in words; empty when ready.
    pub waiting_for: String,
}
