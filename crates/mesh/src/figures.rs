//! What the connections of a link have measured of themselves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_message::NodeId;
use bellwether_protocol::lane::Lane;
use quinn::Connection;

/// One link that this node dialed, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFigures {
    /// The node at its far end.
    pub peer: NodeId,
    /// The lanes that are open. The urgent one always is.
    pub lanes: Vec<LaneFigures>,
}

/// One lane: totals since it was opened, and how its path looks now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneFigures {
    /// Which.
    pub lane: Lane,
    /// How long a packet takes to the peer and back, smoothed.
    pub round_trip: Duration,
    /// Bytes of UDP payload sent.
    pub sent_bytes: u64,
    /// Bytes of UDP payload received: on a link, acknowledgements and interest.
    pub received_bytes: u64,
    /// Packets taken for lost, and sent again.
    pub lost_packets: u64,
    /// Bytes that may be on their way at once.
    pub congestion_window_bytes: u64,
    /// The largest UDP payload that is known to pass.
    pub mtu_bytes: u16,
}

/// Messages of gossip since the node started.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct GossipFigures {
    /// Handed to links.
    pub sent: u64,
    /// Read from links.
    pub received: u64,
    /// Read, and dropped for lack of room: gossip says them again.
    pub dropped: u64,
}

/// What [`GossipFigures`] are read from.
#[derive(Debug, Default)]
pub(crate) struct GossipCounters {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

impl GossipCounters {
    pub(crate) fn figures(&self) -> GossipFigures {
        GossipFigures {
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

impl LaneFigures {
    pub(crate) fn of(lane: Lane, connection: &Connection) -> Self {
        let stats = connection.stats();
        Self {
            lane,
            round_trip: stats.path.rtt,
            sent_bytes: stats.udp_tx.bytes,
            received_bytes: stats.udp_rx.bytes,
            lost_packets: stats.path.lost_packets,
            congestion_window_bytes: stats.path.cwnd,
            mtu_bytes: stats.path.current_mtu,
        }
    }
}
