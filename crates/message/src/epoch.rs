//! Epochs and sources: who wrote a feed, and in which of its runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::node_id::NodeId;

/// The number of one run of a node, raised at every start, so that two runs of one node are never confused.
///
/// Chosen by the node at its start. Nothing but the order may be read from it. A plain number in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The writer of a feed: one run of one node. Orders by node, then by epoch; written `node/epoch`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The node.
    pub node: NodeId,
    /// Its run.
    pub epoch: Epoch,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_written_node_slash_epoch() {
        let source = Source {
            node: NodeId::new("a.rack1").unwrap(),
            epoch: Epoch(1_763_722_345_123),
        };
        assert_eq!(source.to_string(), "a.rack1/1763722345123");
    }

    #[test]
    fn a_later_run_of_a_node_orders_after_an_earlier_one() {
        let run = |epoch| Source {
            node: NodeId::new("a").unwrap(),
            epoch: Epoch(epoch),
        };
        assert!(run(9) < run(10));
    }

    #[test]
    fn json_of_an_epoch_is_the_number() {
        assert_eq!(serde_json::to_string(&Epoch(u64::MAX)).unwrap(), u64::MAX.to_string());
        assert_eq!(serde_json::from_str::<Epoch>("7").unwrap(), Epoch(7));
    }
}
