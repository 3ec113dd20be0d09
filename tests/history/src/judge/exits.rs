//! I14: no process ends by itself.

use crate::invariant::Invariant;
use crate::violation::Findings;
use crate::world::World;

/// Exit codes of runs that nobody killed. Panics were found when they were read.
pub(crate) fn judge_exits(world: &World<'_>, findings: &mut Findings) {
    for life in world.lives.iter().filter(|life| !life.killed) {
        let Some((at, code)) = life.exit.filter(|(_, code)| *code != Some(0)) else {
            continue;
        };
        let run = format!("{}/{}", world.nodes.name(life.node), life.epoch);
        let words = match code {
            Some(code) => format!("{run} ended by itself with exit code {code}: 0 was expected, nobody killed it"),
            None => format!("{run} was ended by a signal, but nobody killed it"),
        };
        findings.add(Invariant::I14, at, world.events[at].t, words);
    }
}
