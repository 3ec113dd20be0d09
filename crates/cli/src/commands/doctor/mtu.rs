//! Whether the ways between the nodes carry more than the smallest packets. Pure.

use std::collections::BTreeMap;

use bellwether_client::Snapshot;
use bellwether_message::NodeId;

use super::finding::{Finding, Verdict};

const CHECK: &str = "mtu";
/// QUIC begins with packets of 1,200 bytes and looks for what the path carries: any Ethernet, most tunnels included,
/// carries more than this.
const SMALL_BYTES: u64 = 1280;
/// So long it may take until it is known what a path carries.
const FOUND_AFTER_MS: u64 = 60_000;

pub(super) fn check(snapshots: &BTreeMap<NodeId, Snapshot>) -> Finding {
    let mut small = Vec::new();
    let mut known = Vec::new();
    for (node, snapshot) in snapshots {
        for link in &snapshot.links {
            // Not told: 0.
            let lanes = link.lanes.iter().map(|lane| lane.mtu_bytes).filter(|bytes| *bytes > 0);
            let Some(least) = lanes.min() else { continue };
            known.push(least);
            if least < SMALL_BYTES && snapshot.uptime_ms >= FOUND_AFTER_MS {
                small.push(format!("{node} to {}: {least} bytes", link.peer));
            }
        }
    }
    match (known.iter().min(), known.iter().max()) {
        _ if !small.is_empty() => Finding::bad(
            CHECK,
            Verdict::Warning,
            small.join("; "),
            "no packets pass there that are larger than the least that QUIC needs: more packets for the same messages",
            "let larger UDP packets pass on that way (tunnels, VPN, firewalls that drop ICMP), or raise its MTU",
        ),
        (Some(least), Some(most)) => Finding::ok(
            CHECK,
            format!("{} links carry packets of {least} to {most} bytes", known.len()),
        ),
        _ => Finding::ok(CHECK, "there is no link whose packets could be too small"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(uptime_ms: u64, mtu: &[u64]) -> Finding {
        let lanes: Vec<_> = mtu
            .iter()
            .map(|bytes| serde_json::json!({"lane": "events", "mtu_bytes": bytes}))
            .collect();
        let json = serde_json::json!({
            "node": "a", "epoch": 1, "at": "2026-11-22T03:00:00.000Z", "uptime_ms": uptime_ms,
            "links": [{"peer": "b", "round_trip_us": 210, "lanes": lanes}],
        });
        let node = NodeId::new("a").unwrap();
        check(&BTreeMap::from([(node, serde_json::from_value(json).unwrap())]))
    }

    #[test]
    fn the_narrowest_lane_counts_once_there_was_time_to_find_out() {
        let good = judged(FOUND_AFTER_MS, &[1452, 6500]);
        assert_eq!(
            (good.verdict, good.found.as_str()),
            (Verdict::Ok, "1 links carry packets of 1452 to 1452 bytes")
        );
        let narrow = judged(FOUND_AFTER_MS, &[1452, 1200]);
        assert_eq!(
            (narrow.verdict, narrow.found.as_str()),
            (Verdict::Warning, "a to b: 1200 bytes")
        );
        assert_eq!(judged(FOUND_AFTER_MS - 1, &[1200]).verdict, Verdict::Ok);
        assert_eq!(judged(FOUND_AFTER_MS, &[0]).verdict, Verdict::Ok);
        assert_eq!(judged(FOUND_AFTER_MS, &[]).verdict, Verdict::Ok);
    }
}
