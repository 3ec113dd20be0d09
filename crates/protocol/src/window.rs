//! What of a feed is on its way to one peer: what a publisher that waits for room goes by.

use std::time::Duration;

use bellwether_broker::InstanceSettings;

/// Messages that may be on their way to a peer before a publisher waits; less where the backlog is small.
const WINDOW: usize = 65_536;
/// A link that has acknowledged nothing for so long does not hold publishers back: it lives from the backlog.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// The acknowledgements of one feed on one link.
#[derive(Debug)]
pub struct Window {
    acked: u64,
    /// The peer's subscribers have room for seqs up to this; `None`: it has not said yet.
    room_until: Option<u64>,
    /// What was acknowledged when somebody who waits first saw it full, and when that was.
    waited_for: Option<(u64, Option<u64>, Duration)>,
}

/// Where a feed stands on one link.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The feed's newest seq.
    pub head: u64,
    /// The next seq the link's cursor looks at.
    pub next: u64,
    /// The last seq the peer was told about.
    pub told: u64,
    /// Messages and bytes in the backlog.
    pub backlog: (usize, usize),
}

impl Window {
    /// The peer has everything up to `acked`.
    pub fn new(acked: u64) -> Self {
        Self {
            acked,
            room_until: None,
            waited_for: None,
        }
    }

    /// The last seq the peer holds or has accounted for; one more once it has heard the feed's end.
    pub fn acked(&self) -> u64 {
        self.acked
    }

    /// The peer says how far it has come, and up to where its subscribers have room.
    pub fn on_ack(&mut self, seq: u64, room_until: u64) {
        self.acked = self.acked.max(seq);
        self.room_until = Some(room_until);
    }

    /// Whether one more message may be published without waiting for this link: half the backlog, at most, is on its
    /// way, and the peer's subscribers have room. A link that makes no progress for a second has no say.
    pub fn has_room(&mut self, at: Standing, settings: &InstanceSettings, now: Duration) -> bool {
        // Told and not acknowledged, or not looked at yet. What was not wanted is not told, and nobody acknowledges it.
        let unacknowledged = at.told.saturating_sub(self.acked);
        let ahead = (at.head + 1).saturating_sub(at.next);
        let on_its_way = usize::try_from(unacknowledged + ahead).unwrap_or(usize::MAX);
        let (kept, bytes) = at.backlog;
        let each = bytes / kept.max(1);
        let fits = on_its_way < WINDOW.min(settings.backlog_messages / 2).max(1)
            && on_its_way.saturating_mul(each) < (settings.backlog_bytes / 2).max(1)
            && self
                .room_until
                .is_none_or(|until| self.acked.saturating_add(on_its_way as u64) < until);
        if fits {
            self.waited_for = None;
            return true;
        }
        match self.waited_for {
            Some((acked, until, since)) if (acked, until) == (self.acked, self.room_until) => {
                now.saturating_sub(since) >= STUCK_AFTER
            }
            _ => {
                self.waited_for = Some((self.acked, self.room_until, now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_message::Instance;

    use super::*;

    fn settings(backlog_messages: usize) -> InstanceSettings {
        let mut settings = InstanceSettings::default_for(Instance::Events);
        settings.backlog_messages = backlog_messages;
        settings
    }

    fn at(head: u64, next: u64, told: u64) -> Standing {
        Standing {
            head,
            next,
            told,
            backlog: (10, 1000),
        }
    }

    const NOW: Duration = Duration::from_secs(9);

    #[test]
    fn half_the_backlog_may_be_on_its_way() {
        let mut window = Window::new(10);
        assert!(window.has_room(at(13, 14, 13), &settings(8), NOW));
        assert!(!window.has_room(at(14, 15, 14), &settings(8), NOW));
        window.on_ack(11, 1000);
        assert!(window.has_room(at(14, 15, 14), &settings(8), NOW));
        assert!(!window.has_room(at(20, 12, 11), &settings(8), NOW), "not looked at yet");
        assert!(
            window.has_room(at(20, 21, 11), &settings(8), NOW),
            "looked at, and not wanted"
        );
        window.on_ack(11, 12);
        assert!(
            window.has_room(at(900, 901, 11), &settings(8), NOW),
            "what is not wanted needs no room"
        );
    }

    #[test]
    fn bytes_bound_it_too() {
        let mut settings = settings(1000);
        settings.backlog_bytes = 1000;
        assert!(Window::new(0).has_room(at(4, 5, 4), &settings, NOW));
        assert!(
            !Window::new(0).has_room(at(5, 6, 5), &settings, NOW),
            "five of 100 bytes are half of it"
        );
    }

    #[test]
    fn the_peers_subscribers_have_a_say() {
        let mut window = Window::new(10);
        window.on_ack(10, 12);
        assert!(window.has_room(at(11, 12, 11), &settings(100), NOW));
        assert!(!window.has_room(at(12, 13, 12), &settings(100), NOW));
        window.on_ack(12, 20);
        assert!(window.has_room(at(12, 13, 12), &settings(100), NOW));
    }

    #[test]
    fn a_link_without_progress_for_a_second_has_no_say() {
        let mut window = Window::new(0);
        let full = at(50, 51, 50);
        let later = |ms| NOW + Duration::from_millis(ms);
        assert!(!window.has_room(full, &settings(8), later(0)));
        assert!(!window.has_room(full, &settings(8), later(999)));
        assert!(window.has_room(full, &settings(8), later(1000)));
        window.on_ack(1, 1000);
        assert!(!window.has_room(full, &settings(8), later(1001)), "it moves again");
    }
}
