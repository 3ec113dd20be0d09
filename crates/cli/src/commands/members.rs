//! `bellwether members`: who is in the mesh, as one node sees it.

use crate::failure::Failure;
use crate::listing;
use crate::output::Format;
use crate::reach::Reach;
use crate::table::Column;

const COLUMNS: [Column; 7] = [
    Column::new("NODE", "node"),
    Column::new("EPOCH", "epoch"),
    Column::new("ADDRESS", "address"),
    Column::new("STATE", "state"),
    Column::new("IN", "in"),
    Column::new("OUT", "out"),
    Column::new("VERSION", "version"),
];

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) node: Reach,
    pub(crate) format: Format,
}

impl Members {
    pub(crate) fn run(self) -> Result<(), Failure> {
        listing::print(&self.node, "/v1/members", &COLUMNS, self.format)
    }
}
