//! What is counted per instance: every number an operator is shown comes from here.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::latency::Latency;

/// Running totals of one instance since the node started. Each only rises.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages accepted from local publishers.
    pub published: Total,
    /// Messages handed to local subscriptions, counted once per subscription.
    pub delivered: Total,
    /// Messages sent to peers, counted once per peer.
    pub forwarded: Total,
    /// Messages accepted from peers.
    pub received: Total,
    /// Local subscriptions that were ended for reading too slowly.
    pub disconnected: Total,
    /// How long the delivered ones took.
    pub latency: Latency,
    dropped: [Total; DropReason::ALL.len()],
}

/// Why a message did not reach a subscription that wanted it, or was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum DropReason {
    /// A subscription's queue was full.
    SlowSubscriber,
    /// A source's backlog moved past this node's link, which was too slow; counted in messages that may have matched.
    LinkOverrun,
    /// A source's backlog moved on while no link was there; counted in messages that may have matched.
    BacklogOverrun,
    /// A frame from a peer failed verification.
    Unverified,
    /// A local publish was refused.
    Refused,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 5] = [
        Self::SlowSubscriber,
        Self::LinkOverrun,
        Self::BacklogOverrun,
        Self::Unverified,
        Self::Refused,
    ];

    /// The reason as it is written in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::SlowSubscriber => "slow_subscriber",
            Self::LinkOverrun => "link_overrun",
            Self::BacklogOverrun => "backlog_overrun",
            Self::Unverified => "unverified",
            Self::Refused => "refused",
        }
    }
}

impl Counters {
    /// The total dropped for one reason.
    #[expect(clippy::indexing_slicing, reason = "the array has one place per reason")]
    pub fn dropped(&self, reason: DropReason) -> &Total {
        &self.dropped[reason as usize]
    }
}

/// A total that only rises.
#[derive(Debug, Default)]
pub struct Total(AtomicU64);

impl Total {
    /// Adds to it.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Its value now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
