//! The stream of one subscription, as a client sees it.
//!
//! Lines of JSON, or server-sent events around the same JSON, which can be resumed. The program's own reader is not used:
//! the two must not share a mistake.

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;
use crate::deadline::soon;

/// Items, read as they come. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Stream {
    body: Incoming,
    received: BytesMut,
    /// The id of the last event that had one.
    place: Option<String>,
    live: usize,
    nodes: usize,
    _connection: Client,
}

impl Stream {
    pub(crate) async fn begin(body: Incoming, connection: Client) -> Self {
        let mut stream = Self {
            body,
            received: BytesMut::new(),
            place: None,
            live: 0,
            nodes: 0,
            _connection: connection,
        };
        let first = stream.next().await;
        assert!(matches!(first, Some(Item::Subscribed { .. })), "{first:?}");
        stream
    }

    /// On how many nodes it is live, and of how many, by the last report that was read.
    pub fn live(&self) -> (usize, usize) {
        (self.live, self.nodes)
    }

    /// What resumes it behind the last item that was read.
    pub fn place(&self) -> &str {
        self.place.as_deref().expect("the stream has said where it stands")
    }

    /// The next item; `None` at the clean end of the stream. Panics when nothing comes soon.
    pub async fn next(&mut self) -> Option<Item> {
        soon("the next line of a stream", self.next_patiently()).await
    }

    /// The next item, however long it takes. Cancel safe.
    pub async fn next_patiently(&mut self) -> Option<Item> {
        loop {
            while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line = self.received.split_to(end);
                self.received.advance(1);
                // Each event has an id, a name, one line of data and an empty line; comments come between.
                if let Some(id) = line.strip_prefix(b"id: ") {
                    self.place = Some(String::from_utf8_lossy(id).into_owned());
                }
                let json = line.strip_prefix(b"data: ").unwrap_or(&line);
                if !json.starts_with(b"{") {
                    continue;
                }
                let item = Item::parse(json);
                if let Item::Subscribed { live, nodes } = item {
                    (self.live, self.nodes) = (live, nodes);
                }
                return Some(item);
            }
            let frame = self.body.frame().await?;
            let frame = frame.unwrap_or_else(|err| panic!("the stream broke off: {err}"));
            if let Ok(data) = frame.into_data() {
                self.received.extend_from_slice(&data);
            }
        }
    }

    /// The next message. Panics at a gap, at the end of the stream, and when nothing comes soon.
    pub async fn message(&mut self) -> Message {
        loop {
            match self.next().await {
                Some(Item::Message(message)) => return *message,
                Some(Item::Subscribed { .. } | Item::EpochEnded(_) | Item::Live(_)) => {}
                other => panic!("expected a message, not {other:?}"),
            }
        }
    }

    /// Reads until a message with this payload, and gives what came before. Panics at a gap.
    pub async fn until(&mut self, payload: &str) -> Vec<Message> {
        let mut before = Vec::new();
        loop {
            let message = self.message().await;
            if message.payload.as_str() == Some(payload) {
                return before;
            }
            before.push(message);
        }
    }

    /// All that comes until the node ends the stream.
    pub async fn rest(mut self) -> Vec<Item> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item);
        }
        items
    }
}

/// One item of a stream.
#[derive(Debug)]
pub enum Item {
    /// A message.
    Message(Box<Message>),
    /// On how many nodes the subscription is live, and of how many.
    Subscribed {
        /// Live on so many.
        live: usize,
        /// Of so many.
        nodes: usize,
    },
    /// Messages that will not come.
    Gap(Value),
    /// The end of a feed.
    EpochEnded(Value),
    /// The end of a replay.
    Live(Value),
    /// Why the stream ends: the reason.
    Error(String),
}

impl Item {
    pub(crate) fn parse(line: &[u8]) -> Self {
        let broken = |err| -> ! { panic!("{err}: {}", String::from_utf8_lossy(line)) };
        // A message begins with its id. There are many of them, so they are not parsed twice.
        if line.starts_with(b"{\"id\":") {
            return Self::Message(serde_json::from_slice(line).unwrap_or_else(|err| broken(err)));
        }
        let mut marker: Value = serde_json::from_slice(line).unwrap_or_else(|err| broken(err));
        let count = |value: &Value| value.as_u64().and_then(|count| usize::try_from(count).ok());
        if let Some(report) = marker.get("subscribed") {
            return Self::Subscribed {
                live: report
                    .get("live")
                    .and_then(count)
                    .expect("a report says how many are live"),
                nodes: report
                    .get("nodes")
                    .and_then(count)
                    .expect("a report says how many there are"),
            };
        }
        if marker.get("error").is_some() {
            let reason = marker.get("reason").and_then(Value::as_str);
            return Self::Error(reason.expect("an error has a reason").to_owned());
        }
        for (key, item) in [
            ("gap", Self::Gap as fn(Value) -> Self),
            ("epoch_ended", Self::EpochEnded),
            ("live", Self::Live),
        ] {
            if let Some(marker) = marker.get_mut(key) {
                return item(marker.take());
            }
        }
        panic!("no item of a stream: {marker}");
    }
}

/// A message as the stream shows it: its one JSON form, and no other key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the fields are named and explained by the JSON form of a message"
)]
pub struct Message {
    pub id: String,
    pub instance: String,
    pub topic: String,
    pub event: String,
    pub originating_node: String,
    pub reporting_node: String,
    pub timestamp: String,
    pub correlation_id: Option<String>,
    pub causation_id: Option<String>,
    pub schema_version: u16,
    pub content_type: String,
    pub signed: bool,
    pub payload: Value,
}

impl Message {
    /// The parts of its id: instance, node, epoch and seq.
    pub fn id_parts(&self) -> (&str, &str, u64, u64) {
        let parts: Vec<&str> = self.id.split('/').collect();
        let [instance, node, epoch, seq] = parts[..] else {
            panic!("no message id: {}", self.id);
        };
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no message id: {}", self.id));
        (instance, node, number(epoch), number(seq))
    }

    /// Its payload, which must be a text.
    pub fn text(&self) -> &str {
        self.payload.as_str().unwrap_or_else(|| panic!("no text: {self:?}"))
    }
}
