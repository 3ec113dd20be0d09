//! The JSON of everything a subscription can hand out, the same at every door.
//!
//! Messages have their form from [`MessageJson`]; here are the others, and the one that chooses.

use bellwether::{Delivery, EpochEnded, Gap, Live, LiveReport, MessageJson};
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

/// A delivery as JSON: a message as [`MessageJson`], `{"gap":{…}}` as [`GapJson`], `{"epoch_ended":{…}}` as
/// [`EpochEndedJson`], or `{"live":{…}}` as [`LiveJson`].
#[derive(Debug, Clone, Copy)]
pub struct DeliveryJson<'a> {
    delivery: &'a Delivery,
    received_on: Option<&'a str>,
}

impl<'a> DeliveryJson<'a> {
    /// The form of `delivery`.
    pub fn new(delivery: &'a Delivery) -> Self {
        Self {
            delivery,
            received_on: None,
        }
    }

    /// Adds `received_on`, at the outermost level: where several nodes deliver to one output, which of them did.
    #[must_use]
    pub fn received_on(mut self, node: &'a str) -> Self {
        self.received_on = Some(node);
        self
    }

    fn named<S: Serializer>(&self, serializer: S, name: &str, form: &impl Serialize) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(name, form)?;
        if let Some(node) = self.received_on {
            map.serialize_entry("received_on", node)?;
        }
        map.end()
    }
}

impl Serialize for DeliveryJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.delivery {
            Delivery::Message(envelope) => {
                let message = MessageJson::new(envelope);
                self.received_on
                    .map_or(message, |node| message.received_on(node))
                    .serialize(serializer)
            }
            Delivery::Gap(gap) => self.named(serializer, "gap", &GapJson::new(gap)),
            Delivery::EpochEnded(ended) => self.named(serializer, "epoch_ended", &EpochEndedJson::new(ended)),
            Delivery::Live(live) => self.named(serializer, "live", &LiveJson::new(live)),
            other => Err(Error::custom(format_args!(
                "this delivery has no JSON form yet: {other:?}"
            ))),
        }
    }
}

/// Messages that will not come: `{"instance","node","epoch","first","last","count","cause","exact"}`.
///
/// `count` is an upper bound unless `exact`. `cause` says why:
///
/// | cause | the messages |
/// | --- | --- |
/// | `slow_subscriber` | were dropped, since this subscription read too slowly |
/// | `disconnected` | had no room, and the stream ends after this; whoever resumes it gets them, while their source keeps them |
/// | `link_overrun` | left the backlog of their source before the link to it, slow or cut short, could carry them |
/// | `backlog_overrun` | left it while the link was down or the reader away |
/// | `restarted` | were in the memory of a run of their source that is over |
/// | `unverified` | arrived, but not as they were signed |
#[derive(Debug, Clone, Copy)]
pub struct GapJson<'a>(&'a Gap);

impl<'a> GapJson<'a> {
    /// The form of `gap`.
    pub fn new(gap: &'a Gap) -> Self {
        Self(gap)
    }
}

impl Serialize for GapJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let gap = self.0;
        let mut map = serializer.serialize_map(Some(8))?;
        map.serialize_entry("instance", &gap.instance)?;
        map.serialize_entry("node", &gap.source.node)?;
        map.serialize_entry("epoch", &gap.source.epoch)?;
        map.serialize_entry("first", &gap.first)?;
        map.serialize_entry("last", &gap.last)?;
        map.serialize_entry("count", &gap.count)?;
        map.serialize_entry("cause", gap.cause.name())?;
        map.serialize_entry("exact", &gap.exact)?;
        map.end()
    }
}

/// The end of a feed: `{"instance","node","epoch","last_seq","tail_unknown"}`.
#[derive(Debug, Clone, Copy)]
pub struct EpochEndedJson<'a>(&'a EpochEnded);

impl<'a> EpochEndedJson<'a> {
    /// The form of `ended`.
    pub fn new(ended: &'a EpochEnded) -> Self {
        Self(ended)
    }
}

impl Serialize for EpochEndedJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ended = self.0;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("instance", &ended.instance)?;
        map.serialize_entry("node", &ended.source.node)?;
        map.serialize_entry("epoch", &ended.source.epoch)?;
        map.serialize_entry("last_seq", &ended.last_seq)?;
        map.serialize_entry("tail_unknown", &ended.tail_unknown)?;
        map.end()
    }
}

/// The end of a replay: `{"instance","replayed","incomplete"}`. What was kept stands before it in the stream, what is
/// published now after it; `incomplete` names the nodes that could not be asked for what they keep.
#[derive(Debug, Clone, Copy)]
pub struct LiveJson<'a>(&'a Live);

impl<'a> LiveJson<'a> {
    /// The form of `live`.
    pub fn new(live: &'a Live) -> Self {
        Self(live)
    }
}

impl Serialize for LiveJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let live = self.0;
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("instance", &live.instance)?;
        map.serialize_entry("replayed", &live.replayed)?;
        map.serialize_entry("incomplete", &live.incomplete)?;
        map.end()
    }
}

/// Where a subscription is live: `{"subscribed":{"live","nodes","not_yet","joined"}}`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SubscribedJson<'a> {
    subscribed: &'a LiveReport,
}

impl<'a> SubscribedJson<'a> {
    /// The form of `report`.
    pub fn new(report: &'a LiveReport) -> Self {
        Self { subscribed: report }
    }
}
