//! What became of the lines of a run.

use anyhow::Context;
use bellwether_client::PublishError;
use bellwether_message::MAX_PAYLOAD_BYTES;
use serde::Serialize;

use crate::failure::{Failure, tell};
use crate::output::{self, Format};

/// Refused lines that are told one by one; the others are only counted.
const REFUSALS_TOLD: u64 = 20;

/// What became of the messages of one run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    /// Acknowledged by the node, and by the peers that had to.
    pub(super) published: u64,
    /// Read, and refused or not acknowledged, or published without the peers that had to.
    pub(super) failed: u64,
    /// Of those, published without the peers that had to.
    #[serde(skip)]
    unconfirmed: u64,
}

impl Tally {
    /// Counts a line. An error where the lines after it would fare no better.
    pub(super) fn take(&mut self, outcome: Result<(), LineError>) -> Result<(), Failure> {
        self.count(outcome.is_ok());
        match outcome {
            Ok(()) => Ok(()),
            Err(LineError::Publish(err)) if err.may_heal() => Err(err.into()),
            Err(err) => {
                self.tell_refusal(&err);
                Ok(())
            }
        }
    }

    pub(super) fn count(&mut self, is_published: bool) {
        if is_published {
            self.published += 1;
        } else {
            self.failed += 1;
        }
    }

    pub(super) fn failed_words(&self) -> String {
        let (failed, all) = (self.failed, self.failed + self.published);
        match self.unconfirmed {
            0 => format!("{failed} of {all} lines were not published"),
            unconfirmed => {
                format!("{failed} of {all} lines failed: {unconfirmed} of them are published, but were not confirmed")
            }
        }
    }

    /// Says why the line counted last was refused.
    fn tell_refusal(&mut self, err: &LineError) {
        self.unconfirmed += u64::from(matches!(err, LineError::Publish(PublishError::Unconfirmed { .. })));
        let line = self.published + self.failed;
        match self.failed {
            ..=REFUSALS_TOLD => tell(format_args!("line {line}: {err}")),
            n if n == REFUSALS_TOLD + 1 => tell("more lines were refused; from here on they are only counted"),
            _ => {}
        }
    }

    pub(super) fn print(&self, format: Format) -> Result<(), Failure> {
        match format {
            Format::Text => output::print(format!("{} published, {} failed", self.published, self.failed)),
            Format::Json => output::print(serde_json::to_string(self).context("cannot write JSON")?),
        }
    }
}

/// Why a line is not published, or not as was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("the line has {bytes} bytes; no node takes more than {MAX_PAYLOAD_BYTES}")]
    TooLong { bytes: u64 },
    #[error(transparent)]
    Publish(#[from] PublishError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tally_has_exactly_two_fields() {
        let mut tally = Tally::default();
        tally.count(true);
        tally.count(false);
        tally.count(true);
        assert_eq!(serde_json::to_string(&tally).unwrap(), r#"{"published":2,"failed":1}"#);
    }
}
