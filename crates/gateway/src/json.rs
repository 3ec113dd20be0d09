//! The JSON of everything a subscription can hand out, the same at every door.
//!
//! Messages have their form from [`MessageJson`]; here are the others, and the one that chooses.

use bellwether::{Delivery, EpochEnded, Gap, LiveReport, MessageJson};
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

/// A delivery as JSON: a message as [`MessageJson`], `{"gap":{…}}` as [`GapJson`], or `{"epoch_ended":{…}}` as
/// [`EpochEndedJson`].
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
            other => Err(Error::custom(format_args!(
                "this delivery has no JSON form yet: {other:?}"
            ))),
        }
    }
}

/// Messages that will not come: `{"instance","node","epoch","first","last","count","cause","exact"}`.
///
/// `cause` is `slow_subscriber` or `link_overrun`; `count` is an upper bound unless `exact`.
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

/// Where a subscription is live: `{"subscribed":{"live","nodes","not_yet"}}`.
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
