//! What a source is told of how far its feeds have come here.

use std::time::Duration;

use bellwether_broker::Broker;
use bellwether_message::Instance;

use crate::control::Ack;
use crate::upstream::Upstream;

/// The least time between two acknowledgements of a link.
const DELAY: Duration = Duration::from_millis(20);
/// That time while a feed uses up half of the room it was told within it: else publishers who wait for room would wait for
/// the clock. 20 ms and a room of 6,144 messages are 307,000 messages a second.
const DELAY_BUSY: Duration = Duration::from_millis(5);
/// Room that has grown by this part of itself, or by this many messages, is told anew.
const ROOM_STEP: u64 = 512;

/// What was acknowledged on one link, by instance.
#[derive(Debug, Default)]
pub struct Acks {
    told: [(u64, u64); Instance::COUNT],
    is_bounded: bool,
    is_busy: bool,
}

impl Acks {
    /// The acknowledgements that say something new. `sources` may fill the same queues; `now` is the broker's clock.
    pub fn due<C>(&mut self, broker: &Broker, upstream: &Upstream<C>, sources: usize, now: Duration) -> Vec<Ack> {
        let mut due = Vec::new();
        self.is_bounded = false;
        self.is_busy = false;
        for (instance, told) in Instance::ALL.into_iter().zip(&mut self.told) {
            let seq = upstream.feed(instance).acknowledged();
            if seq == 0 {
                continue;
            }
            let room = broker.room(instance, now);
            self.is_bounded |= !room.is_all;
            let share = (room.messages / sources.max(1)).max(usize::from(room.is_all)) as u64;
            let room_until = seq.saturating_add(share);
            let has_grown = room_until >= told.1.saturating_add(share.clamp(1, ROOM_STEP));
            if seq > told.0 || has_grown {
                self.is_busy |= uses_half(*told, seq);
                *told = (seq, room_until);
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

    /// Whether subscribers had less than all their room when last looked at.
    pub fn is_bounded(&self) -> bool {
        self.is_bounded
    }
}

/// Whether a feed that was told (seq, room until) has come through half of that room.
fn uses_half((before, until): (u64, u64), seq: u64) -> bool {
    before > 0 && seq.saturating_sub(before).saturating_mul(2) >= until.saturating_sub(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_busy_from_half_of_its_room_on() {
        assert!(!uses_half((0, 0), 900), "nothing was told before");
        assert!(!uses_half((10, 20), 14));
        assert!(uses_half((10, 20), 15));
        assert!(uses_half((10, 10), 11), "there was none");
    }
}
