//! `bellwether broadcast`: calls a helper of the integration, or many.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failure::{Failure, tell};
use crate::input::{Given, Source};
use crate::output::{self, Format, printable};
use crate::reach::Reach;
use crate::runtime::block_on;

/// Failures of a batch that are told one by one; the others are only counted.
const FAILURES_TOLD: usize = 20;

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broadcast {
    pub(crate) node: Reach,
    pub(crate) calls: Calls,
    pub(crate) format: Format,
}

/// What is called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    One {
        helper: &'static str,
        arguments: Given,
    },
    /// A list of calls.
    Batch(Source),
}

impl Broadcast {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            match &self.calls {
                Calls::One { helper, arguments } => self.one(helper, arguments.read()?).await,
                Calls::Batch(source) => self.batch(source.read()?).await,
            }
        })
    }

    async fn one(&self, helper: &str, arguments: Bytes) -> Result<(), Failure> {
        #[derive(Deserialize)]
        struct Sent {
            id: Option<String>,
        }

        let client = self.node.connect().await?;
        let path = format!("/v1/broadcast/{helper}");
        let answer: Box<RawValue> = client.post(&path, arguments).await?;
        let sent: Sent = read(&answer)?;
        output::print(match self.format {
            Format::Json => answer.get().to_owned(),
            Format::Text => sent.id.map_or("disabled".to_owned(), |id| printable(&id).into_owned()),
        })
    }

    async fn batch(&self, calls: Bytes) -> Result<(), Failure> {
        let client = self.node.connect().await?;
        let answer: Box<RawValue> = client.post("/v1/broadcast", calls).await?;
        let counts: Counts = read(&answer)?;
        output::print(match self.format {
            Format::Json => answer.get().to_owned(),
            Format::Text if counts.disabled => "disabled".to_owned(),
            Format::Text => format!("{} published, {} failed", counts.success, counts.errors),
        })?;
        if counts.errors == 0 {
            return Ok(());
        }
        for failure in counts.failures.iter().take(FAILURES_TOLD) {
            let (reason, error) = (printable(&failure.reason), printable(&failure.error));
            tell(format_args!("call {}: {reason}: {error}", failure.index));
        }
        Err(Failure::new(format!("{} calls have failed", counts.errors)))
    }
}

#[derive(Deserialize)]
struct Counts {
    success: u64,
    errors: u64,
    #[serde(default)]
    disabled: bool,
    failures: Vec<FailedCall>,
}

#[derive(Deserialize)]
struct FailedCall {
    index: u64,
    reason: String,
    error: String,
}

fn read<'a, T: Deserialize<'a>>(answer: &'a RawValue) -> Result<T, Failure> {
    serde_json::from_str(answer.get()).map_err(|_| Failure::new("the node's answer is not that to a broadcast"))
}
