//! Whether the clocks of the hosts agree. Pure.

use std::collections::BTreeMap;

use bellwether_client::Snapshot;
use bellwether_message::{NodeId, Timestamp};

use super::finding::{Finding, Verdict};

const CHECK: &str = "clocks";
/// Beyond it, times in messages of two nodes cannot be compared by people any more.
const FAR_MS: i64 = 1_000;
/// Beyond it, tokens that were just made are not valid yet, or those that are over still are.
const TOO_FAR_MS: i64 = 60_000;
const WHY: &str = "times in messages, tokens and certificates are each judged by the clock of one host; messages are \
                   delivered all the same";

/// How far a clock is ahead of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offset {
    ahead_ms: i64,
    /// It may be so much more or less.
    error_ms: i64,
}

/// What was seen of the nodes' clocks.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// The most that each one's time was ahead of ours when its snapshot came: that which was least delayed.
    ahead_ms: BTreeMap<NodeId, i64>,
}

impl Clocks {
    /// A snapshot has come.
    pub(super) fn saw(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let ahead = snapshot.at.as_millis().saturating_sub(now.as_millis());
        let most = self.ahead_ms.entry(snapshot.node.clone()).or_insert(ahead);
        *most = ahead.max(*most);
    }

    /// A snapshot has been under way for between nothing and the whole of two trips: from its node to the one that was
    /// asked, and from there to us. So half of that is the best guess, and the error of it.
    pub(super) fn judge(&self, to_asked_us: u64, to_peer_us: impl Fn(&NodeId) -> u64) -> Finding {
        let offsets = self.ahead_ms.iter().map(|(node, ahead)| {
            let half_ms = to_asked_us.saturating_add(to_peer_us(node)).div_ceil(2_000);
            // Times are whole milliseconds.
            let error_ms = i64::try_from(half_ms).unwrap_or(i64::MAX).saturating_add(1);
            let offset = Offset {
                ahead_ms: ahead.saturating_add(error_ms),
                error_ms,
            };
            (node, offset)
        });
        judge(&offsets.collect::<Vec<_>>())
    }
}

fn judge(offsets: &[(&NodeId, Offset)]) -> Finding {
    let mut sorted: Vec<i64> = offsets.iter().map(|(_, offset)| offset.ahead_ms).collect();
    sorted.sort_unstable();
    let Some(middle) = sorted.get(sorted.len() / 2).copied() else {
        return Finding::unknown(CHECK, "no node has told its time");
    };
    let told = offsets.iter().map(|(node, offset)| {
        let sign = if offset.ahead_ms < 0 { '-' } else { '+' };
        let ahead = offset.ahead_ms.unsigned_abs();
        let (seconds, ms) = (ahead / 1_000, ahead % 1_000);
        format!("{node} {sign}{seconds}.{ms:03} s (±{} ms)", offset.error_ms)
    });
    let found = format!(
        "against the clock of this host: {}",
        told.collect::<Vec<_>>().join(", ")
    );
    // What a clock is surely off by: this host's against most nodes, and each node's against them.
    let mut wrong = Vec::new();
    let least_error = offsets.iter().map(|(_, offset)| offset.error_ms).min().unwrap_or(0);
    let mut farthest = 0;
    let mut off = |name: String, by: i64, error: i64| {
        let surely = i64::try_from(by.unsigned_abs())
            .unwrap_or(i64::MAX)
            .saturating_sub(error);
        if surely > FAR_MS {
            wrong.push(name);
        }
        farthest = surely.max(farthest);
    };
    off("this host".to_owned(), middle, least_error);
    for (node, offset) in offsets {
        off(
            format!("the host of {node}"),
            offset.ahead_ms.saturating_sub(middle),
            offset.error_ms,
        );
    }
    let verdict = match wrong.is_empty() {
        true => return Finding::ok(CHECK, found),
        false if farthest <= TOO_FAR_MS => Verdict::Warning,
        false => Verdict::Critical,
    };
    let advice = format!(
        "have the time set by a service (chrony, systemd-timesyncd: `timedatectl`) on {}",
        wrong.join(", ")
    );
    Finding::bad(CHECK, verdict, found, WHY, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(offsets: &[(&str, i64, i64)]) -> Finding {
        let nodes: Vec<_> = offsets.iter().map(|(node, ..)| NodeId::new(node).unwrap()).collect();
        let offsets = offsets.iter().zip(&nodes).map(|((_, ahead_ms, error_ms), node)| {
            let offset = Offset {
                ahead_ms: *ahead_ms,
                error_ms: *error_ms,
            };
            (node, offset)
        });
        judge(&offsets.collect::<Vec<_>>())
    }

    #[test]
    fn whose_clock_differs_from_most_is_named() {
        let good = judged(&[("a", 3, 2), ("b", -400, 2)]);
        assert_eq!(good.verdict, Verdict::Ok);
        assert_eq!(
            good.found,
            "against the clock of this host: a +0.003 s (±2 ms), b -0.400 s (±2 ms)"
        );
        for (offsets, verdict, wrong) in [
            (
                &[("a", 0, 1), ("b", 5_000, 1), ("c", 2, 1)][..],
                Verdict::Warning,
                "on the host of b",
            ),
            (
                &[("a", 0, 1), ("b", -70_000, 1), ("c", 2, 1)],
                Verdict::Critical,
                "on the host of b",
            ),
            (
                &[("a", 9_000, 1), ("b", 9_100, 1), ("c", 9_050, 1)],
                Verdict::Warning,
                "on this host",
            ),
            (&[("a", -1_500, 10)], Verdict::Warning, "on this host"),
        ] {
            let finding = judged(offsets);
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.advice.as_ref().unwrap().ends_with(wrong), "{finding:?}");
        }
        assert_eq!(judged(&[]).verdict, Verdict::Unknown);
    }

    #[test]
    fn what_may_be_the_delay_of_the_way_is_not_held_against_a_clock() {
        assert_eq!(judged(&[("a", 1_400, 500)]).verdict, Verdict::Ok);
        assert_eq!(
            judged(&[("a", i64::MIN, 5), ("b", i64::MAX, 5)]).verdict,
            Verdict::Critical
        );
    }

    #[test]
    fn the_least_delayed_snapshot_counts_and_half_of_the_way_is_the_error() {
        let snapshot = |at: i64| -> Snapshot {
            let json = serde_json::json!({"node": "b", "epoch": 1, "at": Timestamp::from_millis(at), "uptime_ms": 1});
            serde_json::from_value(json).unwrap()
        };
        let mut clocks = Clocks::default();
        clocks.saw(&snapshot(10_000), Timestamp::from_millis(10_300));
        clocks.saw(&snapshot(11_000), Timestamp::from_millis(11_004));
        clocks.saw(&snapshot(12_000), Timestamp::from_millis(12_100));
        let finding = clocks.judge(2_000, |_| 4_000);
        assert_eq!(finding.found, "against the clock of this host: b +0.000 s (±4 ms)");
    }
}
