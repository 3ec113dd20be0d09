//! `bellwether thresholds`: the figures that a node watches.

use bellwether::ThresholdRule;
use bellwether_client::Path;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::listing;
use crate::output::{self, Format, printable};
use crate::reach::Reach;
use crate::runtime::block_on;
use crate::table::Column;

const PATH: &str = "/v1/thresholds";
const COLUMNS: [Column; 9] = [
    Column::new("THRESHOLD", "id"),
    Column::new("METRIC", "metric_name"),
    Column::new("COMPONENT", "component"),
    Column::new("KIND", "kind"),
    Column::new("WARNING", "warning"),
    Column::new("CRITICAL", "critical"),
    Column::new("SUSTAINED", "sustained"),
    Column::new("HYSTERESIS", "hysteresis"),
    Column::new("ENABLED", "enabled"),
];

/// The command.
#[derive(Debug, PartialEq)]
pub(crate) struct Thresholds {
    pub(crate) node: Reach,
    pub(crate) wish: Wish,
    pub(crate) format: Format,
}

/// What is to become of them.
#[derive(Debug, PartialEq)]
pub(crate) enum Wish {
    List,
    Set(ThresholdRule),
    /// By its id.
    Remove(String),
}

impl Thresholds {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match &self.wish {
            Wish::List => listing::print(&self.node, PATH, &COLUMNS, self.format),
            Wish::Set(rule) => block_on(self.set(rule)),
            Wish::Remove(id) => block_on(self.remove(id)),
        }
    }

    async fn set(&self, rule: &ThresholdRule) -> Result<(), Failure> {
        let body = serde_json::to_vec(rule).map_err(anyhow::Error::from)?;
        let client = self.node.connect().await?;
        let answer: Box<RawValue> = client.put(path_of(&rule.id).as_str(), body).await?;
        match self.format {
            Format::Json => output::print(answer.get()),
            Format::Text => listing::print_one(&answer, &COLUMNS),
        }
    }

    async fn remove(&self, id: &str) -> Result<(), Failure> {
        let client = self.node.connect().await?;
        let answer: Box<RawValue> = client.delete(path_of(id).as_str()).await?;
        output::print(match self.format {
            Format::Json => answer.get().to_owned(),
            Format::Text => format!("removed {}", printable(id)),
        })
    }
}

fn path_of(id: &str) -> Path {
    Path::new(PATH).segment(id)
}
