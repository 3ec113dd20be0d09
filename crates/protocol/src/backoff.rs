//! How long to wait before the next dial.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
/// Cap for members, and for seeds that were reached before.
const CAP_KNOWN: Duration = Duration::from_secs(1);
/// Cap for addresses that never answered.
const CAP_UNKNOWN: Duration = Duration::from_secs(15);

/// Doubles from 50 ms to its cap, with jitter from half to the whole, so that peers do not dial in step.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It worked: the next wait is the first again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next wait; `random` is anything in 0..1.
    pub fn next(&mut self, known: bool, random: f64) -> Duration {
        let cap = if known { CAP_KNOWN } else { CAP_UNKNOWN };
        let full = FIRST.saturating_mul(1 << self.failures.min(16)).min(cap);
        self.failures = self.failures.saturating_add(1);
        full.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_start_over_after_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..7).map(|_| backoff.next(true, 1.0).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000]);
        assert_eq!(backoff.next(false, 0.0).as_millis(), 3200);
        backoff.reset();
        assert_eq!(backoff.next(false, 0.0).as_millis(), 25);
    }
}
