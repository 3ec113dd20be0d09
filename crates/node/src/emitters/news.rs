//! What of a subscription's deliveries is told, and when.

use std::time::Duration;

/// Failures told one by one between two checks; the rest are counted and told together. More than open a breaker.
const FAILURES_BETWEEN_CHECKS: u32 = 8;

/// Keeps what is told within bounds: a success at most once per interval, failures one by one but no flood of them.
#[derive(Debug)]
pub(super) struct News {
    interval: Duration,
    success_told_at: Option<Duration>,
    is_success_untold: bool,
    failures_told: u32,
    failures_untold: u64,
    lost_told_at: Option<Duration>,
    lost_untold: u64,
}

/// What has piled up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Untold {
    pub(super) is_success: bool,
    pub(super) failures: u64,
    pub(super) lost: u64,
}

impl News {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            success_told_at: None,
            is_success_untold: false,
            failures_told: 0,
            failures_untold: 0,
            lost_told_at: None,
            lost_untold: 0,
        }
    }

    /// A delivery has succeeded. Whether to tell it now.
    pub(super) fn success(&mut self, now: Duration) -> bool {
        let is_due = self.is_due(self.success_told_at, now);
        self.is_success_untold = !is_due;
        if is_due {
            self.success_told_at = Some(now);
        }
        is_due
    }

    /// A delivery has failed. Whether to tell it now. A success before it is no news any more; the next one is, at once: until
    /// it is told events are held back.
    pub(super) fn failure(&mut self) -> bool {
        self.is_success_untold = false;
        if self.failures_told < FAILURES_BETWEEN_CHECKS {
            self.failures_told += 1;
            self.success_told_at = None;
            return true;
        }
        self.failures_untold = self.failures_untold.saturating_add(1);
        false
    }

    /// Events were lost. How many to tell now.
    pub(super) fn lost(&mut self, count: u64, now: Duration) -> Option<u64> {
        self.lost_untold = self.lost_untold.saturating_add(count);
        self.take_lost(now)
    }

    /// An interval is over: what has piled up.
    pub(super) fn check(&mut self, now: Duration) -> Untold {
        self.failures_told = 0;
        let is_success = self.is_success_untold && self.success(now);
        Untold {
            is_success,
            failures: std::mem::take(&mut self.failures_untold),
            lost: self.take_lost(now).unwrap_or_default(),
        }
    }

    /// There is no next interval: how many losses were not told yet.
    pub(super) fn rest(&mut self) -> Option<u64> {
        let lost = std::mem::take(&mut self.lost_untold);
        (lost > 0).then_some(lost)
    }

    fn take_lost(&mut self, now: Duration) -> Option<u64> {
        if self.lost_untold == 0 || !self.is_due(self.lost_told_at, now) {
            return None;
        }
        self.lost_told_at = Some(now);
        Some(std::mem::take(&mut self.lost_untold))
    }

    fn is_due(&self, told_at: Option<Duration>, now: Duration) -> bool {
        told_at.is_none_or(|at| now.saturating_sub(at) >= self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn news() -> News {
        News::new(at(5))
    }

    #[test]
    fn a_success_is_told_once_per_interval_and_none_is_forgotten() {
        let mut news = news();
        assert!(news.success(at(1)));
        assert!(!news.success(at(2)));
        assert_eq!(news.check(at(5)), Untold::default(), "not five seconds after the first");
        assert!(news.check(at(6)).is_success);
        assert!(!news.check(at(20)).is_success, "told already");
        assert!(news.success(at(21)));
    }

    #[test]
    fn a_success_before_a_failure_is_no_news() {
        let mut news = news();
        news.success(at(0));
        news.success(at(1));
        assert!(news.failure());
        assert!(!news.check(at(10)).is_success);
    }

    #[test]
    fn a_flood_of_failures_is_told_by_count() {
        let mut news = news();
        let told = (0..20).filter(|_| news.failure()).count();
        assert_eq!(told, 8);
        assert_eq!(news.check(at(5)).failures, 12);
        assert_eq!(news.check(at(10)).failures, 0);
        assert!(news.failure());
    }

    #[test]
    fn losses_are_told_at_once_and_then_once_per_interval() {
        let mut news = news();
        assert_eq!(news.lost(1, at(0)), Some(1));
        assert_eq!(news.lost(2, at(1)), None);
        assert_eq!(news.lost(3, at(2)), None);
        assert_eq!(news.check(at(4)).lost, 0);
        assert_eq!(news.check(at(5)).lost, 5);
        assert_eq!(news.check(at(10)).lost, 0);
        news.lost(1, at(10));
        news.lost(7, at(11));
        assert_eq!(
            (news.rest(), news.rest()),
            (Some(7), None),
            "none is forgotten at the end"
        );
    }
}
