//! `bellwether pub`: publishes one message, or each line of a file or of standard input.

mod pace;
mod progress;
mod tally;

use std::num::NonZeroU32;

use anyhow::Context;
use bellwether_client::{Assurance, Batch, Client, PublishError, Published};
use bellwether_message::{ContentType, DEFAULT_EVENT, Draft, Headers, Instance, NodeId, Topic};
use bytes::Bytes;
use tokio::io::AsyncRead;

use self::pace::Pace;
use self::progress::Progress;
use self::tally::{LineError, Tally};
use crate::failure::Failure;
use crate::input::{self, Line, Lines, Source};
use crate::output::{self, Format};
use crate::reach::Reach;
use crate::runtime::{StopSignals, block_on};

/// What goes into one request: as many lines as have been read already, and no more than this.
const BATCH_LINES: usize = 1024;
const BATCH_BYTES: usize = 256 * 1024;

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) node: Reach,
    pub(crate) target: Target,
    pub(crate) care: Assurance,
    /// Given by the user; otherwise it is told from the payload.
    pub(crate) content_type: Option<ContentType>,
    pub(crate) what: What,
    pub(crate) format: Format,
}

/// Where and as what a payload is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) instance: Instance,
    pub(crate) topic: Topic,
    pub(crate) event: Option<String>,
    pub(crate) originating_node: Option<NodeId>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) causation_id: Option<String>,
    pub(crate) reply_to: Option<String>,
    pub(crate) headers: Headers,
}

impl Target {
    /// The message with this payload.
    pub(crate) fn draft(&self, content_type: ContentType, payload: Bytes) -> Draft {
        let topic = self.topic.clone();
        let mut draft = match &self.event {
            Some(event) => Draft::new(topic, event.clone()),
            None => Draft::new(topic, DEFAULT_EVENT),
        };
        draft.originating_node.clone_from(&self.originating_node);
        draft.correlation_id.clone_from(&self.correlation_id);
        draft.causation_id.clone_from(&self.causation_id);
        draft.reply_to.clone_from(&self.reply_to);
        draft.headers.clone_from(&self.headers);
        draft.payload(content_type, payload)
    }
}

/// What is published.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// One message with this payload.
    Payload(Bytes),
    /// One message with all of this.
    Whole(Source),
    /// One message per line.
    Lines {
        source: Source,
        /// Lines a second.
        rate: Option<NonZeroU32>,
    },
}

impl Publish {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            match &self.what {
                What::Payload(payload) => self.publish_one(payload.clone()).await,
                What::Whole(source) => self.publish_one(source.read()?).await,
                What::Lines { source, rate } => self.publish_lines(source.lines().await?, *rate).await,
            }
        })
    }

    async fn publish_one(&self, payload: Bytes) -> Result<(), Failure> {
        let mut tally = Tally::default();
        let published = match self.node.connect().await {
            Ok(client) => self.publish(&client, payload).await.map_err(Failure::from),
            Err(err) => Err(err),
        };
        tally.count(published.is_ok());
        match (self.format, &published) {
            (Format::Json, _) => tally.print(Format::Json)?,
            (Format::Text, Ok(published)) => output::print(published.id.to_string())?,
            (Format::Text, Err(_)) => {}
        }
        published?;
        Ok(())
    }

    /// Publishes until the input ends, the node is lost or the user stops it; the last line of standard output says
    /// truly how far it came, whatever the end.
    async fn publish_lines(
        &self,
        lines: Lines<impl AsyncRead + Unpin>,
        rate: Option<NonZeroU32>,
    ) -> Result<(), Failure> {
        let mut tally = Tally::default();
        let outcome = self.each_line(lines, rate, &mut tally).await;
        let printed = tally.print(self.format);
        outcome?;
        printed?;
        if tally.failed > 0 {
            return Err(Failure::new(tally.failed_words()));
        }
        Ok(())
    }

    async fn each_line(
        &self,
        mut lines: Lines<impl AsyncRead + Unpin>,
        rate: Option<NonZeroU32>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let client = self.node.connect().await?;
        let mut signals = StopSignals::new()?;
        let mut pace = rate.map(Pace::new);
        let mut progress = Progress::new();
        loop {
            let line = tokio::select! {
                biased;
                signal = signals.next() => return Err(stopped_by(signal)),
                line = lines.next() => line.context("cannot read the input any further")?,
                err = client.unreachable() => return Err(err.into()),
            };
            let Some(line) = line else { return Ok(()) };
            let mut taken = Taken::default();
            self.take(&mut taken, line);
            let publishing = async {
                Pace::wait(pace.as_mut()).await;
                // What else is there by now goes with it; nothing waits for company.
                while taken.has_room() && lines.has_next() && Pace::is_due(pace.as_mut()) {
                    match lines.next().await.context("cannot read the input any further")? {
                        Some(line) => self.take(&mut taken, line),
                        None => break,
                    }
                }
                Ok::<_, anyhow::Error>(client.publish_batch(&taken.drafts, &self.care).await)
            };
            let published = tokio::select! {
                biased;
                signal = signals.next() => Err(stopped_by(signal)),
                published = publishing => published.map_err(Failure::from),
            };
            let batch = published.inspect_err(|_| tally.failed += taken.count())?;
            taken.settle(batch, tally)?;
            progress.tell(tally);
        }
    }

    fn take(&self, taken: &mut Taken, line: Line) {
        match line {
            Line::Whole(payload) => {
                taken.bytes += payload.len();
                let draft = self.target.draft(self.type_of(&payload), payload);
                taken.drafts.push((self.target.instance, draft));
            }
            Line::TooLong { bytes } => taken.too_long = Some(bytes),
        }
    }

    async fn publish(&self, client: &Client, payload: Bytes) -> Result<Published, PublishError> {
        let draft = self.target.draft(self.type_of(&payload), payload);
        client.publish_assured(self.target.instance, &draft, &self.care).await
    }

    fn type_of(&self, payload: &[u8]) -> ContentType {
        self.content_type
            .clone()
            .unwrap_or_else(|| input::content_type_of(payload))
    }
}

/// Lines that are published with one request.
#[derive(Debug, Default)]
struct Taken {
    drafts: Vec<(Instance, Draft)>,
    /// Of their payloads.
    bytes: usize,
    /// The line after them, if no node takes it, with its bytes.
    too_long: Option<u64>,
}

impl Taken {
    fn has_room(&self) -> bool {
        self.drafts.len() < BATCH_LINES && self.bytes < BATCH_BYTES && self.too_long.is_none()
    }

    fn count(&self) -> u64 {
        self.drafts.len() as u64 + u64::from(self.too_long.is_some())
    }

    /// Counts what became of them. An error where the lines after them would fare no better.
    fn settle(self, batch: Batch, tally: &mut Tally) -> Result<(), Failure> {
        let unanswered = self.drafts.len() - batch.outcomes.len();
        let mut lost = batch.failure.map(Failure::from);
        for outcome in batch.outcomes {
            let counted = tally.take(outcome.map(drop).map_err(LineError::Publish));
            lost = lost.or(counted.err());
        }
        tally.failed += unanswered as u64;
        if let Some(bytes) = self.too_long {
            let counted = tally.take(Err(LineError::TooLong { bytes }));
            lost = lost.or(counted.err());
        }
        lost.map_or(Ok(()), Err)
    }
}

fn stopped_by(signal: &str) -> Failure {
    Failure::new(format!("stopped by {signal} before the input ended"))
}
