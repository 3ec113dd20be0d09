//! A token bucket: so much a second, and as much at once.

use std::time::Duration;

/// In billionths of what is counted, so that nothing is lost to rounding.
const UNIT: i128 = 1_000_000_000;

/// What is left of a rate. Full when new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    per_second: u64,
    /// Below zero after something that is larger than the bucket: it passes a full one, and is paid off.
    left: i128,
    filled_at: Option<Duration>,
}

impl Bucket {
    pub(crate) fn new(per_second: u64) -> Self {
        Self {
            per_second,
            left: i128::from(per_second) * UNIT,
            filled_at: None,
        }
    }

    /// Holds as much as this from now on; what is left stays, as far as it fits.
    pub(crate) fn set_rate(&mut self, per_second: u64) {
        self.per_second = per_second;
        self.left = self.left.min(self.full());
    }

    pub(crate) fn per_second(&self) -> u64 {
        self.per_second
    }

    /// Fills it up to what the time that has passed has brought.
    pub(crate) fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.filled_at.unwrap_or(now));
        // A clock that steps back brings nothing, and takes nothing that was brought.
        self.filled_at = Some(self.filled_at.map_or(now, |at| at.max(now)));
        let brought =
            i128::from(self.per_second).saturating_mul(i128::try_from(passed.as_nanos()).unwrap_or(i128::MAX));
        self.left = self.left.saturating_add(brought).min(self.full());
    }

    /// Whether there is enough for `count`, or as much as there ever is.
    pub(crate) fn has(&self, count: u64) -> bool {
        self.left >= (i128::from(count) * UNIT).min(self.full())
    }

    pub(crate) fn take(&mut self, count: u64) {
        self.left = self.left.saturating_sub(i128::from(count) * UNIT);
    }

    fn full(&self) -> i128 {
        i128::from(self.per_second) * UNIT
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn take(bucket: &mut Bucket, count: u64, now: Duration) -> bool {
        bucket.fill(now);
        let has = bucket.has(count);
        if has {
            bucket.take(count);
        }
        has
    }

    #[test]
    fn as_much_as_a_second_brings_passes_at_once_and_no_more() {
        let mut bucket = Bucket::new(10);
        assert!((0..10).all(|_| take(&mut bucket, 1, ms(5_000))));
        assert!(!take(&mut bucket, 1, ms(5_000)));
        assert!(!take(&mut bucket, 1, ms(5_099)));
        assert!(take(&mut bucket, 1, ms(5_100)));
        assert!(!take(&mut bucket, 1, ms(5_100)));
    }

    #[test]
    fn what_is_larger_than_the_bucket_passes_a_full_one_and_is_paid_off() {
        let mut bucket = Bucket::new(10);
        assert!(take(&mut bucket, 25, ms(0)));
        assert!(!take(&mut bucket, 1, ms(1_500)));
        assert!(take(&mut bucket, 1, ms(1_600)));
    }

    #[test]
    fn a_rate_of_zero_lets_nothing_but_nothing_pass() {
        let mut bucket = Bucket::new(0);
        assert!(take(&mut bucket, 0, ms(0)));
        assert!(take(&mut bucket, 1, ms(0)), "once: the bucket is as full as it ever is");
        assert!(!take(&mut bucket, 1, ms(3_600_000)));
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let mut bucket = Bucket::new(1);
        assert!(take(&mut bucket, 1, ms(10_000)));
        assert!(!take(&mut bucket, 1, ms(0)));
        assert!(!take(&mut bucket, 1, ms(10_500)));
        assert!(take(&mut bucket, 1, ms(11_000)));
    }

    proptest! {
        #[test]
        fn over_any_time_no_more_passes_than_the_rate_and_one_bucket(
            per_second in 1_u64..1_000,
            steps in prop::collection::vec((1_u64..20, 0_u64..300), 1..200),
        ) {
            let mut bucket = Bucket::new(per_second);
            let (mut now, mut passed, mut largest) = (0, 0, 0);
            for (count, later_ms) in steps {
                now += later_ms;
                if take(&mut bucket, count, ms(now)) {
                    passed += count;
                    largest = largest.max(count);
                }
            }
            prop_assert!(passed <= per_second + per_second * now / 1_000 + largest);
        }
    }
}
