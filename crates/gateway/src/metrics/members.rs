//! The node among the others: who is there, who has confirmed, who knocked.

use std::fmt::{self, Write};

use bellwether::{MemberState, Node};

use super::exposition::Exposition;

pub(super) fn write_members(node: &Node, out: &mut Exposition) -> fmt::Result {
    out.family(
        "bellwether_build_info",
        "gauge",
        "The version of the program; always 1.",
    )?;
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        out,
        "bellwether_build_info{{node=\"{}\",version=\"{version}\"}} 1",
        node.id()
    )?;
    let ready = u8::from(node.readiness().ready);
    out.single("bellwether_ready", "gauge", "Whether this node has joined.", ready)?;
    write_states(node, out)?;
    write_interest(node, out)?;
    write_gossip(node, out)?;
    out.single(
        "bellwether_strangers_total",
        "counter",
        "Connection attempts refused because they lacked the cluster's secret.",
        node.strangers(),
    )?;
    out.single(
        "bellwether_foreign_datagrams_total",
        "counter",
        "Datagrams at the mesh's port that were not QUIC.",
        node.foreign_datagrams(),
    )
}

fn write_states(node: &Node, out: &mut Exposition) -> fmt::Result {
    let members = node.members();
    out.family("bellwether_members", "gauge", "Members by state; `self` is this node.")?;
    for (state, label) in [
        (MemberState::Own, "self"),
        (MemberState::Alive, "alive"),
        (MemberState::Suspect, "suspect"),
        (MemberState::Down, "down"),
    ] {
        let count = members.iter().filter(|member| member.state == state).count();
        writeln!(out, "bellwether_members{{state=\"{label}\"}} {count}")?;
    }
    Ok(())
}

fn write_interest(node: &Node, out: &mut Exposition) -> fmt::Result {
    let name = "bellwether_interest_unconfirmed";
    out.family(
        name,
        "gauge",
        "Instances on which a living peer has not confirmed yet to send what is wanted here.",
    )?;
    for (peer, instances) in node.unconfirmed_instances() {
        writeln!(out, "{name}{{peer=\"{peer}\"}} {instances}")?;
    }
    Ok(())
}

fn write_gossip(node: &Node, out: &mut Exposition) -> fmt::Result {
    let gossip = node.gossip();
    for (name, help, value) in [
        ("bellwether_gossip_sent_total", "Messages of gossip sent.", gossip.sent),
        (
            "bellwether_gossip_received_total",
            "Messages of gossip received.",
            gossip.received,
        ),
        (
            "bellwether_gossip_dropped_total",
            "Messages of gossip that found no room; they are said again.",
            gossip.dropped,
        ),
    ] {
        out.single(name, "counter", help, value)?;
    }
    Ok(())
}
