//! Whether a silent client is still there.

use std::time::Duration;

/// So many pings may be unanswered.
const MAX_OUTSTANDING: u32 = 2;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing yet.
    Nothing,
    /// It is asked.
    Ping,
    /// It is gone.
    Stale,
}

/// The pings of one client. Times are those of one clock.
#[derive(Debug)]
pub(crate) struct Pings {
    interval: Duration,
    next: Duration,
    outstanding: u32,
}

impl Pings {
    pub(crate) fn new(interval: Duration, now: Duration) -> Self {
        Self {
            interval,
            next: now + interval,
            outstanding: 0,
        }
    }

    /// Something came from it: it lives.
    pub(crate) fn on_input(&mut self, now: Duration) {
        self.outstanding = 0;
        self.next = now + self.interval;
    }

    /// Time has passed.
    pub(crate) fn on_tick(&mut self, now: Duration) -> Due {
        if now < self.next {
            return Due::Nothing;
        }
        if self.outstanding >= MAX_OUTSTANDING {
            return Due::Stale;
        }
        self.outstanding += 1;
        self.next = now + self.interval;
        Due::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pings_may_be_unanswered() {
        let at = Duration::from_secs;
        let mut pings = Pings::new(at(10), at(0));
        assert_eq!(pings.on_tick(at(9)), Due::Nothing);
        assert_eq!(pings.on_tick(at(10)), Due::Ping);
        assert_eq!(pings.on_tick(at(11)), Due::Nothing);
        assert_eq!(pings.on_tick(at(20)), Due::Ping);
        assert_eq!(pings.on_tick(at(30)), Due::Stale);
    }

    #[test]
    fn whatever_it_says_it_lives() {
        let at = Duration::from_secs;
        let mut pings = Pings::new(at(10), at(0));
        for round in 1..9 {
            assert_eq!(pings.on_tick(at(round * 20)), Due::Ping);
            pings.on_input(at(round * 20 + 5));
            assert_eq!(pings.on_tick(at(round * 20 + 14)), Due::Nothing);
        }
    }
}
