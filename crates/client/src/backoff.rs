//! How long to wait before a lost node is tried again.

use std::time::Duration;

/// Waits between two tries: doubled from the first to the last, each drawn from its upper half, so that the clients of a
/// node that comes back do not all come at once.
const FIRST: Duration = Duration::from_millis(200);
const LAST: Duration = Duration::from_secs(5);

/// The next wait, and how many there were.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    tries: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST, tries: 0 }
    }
}

impl Backoff {
    /// How long to wait now; `draw` is random, from 0 to 1.
    pub(crate) fn wait(&mut self, draw: f64) -> Duration {
        let longest = self.next;
        self.next = (self.next * 2).min(LAST);
        self.tries += 1;
        longest / 2 + (longest / 2).mul_f64(draw.clamp(0.0, 1.0))
    }

    /// How many waits there were.
    pub(crate) fn tries(&self) -> u64 {
        self.tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_drawn_from_the_upper_half() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..7).map(|_| backoff.wait(1.0).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.tries(), 7);
        assert_eq!(backoff.wait(0.0).as_millis(), 2500);
        assert_eq!(backoff.wait(7.0).as_millis(), 5000);
    }
}
