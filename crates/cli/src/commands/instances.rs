//! `bellwether instances`: the ten instances, their purpose and their counters on one node.

use crate::failure::Failure;
use crate::listing;
use crate::output::Format;
use crate::reach::Reach;
use crate::table::Column;

const COLUMNS: [Column; 11] = [
    Column::new("INSTANCE", "instance"),
    Column::new("PUBLISHED", "published"),
    Column::new("DELIVERED", "delivered"),
    Column::new("FORWARDED", "forwarded"),
    Column::new("RECEIVED", "received"),
    Column::new("DROPPED", "dropped"),
    Column::new("SUBSCRIPTIONS", "subscriptions"),
    Column::new("OVERFLOW", "overflow"),
    Column::new("BACKLOG", "backlog_messages"),
    Column::new("BYTES", "backlog_bytes"),
    Column::new("PURPOSE", "purpose"),
];

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Instances {
    pub(crate) node: Reach,
    pub(crate) format: Format,
}

impl Instances {
    pub(crate) fn run(self) -> Result<(), Failure> {
        listing::print(&self.node, "/v1/instances", &COLUMNS, self.format)
    }
}
