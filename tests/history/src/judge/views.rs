//! I12, its first half: after the last fault all nodes see the same members.

use crate::invariant::Invariant;
use crate::rules::{Rules, micros};
use crate::violation::Findings;
use crate::world::{Moment, World};

/// Compares the views of all running nodes at `quiet`; `disturbed` is when they were given reason to change last.
/// Returns how many there are.
pub(crate) fn judge_views(
    world: &World<'_>,
    rules: &Rules,
    quiet: Moment,
    disturbed: u64,
    findings: &mut Findings,
) -> u64 {
    let mut running: Vec<usize> = world.lives.running().map(|life| life.node).collect();
    running.sort_unstable();
    running.dedup();
    let deadline = disturbed
        .saturating_add(micros(rules.view_within))
        .saturating_add(world.clock.tolerance);
    let mut compared = 0;
    for life in world.lives.running() {
        compared += 1;
        let mut seen: Vec<usize> = life.view.nodes().chain([life.node]).collect();
        seen.sort_unstable();
        seen.dedup();
        let name = world.nodes.name(life.node);
        if seen != running {
            let (seen, running) = (world.nodes.list(seen), world.nodes.list(running.iter().copied()));
            let words = format!("at quiet {name} sees {seen}, but {running} are running");
            findings.add(Invariant::I12, quiet.at, quiet.t, words);
        } else if let Some(changed) = life.view.changed.filter(|changed| changed.t > deadline) {
            let after = changed.t - disturbed;
            let words = format!("the view of {name} still changed {after} us after the last fault, start or end");
            findings.add(Invariant::I12, changed.at, changed.t, words);
        }
    }
    compared
}
