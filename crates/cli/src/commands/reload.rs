//! `bellwether reload`: has a node read its configuration again.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::listing;
use crate::output::{self, Format};
use crate::reach::Reach;
use crate::runtime::block_on;
use crate::table::Column;

const PATH: &str = "/v1/reload";
/// Names may have to be looked up, and another reload may be under way.
const ANSWERED_WITHIN: Duration = Duration::from_secs(120);
const COLUMNS: [Column; 3] = [
    Column::new("CHANGED", "changed"),
    Column::new("NEEDS RESTART", "needs_restart"),
    Column::new("UNCHANGED", "unchanged"),
];

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reload {
    pub(crate) node: Reach,
    pub(crate) format: Format,
}

impl Reload {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let client = self.node.connect_for(ANSWERED_WITHIN).await?;
            let answer: Box<RawValue> = client.post(PATH, "").await?;
            match self.format {
                Format::Json => output::print(answer.get()),
                Format::Text => listing::print_one(&answer, &COLUMNS),
            }
        })
    }
}
