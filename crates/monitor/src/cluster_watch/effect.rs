//! What an observer has to publish.

use bellwether_message::{Epoch, NodeId};
use serde::Serialize;

/// Something to publish, now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The alert `node_failure` or `node_recovered`. Once per side of a partition.
    Announce(Announcement),
    /// A `NodeLifecycle`. Once per side, by whom the announcement is by.
    Lifecycle(Lifecycle),
    /// A `ClusterHealth`, always right after the lifecycle event that gave rise to it.
    Health(ClusterHealth),
    /// A `ClusterMembership`. Once per observer.
    Membership(Membership),
}

/// What there is to say of a node once per side of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// It is down: an alert.
    Failed,
    /// One whose failure was announced is back, in the same run or another: an alert.
    Recovered,
    /// It has restarted so fast that its failure was never announced: no alert, only a lifecycle event.
    Returned,
    /// A node that was not there before: no alert.
    Joined,
    /// It has stopped in good order: no alert.
    Left,
}

/// An alert about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// [`News::Failed`] or [`News::Recovered`].
    pub news: News,
    /// The node.
    pub node: NodeId,
    /// The run that failed, or that is back.
    pub epoch: Epoch,
    /// Who is left, or there again: every member that is not down, the observer included, by node id.
    pub active_nodes: Vec<NodeId>,
}

/// Material for a `NodeLifecycle`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The node.
    pub node: NodeId,
    /// Its run; to be published as well, so that others can tell which run was spoken of.
    pub epoch: Epoch,
    /// What became of it.
    pub event: LifecycleEvent,
    /// Members that are not down, the observer included, after the event.
    pub cluster_size: usize,
}

/// What became of a node, in the catalogue's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LifecycleEvent {
    /// It was not there before.
    Joined,
    /// It has stopped in good order.
    Left,
    /// It crashed, or was cut off.
    Down,
    /// It is back: from being cut off, or restarted.
    Reconnected,
}

/// Material for a `ClusterHealth`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterHealth {
    /// Healthy if nobody is down, degraded if somebody is, unhealthy if the quorum is lost.
    pub status: ClusterStatus,
    /// Members that are not down; suspects are among them, for most of them are only slow.
    pub healthy_nodes: usize,
    /// Members known: alive, suspect and down. Clean leavers, and those down for so long that the view has forgotten
    /// them, no longer count.
    pub total_nodes: usize,
    /// The suspects, by node id.
    pub degraded_nodes: Vec<NodeId>,
    /// Those down, by node id.
    pub unhealthy_nodes: Vec<NodeId>,
    /// Whether more than half of the members known are healthy.
    pub quorum: Quorum,
    /// What happened.
    pub event_type: HealthEvent,
    /// All members known, by node id.
    pub nodes: Vec<NodeId>,
}

/// How the cluster is, in the catalogue's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterStatus {
    /// Nobody is down.
    Healthy,
    /// Somebody is, but there is a quorum.
    Degraded,
    /// There is no quorum.
    Unhealthy,
}

/// Why the health was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthEvent {
    /// A node went down.
    NodeDown,
    /// A node is back.
    NodeReconnected,
    /// A node is new.
    NodeJoined,
    /// A node has left.
    NodeLeft,
}

/// Whether more than half of the members known are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// At least ⌊total / 2⌋ + 1 are.
    Available,
    /// Fewer are.
    Lost,
}

/// Material for a `ClusterMembership`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// What changed.
    pub event: MembershipEvent,
    /// Whom it concerns, by node id.
    pub affected_nodes: Vec<NodeId>,
    /// Members that are not down, the observer included, by node id, as the event is told.
    pub active_nodes: Vec<NodeId>,
    /// Members known, those down included.
    pub total_nodes: usize,
    /// Whether more than half of them are active.
    pub quorum: Quorum,
}

/// How the membership changed, in the catalogue's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipEvent {
    /// A node that was not there before, or a new run of one that was.
    NodeAdded,
    /// One node went down or left.
    NodeRemoved,
    /// Several went down together, or the quorum with one.
    PartitionDetected,
    /// Nodes that were down are back in the same run: they were cut off.
    PartitionHealed,
}

impl News {
    /// The lifecycle event that says it.
    pub fn lifecycle(self) -> LifecycleEvent {
        match self {
            Self::Failed => LifecycleEvent::Down,
            Self::Recovered | Self::Returned => LifecycleEvent::Reconnected,
            Self::Joined => LifecycleEvent::Joined,
            Self::Left => LifecycleEvent::Left,
        }
    }

    /// Whether it is an alert, too.
    pub fn is_alert(self) -> bool {
        matches!(self, Self::Failed | Self::Recovered)
    }

    /// Whether it says that a run has ended, rather than begun or come back.
    pub(super) fn is_end(self) -> bool {
        matches!(self, Self::Failed | Self::Left)
    }

    pub(super) fn health_event(self) -> HealthEvent {
        match self {
            Self::Failed => HealthEvent::NodeDown,
            Self::Recovered | Self::Returned => HealthEvent::NodeReconnected,
            Self::Joined => HealthEvent::NodeJoined,
            Self::Left => HealthEvent::NodeLeft,
        }
    }
}
