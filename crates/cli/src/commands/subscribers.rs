//! `bellwether subscribers`: who listens, here and on the other nodes.

use bellwether_client::Path;
use bellwether_message::{Instance, Topic};

use crate::failure::Failure;
use crate::listing;
use crate::output::Format;
use crate::reach::Reach;
use crate::table::Column;

/// Peers announce what they want, not how far their subscribers are: their queues are `-`.
const COLUMNS: [Column; 5] = [
    Column::new("NODE", "node"),
    Column::new("INSTANCE", "instance"),
    Column::new("PATTERNS", "patterns"),
    Column::new("QUEUE", "queue_messages"),
    Column::new("BYTES", "queue_bytes"),
];

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subscribers {
    pub(crate) node: Reach,
    /// Only of this instance.
    pub(crate) instance: Option<Instance>,
    /// Only those that would receive a message on this topic.
    pub(crate) topic: Option<Topic>,
    pub(crate) format: Format,
}

impl Subscribers {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut query = Path::new("/v1/subscribers").query();
        if let Some(instance) = self.instance {
            query.add("instance", instance.name());
        }
        if let Some(topic) = &self.topic {
            query.add("topic", topic.as_str());
        }
        listing::print(&self.node, query.as_str(), &COLUMNS, self.format)
    }
}
