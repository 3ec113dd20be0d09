//! At most so many a second, and after a pause a few at once.
//!
//! A token bucket in whole numbers: nothing is lost to rounding, however long nobody asks.

use std::num::NonZeroU32;
use std::time::Duration;

/// What one token is worth: a bucket gains its rate, in such parts, every nanosecond.
const TOKEN: u64 = 1_000_000_000;

/// Lets pass at most `per_second` on average, and at most `burst` at once.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    per_second: NonZeroU32,
    /// Parts of a token that a full bucket holds: at most 2^32 tokens, so it fits.
    capacity: u64,
    /// Parts of a token there were at `filled_at`.
    level: u64,
    filled_at: Duration,
    refused: u64,
}

impl RateLimiter {
    /// A full bucket: `burst` may pass at once.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let capacity = u64::from(burst.get()).saturating_mul(TOKEN);
        Self {
            per_second,
            capacity,
            level: capacity,
            filled_at: Duration::ZERO,
            refused: 0,
        }
    }

    /// Whether one may pass now. If not, it is counted as refused.
    pub fn take(&mut self, now: Duration) -> bool {
        let level = self.level_at(now);
        match level.checked_sub(TOKEN) {
            Some(rest) => {
                self.level = rest;
                self.filled_at = self.filled_at.max(now);
                true
            }
            None => {
                self.refused = self.refused.saturating_add(1);
                false
            }
        }
    }

    /// Whether one could pass now. Takes and counts nothing.
    pub fn has_room(&self, now: Duration) -> bool {
        self.level_at(now) >= TOKEN
    }

    /// How many were refused since this was last asked.
    pub fn refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }

    /// Parts of a token there are; a time before the last one that passed adds nothing.
    fn level_at(&self, now: Duration) -> u64 {
        let passed = now.saturating_sub(self.filled_at);
        let gained = passed.as_nanos().saturating_mul(u128::from(self.per_second.get()));
        let room = self.capacity.saturating_sub(self.level);
        self.level + u64::try_from(gained).map_or(room, |gained| gained.min(room))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limiter(per_second: u32, burst: u32) -> RateLimiter {
        RateLimiter::new(NonZeroU32::new(per_second).unwrap(), NonZeroU32::new(burst).unwrap())
    }

    fn passing(limiter: &mut RateLimiter, asked: usize, now: Duration) -> usize {
        (0..asked).filter(|_| limiter.take(now)).count()
    }

    #[test]
    fn a_burst_passes_at_once_then_one_per_interval() {
        let mut limiter = limiter(10, 3);
        assert_eq!(passing(&mut limiter, 5, Duration::ZERO), 3);
        assert!(!limiter.take(Duration::from_nanos(99_999_999)));
        assert!(limiter.take(Duration::from_millis(100)));
        assert!(!limiter.take(Duration::from_millis(100)));
    }

    #[test]
    fn a_long_pause_fills_the_bucket_and_no_more() {
        let mut limiter = limiter(u32::MAX, 2);
        assert_eq!(passing(&mut limiter, 5, Duration::MAX / 2), 2);
        assert_eq!(passing(&mut limiter, 5, Duration::MAX), 2);
        let mut largest = self::limiter(1, u32::MAX);
        assert!(largest.take(Duration::MAX));
    }

    #[test]
    fn thirds_of_a_second_are_exact_over_a_day() {
        // Room for two: a tick that is a nanosecond early must not overflow the bucket at the next.
        let mut limiter = limiter(3, 2);
        let ticks = 24 * 60 * 60 * 30;
        let passed = (0..ticks)
            .filter(|tick| limiter.take(Duration::from_nanos(tick * 1_000_000_000 / 30)))
            .count();
        let expected = 24 * 60 * 60 * 3;
        assert!((expected..=expected + 2).contains(&passed), "{passed}");
    }

    #[test]
    fn time_that_goes_back_gives_nothing() {
        let mut limiter = limiter(1, 1);
        assert!(limiter.take(Duration::from_secs(10)));
        assert!(!limiter.take(Duration::from_secs(5)));
        assert!(!limiter.take(Duration::from_millis(10_999)));
        assert!(limiter.take(Duration::from_secs(11)));
    }

    #[test]
    fn time_that_went_back_is_not_gained_twice() {
        let mut limiter = limiter(1, 2);
        assert!(limiter.take(Duration::from_secs(10)));
        assert!(limiter.take(Duration::from_secs(5)), "there was one left");
        assert!(!limiter.take(Duration::from_secs(10)));
    }

    #[test]
    fn what_was_refused_is_handed_out_once() {
        let mut limiter = limiter(1, 1);
        passing(&mut limiter, 4, Duration::ZERO);
        assert!(!limiter.has_room(Duration::ZERO));
        assert_eq!(limiter.refused(), 3);
        assert_eq!(limiter.refused(), 0);
    }

    proptest! {
        #[test]
        fn in_no_stretch_of_time_more_pass_than_the_burst_and_the_rate(
            per_second in 1..50_u32,
            burst in 1..20_u32,
            waits in prop::collection::vec(0..200_000_000_u64, 1..200),
        ) {
            let mut limiter = limiter(per_second, burst);
            let mut now = Duration::ZERO;
            let mut passed = Vec::new();
            for wait in waits {
                now += Duration::from_nanos(wait);
                if limiter.has_room(now) {
                    prop_assert!(limiter.take(now));
                    passed.push(now);
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, to) in passed.iter().enumerate().skip(first) {
                    let count = u128::try_from(last - first + 1).unwrap();
                    let gained = (*to - *from).as_nanos() * u128::from(per_second);
                    prop_assert!(count * 1_000_000_000 <= u128::from(burst) * 1_000_000_000 + gained);
                }
            }
        }

        #[test]
        fn often_asked_it_loses_nothing(
            per_second in 1..1000_u32,
            asks in prop::collection::vec(1..5_000_000_u64, 1..300),
        ) {
            let mut often = limiter(per_second, 1000);
            passing(&mut often, 1000, Duration::ZERO);
            let mut now = Duration::ZERO;
            let mut passed = 0;
            for ask in asks {
                now += Duration::from_nanos(ask);
                passed += passing(&mut often, 1, now);
            }
            passed += passing(&mut often, 2000, now);
            let whole = now.as_nanos() * u128::from(per_second) / 1_000_000_000;
            prop_assert_eq!(u128::try_from(passed).unwrap(), whole);
        }
    }
}
