//! When alerts are raised, repeated and escalated.

use std::num::NonZeroU32;
use std::time::Duration;

/// When alerts are raised, repeated and escalated. Bounds are judged by [`Config::check`](crate::Config::check).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alerting {
    /// An alert like one that was last raised no longer ago is a repetition; zero: never; at most a day. Default 5 min.
    pub dedupe_for: Duration,
    /// An alert that must be acknowledged and is not for so long goes up a level, and again after as much; 1 s to a
    /// week. Default 15 min.
    pub escalate_after: Duration,
    /// More failed publications than these on one instance within 5 s raise an alert, 1 to 1,000,000. Default 10.
    pub failed_publications: NonZeroU32,
    /// So many times its usual rate is unusual for an instance, 2 to 1,000. Default 10.
    pub volume_factor: NonZeroU32,
    /// No fewer messages a second than these are unusual, 0 to 1,000,000,000. Default 1,000: a quiet instance may wake.
    pub volume_floor: u64,
}

impl Default for Alerting {
    fn default() -> Self {
        const {
            Self {
                dedupe_for: Duration::from_secs(5 * 60),
                escalate_after: Duration::from_secs(15 * 60),
                failed_publications: NonZeroU32::new(10).expect("ten is not zero"),
                volume_factor: NonZeroU32::new(10).expect("ten is not zero"),
                volume_floor: 1_000,
            }
        }
    }
}
