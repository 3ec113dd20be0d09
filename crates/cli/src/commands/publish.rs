//! `bellwether pub`: publishes one message, or each line of a file or of standard input.

use std::io::IsTerminal;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::Context;
use bellwether_client::{Assurance, Client, PublishError, Published};
use bellwether_message::{ContentType, Draft, Instance, MAX_PAYLOAD_BYTES, NodeId, Topic};
use bytes::Bytes;
use serde::Serialize;
use tokio::io::AsyncRead;
use tokio::time::{Instant, sleep_until};

use crate::failure::{Failure, tell};
use crate::input::{self, Line, Lines, Source};
use crate::output::{self, Format};
use crate::reach::Reach;
use crate::runtime::{StopSignals, block_on};

/// Refused lines that are told one by one; the others are only counted.
const REFUSALS_TOLD: u64 = 20;
/// How far a run may fall behind its rate and still catch up. Beyond it (the input paused) the schedule starts anew,
/// so that no burst follows.
const CATCH_UP: Duration = Duration::from_secs(1);
/// What goes into one request: as many lines as have been read already, and no more than this.
const BATCH_LINES: usize = 1024;
const BATCH_BYTES: usize = 256 * 1024;
/// Time between two reports of progress on a terminal.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

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
}

/// The event tag of a message whose publisher names none.
const DEFAULT_EVENT: &str = "message";

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
            let unanswered = taken.drafts.len() - batch.outcomes.len();
            let mut lost = batch.failure.map(Failure::from);
            for outcome in batch.outcomes {
                let counted = tally.take(outcome.map(drop).map_err(LineError::Publish));
                lost = lost.or(counted.err());
            }
            tally.failed += unanswered as u64;
            if let Some(bytes) = taken.too_long {
                let counted = tally.take(Err(LineError::TooLong { bytes }));
                lost = lost.or(counted.err());
            }
            if let Some(err) = lost {
                return Err(err);
            }
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
}

/// Why a line is not published, or not as was asked.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("the line has {bytes} bytes; no node takes more than {MAX_PAYLOAD_BYTES}")]
    TooLong { bytes: u64 },
    #[error(transparent)]
    Publish(#[from] PublishError),
}

fn stopped_by(signal: &str) -> Failure {
    Failure::new(format!("stopped by {signal} before the input ended"))
}

/// What became of the messages of one run.
#[derive(Debug, Default, Serialize)]
struct Tally {
    /// Acknowledged by the node, and by the peers that had to.
    published: u64,
    /// Read, and refused or not acknowledged, or published without the peers that had to.
    failed: u64,
    /// Of those, published without the peers that had to.
    #[serde(skip)]
    unconfirmed: u64,
}

impl Tally {
    /// Counts a line. An error where the lines after it would fare no better.
    fn take(&mut self, outcome: Result<(), LineError>) -> Result<(), Failure> {
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

    fn count(&mut self, is_published: bool) {
        if is_published {
            self.published += 1;
        } else {
            self.failed += 1;
        }
    }

    fn failed_words(&self) -> String {
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

    fn print(&self, format: Format) -> Result<(), Failure> {
        match format {
            Format::Text => output::print(format!("{} published, {} failed", self.published, self.failed)),
            Format::Json => output::print(serde_json::to_string(self).context("cannot write JSON")?),
        }
    }
}

/// A fixed number of messages a second. Each has its own due time, so that no delay adds to the next.
struct Pace {
    rate: NonZeroU32,
    /// When the first message of the current schedule was due.
    start: Instant,
    /// Messages since then.
    sent: u64,
}

impl Pace {
    fn new(rate: NonZeroU32) -> Self {
        Self {
            rate,
            start: Instant::now(),
            sent: 0,
        }
    }

    /// Waits until the next message is due: not at all without a pace.
    async fn wait(pace: Option<&mut Self>) {
        let Some(pace) = pace else { return };
        if let Some(due) = pace.next() {
            sleep_until(due).await;
        }
    }

    /// Whether the next message is due now, which then counts as sent: always without a pace.
    fn is_due(pace: Option<&mut Self>) -> bool {
        let Some(pace) = pace else { return true };
        let is_due = pace.due() <= Instant::now();
        is_due && pace.next().is_none()
    }

    /// When the next message is due, unless that is now.
    fn next(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let mut due = self.due();
        if now.saturating_duration_since(due) > CATCH_UP {
            (self.start, self.sent) = (now, 0);
            due = now;
        }
        self.sent += 1;
        (due > now).then_some(due)
    }

    fn due(&self) -> Instant {
        let rate = u64::from(self.rate.get());
        // Whole seconds and the rest apart: a product of both would overflow within hours.
        let seconds = Duration::from_secs(self.sent / rate);
        let rest = Duration::from_nanos(self.sent % rate * 1_000_000_000 / rate);
        self.start + seconds + rest
    }
}

/// How far a long run is, told to a person who watches.
struct Progress {
    /// None where nobody watches.
    next: Option<Instant>,
}

impl Progress {
    fn new() -> Self {
        let watched = std::io::stderr().is_terminal();
        Self {
            next: watched.then(|| Instant::now() + PROGRESS_INTERVAL),
        }
    }

    fn tell(&mut self, tally: &Tally) {
        let now = Instant::now();
        if self.next.is_some_and(|next| next <= now) {
            self.next = Some(now + PROGRESS_INTERVAL);
            tell(format_args!(
                "{} published, {} failed so far",
                tally.published, tally.failed
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_as_a_whole() {
        let mut pace = Pace::new(NonZeroU32::new(3).unwrap());
        let start = Instant::now();
        for _ in 0..=30 {
            Pace::wait(Some(&mut pace)).await;
        }
        // 30 messages after the first, at 3 a second; tokio's clock counts milliseconds.
        assert_eq!(start.elapsed().as_millis(), 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_delay_is_made_up_and_a_pause_is_not() {
        let mut pace = Pace::new(NonZeroU32::new(10).unwrap());
        let start = Instant::now();
        Pace::wait(Some(&mut pace)).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        for _ in 0..5 {
            Pace::wait(Some(&mut pace)).await;
        }
        assert_eq!(start.elapsed().as_millis(), 500);

        tokio::time::sleep(Duration::from_secs(60)).await;
        let resumed = Instant::now();
        for _ in 0..=5 {
            Pace::wait(Some(&mut pace)).await;
        }
        assert_eq!(resumed.elapsed().as_millis(), 500);
    }

    #[test]
    fn the_tally_has_exactly_two_fields() {
        let mut tally = Tally::default();
        tally.count(true);
        tally.count(false);
        tally.count(true);
        assert_eq!(serde_json::to_string(&tally).unwrap(), r#"{"published":2,"failed":1}"#);
    }
}
