//! I11: levels stay within their bounds and come back to idle.

use crate::invariant::Invariant;
use crate::violation::Findings;
use crate::world::Moment;

/// A level that was measured, against its bound.
pub(crate) fn judge_size(now: Moment, node: &str, what: &str, value: u64, bound: u64, findings: &mut Findings) {
    if value > bound {
        let words = format!("{what} of {node} is {value}: at most {bound} is allowed");
        findings.add(Invariant::I11, now.at, now.t, words);
    }
}

/// A level after the load, against the same before it: 2 % or `slack` apart.
pub(crate) fn judge_idle(
    now: Moment,
    node: &str,
    what: &str,
    [before, after]: [u64; 2],
    slack: u64,
    findings: &mut Findings,
) {
    let allowed = slack.max(before / 50);
    if before.abs_diff(after) > allowed {
        let words = format!(
            "{what} of {node} was {before} before the load and is {after} after it: {allowed} apart is allowed"
        );
        findings.add(Invariant::I11, now.at, now.t, words);
    }
}
