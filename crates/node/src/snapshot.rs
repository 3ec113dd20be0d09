//! A node as it is now, for whoever looks at the whole mesh from one node.

use std::collections::BTreeMap;

use bellwether_mesh::{GossipFigures, LaneFigures, LinkFigures, Member, Mesh};
use bellwether_message::{Epoch, Instance, NodeId, Pattern, Timestamp};
use serde::Serialize;

use crate::instance_info::InstanceInfo;
use crate::node::Node;
use crate::process::ProcessFigures;

/// Every node's snapshots are on `diagnostics`, on this topic and its own name below it.
pub const SNAPSHOTS: &str = "$bw:snapshot";

/// A node as it is now. Totals count from the node's start, so rates are differences of two snapshots of one run.
///
/// While somebody in the mesh is subscribed to them, every node publishes one a second, as JSON, on `diagnostics`,
/// [`SNAPSHOTS`]`:<node>`. About 4 KiB, and 150 bytes for each member.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    /// Whose.
    pub node: NodeId,
    /// Its run.
    pub epoch: Epoch,
    /// The version of its program.
    pub version: &'static str,
    /// When, by its own clock.
    pub at: Timestamp,
    /// Milliseconds since it started, by a clock that only rises.
    pub uptime_ms: u64,
    /// Whether it has joined.
    pub ready: bool,
    /// Whether there is a mesh.
    pub signed: bool,
    /// Where it listens for other nodes.
    pub address: Option<String>,
    /// The members as it sees them.
    pub members: Vec<Member>,
    /// The links that it dialed and that are up.
    pub links: Vec<LinkRow>,
    /// All ten.
    pub instances: Vec<InstanceRow>,
    /// What its process takes.
    pub process: ProcessRow,
    /// Alerts that nobody has taken up yet, as it knows them.
    pub open_alerts: usize,
}

/// A link in a snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct LinkRow {
    /// The node at its far end.
    pub peer: NodeId,
    /// Microseconds that a packet takes to it and back, on the urgent lane.
    pub round_trip_us: u64,
    /// The lanes that are open.
    pub lanes: Vec<LaneRow>,
}

/// A lane in a snapshot: totals since it was opened.
#[derive(Debug, Clone, Serialize)]
pub struct LaneRow {
    /// `urgent`, `events` or `bulk`.
    pub lane: &'static str,
    /// Bytes of UDP payload sent.
    pub sent_bytes: u64,
    /// Bytes of UDP payload received.
    pub received_bytes: u64,
    /// Packets taken for lost, and sent again.
    pub lost_packets: u64,
    /// Bytes that may be on their way at once.
    pub congestion_window_bytes: u64,
    /// The largest UDP payload that is known to pass.
    pub mtu_bytes: u16,
}

/// An instance in a snapshot: what changes of an [`InstanceInfo`], and its bounds.
#[derive(Debug, Clone, Serialize)]
pub struct InstanceRow {
    /// Which.
    pub instance: Instance,
    /// Messages accepted from local publishers.
    pub published: u64,
    /// Messages handed to local subscriptions, once per subscription.
    pub delivered: u64,
    /// Messages sent to peers, once per peer.
    pub forwarded: u64,
    /// Messages accepted from peers.
    pub received: u64,
    /// Messages dropped or refused, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Local subscriptions.
    pub subscriptions: usize,
    /// Messages that wait in their queues.
    pub queue_messages: usize,
    /// Messages that wait in the longest of them.
    pub deepest_queue_messages: usize,
    /// How full the fullest of them is, of its messages or of its bytes, whichever is more: 0 to 100.
    pub fullest_queue_percent: usize,
    /// Bound of each of them.
    pub queue_limit_messages: usize,
    /// Messages kept for peers.
    pub backlog_messages: usize,
    /// Their bytes.
    pub backlog_bytes: usize,
    /// Bound of them.
    pub backlog_limit_messages: usize,
    /// The subscription for which most waits, if anything waits for any.
    pub worst: Option<WorstRow>,
}

/// The subscription that is furthest behind.
#[derive(Debug, Clone, Serialize)]
pub struct WorstRow {
    /// Its patterns.
    pub patterns: Vec<Pattern>,
    /// Messages that wait in its queue.
    pub queue_messages: usize,
}

/// The process in a snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessRow {
    /// Milliseconds of processors used since it started.
    pub cpu_ms: u64,
    /// Bytes of memory that it has now.
    pub resident_bytes: Option<u64>,
    /// Files and sockets that it has open.
    pub open_files: Option<u64>,
}

impl Node {
    /// What the links that this node dialed, and are up, have measured; by peer. Without a mesh there are none.
    pub fn links(&self) -> Vec<LinkFigures> {
        self.mesh().map(Mesh::links).unwrap_or_default()
    }

    /// Messages of gossip since the node started.
    pub fn gossip(&self) -> GossipFigures {
        self.mesh().map(Mesh::gossip).unwrap_or_default()
    }

    /// Of each living peer, on how many instances it has not confirmed yet to send everything that is wanted here.
    pub fn unconfirmed_instances(&self) -> Vec<(NodeId, usize)> {
        self.mesh().map(Mesh::unconfirmed_instances).unwrap_or_default()
    }

    /// This node as it is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self)
    }
}

impl Snapshot {
    fn of(node: &Node) -> Self {
        let process = ProcessFigures::now();
        Self {
            node: node.id().clone(),
            epoch: node.epoch(),
            version: env!("CARGO_PKG_VERSION"),
            at: node.now(),
            uptime_ms: millis(node.uptime()),
            ready: node.readiness().ready,
            signed: node.is_signed(),
            address: node.listen_addr().map(|address| address.to_string()),
            members: node.members(),
            links: node.links().into_iter().map(LinkRow::of).collect(),
            instances: node
                .instances()
                .into_iter()
                .map(|info| InstanceRow::of(node, info))
                .collect(),
            process: ProcessRow {
                cpu_ms: millis(process.cpu),
                resident_bytes: process.resident_bytes,
                open_files: process.open_files,
            },
            open_alerts: node.alerts().open().len(),
        }
    }
}

impl LinkRow {
    fn of(link: LinkFigures) -> Self {
        let round_trip = link.lanes.first().map(|lane| lane.round_trip).unwrap_or_default();
        Self {
            peer: link.peer,
            round_trip_us: u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX),
            lanes: link.lanes.into_iter().map(LaneRow::of).collect(),
        }
    }
}

impl LaneRow {
    fn of(lane: LaneFigures) -> Self {
        Self {
            lane: lane.lane.name(),
            sent_bytes: lane.sent_bytes,
            received_bytes: lane.received_bytes,
            lost_packets: lane.lost_packets,
            congestion_window_bytes: lane.congestion_window_bytes,
            mtu_bytes: lane.mtu_bytes,
        }
    }
}

impl InstanceRow {
    fn of(node: &Node, info: InstanceInfo) -> Self {
        let worst = (info.deepest_queue_messages > 0)
            .then(|| worst(node, info.instance))
            .flatten();
        Self {
            instance: info.instance,
            published: info.published,
            delivered: info.delivered,
            forwarded: info.forwarded,
            received: info.received,
            dropped: info.dropped,
            subscriptions: info.subscriptions,
            queue_messages: info.queue_messages,
            deepest_queue_messages: info.deepest_queue_messages,
            fullest_queue_percent: info.fullest_queue_percent,
            queue_limit_messages: info.queue_limit_messages,
            backlog_messages: info.backlog_messages,
            backlog_bytes: info.backlog_bytes,
            backlog_limit_messages: info.backlog_limit_messages,
            worst,
        }
    }
}

fn worst(node: &Node, instance: Instance) -> Option<WorstRow> {
    let subscribers = node.subscribers(Some(instance), None);
    let waiting = subscribers
        .into_iter()
        .filter_map(|subscriber| Some((subscriber.queue_messages?, subscriber.patterns)));
    let (queue_messages, patterns) = waiting.max_by_key(|(messages, _)| *messages)?;
    Some(WorstRow {
        patterns,
        queue_messages,
    })
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
