//! What a source is told of how far its feeds have come here.

use std::time::Duration;

use bellwether_broker::Broker;
use bellwether_message::Instance;

use crate::control::Ack;
use crate::upstream::Upstream;

/// Room that has grown by this part of itself, or by this many messages, is told anew.
const ROOM_STEP: u64 = 512;

/// What was acknowledged on one link, by instance.
#[derive(Debug, Default)]
pub struct Acks {
    told: [(u64, u64); Instance::COUNT],
    is_bounded: bool,
}

impl Acks {
    /// The acknowledgements that say something new. `sources` may fill the same queues; `now` is the broker's clock.
    pub fn due<C>(&mut self, broker: &Broker, upstream: &Upstream<C>, sources: usize, now: Duration) -> Vec<Ack> {
        let mut due = Vec::new();
        self.is_bounded = false;
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

    /// Whether subscribers had less than all their room when last looked at.
    pub fn is_bounded(&self) -> bool {
        self.is_bounded
    }
}
