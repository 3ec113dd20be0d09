//! Happenings that belong together: what falls into one window is one event.

use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_message::NodeId;

use super::effect::Quorum;

/// What happens within so long of the first is one happening: a partition takes its nodes one by one, a few gossip
/// rounds apart. The membership event comes late by as much, the alert does not.
pub const GATHER: Duration = Duration::from_millis(500);

/// The nodes of one window.
#[derive(Debug)]
pub(super) struct Gather {
    nodes: BTreeSet<NodeId>,
    /// When the first came.
    since: Duration,
    /// The quorum before it.
    before: Quorum,
}

/// A window that is over.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) nodes: Vec<NodeId>,
    pub(super) before: Quorum,
}

impl Gather {
    pub(super) fn new() -> Self {
        Self {
            nodes: BTreeSet::new(),
            since: Duration::ZERO,
            before: Quorum::Available,
        }
    }

    pub(super) fn add(&mut self, node: NodeId, before: Quorum, now: Duration) {
        if self.nodes.is_empty() {
            self.since = now;
            self.before = before;
        }
        self.nodes.insert(node);
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.nodes.iter()
    }

    /// When the window closes; none is open if `None`.
    pub(super) fn closes_at(&self) -> Option<Duration> {
        (!self.nodes.is_empty()).then(|| self.since.saturating_add(GATHER))
    }

    pub(super) fn is_over(&self, now: Duration) -> bool {
        self.closes_at().is_some_and(|at| at <= now)
    }

    /// Closes the window; what it held, if it was open.
    pub(super) fn close(&mut self) -> Option<Gathered> {
        let nodes: Vec<NodeId> = std::mem::take(&mut self.nodes).into_iter().collect();
        (!nodes.is_empty()).then_some(Gathered {
            nodes,
            before: self.before,
        })
    }
}
