//! What a source is told of how far its feeds have come here.

use bellwether_message::Instance;
use bellwether_protocol::control::Ack;

use crate::shared::Shared;
use crate::sources::Upstream;

/// Room that has grown by this part of itself, or by this many messages, is told anew.
const ROOM_STEP: u64 = 512;

/// What was acknowledged on one link, by instance.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    told: [(u64, u64); Instance::COUNT],
    is_bounded: bool,
}

impl Acks {
    /// The acknowledgements that say something new.
    pub(crate) fn due(&mut self, shared: &Shared, upstream: &Upstream) -> Vec<Ack> {
        let mut due = Vec::new();
        self.is_bounded = false;
        let sources = shared.sources.count().max(1);
        for (instance, told) in Instance::ALL.into_iter().zip(&mut self.told) {
            let seq = upstream.feed(instance).acknowledged();
            if seq == 0 {
                continue;
            }
            let room = shared.broker.room(instance, shared.started.elapsed());
            self.is_bounded |= !room.is_all;
            // Several sources may fill the same queues.
            let share = (room.messages / sources).max(usize::from(room.is_all)) as u64;
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
    pub(crate) fn is_bounded(&self) -> bool {
        self.is_bounded
    }
}
