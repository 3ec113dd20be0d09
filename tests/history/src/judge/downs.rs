//! I13: a healthy member is not taken for dead for long.

use crate::invariant::Invariant;
use crate::report::Report;
use crate::rules::{Rules, micros};
use crate::violation::Findings;
use crate::world::World;

/// Judges and counts the times that running members were taken for down.
pub(crate) fn judge_downs(world: &World<'_>, rules: &Rules, report: &mut Report, findings: &mut Findings) {
    let grace = micros(rules.fault_grace);
    let limit = micros(rules.false_down_limit).saturating_add(world.clock.tolerance);
    for down in world.downs.all() {
        let (observer, member) = (world.lives.get(down.observer), world.lives.get(down.member));
        let pair = [observer.node, member.node];
        let ends = [observer, member].map(|life| life.end.as_ref().map_or(u64::MAX, |end| end.moment.t));
        let earlier_end = ends[0].min(ends[1]);
        let is_leaving = earlier_end <= down.begin.t.saturating_add(grace);
        let until = down.end.unwrap_or(world.end).min(earlier_end);
        let names = || format!("{}/{}", world.nodes.name(member.node), member.epoch);
        let mut judged = |words: String| findings.add(Invariant::I13, down.begin.at, down.begin.t, words);

        let is_false = !is_leaving && !world.faults.excuse(pair, down.begin.t, grace);
        report.false_downs += u64::from(is_false);
        let calm = world.faults.longest_calm(pair, down.begin.t, until, grace);
        if calm > limit {
            judged(format!(
                "{} took {} for down during {calm} us in which both were healthy: at most {limit} us are allowed",
                world.nodes.name(observer.node),
                names()
            ));
        } else if is_false && rules.calm && world.faults.is_empty() {
            judged(format!(
                "{} took {} for down in a run without any fault",
                world.nodes.name(observer.node),
                names()
            ));
        }
    }
}
