//! Deliveries as CloudEvents.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether::{Delivery, Envelope, Epoch, LiveReport, Node, NodeId, TRACEPARENT, TRACESTATE, Timestamp};
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{PREFIX, SPEC_VERSION};
use crate::error::ApiError;
use crate::json::{EpochEndedJson, GapJson, LiveJson};

/// What the type of an event begins with that is no message.
const TYPE_PREFIX: &str = "dev.bellwether.";

/// Gives ids to events that are no messages: those of one run of a node differ.
#[derive(Debug)]
pub(crate) struct EventIds {
    node: NodeId,
    epoch: Epoch,
}

impl EventIds {
    pub(crate) fn new(node: &Node) -> Self {
        Self {
            node: node.id().clone(),
            epoch: node.epoch(),
        }
    }

    /// Where the subscription is live, as `dev.bellwether.subscribed`.
    pub(crate) fn subscribed<'a>(&'a self, report: &'a LiveReport) -> impl Serialize + 'a {
        self.notice("subscribed", report)
    }

    /// Why the stream ends, as `dev.bellwether.error`.
    pub(crate) fn error<'a>(&'a self, err: &'a ApiError) -> impl Serialize + 'a {
        self.notice("error", err.json())
    }

    fn notice<T: Serialize>(&self, kind: &'static str, data: T) -> Notice<'_, T> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Notice {
            specversion: SPEC_VERSION,
            id: format!("{kind}/{}/{}/{number}", self.node, self.epoch),
            source: &self.node,
            event_type: format!("{TYPE_PREFIX}{kind}"),
            time: Timestamp::now(),
            datacontenttype: "application/json",
            data,
        }
    }
}

/// What a node tells a reader beside messages; the node is its source.
#[derive(Serialize)]
struct Notice<'a, T> {
    specversion: &'static str,
    id: String,
    source: &'a NodeId,
    #[serde(rename = "type")]
    event_type: String,
    time: Timestamp,
    datacontenttype: &'static str,
    data: T,
}

/// A delivery as a CloudEvent: a message as its publisher gave it, all else as `dev.bellwether.gap`,
/// `dev.bellwether.epoch_ended` and `dev.bellwether.live`, whose data are [`GapJson`], [`EpochEndedJson`] and [`LiveJson`].
pub(crate) struct DeliveryEvent<'a> {
    delivery: &'a Delivery,
    ids: &'a EventIds,
}

impl<'a> DeliveryEvent<'a> {
    pub(crate) fn new(delivery: &'a Delivery, ids: &'a EventIds) -> Self {
        Self { delivery, ids }
    }
}

impl Serialize for DeliveryEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.delivery {
            Delivery::Message(envelope) => message(envelope, serializer),
            Delivery::Gap(gap) => self.ids.notice("gap", GapJson::new(gap)).serialize(serializer),
            Delivery::EpochEnded(ended) => {
                let notice = self.ids.notice("epoch_ended", EpochEndedJson::new(ended));
                notice.serialize(serializer)
            }
            Delivery::Live(live) => self.ids.notice("live", LiveJson::new(live)).serialize(serializer),
            other => Err(Error::custom(format_args!("no CloudEvent says this yet: {other:?}"))),
        }
    }
}

fn message<S: Serializer>(envelope: &Envelope, serializer: S) -> Result<S::Ok, S::Error> {
    /// Told of the message itself, whatever its headers say.
    const OWN: [&str; 17] = [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "data",
        "instance",
        "correlationid",
        "causationid",
        "schemaversion",
        "messageid",
        "reportingnode",
        "originatingnode",
        TRACEPARENT,
        TRACESTATE,
    ];

    let head = envelope.head();
    let headers = head.headers();
    let kept = |name: &str| headers.get(&format!("{PREFIX}{name}"));
    let originating_node = head.originating_node.unwrap_or(envelope.reporting_node());
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("specversion", SPEC_VERSION)?;
    match kept("id") {
        Some(id) => map.serialize_entry("id", id)?,
        None => map.serialize_entry("id", &envelope.id())?,
    }
    match kept("source") {
        Some(source) => map.serialize_entry("source", source)?,
        None => map.serialize_entry("source", originating_node)?,
    }
    map.serialize_entry("type", head.event)?;
    map.serialize_entry("subject", head.topic)?;
    match kept("time") {
        Some(time) => map.serialize_entry("time", time)?,
        None => map.serialize_entry("time", &head.timestamp(envelope.source().epoch))?,
    }
    let content_type = head.content_type();
    map.serialize_entry("datacontenttype", content_type.name())?;
    map.serialize_entry("instance", &envelope.instance())?;
    if let Some(id) = &head.correlation_id {
        map.serialize_entry("correlationid", id)?;
    }
    if let Some(id) = &head.causation_id {
        map.serialize_entry("causationid", id)?;
    }
    map.serialize_entry("schemaversion", &head.schema_version)?;
    map.serialize_entry("messageid", &envelope.id())?;
    map.serialize_entry("reportingnode", envelope.reporting_node())?;
    map.serialize_entry("originatingnode", originating_node)?;
    for name in [TRACEPARENT, TRACESTATE] {
        // Several values of a header are one list; whoever wrote the attribute as a header of its own is heard too.
        let values: Vec<&str> = headers.values(name).collect();
        match values.is_empty() {
            false => map.serialize_entry(name, &values.join(","))?,
            true => kept(name).map_or(Ok(()), |value| map.serialize_entry(name, value))?,
        }
    }
    for (at, (name, value)) in headers.iter().enumerate() {
        let Some(name) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let is_attribute = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_new = !headers
            .iter()
            .take(at)
            .any(|(earlier, _)| earlier.strip_prefix(PREFIX) == Some(name));
        if is_new && !name.is_empty() && name.bytes().all(is_attribute) && !OWN.contains(&name) {
            map.serialize_entry(name, value)?;
        }
    }
    let payload = envelope.payload();
    match std::str::from_utf8(payload) {
        Ok("") => {}
        Ok(text) if content_type.is_json() => match serde_json::from_str::<&RawValue>(&on_one_line(text)) {
            Ok(json) => map.serialize_entry("data", json)?,
            Err(_) => map.serialize_entry("data_base64", &STANDARD.encode(payload))?,
        },
        Ok(text) if content_type.is_text() => map.serialize_entry("data", text)?,
        _ => map.serialize_entry("data_base64", &STANDARD.encode(payload))?,
    }
    map.end()
}

/// In JSON a raw line break is white space between tokens; left in, it would break the line.
fn on_one_line(text: &str) -> std::borrow::Cow<'_, str> {
    match text.contains(['\n', '\r']) {
        true => text.replace(['\n', '\r'], " ").into(),
        false => text.into(),
    }
}
