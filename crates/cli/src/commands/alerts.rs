//! `bellwether alerts`: what needs somebody, anywhere in the mesh.

use crate::client::Query;
use crate::failure::Failure;
use crate::listing;
use crate::node_url::NodeUrl;
use crate::output::Format;
use crate::table::Column;

/// Titles are the longest, and stand last.
pub(super) const COLUMNS: [Column; 10] = [
    Column::new("ALERT", "alert_id"),
    Column::new("SEVERITY", "severity"),
    Column::new("STATE", "state"),
    Column::new("LEVEL", "level"),
    Column::new("COUNT", "count"),
    Column::new("NODE", "node"),
    Column::new("RAISED", "raised_at"),
    Column::new("ACKNOWLEDGED BY", "acknowledged_by"),
    Column::new("KEY", "key"),
    Column::new("TITLE", "title"),
];

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Alerts {
    pub(crate) node: NodeUrl,
    /// Also those that are acknowledged or over.
    pub(crate) all: bool,
    pub(crate) format: Format,
}

impl Alerts {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut query = Query::new("/v1/alerts");
        if self.all {
            query.add("state", "all");
        }
        listing::print(&self.node, &query.text, &COLUMNS, self.format)
    }
}
