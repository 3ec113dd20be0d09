//! After the last event: which publish got which seq, and what the ends of runs end with them.

use super::World;
use super::ledger::Message;
use super::moment::Moment;
use super::names::FastMap;
use crate::invariant::Invariant;
use crate::kind::Kind;
use crate::violation::Findings;

/// One publish while the history is read.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) ledger: usize,
    pub(super) topic: usize,
    pub(super) moment: Moment,
    pub(super) hash: u64,
    pub(super) outcome: Outcome,
}

/// What became of a publish.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Not told, as when the node died meanwhile. A delivery may tell its seq.
    Unknown,
    Acked {
        seq: u64,
    },
    Refused,
}

impl Call {
    fn with_seq(&self, seq: u64, acked: bool) -> Message {
        Message {
            seq,
            call: self.moment,
            latest: self.moment,
            topic: self.topic,
            hash: self.hash,
            acked,
        }
    }
}

/// Gives every message its seq and closes the subscriptions of runs that ended.
pub(super) fn settle(world: &mut World<'_>, calls: Vec<Call>, findings: &mut Findings) {
    let mut open: FastMap<(usize, u64), Vec<Call>> = FastMap::default();
    for call in calls {
        match call.outcome {
            Outcome::Acked { seq } => {
                let message = call.with_seq(seq, true);
                world.ledgers[call.ledger].messages.push(message);
            }
            Outcome::Unknown => {
                world.ledgers[call.ledger].unplaced += 1;
                open.entry((call.ledger, call.hash)).or_default().push(call);
            }
            Outcome::Refused => {}
        }
    }
    for ledger in &mut world.ledgers {
        ledger.settle();
    }
    find_doubles(world, findings);
    if !open.is_empty() {
        place(world, open);
    }
    for subscription in &mut world.subscriptions {
        let life = subscription.life.map(|life| world.lives.get(life));
        if let Some(end) = life.and_then(|life| life.end.as_ref()) {
            subscription.close(end.moment);
        }
    }
}

/// Two acknowledged messages under one seq.
fn find_doubles(world: &World<'_>, findings: &mut Findings) {
    for (index, ledger) in world.ledgers.iter().enumerate() {
        for pair in ledger.messages.windows(2) {
            if pair[0].seq == pair[1].seq {
                let words = format!(
                    "feed {}: two messages were acknowledged as seq {}, the other was published at event {}",
                    world.feed_name(index),
                    pair[1].seq,
                    pair[0].call.at
                );
                findings.add(Invariant::I1, pair[1].call.at, pair[1].call.t, words);
            }
        }
    }
}

/// Takes the seqs of messages that were never acknowledged from the first delivery of each.
fn place(world: &mut World<'_>, mut open: FastMap<(usize, u64), Vec<Call>>) {
    let mut placed: FastMap<(usize, u64), Message> = FastMap::default();
    for subscription in &world.subscriptions {
        for item in &subscription.items {
            let (Some(index), Kind::Deliver { seq, hash, .. }) = (item.ledger, &world.events[item.at].kind) else {
                continue;
            };
            let ledger = &world.ledgers[index];
            if ledger.unplaced == 0 || ledger.find(*seq).is_some() || placed.contains_key(&(index, *seq)) {
                continue;
            }
            if let Some(call) = open.get_mut(&(index, *hash)).and_then(Vec::pop) {
                placed.insert((index, *seq), call.with_seq(*seq, false));
            }
        }
    }
    let mut touched: Vec<usize> = Vec::new();
    for ((index, _), message) in placed {
        world.ledgers[index].messages.push(message);
        world.ledgers[index].unplaced -= 1;
        touched.push(index);
    }
    touched.sort_unstable();
    touched.dedup();
    for index in touched {
        world.ledgers[index].settle();
    }
}
