//! Feeds, as histories name them.

use std::fmt;
use std::sync::Arc;

use bellwether_message::Instance;

/// The messages of one run of one node on one instance. Written `a/7 events`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Feed {
    /// The node that wrote it.
    pub origin: Arc<str>,
    /// The run of that node.
    pub origin_epoch: u64,
    /// The instance.
    pub instance: Instance,
}

impl Feed {
    /// A feed from its parts.
    pub fn new(origin: impl Into<Arc<str>>, origin_epoch: u64, instance: Instance) -> Self {
        Self {
            origin: origin.into(),
            origin_epoch,
            instance,
        }
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.origin, self.origin_epoch, self.instance)
    }
}
