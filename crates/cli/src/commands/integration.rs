//! `bellwether integration`: whether the helpers and reporters of a node publish.

use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::listing;
use crate::output::{self, Format};
use crate::reach::Reach;
use crate::runtime::block_on;
use crate::table::Column;

const PATH: &str = "/v1/integration";
const COLUMNS: [Column; 5] = [
    Column::new("ENABLED", "enabled"),
    Column::new("PUBLISHED", "published"),
    Column::new("FAILED", "failed"),
    Column::new("HEALTH EVERY MS", "health_broadcast_interval"),
    Column::new("METRICS EVERY MS", "metrics_broadcast_interval"),
];

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Integration {
    pub(crate) node: Reach,
    pub(crate) wish: Wish,
    pub(crate) format: Format,
}

/// What is to become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Status,
    Enable,
    Disable,
}

impl Integration {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let answer = self.ask().await?;
            match self.format {
                Format::Json => output::print(answer.get()),
                Format::Text => listing::print_one(&answer, &COLUMNS),
            }
        })
    }

    async fn ask(&self) -> Result<Box<RawValue>, Failure> {
        let client = self.node.connect().await?;
        let answer = match self.wish {
            Wish::Status => client.get(PATH).await,
            Wish::Enable => client.put(PATH, r#"{"enabled":true}"#).await,
            Wish::Disable => client.put(PATH, r#"{"enabled":false}"#).await,
        };
        Ok(answer?)
    }
}
