//! `bellwether sub`: prints what is published on a node's mesh.

use std::fmt::Write;
use std::time::Duration;

use bellwether_message::{Instance, NodeId, Pattern};
use bytes::Bytes;
use rand::RngExt;
use serde::Deserialize;

use crate::client::{Client, ClientError, Stream};
use crate::failure::{Failure, tell};
use crate::message_line;
use crate::node_url::NodeUrl;
use crate::output::{Colour, Format, Output, Paint, printable};
use crate::runtime::block_on;

/// Waits between two tries to reach a lost node: doubled from the first to the last, each drawn from its upper half.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) node: NodeUrl,
    pub(crate) wanted: Vec<(Instance, Pattern)>,
    /// Ends well after this many messages.
    pub(crate) count: Option<u64>,
    /// Tries again when the node is lost.
    pub(crate) reconnect: bool,
    pub(crate) format: Format,
}

impl Subscribe {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let mut printer = Printer::new(self.format, self.count);
            let mut stream = self.connect().await?;
            loop {
                match printer.print_all(&mut stream).await? {
                    End::Counted => return Ok(()),
                    End::Stream(_) if !self.reconnect => return Err(Failure::new(self.lost_words())),
                    End::Stream(Some(err)) if !err.may_heal() => return Err(err.into()),
                    End::Stream(_) => {}
                }
                tell(format_args!("{}; trying until it is back", self.lost_words()));
                stream = self.reconnect().await?;
                printer.is_resubscribed = true;
            }
        })
    }

    async fn connect(&self) -> Result<Stream, ClientError> {
        Client::connect(&self.node).await?.subscribe(&self.wanted).await
    }

    /// Tries until the node takes the subscription again, or refuses it for good.
    async fn reconnect(&self) -> Result<Stream, Failure> {
        let mut retry = FIRST_RETRY;
        loop {
            let wait = rand::rng().random_range(retry / 2..=retry);
            tokio::time::sleep(wait).await;
            match self.connect().await {
                Ok(stream) => return Ok(stream),
                Err(err) if err.may_heal() => retry = (retry * 2).min(LAST_RETRY),
                Err(err) => return Err(err.into()),
            }
        }
    }

    fn lost_words(&self) -> String {
        format!("the node at {} is gone", self.node)
    }
}

/// Why printing has ended.
enum End {
    /// As many messages as were wanted.
    Counted,
    /// The node ended the stream, or it broke.
    Stream(Option<ClientError>),
}

/// Prints what comes, each item in its place: results on stdout, how the subscription stands on stderr.
struct Printer {
    output: Output,
    format: Format,
    paint: Paint,
    /// Messages still wanted.
    left: Option<u64>,
    /// Whether this subscription follows another that was lost.
    is_resubscribed: bool,
}

impl Printer {
    fn new(format: Format, left: Option<u64>) -> Self {
        Self {
            output: Output::stdout(),
            format,
            paint: Paint::for_stdout(),
            left,
            is_resubscribed: false,
        }
    }

    async fn print_all(&mut self, stream: &mut Stream) -> Result<End, Failure> {
        if self.left == Some(0) {
            return Ok(End::Counted);
        }
        loop {
            while let Some(line) = stream.received_line() {
                self.print(&line)?;
                if self.left == Some(0) {
                    self.output.flush()?;
                    return Ok(End::Counted);
                }
            }
            // Nothing more is there: whoever reads us must not wait for what we hold.
            self.output.flush()?;
            match stream.receive().await {
                Ok(true) => {}
                Ok(false) => return Ok(End::Stream(None)),
                Err(err) => return Ok(End::Stream(Some(err))),
            }
        }
    }

    fn print(&mut self, line: &Bytes) -> Result<(), Failure> {
        match Item::of(line) {
            Item::Message => {
                self.left = self.left.map(|left| left.saturating_sub(1));
                match self.format {
                    Format::Json => self.output.line(line),
                    Format::Text => self.output.line(self.message_text(line)),
                }
            }
            Item::Subscribed(report) => {
                self.output.flush()?;
                tell(self.subscribed_text(&report));
                Ok(())
            }
            marker => match self.format {
                Format::Json => self.output.line(line),
                Format::Text => self.output.line(self.marker_text(&marker, line)),
            },
        }
    }

    fn message_text(&self, line: &[u8]) -> String {
        message_line::render(line, self.paint).unwrap_or_else(|_| raw(line))
    }

    fn subscribed_text(&mut self, report: &Live) -> String {
        let mut text = if self.is_resubscribed {
            "subscribed again".to_owned()
        } else {
            "subscribed".to_owned()
        };
        let _ = write!(text, ", live on {} of {} nodes", report.live, report.nodes);
        if !report.not_yet.is_empty() {
            let names: Vec<_> = report.not_yet.iter().map(NodeId::as_str).collect();
            let _ = write!(text, " (not yet: {})", names.join(", "));
        }
        if std::mem::take(&mut self.is_resubscribed) {
            text.push_str("; messages published in between may be missed");
        }
        text
    }

    fn marker_text(&self, marker: &Item, line: &[u8]) -> String {
        let text = match marker {
            Item::Gap(gap) => gap.text(),
            Item::EpochEnded(ended) => ended.text(),
            Item::Message | Item::Subscribed(_) | Item::Unknown => raw(line),
        };
        self.paint.paint(Colour::Yellow, text).into_owned()
    }
}

fn raw(line: &[u8]) -> String {
    printable(&String::from_utf8_lossy(line)).into_owned()
}

/// What one line of the stream is.
#[derive(Debug)]
enum Item {
    Message,
    Subscribed(Live),
    Gap(Gap),
    EpochEnded(EpochEnded),
    /// Something that a newer node says.
    Unknown,
}

impl Item {
    fn of(line: &[u8]) -> Self {
        // A message begins with its id. Looking there first spares most lines from being parsed at all.
        if line.starts_with(b"{\"id\":") {
            return Self::Message;
        }
        match serde_json::from_slice(line) {
            Ok(Marker::Subscribed(report)) => Self::Subscribed(report),
            Ok(Marker::Gap(gap)) => Self::Gap(gap),
            Ok(Marker::EpochEnded(ended)) => Self::EpochEnded(ended),
            Err(_) => Self::Unknown,
        }
    }
}

/// The lines that are no messages: one key, which says what it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Marker {
    Subscribed(Live),
    Gap(Gap),
    EpochEnded(EpochEnded),
}

/// [`bellwether::LiveReport`], as it is read.
#[derive(Debug, Deserialize)]
struct Live {
    live: usize,
    nodes: usize,
    not_yet: Vec<NodeId>,
}

#[derive(Debug, Deserialize)]
struct Gap {
    instance: Instance,
    node: NodeId,
    first: u64,
    last: u64,
    count: u64,
    cause: String,
    exact: bool,
}

impl Gap {
    fn text(&self) -> String {
        let Self {
            instance,
            node,
            first,
            last,
            count,
            ..
        } = self;
        let bound = if self.exact { "" } else { "up to " };
        let cause = match self.cause.as_str() {
            "slow_subscriber" => "this subscriber read too slowly",
            "link_overrun" => "the link to this node fell too far behind",
            other => &printable(other),
        };
        format!("-- missing: {bound}{count} messages of {instance} from node {node} (seq {first} to {last}): {cause}")
    }
}

#[derive(Debug, Deserialize)]
struct EpochEnded {
    instance: Instance,
    node: NodeId,
    last_seq: u64,
    tail_unknown: bool,
}

impl EpochEnded {
    fn text(&self) -> String {
        let Self {
            instance,
            node,
            last_seq,
            ..
        } = self;
        if self.tail_unknown {
            format!(
                "-- node {node} is gone: its last message of {instance} seen here has seq {last_seq}, later ones may be \
                 lost with it"
            )
        } else {
            format!("-- node {node} has stopped: its last message of {instance} has seq {last_seq}")
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether::LiveReport;

    use super::*;

    fn printer() -> Printer {
        let mut printer = Printer::new(Format::Text, None);
        printer.paint = Paint::NONE;
        printer
    }

    fn subscribed(json: &str) -> Live {
        match Item::of(json.as_bytes()) {
            Item::Subscribed(report) => report,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_line_on_stderr_says_who_is_missing() {
        let mut printer = printer();
        let complete = subscribed(r#"{"subscribed":{"live":3,"nodes":3,"not_yet":[]}}"#);
        let partial = subscribed(r#"{"subscribed":{"live":2,"nodes":3,"not_yet":["c"]}}"#);
        assert_eq!(
            printer.subscribed_text(&partial),
            "subscribed, live on 2 of 3 nodes (not yet: c)"
        );
        assert_eq!(printer.subscribed_text(&complete), "subscribed, live on 3 of 3 nodes");
        printer.is_resubscribed = true;
        assert_eq!(
            printer.subscribed_text(&complete),
            "subscribed again, live on 3 of 3 nodes; messages published in between may be missed"
        );
        assert_eq!(printer.subscribed_text(&complete), "subscribed, live on 3 of 3 nodes");
    }

    #[test]
    fn a_live_report_is_read_as_it_is_written() {
        let report = LiveReport {
            live: 1,
            nodes: 2,
            not_yet: vec![NodeId::new("b").unwrap()],
        };
        let read: Live = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(
            (read.live, read.nodes, read.not_yet),
            (report.live, report.nodes, report.not_yet)
        );
    }

    #[test]
    fn what_is_missing_is_said_in_words() {
        for (json, text) in [
            (
                r#"{"gap":{"instance":"events","node":"a","epoch":1,"first":5,"last":16,"count":12,"cause":"slow_subscriber","exact":true}}"#,
                "-- missing: 12 messages of events from node a (seq 5 to 16): this subscriber read too slowly",
            ),
            (
                r#"{"gap":{"instance":"events","node":"a","epoch":1,"first":5,"last":16,"count":12,"cause":"new\ncause","exact":false}}"#,
                "-- missing: up to 12 messages of events from node a (seq 5 to 16): new\\ncause",
            ),
            (
                r#"{"epoch_ended":{"instance":"alerts","node":"b","epoch":1,"last_seq":7,"tail_unknown":false}}"#,
                "-- node b has stopped: its last message of alerts has seq 7",
            ),
            (r#"{"novelty":1}"#, r#"{"novelty":1}"#),
        ] {
            let item = Item::of(json.as_bytes());
            assert_eq!(printer().marker_text(&item, json.as_bytes()), text);
        }
    }
}
