//! Bounds of one instance on one node.

use std::time::Duration;

use bellwether_message::{DEFAULT_MAX_PAYLOAD_BYTES, Instance};

/// What one instance may hold and accept.
///
/// The backlog serves peers that fall behind or reconnect: when it moves past a peer's cursor, the peer's subscribers
/// get a gap. The queue is what one subscription may leave unread: beyond it the oldest messages go and the
/// subscription gets a gap, or ends ([`Overflow`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceSettings {
    /// Most messages of this node's feed kept for peers.
    pub backlog_messages: usize,
    /// Most bytes of this node's feed kept for peers.
    pub backlog_bytes: usize,
    /// Longest time a message is kept for peers.
    pub backlog_age: Duration,
    /// Most unread messages of one subscription.
    pub queue_messages: usize,
    /// Most unread bytes of one subscription.
    pub queue_bytes: usize,
    /// Largest payload accepted for publishing; at most 16 MiB.
    pub max_payload_bytes: usize,
    /// What happens to a subscription whose queue is full.
    pub overflow: Overflow,
}

/// What happens to a subscription that has left more unread than its queue holds. Nobody else notices.
///
/// There is no policy that drops the newest: subscriptions with equal patterns share one queue, and what is too new for
/// one of them the others still want.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest messages go, and the subscription is told by one exact gap per feed.
    #[default]
    DropOldest,
    /// The subscription is told what it missed and ends: for clients that would rather resume from the sources'
    /// backlogs than go on with a hole.
    Disconnect,
}

impl Overflow {
    /// The policy as it is written: `drop_oldest`, `disconnect`.
    pub fn name(self) -> &'static str {
        match self {
            Self::DropOldest => "drop_oldest",
            Self::Disconnect => "disconnect",
        }
    }

    /// The policy of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::DropOldest, Self::Disconnect]
            .into_iter()
            .find(|policy| policy.name() == name)
    }
}

const MIB: usize = 1024 * 1024;

impl InstanceSettings {
    /// The default, by the instance's usual volume and criticality (the original's architecture page):
    ///
    /// | instances | backlog | kept for | queue |
    /// | --- | --- | --- | --- |
    /// | events | 262,144 messages, 64 MiB | 10 min | 32,768 messages, 16 MiB |
    /// | metrics, logging (very high volume, medium criticality) | 131,072, 32 MiB | 2 min | 32,768, 16 MiB |
    /// | alerts, audit, security (very high criticality) | 65,536, 32 MiB | 60 min | 65,536, 32 MiB |
    /// | system, health, lifecycle, diagnostics | 65,536, 16 MiB | 10 min | 32,768, 16 MiB |
    ///
    /// A queue is also what publishers who wait for room may have on its way to it: with 16,384 messages of 128 B two busy
    /// cores stand still a quarter of the time (`scripts/bench clients`).
    pub fn default_for(instance: Instance) -> Self {
        let (backlog_messages, backlog_mib, minutes, queue_messages, queue_mib) = match instance {
            Instance::Events => (262_144, 64, 10, 32_768, 16),
            Instance::Metrics | Instance::Logging => (131_072, 32, 2, 32_768, 16),
            Instance::Alerts | Instance::Audit | Instance::Security => (65_536, 32, 60, 65_536, 32),
            Instance::System | Instance::Health | Instance::Lifecycle | Instance::Diagnostics => {
                (65_536, 16, 10, 32_768, 16)
            }
        };
        Self {
            backlog_messages,
            backlog_bytes: backlog_mib * MIB,
            backlog_age: Duration::from_secs(minutes * 60),
            queue_messages,
            queue_bytes: queue_mib * MIB,
            max_payload_bytes: DEFAULT_MAX_PAYLOAD_BYTES,
            overflow: Overflow::DropOldest,
        }
    }
}
