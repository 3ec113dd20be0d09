//! What a subscription hands out.

use std::fmt;

use bellwether_message::{Epoch, Instance, NodeId};
use bytes::Bytes;
use serde::Deserialize;

use crate::message::Message;
use crate::subscription::Loss;

/// One item of a subscription, in its place between the others.
#[derive(Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "most deliveries are messages, and none is kept in a queue here"
)]
pub enum Delivery {
    /// A message.
    Message(Message),
    /// Messages that will not come.
    Gap(Gap),
    /// A run of a node is over.
    EpochEnded(EpochEnded),
    /// What was kept has been handed out; what follows is published now.
    Live(Live),
    /// On how many nodes the subscription is live: first of all, again when it has become more, and after each
    /// [`Reconnected`](Self::Reconnected).
    Subscribed(Subscribed),
    /// The node is lost; it is tried until it is back. Nothing is lost by that alone.
    Lost(Loss),
    /// The node is back.
    Reconnected(Reconnected),
    /// Something that a newer node says, as JSON.
    Unknown(Bytes),
}

/// Messages of one feed that will not come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// The instance of the feed.
    pub instance: Instance,
    /// Its node.
    pub node: NodeId,
    /// The run of that node.
    #[serde(default = "unknown_epoch")]
    pub epoch: Epoch,
    /// The first seq that is missing.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// How many messages; an upper bound unless `exact`.
    pub count: u64,
    /// Whether `count` is exact.
    pub exact: bool,
    /// Why: `slow_subscriber` (this program read too slowly), `disconnected` (the same; the stream is resumed before the
    /// gap by itself), `link_overrun`, `backlog_overrun`, `restarted` or `unverified`.
    pub cause: String,
}

impl Gap {
    /// Whether the node ends the stream after it, so that it can be resumed before it.
    pub fn is_disconnection(&self) -> bool {
        self.cause == "disconnected"
    }
}

/// The end of a feed: its node has stopped, restarted or been given up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct EpochEnded {
    /// The instance of the feed.
    pub instance: Instance,
    /// Its node.
    pub node: NodeId,
    /// The run of that node.
    #[serde(default = "unknown_epoch")]
    pub epoch: Epoch,
    /// The last seq; of those that are known, if the tail is not.
    pub last_seq: u64,
    /// Whether there may have been later messages that are lost.
    pub tail_unknown: bool,
}

/// The end of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Live {
    /// The instance.
    pub instance: Instance,
    /// How many messages were from before.
    pub replayed: u64,
    /// Nodes that could not be asked for what they keep.
    pub incomplete: Vec<NodeId>,
}

/// Where a subscription is live.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Subscribed {
    /// From how many nodes everything comes from now on.
    pub live: usize,
    /// How many there are.
    pub nodes: usize,
    /// Those that have not confirmed yet.
    pub not_yet: Vec<NodeId>,
    /// Whether the node that was asked has joined its mesh.
    pub joined: bool,
}

impl Subscribed {
    /// Whether everything that is published anywhere comes from now on.
    pub fn is_complete(&self) -> bool {
        self.joined && self.not_yet.is_empty()
    }
}

/// A subscription goes on after its node was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconnected {
    /// How it goes on.
    pub how: Continuation,
    /// How many tries it took.
    pub tries: u64,
}

/// How a subscription goes on after its node was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Continuation {
    /// Behind the last item that was handed out: nothing is lost that the nodes still keep, nothing comes twice. What is
    /// not kept is told as a gap.
    Resumed,
    /// Where it began: it was lost before the node had said how to go on, in the middle of the last few messages or of
    /// those since a time. Nothing comes twice; where it began with the last few, some between may be missing.
    Anew,
    /// With what is published now: the node does not say how to go on. What was published in between is missing.
    Live,
}

impl fmt::Display for Continuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resumed => "resumed where it stood",
            Self::Anew => "what was kept is replayed anew",
            Self::Live => "messages published in between may be missed",
        })
    }
}

/// The items that are no messages: one key, which says what it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Marker {
    Subscribed(Subscribed),
    Gap(Gap),
    EpochEnded(EpochEnded),
    Live(Live),
}

impl Delivery {
    /// What an item of a stream says.
    pub fn of(json: &Bytes) -> Self {
        let unknown = || Self::Unknown(json.clone());
        // A message begins with its id. Looking there first spares most items from being parsed twice.
        if is_message(json) {
            return Message::of(json).map_or_else(unknown, Self::Message);
        }
        match serde_json::from_slice(json) {
            Ok(Marker::Subscribed(report)) => Self::Subscribed(report),
            Ok(Marker::Gap(gap)) => Self::Gap(gap),
            Ok(Marker::EpochEnded(ended)) => Self::EpochEnded(ended),
            Ok(Marker::Live(live)) => Self::Live(live),
            Err(_) => Message::of(json).map_or_else(unknown, Self::Message),
        }
    }
}

/// Whether an item of a stream is a message, as nodes write it.
pub(crate) fn is_message(json: &[u8]) -> bool {
    json.starts_with(b"{\"id\":")
}

fn unknown_epoch() -> Epoch {
    Epoch(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_item_is_read_and_a_new_one_is_passed_on() {
        let of = |json: &'static str| Delivery::of(&Bytes::from(json));
        assert!(matches!(
            of(r#"{"subscribed":{"live":1,"nodes":2,"not_yet":["b"],"joined":true}}"#),
            Delivery::Subscribed(report) if !report.is_complete()
        ));
        assert!(matches!(
            of(r#"{"gap":{"instance":"events","node":"a","epoch":1,"first":5,"last":16,"count":12,"cause":"disconnected","exact":true}}"#),
            Delivery::Gap(gap) if gap.is_disconnection() && gap.epoch == Epoch(1)
        ));
        assert!(matches!(
            of(r#"{"epoch_ended":{"instance":"alerts","node":"b","epoch":1,"last_seq":7,"tail_unknown":false}}"#),
            Delivery::EpochEnded(ended) if ended.last_seq == 7
        ));
        assert!(matches!(
            of(r#"{"live":{"instance":"alerts","replayed":12,"incomplete":["b"]}}"#),
            Delivery::Live(live) if live.replayed == 12
        ));
        for json in [r#"{"novelty":1}"#, r#"{"id":"x"}"#, "nothing"] {
            assert!(matches!(of(json), Delivery::Unknown(bytes) if bytes == json), "{json}");
        }
    }
}
