//! How a node stands, as it tells the whole mesh every second while somebody looks.

use std::collections::BTreeMap;

use bellwether_message::{Epoch, Instance, NodeId, Pattern, Timestamp};
use serde::Deserialize;

use crate::views::Member;

/// One node at one moment. Counts are totals since its start: rates are their differences over that of `uptime_ms`, of two
/// snapshots of one node and epoch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The node.
    pub node: NodeId,
    /// Its run.
    pub epoch: Epoch,
    /// The version of its program.
    #[serde(default)]
    pub version: String,
    /// When it was taken, by that node's clock.
    pub at: Timestamp,
    /// How long the node had run.
    pub uptime_ms: u64,
    /// Whether it has joined its mesh.
    #[serde(default)]
    pub ready: bool,
    /// Whether it has a cluster secret, and so signs.
    #[serde(default)]
    pub signed: bool,
    /// The UDP address at which others reach it; none without a mesh.
    pub address: Option<String>,
    /// The members that it knows, itself included.
    #[serde(default)]
    pub members: Vec<Member>,
    /// The links that it has dialed.
    #[serde(default)]
    pub links: Vec<Link>,
    /// All ten instances.
    #[serde(default)]
    pub instances: Vec<InstanceSnapshot>,
    /// Its process.
    pub process: Option<ProcessSnapshot>,
    /// Alerts that nobody has taken up yet, as far as it knows.
    #[serde(default)]
    pub open_alerts: u64,
}

/// A link from one node to a peer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Link {
    /// Where it leads.
    pub peer: NodeId,
    /// The time there and back, in microseconds.
    #[serde(default)]
    pub round_trip_us: u64,
    /// Its connections that are open.
    #[serde(default)]
    pub lanes: Vec<LaneSnapshot>,
}

/// One connection of a link.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct LaneSnapshot {
    /// `urgent`, `events` or `bulk`.
    pub lane: String,
    /// Bytes sent.
    #[serde(default)]
    pub sent_bytes: u64,
    /// Bytes received.
    #[serde(default)]
    pub received_bytes: u64,
    /// Packets that were lost, and sent again.
    #[serde(default)]
    pub lost_packets: u64,
    /// Bytes that may be under way at once.
    #[serde(default)]
    pub congestion_window_bytes: u64,
    /// The largest packet that the path is known to carry.
    #[serde(default)]
    pub mtu_bytes: u64,
}

/// One instance on one node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct InstanceSnapshot {
    /// Which.
    pub instance: Instance,
    /// Messages accepted from local publishers.
    #[serde(default)]
    pub published: u64,
    /// Messages handed to local subscriptions, once per subscription.
    #[serde(default)]
    pub delivered: u64,
    /// Messages sent to peers, once per peer.
    #[serde(default)]
    pub forwarded: u64,
    /// Messages accepted from peers.
    #[serde(default)]
    pub received: u64,
    /// Messages dropped or refused, by reason.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// Local subscriptions.
    #[serde(default)]
    pub subscriptions: u64,
    /// Messages that wait in their queues.
    #[serde(default)]
    pub queue_messages: u64,
    /// Those in the longest of them.
    #[serde(default)]
    pub deepest_queue_messages: u64,
    /// How full the fullest of them is, of its messages or of its bytes, whichever is more: 0 to 100.
    #[serde(default)]
    pub fullest_queue_percent: u64,
    /// As many as one queue takes.
    #[serde(default)]
    pub queue_limit_messages: u64,
    /// Messages kept for peers and for replays.
    #[serde(default)]
    pub backlog_messages: u64,
    /// Their bytes.
    #[serde(default)]
    pub backlog_bytes: u64,
    /// As many as are kept.
    #[serde(default)]
    pub backlog_limit_messages: u64,
    /// The subscription that is furthest behind, if any is.
    pub worst: Option<WorstSubscriber>,
}

/// A subscription that is behind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct WorstSubscriber {
    /// Its patterns.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
    /// Messages that wait in its queue.
    #[serde(default)]
    pub queue_messages: u64,
}

/// The process of a node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ProcessSnapshot {
    /// Processor time since its start.
    #[serde(default)]
    pub cpu_ms: u64,
    /// Memory that it holds, where the system tells.
    pub resident_bytes: Option<u64>,
    /// Files and sockets that it has open, where the system tells.
    pub open_files: Option<u64>,
}
