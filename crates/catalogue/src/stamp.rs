//! What a node adds to a message whose publisher left it out.

use bellwether_message::Timestamp;

use crate::node_name::NodeName;

/// What a node knows when it publishes: fills what a publisher leaves out.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The publishing node.
    pub node: NodeName,
    /// Its time.
    pub now: Timestamp,
    /// A random number of its own for each message: ids come from it.
    pub random: u64,
}

impl Stamp {
    /// The id of an object such as an alert or a trace: the prefix, and 16 hexadecimal digits.
    pub fn object_id(&self, prefix: &str) -> String {
        format!("{prefix}{:016x}", self.random)
    }
}
