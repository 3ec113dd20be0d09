//! Subscribers read, each at its own pace, and what they get is written down.

use bellwether_broker::{Delivery, GapCause, Subscription};
use bellwether_history::Kind;
use bellwether_message::Instance;

use crate::marker::Marker;
use crate::process::ProcessId;
use crate::time::MS;
use crate::words::hash;
use crate::world::{Step, World};

/// A slow subscriber reads so many items at once.
const SLOW_ITEMS: usize = 3;

impl World {
    /// Every subscriber reads what is left, before its node ends.
    pub(crate) fn read_out(&mut self, process: ProcessId) {
        for sub in self.processes[process].subs.clone() {
            self.read(sub, usize::MAX);
        }
    }

    pub(crate) fn wake_all_readers(&mut self, process: ProcessId) {
        for nth in 0..self.plan.instances.len() {
            self.wake_readers(process, self.plan.instances[nth]);
        }
    }

    /// There may be something to read.
    pub(crate) fn wake_readers(&mut self, process: ProcessId, instance: Instance) {
        for nth in 0..self.processes[process].subs.len() {
            let at = self.processes[process].subs[nth];
            let (now, sub) = (self.now, &mut self.subs[at]);
            if sub.instance != instance || std::mem::replace(&mut sub.is_reading, true) {
                continue;
            }
            let pause = if sub.is_slow && self.is_busy {
                self.random.between(MS, 400 * MS)
            } else {
                self.random.below(MS)
            };
            let due = (now + pause).max(sub.sleeps_until);
            self.at(due, Step::Read(at));
        }
    }

    pub(crate) fn on_read(&mut self, sub: usize) {
        let most = if self.subs[sub].is_slow && self.is_busy {
            SLOW_ITEMS
        } else {
            usize::MAX
        };
        self.subs[sub].is_reading = false;
        if self.read(sub, most) {
            let (process, instance) = (self.subs[sub].process, self.subs[sub].instance);
            self.wake_readers(process, instance);
        }
    }

    /// Reads; true if there may be more.
    fn read(&mut self, sub: usize, most: usize) -> bool {
        for _ in 0..most {
            let Some(delivery) = self.subs[sub].subscription.as_mut().and_then(Subscription::try_next) else {
                return false;
            };
            self.on_delivery(sub, delivery);
        }
        true
    }

    fn on_delivery(&mut self, sub: usize, delivery: Delivery) {
        let process = self.subs[sub].process;
        let sub = sub as u64;
        let kind = match delivery {
            Delivery::Message(envelope) => {
                self.tally.delivered += 1;
                let source = envelope.source();
                Kind::Deliver {
                    sub,
                    origin: self.words.node(&source.node),
                    origin_epoch: source.epoch.0,
                    instance: envelope.instance(),
                    seq: envelope.seq(),
                    topic: self.words.topic(envelope.topic()),
                    hash: hash(envelope.payload()),
                }
            }
            Delivery::Gap(gap) => {
                self.count_gap(gap.cause);
                Kind::Gap {
                    sub,
                    origin: self.words.node(&gap.source.node),
                    origin_epoch: gap.source.epoch.0,
                    instance: gap.instance,
                    first: gap.first,
                    last: gap.last,
                    count: gap.count,
                    exact: gap.exact,
                    cause: self.words.cause(gap.cause),
                }
            }
            Delivery::EpochEnded(ended) => {
                let (total, marker) = match ended.tail_unknown {
                    true => (&mut self.tally.unknown_ends, Marker::UnknownEnd),
                    false => (&mut self.tally.clean_ends, Marker::CleanEnd),
                };
                *total += 1;
                self.reach(marker);
                Kind::EpochEnded {
                    sub,
                    origin: self.words.node(&ended.source.node),
                    origin_epoch: ended.source.epoch.0,
                    instance: ended.instance,
                    last_seq: ended.last_seq,
                    tail_unknown: ended.tail_unknown,
                }
            }
            other => {
                self.broken.push(format!("a delivery of an unknown kind: {other:?}"));
                return;
            }
        };
        self.say(process, kind);
    }

    fn count_gap(&mut self, cause: GapCause) {
        let (total, marker) = match cause {
            GapCause::SlowSubscriber => (&mut self.tally.slow_subscriber_gaps, Marker::SlowSubscriber),
            GapCause::LinkOverrun => (&mut self.tally.link_overrun_gaps, Marker::LinkOverrun),
            GapCause::BacklogOverrun => (&mut self.tally.backlog_overrun_gaps, Marker::BacklogOverrun),
            GapCause::Unverified => {
                self.broken
                    .push("a message of an honest node failed verification".to_owned());
                return;
            }
            _ => {
                self.tally.other_gaps += 1;
                return;
            }
        };
        *total += 1;
        self.reach(marker);
    }
}
