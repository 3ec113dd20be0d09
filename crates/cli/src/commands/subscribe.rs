//! `bellwether sub`: prints what is published on a node's mesh.

mod item;

use std::time::Duration;

use bellwether_message::{Instance, Pattern};
use bytes::Bytes;
use rand::RngExt;

use self::item::{Item, Subscribed};
use crate::client::{Client, ClientError, Since, Stream};
use crate::failure::{Failure, tell};
use crate::message_line;
use crate::node_url::NodeUrl;
use crate::output::{Colour, Format, Output, Paint, printable};
use crate::runtime::block_on;
use crate::theme::{Classic, Theme};

/// Waits between two tries to reach a lost node: doubled from the first to the last, each drawn from its upper half.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) node: NodeUrl,
    pub(crate) wanted: Vec<(Instance, Pattern)>,
    /// Where to begin, as the node takes it; otherwise live.
    pub(crate) from: Option<String>,
    /// Ends well after this many messages.
    pub(crate) count: Option<u64>,
    /// Tries again when the node is lost.
    pub(crate) reconnect: bool,
    pub(crate) format: Format,
    /// How text looks.
    pub(crate) theme: Theme,
}

impl Subscribe {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let mut printer = Printer::new(self.format, self.theme, self.count);
            printer.greeting = printer.greeting(&self.wanted);
            let mut stream = self.connect(None).await?;
            loop {
                let lost = match printer.print_all(&mut stream).await? {
                    End::Counted => return Ok(()),
                    End::Disconnected => format!(
                        "the node at {} has ended the subscription, since it was read too slowly",
                        self.node
                    ),
                    End::Stream(Some(err)) if self.reconnect && !err.may_heal() => return Err(err.into()),
                    End::Stream(_) => format!("the node at {} is gone", self.node),
                };
                if !self.reconnect {
                    return Err(Failure::new(lost));
                }
                tell(format_args!("{lost}; trying until it is back"));
                stream = self.reconnect(printer.place.as_ref()).await?;
                printer.again = Some(self.again(printer.place.as_ref()));
            }
        })
    }

    async fn connect(&self, place: Option<&Bytes>) -> Result<Stream, ClientError> {
        let since = Since {
            beginning: self.from.as_deref(),
            last_event: place.map(Bytes::as_ref),
        };
        Client::connect(&self.node).await?.subscribe(&self.wanted, since).await
    }

    /// Tries until the node takes the subscription again, or refuses it for good.
    async fn reconnect(&self, place: Option<&Bytes>) -> Result<Stream, Failure> {
        let mut retry = FIRST_RETRY;
        loop {
            let wait = rand::rng().random_range(retry / 2..=retry);
            tokio::time::sleep(wait).await;
            match self.connect(place).await {
                Ok(stream) => return Ok(stream),
                Err(err) if err.may_heal() => retry = (retry * 2).min(LAST_RETRY),
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// How a subscription goes on that follows a lost one.
    fn again(&self, place: Option<&Bytes>) -> Again {
        match (place, &self.from) {
            (Some(_), _) => Again::Resumed,
            (None, Some(_)) => Again::Anew,
            (None, None) => Again::Live,
        }
    }
}

/// How a subscription that follows a lost one begins.
#[derive(Debug, Clone, Copy)]
enum Again {
    /// Behind the last item that was printed.
    Resumed,
    /// Where the first one began: that one was lost before it had said how to go on.
    Anew,
    /// With what is published now: the node does not say how to go on.
    Live,
}

impl Again {
    fn text(self) -> &'static str {
        match self {
            Self::Resumed => "resumed where it stood",
            Self::Anew => "what was kept is replayed anew and may come twice",
            Self::Live => "messages published in between may be missed",
        }
    }
}

/// Why printing has ended.
enum End {
    /// As many messages as were wanted.
    Counted,
    /// The node ended the stream, which it had said was read too slowly.
    Disconnected,
    /// The node ended the stream, or it broke.
    Stream(Option<ClientError>),
}

/// Prints what comes, each item in its place: results on stdout, how the subscription stands on stderr.
struct Printer {
    output: Output,
    format: Format,
    paint: Paint,
    /// Draws messages, where they are not lines in columns.
    classic: Option<Classic>,
    /// Until it is printed: what the theme says of a subscription that stands.
    greeting: Vec<String>,
    /// Messages still wanted.
    left: Option<u64>,
    /// Where the stream stands behind what was printed, in the node's words.
    place: Option<Bytes>,
    /// Until it is told: that this subscription follows another that was lost.
    again: Option<Again>,
}

impl Printer {
    fn new(format: Format, theme: Theme, left: Option<u64>) -> Self {
        Self {
            output: Output::stdout(),
            format,
            paint: Paint::for_stdout(),
            classic: theme.classic(),
            greeting: Vec::new(),
            left,
            place: None,
            again: None,
        }
    }

    fn greeting(&self, wanted: &[(Instance, Pattern)]) -> Vec<String> {
        let greeting = self.classic.as_ref().map(|classic| classic.subscribed(wanted));
        greeting.unwrap_or_default()
    }

    async fn print_all(&mut self, stream: &mut Stream) -> Result<End, Failure> {
        if self.left == Some(0) {
            return Ok(End::Counted);
        }
        let mut is_disconnected = false;
        loop {
            while let Some(event) = stream.received_event() {
                let item = Item::of(&event.data);
                is_disconnected |= matches!(&item, Item::Gap(gap) if gap.is_disconnection());
                self.print(&item, &event.data)?;
                self.place = event.id.or(self.place.take());
                if self.left == Some(0) {
                    self.output.flush()?;
                    return Ok(End::Counted);
                }
            }
            // Nothing more is there: whoever reads us must not wait for what we hold.
            self.output.flush()?;
            match stream.receive().await {
                Ok(true) => {}
                Ok(false) if is_disconnected => return Ok(End::Disconnected),
                Ok(false) => return Ok(End::Stream(None)),
                Err(err) => return Ok(End::Stream(Some(err))),
            }
        }
    }

    fn print(&mut self, item: &Item, json: &Bytes) -> Result<(), Failure> {
        match (item, self.format) {
            (Item::Subscribed(report), _) => {
                self.output.flush()?;
                tell(self.subscribed_text(report));
                return std::mem::take(&mut self.greeting)
                    .iter()
                    .try_for_each(|line| self.output.line(line));
            }
            (Item::Message, _) => self.left = self.left.map(|left| left.saturating_sub(1)),
            _ => {}
        }
        match (item, self.format) {
            (_, Format::Json) => self.output.line(on_one_line(json)),
            (Item::Message, Format::Text) => {
                let text = self.message_text(json);
                self.output.line(text)
            }
            (marker, Format::Text) => self.output.line(self.marker_text(marker, json)),
        }
    }

    fn message_text(&mut self, json: &[u8]) -> String {
        let text = match &mut self.classic {
            Some(classic) => classic.render(json),
            None => message_line::render(json, self.paint),
        };
        text.unwrap_or_else(|_| raw(json))
    }

    fn subscribed_text(&mut self, report: &Subscribed) -> String {
        match self.again.take() {
            None => format!("subscribed, {}", report.text()),
            Some(again) => format!("subscribed again, {}; {}", report.text(), again.text()),
        }
    }

    fn marker_text(&self, marker: &Item, json: &[u8]) -> String {
        let text = marker.text().unwrap_or_else(|| raw(json));
        self.paint.paint(Colour::Yellow, text).into_owned()
    }
}

fn raw(json: &[u8]) -> String {
    printable(&String::from_utf8_lossy(json)).into_owned()
}

/// In JSON a line break can only stand between tokens. Nodes write none.
fn on_one_line(json: &Bytes) -> Bytes {
    if !json.contains(&b'\n') {
        return json.clone();
    }
    json.iter()
        .map(|byte| if *byte == b'\n' { b' ' } else { *byte })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printer() -> Printer {
        let mut printer = Printer::new(Format::Text, Theme::Plain, None);
        printer.paint = Paint::NONE;
        printer
    }

    fn subscribed(json: &str) -> Subscribed {
        match Item::of(json.as_bytes()) {
            Item::Subscribed(report) => report,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_line_on_stderr_says_who_is_missing() {
        let mut printer = printer();
        let complete = subscribed(r#"{"subscribed":{"live":3,"nodes":3,"not_yet":[],"joined":true}}"#);
        let partial = subscribed(r#"{"subscribed":{"live":2,"nodes":3,"not_yet":["c"],"joined":true}}"#);
        assert_eq!(
            printer.subscribed_text(&partial),
            "subscribed, live on 2 of 3 nodes (not yet: c)"
        );
        assert_eq!(printer.subscribed_text(&complete), "subscribed, live on 3 of 3 nodes");
        for (again, words) in [
            (Again::Resumed, "resumed where it stood"),
            (Again::Anew, "what was kept is replayed anew and may come twice"),
            (Again::Live, "messages published in between may be missed"),
        ] {
            printer.again = Some(again);
            assert_eq!(
                printer.subscribed_text(&complete),
                format!("subscribed again, live on 3 of 3 nodes; {words}")
            );
        }
        assert_eq!(printer.subscribed_text(&complete), "subscribed, live on 3 of 3 nodes");
    }

    #[test]
    fn what_nobody_knows_is_printed_on_one_line_as_it_came() {
        let json = Bytes::from("{\"novelty\":\n1}");
        assert_eq!(printer().marker_text(&Item::of(&json), &json), "{\"novelty\":\\n1}");
        assert_eq!(on_one_line(&json), "{\"novelty\": 1}");
    }
}
