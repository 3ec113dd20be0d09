//! Whether all nodes run the same program. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_client::Snapshot;
use bellwether_message::NodeId;

use super::finding::{Finding, Verdict};

const CHECK: &str = "versions";

pub(super) fn check(snapshots: &BTreeMap<NodeId, Snapshot>, ours: &str) -> Finding {
    let mut nodes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (node, snapshot) in snapshots {
        nodes.entry(&snapshot.version).or_default().insert(node.as_str());
    }
    let told = nodes.iter().map(|(version, nodes)| {
        let nodes: Vec<_> = nodes.iter().copied().collect();
        format!("{version} on {}", nodes.join(" "))
    });
    let found = told.collect::<Vec<_>>().join("; ");
    match nodes.len() {
        0 => Finding::unknown(CHECK, "no node has told its version"),
        1 if nodes.contains_key(ours) => Finding::ok(CHECK, found),
        1 => Finding::ok(CHECK, format!("{found}; this program is {ours}")),
        _ => Finding::bad(
            CHECK,
            Verdict::Warning,
            found,
            "nodes of two versions work together, but what only the newer one knows does not work on all",
            "finish the upgrade: one node after the other",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(versions: &[(&str, &str)]) -> Finding {
        let snapshots = versions.iter().map(|(node, version)| {
            let json = serde_json::json!({
                "node": node, "epoch": 1, "version": version, "at": "2026-11-22T03:00:00.000Z", "uptime_ms": 1,
            });
            (NodeId::new(node).unwrap(), serde_json::from_value(json).unwrap())
        });
        check(&snapshots.collect(), "0.2.0")
    }

    #[test]
    fn two_versions_are_worth_a_word() {
        let same = versions(&[("a", "0.2.0"), ("b", "0.2.0")]);
        assert_eq!((same.verdict, same.found.as_str()), (Verdict::Ok, "0.2.0 on a b"));
        let ours = versions(&[("a", "0.1.0")]);
        assert_eq!(
            (ours.verdict, ours.found.as_str()),
            (Verdict::Ok, "0.1.0 on a; this program is 0.2.0")
        );
        let two = versions(&[("a", "0.1.0"), ("b", "0.2.0"), ("c", "0.1.0")]);
        assert_eq!(
            (two.verdict, two.found.as_str()),
            (Verdict::Warning, "0.1.0 on a c; 0.2.0 on b")
        );
        assert_eq!(versions(&[]).verdict, Verdict::Unknown);
    }
}
