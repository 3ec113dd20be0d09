//! What a subscription hands out: messages, and what will not come.

use std::fmt;
use std::sync::Arc;

use bellwether_message::{Envelope, Instance, NodeId, Source};

/// One item of a [`Subscription`](crate::Subscription).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Delivery {
    /// A message that matches.
    Message(Envelope),
    /// Messages of a feed that will not come.
    Gap(Gap),
    /// A feed that has ended.
    EpochEnded(EpochEnded),
    /// The end of a replay: what was kept has come before, what is published now comes after.
    Live(Live),
}

impl Delivery {
    /// What it counts against a queue's byte limit.
    pub(crate) fn cost(&self) -> usize {
        match self {
            Self::Message(envelope) => envelope.cost(),
            Self::Gap(_) | Self::EpochEnded(_) | Self::Live(_) => size_of::<Self>(),
        }
    }
}

/// Sequence numbers of one feed that a subscription will not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The writer of the feed.
    pub source: Arc<Source>,
    /// The instance of the feed.
    pub instance: Instance,
    /// First seq that may be missing.
    pub first: u64,
    /// Last seq that may be missing.
    pub last: u64,
    /// How many matching messages are missing.
    pub count: u64,
    /// Whether `count` is exact for this subscription, or an upper bound.
    pub exact: bool,
    /// Why they will not come.
    pub cause: GapCause,
}

impl Gap {
    /// The seqs from `first` to `last`, of which any may have matched: the count is an upper bound.
    pub fn up_to(source: Arc<Source>, instance: Instance, first: u64, last: u64, cause: GapCause) -> Self {
        Self {
            source,
            instance,
            first,
            last,
            count: (last + 1).saturating_sub(first),
            exact: false,
            cause,
        }
    }
}

/// Why messages will not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// The subscription read too slowly and its queue overflowed.
    SlowSubscriber,
    /// The subscription read too slowly, and its instance's policy is to end it: the stream ends after this gap, which
    /// begins with the first message that had no room. A resume goes on where it stood.
    Disconnected,
    /// The link to this node is up, but fell so far behind that the source's backlog moved past it.
    LinkOverrun,
    /// The link was down, or the reader away, for so long that the source's backlog no longer has them.
    BacklogOverrun,
    /// The node that published them has restarted, and its memory of them is gone.
    Restarted,
    /// What arrived in their place failed verification.
    Unverified,
}

impl GapCause {
    /// The cause as it is written in JSON: `slow_subscriber`, `disconnected`, `link_overrun`, `backlog_overrun`,
    /// `restarted`, `unverified`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SlowSubscriber => "slow_subscriber",
            Self::Disconnected => "disconnected",
            Self::LinkOverrun => "link_overrun",
            Self::BacklogOverrun => "backlog_overrun",
            Self::Restarted => "restarted",
            Self::Unverified => "unverified",
        }
    }
}

impl fmt::Display for GapCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The end of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The instance that was replayed.
    pub instance: Instance,
    /// How many messages were.
    pub replayed: u64,
    /// The nodes that could not be asked, or did not answer to the end: what they keep is missing before this.
    pub incomplete: Vec<NodeId>,
}

/// The end of one run of a node: nothing more will come of this feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochEnded {
    /// The writer of the feed.
    pub source: Arc<Source>,
    /// The instance of the feed.
    pub instance: Instance,
    /// The feed's last seq after a clean stop; the last one that reached this node after a crash.
    pub last_seq: u64,
    /// Whether messages after `last_seq` may have been lost with the node.
    pub tail_unknown: bool,
}
