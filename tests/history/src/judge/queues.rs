//! Queue groups: of their members one gets each message, never two; and once the mesh is at rest, always one.

use super::coverage::{Coverage, is_accepted_before};
use crate::invariant::Invariant;
use crate::rules::Rules;
use crate::violation::Findings;
use crate::world::{FastMap, Patterns, Subscription, World};

/// What came to the members of each queue group, by its set of patterns, the feed and the seq: the event of the delivery.
#[derive(Debug, Default)]
pub(super) struct QueueGroups(FastMap<(usize, usize, u64), usize>);

impl QueueGroups {
    /// A member got a message; words, if another has got it before.
    pub(super) fn hear(&mut self, subscription: &Subscription, ledger: usize, seq: u64, at: usize) -> Option<String> {
        let earlier = self.0.insert((subscription.patterns, ledger, seq), at)?;
        Some(format!(
            "seq {seq} came to two members of a queue group, first at event {earlier}"
        ))
    }

    /// I12: each message of a running source that was published after `quiet` reached a member, where one was there.
    pub(super) fn judge_probes(
        &self,
        world: &World<'_>,
        rules: &Rules,
        (coverage, patterns): (&mut Coverage, &mut Patterns<'_>),
        findings: &mut Findings,
    ) {
        let Some(quiet) = world.quiet.filter(|_| rules.liveness) else {
            return;
        };
        let members = world.subscriptions.iter().filter(|one| one.is_in_queue);
        let settled = members.filter(|one| {
            let was_accepted = one
                .accepted
                .as_ref()
                .is_some_and(|accepted| accepted.moment.at < quiet.at);
            was_accepted && one.closed.is_none()
        });
        let mut judged = FastMap::default();
        for member in settled {
            if judged.insert((member.patterns, member.instance as u8), ()).is_some() {
                continue;
            }
            for (index, ledger) in world.ledgers.iter().enumerate() {
                let life = ledger.life.map(|life| world.lives.get(life));
                if ledger.instance != member.instance || life.is_none_or(|life| life.end.is_some()) {
                    continue;
                }
                for place in coverage.matching(world, index, member.patterns, patterns).iter() {
                    let message = &ledger.messages[*place as usize];
                    let had_time = message.call.t.saturating_add(coverage.patience()) <= world.end;
                    let is_due = message.call.at > quiet.at && had_time && is_accepted_before(world, member, message);
                    if is_due && !self.0.contains_key(&(member.patterns, index, message.seq)) {
                        let words = format!(
                            "feed {}: seq {} is a probe after quiet and reached no member of a queue group",
                            world.feed_name(index),
                            message.seq
                        );
                        findings.add(Invariant::I12, message.call.at, message.call.t, words);
                    }
                }
            }
        }
    }
}
