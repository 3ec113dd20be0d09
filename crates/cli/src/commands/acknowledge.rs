//! `bellwether ack`: says on every node that somebody has taken an alert up.

use bellwether_client::Path;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::commands::alerts::COLUMNS;
use crate::failure::Failure;
use crate::listing;
use crate::output::{self, Format, printable};
use crate::reach::Reach;
use crate::runtime::block_on;

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Acknowledge {
    pub(crate) node: Reach,
    pub(crate) alert_id: String,
    pub(crate) by: String,
    pub(crate) note: Option<String>,
    pub(crate) resolution: Option<String>,
    pub(crate) format: Format,
}

/// What the node is told.
#[derive(Serialize)]
struct Said<'a> {
    by: &'a str,
    note: Option<&'a str>,
    resolution: Option<&'a str>,
}

/// Whether the node has the alert; it says so only if not.
#[derive(Deserialize)]
struct Standing {
    #[serde(default = "yes")]
    known: bool,
}

impl Acknowledge {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let path = Path::new("/v1/alerts").segment(&self.alert_id).segment("acknowledge");
        let said = Said {
            by: &self.by,
            note: self.note.as_deref(),
            resolution: self.resolution.as_deref(),
        };
        let body = serde_json::to_vec(&said).map_err(anyhow::Error::from)?;
        block_on(async {
            let client = self.node.connect().await?;
            let answer: Box<RawValue> = client.post(path.as_str(), body).await?;
            self.print(&answer)
        })
    }

    fn print(&self, answer: &RawValue) -> Result<(), Failure> {
        if self.format == Format::Json {
            return output::print(answer.get());
        }
        let standing: Standing = serde_json::from_str(answer.get())
            .map_err(|_| Failure::new("the node's answer is not that to an acknowledgement"))?;
        match standing.known {
            true => listing::print_one(answer, &COLUMNS),
            false => output::print(format!(
                "published; this node does not know {} yet",
                printable(&self.alert_id)
            )),
        }
    }
}

fn yes() -> bool {
    true
}
