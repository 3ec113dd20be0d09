//! Kinds: what can happen in a run.

use std::sync::Arc;

use bellwether_message::Instance;
use serde::{Deserialize, Serialize};

use crate::feed::Feed;

/// What happened. In JSON the field `kind` and the fields of the variant.
///
/// Nodes are named by their ids. A feed is named by `origin`, `origin_epoch` and `instance`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "fields that are named like a word of the mesh are documented at their variant"
)]
pub enum Kind {
    /// The run began.
    Start {},
    /// The run ended cleanly: everything was handed over, but to the `unconfirmed` nodes.
    Stop { unconfirmed: Vec<Arc<str>> },
    /// The run was killed. Written by the driver just before it kills.
    Kill {},
    /// The process ended; `None` if a signal ended it. Written by the driver.
    Exit { code: Option<i32> },
    /// Something in the run panicked.
    Panicked { text: String },

    /// A publisher is about to publish. `call` is unique per run; `hash` is the payload's. A process that may be killed
    /// flushes this line before it publishes.
    PublishCall {
        call: u64,
        instance: Instance,
        topic: Arc<str>,
        hash: u64,
    },
    /// The publish returned: the message has this seq in the run's feed of that instance.
    PublishAck { call: u64, seq: u64 },
    /// The publish was refused for certain. Where the outcome is not known, no event is written.
    PublishFail { call: u64, error: String },

    /// A subscriber is about to subscribe. `sub` is unique in the whole history; `from` is `live`, `earliest`, `last:N`,
    /// `id:…` or `time:…`.
    SubscribeCall {
        sub: u64,
        instance: Instance,
        patterns: Vec<Arc<str>>,
        from: Arc<str>,
    },
    /// The subscription is live on every node then connected, but for the `unconfirmed`.
    SubscribeOk { sub: u64, unconfirmed: Vec<Arc<str>> },
    /// The subscription is live on this source, too.
    Confirmed { sub: u64, source: Arc<str> },
    /// The subscription goes on where the earlier subscription `of` stopped, by its token.
    Resumed { sub: u64, of: u64 },
    /// The subscriber wants no more. Nothing is promised from here on.
    Unsubscribe { sub: u64 },
    /// The subscription's stream ended or was cut. Nothing is promised from here on.
    StreamEnded { sub: u64 },

    /// A message came.
    Deliver {
        sub: u64,
        origin: Arc<str>,
        origin_epoch: u64,
        instance: Instance,
        seq: u64,
        topic: Arc<str>,
        hash: u64,
    },
    /// The subscriber was told that `count` matching messages between `first` and `last` will not come.
    Gap {
        sub: u64,
        origin: Arc<str>,
        origin_epoch: u64,
        instance: Instance,
        first: u64,
        last: u64,
        count: u64,
        exact: bool,
        cause: Arc<str>,
    },
    /// The subscriber was told that the feed has ended.
    EpochEnded {
        sub: u64,
        origin: Arc<str>,
        origin_epoch: u64,
        instance: Instance,
        last_seq: u64,
        tail_unknown: bool,
    },
    /// The replay is over; the past of the `incomplete` nodes did not come whole.
    Live {
        sub: u64,
        replayed: u64,
        incomplete: Vec<Arc<str>>,
    },

    /// The node counts this run of another as a member. Here and below epoch 0 means the run that goes on.
    MemberUp { member: Arc<str>, member_epoch: u64 },
    /// The node takes this run of another for dead or out of reach.
    MemberDown { member: Arc<str>, member_epoch: u64 },
    /// The node was told that this run of another left.
    MemberLeft { member: Arc<str>, member_epoch: u64 },
    /// All members that the node takes for living. Whether it names itself makes no difference.
    View { members: Vec<Arc<str>> },

    /// A fault begins that concerns these nodes; none named means all.
    FaultBegin { fault: Arc<str>, nodes: Vec<Arc<str>> },
    /// The fault of the same name and nodes is over.
    FaultEnd { fault: Arc<str>, nodes: Vec<Arc<str>> },
    /// All faults are over and the mesh was given time to settle: everything due has come. What is published from here
    /// on is a probe: it must be heard by every matching subscription in time. A probe is judged if its history goes on
    /// for that time; a second `quiet` at the end sees to it.
    Quiet {},

    /// A level and what it must not exceed: the length of a queue or map, memory in bytes.
    Size { what: Arc<str>, value: u64, bound: u64 },
    /// A level before the load and after it: the same but for 2 %, or for `slack` where that is more.
    Idle {
        what: Arc<str>,
        before: u64,
        after: u64,
        #[serde(default)]
        slack: u64,
    },
}

impl Kind {
    /// A [`PublishCall`](Self::PublishCall).
    pub fn publish_call(call: u64, instance: Instance, topic: impl Into<Arc<str>>, hash: u64) -> Self {
        Self::PublishCall {
            call,
            instance,
            topic: topic.into(),
            hash,
        }
    }

    /// A [`SubscribeCall`](Self::SubscribeCall).
    pub fn subscribe_call<P: Into<Arc<str>>>(
        sub: u64,
        instance: Instance,
        patterns: impl IntoIterator<Item = P>,
        from: impl Into<Arc<str>>,
    ) -> Self {
        Self::SubscribeCall {
            sub,
            instance,
            patterns: patterns.into_iter().map(Into::into).collect(),
            from: from.into(),
        }
    }

    /// A [`Deliver`](Self::Deliver).
    pub fn deliver(sub: u64, feed: &Feed, seq: u64, topic: impl Into<Arc<str>>, hash: u64) -> Self {
        Self::Deliver {
            sub,
            origin: feed.origin.clone(),
            origin_epoch: feed.origin_epoch,
            instance: feed.instance,
            seq,
            topic: topic.into(),
            hash,
        }
    }

    /// A [`Gap`](Self::Gap) over `seqs` whose count is exact.
    pub fn exact_gap(
        sub: u64,
        feed: &Feed,
        seqs: std::ops::RangeInclusive<u64>,
        count: u64,
        cause: impl Into<Arc<str>>,
    ) -> Self {
        Self::gap(sub, feed, seqs, count, true, cause)
    }

    /// A [`Gap`](Self::Gap) over `seqs` whose count is an upper bound.
    pub fn gap_up_to(
        sub: u64,
        feed: &Feed,
        seqs: std::ops::RangeInclusive<u64>,
        count: u64,
        cause: impl Into<Arc<str>>,
    ) -> Self {
        Self::gap(sub, feed, seqs, count, false, cause)
    }

    fn gap(
        sub: u64,
        feed: &Feed,
        seqs: std::ops::RangeInclusive<u64>,
        count: u64,
        exact: bool,
        cause: impl Into<Arc<str>>,
    ) -> Self {
        Self::Gap {
            sub,
            origin: feed.origin.clone(),
            origin_epoch: feed.origin_epoch,
            instance: feed.instance,
            first: *seqs.start(),
            last: *seqs.end(),
            count,
            exact,
            cause: cause.into(),
        }
    }

    /// An [`EpochEnded`](Self::EpochEnded).
    pub fn epoch_ended(sub: u64, feed: &Feed, last_seq: u64, tail_unknown: bool) -> Self {
        Self::EpochEnded {
            sub,
            origin: feed.origin.clone(),
            origin_epoch: feed.origin_epoch,
            instance: feed.instance,
            last_seq,
            tail_unknown,
        }
    }
}
