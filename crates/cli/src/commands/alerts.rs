//! `bellwether alerts`: what needs somebody, anywhere in the mesh.

use bellwether_client::Path;

use crate::failure::Failure;
use crate::listing;
use crate::output::Format;
use crate::reach::Reach;
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
    pub(crate) node: Reach,
    /// Also those that are acknowledged or over.
    pub(crate) all: bool,
    pub(crate) format: Format,
}

impl Alerts {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut query = Path::new("/v1/alerts").query();
        if self.all {
            query.add("state", "all");
        }
        listing::print(&self.node, query.as_str(), &COLUMNS, self.format)
    }
}
