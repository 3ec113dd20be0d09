//! How long messages take from their publisher to their reader.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the buckets, in milliseconds: the resolution of a message's time. Beyond the last is one more bucket.
pub const LATENCY_BUCKETS_MS: [u64; 14] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000];

/// Counts messages by the time from publishing, by the clock of the node where that was, until a subscription of this
/// node handed them out, by this node's clock. Where two hosts' clocks differ, so does what is seen here; a time that
/// seems negative counts as none.
///
/// Messages that were read together count with the age of the oldest of them.
#[derive(Debug, Default)]
pub struct Latency {
    /// How many are at most so old and older than the bucket before; the last: older than all.
    buckets: [AtomicU64; LATENCY_BUCKETS_MS.len() + 1],
    sum_ms: AtomicU64,
}

/// What was counted, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencyCounts {
    /// How many are at most as old as the bucket of the same place; the last: all.
    pub at_most: [u64; LATENCY_BUCKETS_MS.len() + 1],
    /// Their ages together.
    pub sum: Duration,
}

impl Latency {
    /// So many messages, each at most so old.
    pub fn observe(&self, age_ms: u64, messages: u64) {
        let place = LATENCY_BUCKETS_MS.partition_point(|end| *end < age_ms);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(messages, Ordering::Relaxed);
        }
        self.sum_ms
            .fetch_add(age_ms.saturating_mul(messages), Ordering::Relaxed);
    }

    /// All that was counted. While others count, the sum may be a little ahead.
    pub fn counts(&self) -> LatencyCounts {
        let mut total = 0;
        let at_most = std::array::from_fn(|place| {
            total += self
                .buckets
                .get(place)
                .map_or(0, |bucket| bucket.load(Ordering::Relaxed));
            total
        });
        LatencyCounts {
            at_most,
            sum: Duration::from_millis(self.sum_ms.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_upper_end() {
        let latency = Latency::default();
        for (age, messages) in [(0, 3), (1, 1), (2, 1), (3, 2), (60_000, 1), (60_001, 5)] {
            latency.observe(age, messages);
        }
        let counts = latency.counts();
        assert_eq!(counts.at_most, [4, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 13]);
        assert_eq!(counts.sum, Duration::from_millis(1 + 2 + 6 + 60_000 + 5 * 60_001));
    }
}
