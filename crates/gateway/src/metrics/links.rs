//! Links and their lanes, as QUIC has measured them.

use std::fmt::{self, Display, Write};

use bellwether::{LaneFigures, LinkFigures, MemberState, Node};

use super::exposition::Exposition;

/// Name, kind, meaning, and where the number is.
type Figure = (&'static str, &'static str, &'static str, fn(&LaneFigures) -> Number);

/// Whole or not.
enum Number {
    Whole(u64),
    Seconds(f64),
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Seconds(number) => number.fmt(f),
        }
    }
}

const FIGURES: [Figure; 6] = [
    (
        "bellwether_link_round_trip_seconds",
        "gauge",
        "How long a packet takes to the peer and back.",
        |lane| Number::Seconds(lane.round_trip.as_secs_f64()),
    ),
    (
        "bellwether_lane_sent_bytes_total",
        "counter",
        "Bytes of UDP payload sent on a lane of the link to the peer, since the lane was opened.",
        |lane| Number::Whole(lane.sent_bytes),
    ),
    (
        "bellwether_lane_received_bytes_total",
        "counter",
        "Bytes of UDP payload received on it: acknowledgements and interest.",
        |lane| Number::Whole(lane.received_bytes),
    ),
    (
        "bellwether_lane_lost_packets_total",
        "counter",
        "Packets taken for lost, and sent again.",
        |lane| Number::Whole(lane.lost_packets),
    ),
    (
        "bellwether_lane_congestion_window_bytes",
        "gauge",
        "Bytes that may be on their way at once.",
        |lane| Number::Whole(lane.congestion_window_bytes),
    ),
    (
        "bellwether_lane_mtu_bytes",
        "gauge",
        "The largest UDP payload that is known to pass.",
        |lane| Number::Whole(lane.mtu_bytes.into()),
    ),
];

pub(super) fn write_links(node: &Node, out: &mut Exposition) -> fmt::Result {
    write_up(node, out)?;
    write_lanes(&node.links(), out)
}

/// Both directions of each member: a link that is up one way only is half a mesh.
fn write_up(node: &Node, out: &mut Exposition) -> fmt::Result {
    let name = "bellwether_link_up";
    out.family(name, "gauge", "Whether the link from a peer, or to it, is up.")?;
    let others = node.members().into_iter();
    for member in others.filter(|member| member.state != MemberState::Own) {
        for (direction, is_up) in [("in", member.inbound), ("out", member.outbound)] {
            let (peer, is_up) = (&member.node, u8::from(is_up));
            writeln!(out, "{name}{{peer=\"{peer}\",direction=\"{direction}\"}} {is_up}")?;
        }
    }
    Ok(())
}

fn write_lanes(links: &[LinkFigures], out: &mut Exposition) -> fmt::Result {
    for (name, kind, help, value) in FIGURES {
        out.family(name, kind, help)?;
        for link in links {
            for lane in &link.lanes {
                let (peer, of) = (&link.peer, lane.lane.name());
                writeln!(out, "{name}{{peer=\"{peer}\",lane=\"{of}\"}} {}", value(lane))?;
            }
        }
    }
    Ok(())
}
