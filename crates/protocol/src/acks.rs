//! What a source is told of how far its feeds have come here.

use std::sync::Arc;
use std::time::Duration;

use bellwether_broker::Broker;
use bellwether_message::Instance;

use crate::control::Ack;
use crate::floods::{Floods, PERIOD, Pace};
use crate::upstream::Upstream;

/// The least time between two acknowledgements of a link.
const DELAY: Duration = Duration::from_millis(20);
/// That time while a feed uses up half of the room it was told within it: else publishers who wait for room would wait for
/// the clock. 20 ms and a room of 12,288 messages, half of what a subscription's queue spares, are 614,000 messages a second.
const DELAY_BUSY: Duration = Duration::from_millis(5);
/// Room that has grown by this part of itself, or by this many messages, is told anew.
const ROOM_STEP: u64 = 512;

/// What was acknowledged on one link, by instance.
#[derive(Debug)]
pub struct Acks {
    feeds: [Told; Instance::COUNT],
    is_bounded: bool,
    is_busy: bool,
}

/// What was acknowledged of one feed.
#[derive(Debug)]
struct Told {
    seq: u64,
    room_until: u64,
    pace: Pace,
}

impl Acks {
    /// Nothing was acknowledged yet. `floods` is that of all links of the node.
    pub fn new(floods: &Arc<Floods>) -> Self {
        let told = |instance| Told {
            seq: 0,
            room_until: 0,
            pace: Pace::new(instance, floods.clone()),
        };
        Self {
            feeds: Instance::ALL.map(told),
            is_bounded: false,
            is_busy: false,
        }
    }

    /// The acknowledgements that say something new. `sources` may fill the same queues; `now` is the broker's clock.
    pub fn due<C>(&mut self, broker: &Broker, upstream: &Upstream<C>, sources: usize, now: Duration) -> Vec<Ack> {
        let mut due = Vec::new();
        self.is_bounded = false;
        self.is_busy = false;
        for (instance, told) in Instance::ALL.into_iter().zip(&mut self.feeds) {
            let seq = upstream.feed(instance).acknowledged();
            if seq == 0 {
                continue;
            }
            let ceased = told.pace.look(seq, now);
            let room = broker.room(instance, now);
            self.is_bounded |= !room.is_all;
            let share = told.pace.share(room.messages, sources);
            let share = share.max(usize::from(room.is_all)) as u64;
            let room_until = seq.saturating_add(share);
            let has_grown = room_until >= told.room_until.saturating_add(share.clamp(1, ROOM_STEP));
            // What a flood was told is taken back at its end: others may flood next.
            if seq > told.seq || has_grown || ceased {
                self.is_busy |= uses_half((told.seq, told.room_until), seq);
                (told.seq, told.room_until) = (seq, room_until);
                due.push(Ack {
                    instance: instance as u8,
                    seq,
                    room_until,
                });
            }
        }
        due
    }

    /// The least time from the last look to the next.
    pub fn delay(&self) -> Duration {
        match self.is_busy {
            true => DELAY_BUSY,
            false => DELAY,
        }
    }

    /// After so long it is to be looked again, though nothing arrives: room may come back, or a flood may be over. `None` if
    /// neither may be.
    pub fn look_again(&self) -> Option<Duration> {
        match self.is_bounded {
            true => Some(self.delay()),
            false => self.feeds.iter().any(|told| told.pace.is_flood()).then_some(PERIOD),
        }
    }
}

/// Whether a feed that was told (seq, room until) has come through half of that room.
fn uses_half((before, until): (u64, u64), seq: u64) -> bool {
    before > 0 && seq.saturating_sub(before).saturating_mul(2) >= until.saturating_sub(before)
}

#[cfg(test)]
mod tests {
    use bellwether_broker::InstanceSettings;
    use bellwether_message::{Epoch, NodeId, Source};

    use super::*;
    use crate::upstream::Upstreams;

    fn source(node: &str) -> Source {
        Source {
            node: NodeId::new(node).unwrap(),
            epoch: Epoch(1),
        }
    }

    #[test]
    fn who_floods_is_told_most_of_the_room_and_what_it_does_not_use_is_taken_back() {
        let settings = Instance::ALL.map(InstanceSettings::default_for);
        let broker = Broker::new("c", source("here"), None, &settings);
        let upstreams = Upstreams::<()>::new(broker.clone());
        let [a, b] = ["a", "b"].map(|node| upstreams.accept_link(&source(node), 1, true).unwrap());
        let mut links = [&a, &b].map(|upstream| (upstream, Acks::new(upstreams.floods())));
        let mut look = |link: usize, seq: u64, ms: u64| {
            let (upstream, acks) = &mut links[link];
            let brought = upstream.feed(Instance::Events).on_skipped(seq);
            brought.unwrap();
            let due = acks.due(&broker, upstream, 2, Duration::from_millis(ms));
            let told = due.first().map(|ack| (ack.seq, ack.room_until - ack.seq));
            (told, acks.look_again())
        };
        // No subscription reads: all of the queue but a quarter.
        let all = 24_576;
        assert_eq!(look(0, 10, 0), (Some((10, all / 2)), None));
        assert_eq!(look(1, 10, 0), (Some((10, all / 2)), None));
        assert_eq!(look(0, 600, 20), (Some((600, all * 4 / 5)), Some(PERIOD)));
        assert_eq!(look(1, 11, 20), (Some((11, all / 5)), None));
        assert_eq!(look(1, 700, 40), (Some((700, all / 2)), Some(PERIOD)));
        // The first rests, and the second goes on.
        assert_eq!(look(1, 1300, 1000), (Some((1300, all / 2)), Some(PERIOD)));
        assert_eq!(look(0, 600, 1019), (None, Some(PERIOD)));
        assert_eq!(
            look(0, 600, 1020),
            (Some((600, all / 5)), None),
            "though it has brought nothing"
        );
        assert_eq!(look(1, 1400, 1021), (Some((1400, all * 4 / 5)), Some(PERIOD)));
    }

    #[test]
    fn a_feed_is_busy_from_half_of_its_room_on() {
        assert!(!uses_half((0, 0), 900), "nothing was told before");
        assert!(!uses_half((10, 20), 14));
        assert!(uses_half((10, 20), 15));
        assert!(uses_half((10, 10), 11), "there was none");
    }
}
