//! `bellwether sub`: prints what is published on a node's mesh.

pub(crate) mod filter;
pub(super) mod item;

use bellwether_client::{
    Beginning, Continuation, Item as StreamItem, Loss, NodeAddress, StreamError, SubscribeError, Subscription,
};
use bellwether_message::{Instance, Pattern};
use bytes::Bytes;

use self::filter::Filter;
use self::item::Item;
use crate::failure::{Failure, tell};
use crate::message_line;
use crate::output::{Colour, Format, Output, Paint, printable};
use crate::reach::Reach;
use crate::runtime::block_on;
use crate::theme::{Classic, Theme};

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) node: Reach,
    pub(crate) wanted: Vec<(Instance, Pattern)>,
    /// Where to begin; otherwise live.
    pub(crate) from: Option<Beginning>,
    /// Which of the messages that come are printed.
    pub(crate) filter: Filter,
    /// Leaves out of text what is as it should be: that an instance is live.
    pub(crate) terse: bool,
    /// Ends well after this many messages are printed.
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
            let client = self.node.connect().await?;
            let mut asked = client.subscribe(self.wanted.clone());
            if let Some(beginning) = &self.from {
                asked = asked.from(beginning.clone());
            }
            if !self.reconnect {
                asked = asked.without_reconnect();
            }
            let mut subscription = asked.open().await.map_err(|err| self.refused(err))?;
            let mut printer = Printer::new(self.format, self.theme, self.count);
            printer.greeting = printer.greeting(&self.wanted);
            printer.filter = self.filter;
            printer.terse = self.terse;
            printer.print_all(&mut subscription).await
        })
    }

    /// All is refused where one of what was asked for is not allowed: then the rest still may be.
    fn refused(&self, err: SubscribeError) -> Failure {
        match err {
            SubscribeError::Call { source } if self.wanted.len() > 1 && source.reason() == Some("denied") => {
                let hint = "Name what this program may receive, such as `bellwether tail alerts metrics`.";
                Failure::with_hint(source.to_string(), hint)
            }
            err => err.into(),
        }
    }
}

/// How a subscription was lost, in our words.
fn words_for(loss: &Loss, node: &NodeAddress) -> String {
    match loss {
        Loss::TooSlow { .. } => loss.to_string(),
        loss if loss.may_heal() => format!("the node at {node} is gone"),
        loss => loss.to_string(),
    }
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
    /// Which messages are printed.
    filter: Filter,
    /// Whether what is as it should be is left out of text.
    terse: bool,
    /// Messages still wanted.
    left: Option<u64>,
    /// Until it is told: that this subscription follows another that was lost.
    again: Option<Continuation>,
}

impl Printer {
    fn new(format: Format, theme: Theme, left: Option<u64>) -> Self {
        Self {
            output: Output::stdout(),
            format,
            paint: Paint::for_stdout(),
            classic: theme.classic(),
            greeting: Vec::new(),
            filter: Filter::default(),
            terse: false,
            left,
            again: None,
        }
    }

    fn greeting(&self, wanted: &[(Instance, Pattern)]) -> Vec<String> {
        let greeting = self.classic.as_ref().map(|classic| classic.subscribed(wanted));
        greeting.unwrap_or_default()
    }

    /// Until as many messages as were wanted are printed.
    async fn print_all(&mut self, subscription: &mut Subscription) -> Result<(), Failure> {
        if self.left == Some(0) {
            return Ok(());
        }
        loop {
            while let Some(item) = subscription.received_item() {
                self.on_item(item, subscription.node())?;
                if self.left == Some(0) {
                    return self.output.flush();
                }
            }
            // Nothing more is there: whoever reads us must not wait for what we hold.
            self.output.flush()?;
            match subscription.next_item().await {
                None => return Ok(()),
                Some(Ok(item)) => self.on_item(item, subscription.node())?,
                Some(Err(StreamError::Lost { loss })) => {
                    return Err(Failure::new(words_for(&loss, subscription.node())));
                }
                Some(Err(err)) => return Err(err.into()),
            }
            if self.left == Some(0) {
                return self.output.flush();
            }
        }
    }

    fn on_item(&mut self, item: StreamItem, node: &NodeAddress) -> Result<(), Failure> {
        match item {
            StreamItem::Json(json) => self.print(&Item::of(&json), &json),
            StreamItem::Lost(loss) => {
                tell(format_args!("{}; trying until it is back", words_for(&loss, node)));
                Ok(())
            }
            StreamItem::Reconnected(again) => {
                self.again = Some(again.how);
                Ok(())
            }
            _ => Ok(()),
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
            (Item::Message, _) if !self.filter.passes(json) => return Ok(()),
            (Item::Live(live), Format::Text) if self.terse && live.incomplete.is_empty() => return Ok(()),
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

    fn subscribed_text(&mut self, report: &bellwether_client::Subscribed) -> String {
        match self.again.take() {
            None => format!("subscribed, {}", item::subscribed_text(report)),
            Some(again) => format!("subscribed again, {}; {again}", item::subscribed_text(report)),
        }
    }

    fn marker_text(&self, marker: &Item, json: &[u8]) -> String {
        let text = marker.text().unwrap_or_else(|| raw(json));
        let colour = match marker {
            // What is missing must not be overlooked.
            Item::Gap(_) => Colour::Red,
            _ => Colour::Yellow,
        };
        self.paint.paint(colour, text).into_owned()
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

    fn subscribed(json: &str) -> bellwether_client::Subscribed {
        match Item::of(&Bytes::copy_from_slice(json.as_bytes())) {
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
            (Continuation::Resumed, "resumed where it stood"),
            (Continuation::Anew, "what was kept is replayed anew"),
            (Continuation::Live, "messages published in between may be missed"),
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
