//! Whether every node of the mesh is linked with every other one, both ways. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_client::{Member, Snapshot};
use bellwether_message::NodeId;

use super::finding::{Finding, Verdict};

const MEMBERS: &str = "members";
const LINKS: &str = "links";

/// Who is there, as the node that was asked sees it.
pub(super) fn members(members: &[Member], snapshots: &BTreeMap<NodeId, Snapshot>) -> Finding {
    let with_state = |state: &str| -> Vec<&str> {
        let members = members.iter().filter(|member| member.state == state);
        members.map(|member| member.node.as_str()).collect()
    };
    let (suspect, down) = (with_state("suspect"), with_state("down"));
    let silent = |member: &&Member| member.state == "alive" && !snapshots.contains_key(&member.node);
    let silent: Vec<&str> = members
        .iter()
        .filter(silent)
        .map(|member| member.node.as_str())
        .collect();
    let mut found = vec![format!("nodes known: {}", members.len())];
    for (nodes, words) in [
        (&suspect, "give no sign of life"),
        (&down, "are given up"),
        (&silent, "have not told how they stand"),
    ] {
        if !nodes.is_empty() {
            found.push(format!("{words}: {}", nodes.join(" ")));
        }
    }
    match found.len() {
        1 => Finding::ok(MEMBERS, format!("{}, all well", found.concat())),
        _ => Finding::bad(
            MEMBERS,
            Verdict::Warning,
            found.join("; "),
            "what is published there does not come, and what is published here does not get there",
            "look at those hosts: does the node run (`systemctl status bellwether`), and what does its log say?",
        ),
    }
}

/// Every node that has told how it stands has to have a link to each other one, and one from it.
pub(super) fn links(snapshots: &BTreeMap<NodeId, Snapshot>) -> Finding {
    let mut strangers = BTreeSet::new();
    // By both ends: where it should begin and lead to, and the address there.
    let mut missing: BTreeMap<(&NodeId, &NodeId), Option<&str>> = BTreeMap::new();
    for (node, snapshot) in snapshots {
        for peer in snapshots.keys().filter(|peer| *peer != node) {
            match snapshot.members.iter().find(|member| member.node == *peer) {
                None => {
                    strangers.insert(format!("{node} does not know {peer}"));
                }
                Some(member) => {
                    if !member.outbound {
                        missing.insert((node, peer), Some(&member.address));
                    }
                    if !member.inbound {
                        missing.entry((peer, node)).or_default();
                    }
                }
            }
        }
    }
    let mut broken: Vec<String> = strangers.into_iter().collect();
    broken.extend(missing.into_iter().map(|((from, to), address)| match address {
        Some(address) => format!("none from {from} to {to} at {address}"),
        None => format!("none from {from} to {to}"),
    }));
    let count = snapshots.len();
    match broken.is_empty() {
        true if count < 2 => Finding::ok(LINKS, "there is no other node to be linked with"),
        true => Finding::ok(
            LINKS,
            format!("all {count} nodes are linked with each other, both ways"),
        ),
        false => Finding::bad(
            LINKS,
            Verdict::Critical,
            broken.join("; "),
            "messages do not pass where there is no link, though both nodes are alive",
            "let UDP pass to that address: firewall, security group, NAT; is `advertise` what others can dial, and \
                 is the secret the same on both?",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn member(node: &str, state: &str, inbound: bool, outbound: bool) -> Value {
        json!({
            "node": node, "epoch": 1, "address": format!("{node}:7400"), "state": state, "in": inbound, "out": outbound,
            "version": "0.1.0",
        })
    }

    fn snapshots(nodes: &[(&str, &[Value])]) -> BTreeMap<NodeId, Snapshot> {
        let snapshots = nodes.iter().map(|(node, members)| {
            let json = json!({
                "node": node, "epoch": 1, "at": "2026-11-22T03:00:00.000Z", "uptime_ms": 1, "members": members,
            });
            (NodeId::new(node).unwrap(), serde_json::from_value(json).unwrap())
        });
        snapshots.collect()
    }

    #[test]
    fn a_link_is_missed_in_either_direction() {
        let whole = |a: bool, b: bool| {
            snapshots(&[
                ("a", &[member("a", "self", true, true), member("b", "alive", b, a)]),
                ("b", &[member("b", "self", true, true), member("a", "alive", a, b)]),
            ])
        };
        assert_eq!(links(&whole(true, true)).verdict, Verdict::Ok);
        let broken = links(&whole(false, true));
        assert_eq!(broken.verdict, Verdict::Critical);
        assert_eq!(broken.found, "none from a to b at b:7400");
        let both = links(&whole(false, false));
        assert_eq!(both.found, "none from a to b at b:7400; none from b to a at a:7400");
        let strange = snapshots(&[("a", &[member("b", "alive", true, true)]), ("b", &[])]);
        assert!(links(&strange).found.contains("b does not know a"), "{strange:?}");
        assert_eq!(links(&snapshots(&[("a", &[])])).verdict, Verdict::Ok);
    }

    #[test]
    fn whoever_is_not_well_is_named() {
        let all: Vec<Member> = [
            member("a", "self", true, true),
            member("b", "alive", true, true),
            member("c", "suspect", true, true),
            member("d", "down", false, false),
        ]
        .map(|member| serde_json::from_value(member).unwrap())
        .into();
        let told = snapshots(&[("a", &[]), ("b", &[])]);
        assert_eq!(members(&all[..2], &told).verdict, Verdict::Ok);
        let bad = members(&all, &snapshots(&[("a", &[])]));
        assert_eq!(bad.verdict, Verdict::Warning);
        assert_eq!(
            bad.found,
            "nodes known: 4; give no sign of life: c; are given up: d; have not told how they stand: b"
        );
    }
}
