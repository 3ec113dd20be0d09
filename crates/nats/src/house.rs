//! What all clients of one door share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether::{Instance, Node};
use bellwether_access::Access;
use tokio::sync::watch;

use crate::door::NatsSettings;

/// The addresses of doors that clients may go to.
pub(crate) type Urls = Arc<[String]>;

#[derive(Debug)]
pub(crate) struct House {
    pub(crate) node: Node,
    pub(crate) access: Access,
    pub(crate) settings: NatsSettings,
    pub(crate) local: SocketAddr,
    pub(crate) urls: watch::Receiver<Urls>,
    pub(crate) lost: Occasions,
    pub(crate) slow: Occasions,
}

impl House {
    pub(crate) fn new(
        node: Node,
        access: Access,
        settings: NatsSettings,
        local: SocketAddr,
        urls: watch::Receiver<Urls>,
    ) -> Self {
        Self {
            node,
            access,
            settings,
            local,
            urls,
            lost: Occasions::default(),
            slow: Occasions::default(),
        }
    }

    /// The largest payload that any instance takes now.
    pub(crate) fn max_payload(&self) -> usize {
        let each = Instance::ALL.map(|instance| self.node.max_payload_bytes(instance));
        each.into_iter().max().unwrap_or_default()
    }

    /// A clock that only rises.
    pub(crate) fn now(&self) -> Duration {
        self.node.uptime()
    }
}

/// Counts something that may happen very often and is logged.
#[derive(Debug, Default)]
pub(crate) struct Occasions(AtomicU64);

impl Occasions {
    /// It has happened so many times more. Gives how often in all, where that is worth a line: at the 1st, 2nd, 4th, 8th time,
    /// so that a flood of them does not become a flood of lines.
    pub(crate) fn count(&self, more: u64) -> Option<u64> {
        let before = self.0.fetch_add(more, Ordering::Relaxed);
        let now = before.saturating_add(more);
        (now.checked_ilog2() != before.checked_ilog2()).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_in_few_lines() {
        let occasions = Occasions::default();
        let told: Vec<_> = (0..1000).filter_map(|_| occasions.count(1)).collect();
        assert_eq!(told, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
        assert_eq!(occasions.count(0), None);
        assert_eq!(occasions.count(9000), Some(10_000));
    }
}
