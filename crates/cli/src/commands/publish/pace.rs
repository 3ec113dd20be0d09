//! A pace: so many lines a second.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How far a run may fall behind its rate and still catch up. Beyond it (the input paused) the schedule starts anew,
/// so that no burst follows.
const CATCH_UP: Duration = Duration::from_secs(1);

/// A fixed number of messages a second. Each has its own due time, so that no delay adds to the next.
pub(super) struct Pace {
    rate: NonZeroU32,
    /// When the first message of the current schedule was due.
    start: Instant,
    /// Messages since then.
    sent: u64,
}

impl Pace {
    pub(super) fn new(rate: NonZeroU32) -> Self {
        Self {
            rate,
            start: Instant::now(),
            sent: 0,
        }
    }

    /// Waits until the next message is due: not at all without a pace.
    pub(super) async fn wait(pace: Option<&mut Self>) {
        let Some(pace) = pace else { return };
        if let Some(due) = pace.next() {
            sleep_until(due).await;
        }
    }

    /// Whether the next message is due now, which then counts as sent: always without a pace.
    pub(super) fn is_due(pace: Option<&mut Self>) -> bool {
        let Some(pace) = pace else { return true };
        let is_due = pace.due() <= Instant::now();
        is_due && pace.next().is_none()
    }

    /// When the next message is due, unless that is now.
    fn next(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let mut due = self.due();
        if now.saturating_duration_since(due) > CATCH_UP {
            (self.start, self.sent) = (now, 0);
            due = now;
        }
        self.sent += 1;
        (due > now).then_some(due)
    }

    fn due(&self) -> Instant {
        let rate = u64::from(self.rate.get());
        // Whole seconds and the rest apart: a product of both would overflow within hours.
        let seconds = Duration::from_secs(self.sent / rate);
        let rest = Duration::from_nanos(self.sent % rate * 1_000_000_000 / rate);
        self.start + seconds + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_as_a_whole() {
        let mut pace = Pace::new(NonZeroU32::new(3).unwrap());
        let start = Instant::now();
        for _ in 0..=30 {
            Pace::wait(Some(&mut pace)).await;
        }
        // 30 messages after the first, at 3 a second; tokio's clock counts milliseconds.
        assert_eq!(start.elapsed().as_millis(), 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_delay_is_made_up_and_a_pause_is_not() {
        let mut pace = Pace::new(NonZeroU32::new(10).unwrap());
        let start = Instant::now();
        Pace::wait(Some(&mut pace)).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        for _ in 0..5 {
            Pace::wait(Some(&mut pace)).await;
        }
        assert_eq!(start.elapsed().as_millis(), 500);

        tokio::time::sleep(Duration::from_secs(60)).await;
        let resumed = Instant::now();
        for _ in 0..=5 {
            Pace::wait(Some(&mut pace)).await;
        }
        assert_eq!(resumed.elapsed().as_millis(), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_go_together_are_no_more_than_are_due() {
        let mut pace = Pace::new(NonZeroU32::new(10).unwrap());
        Pace::wait(Some(&mut pace)).await;
        assert!(!Pace::is_due(Some(&mut pace)));
        tokio::time::sleep(Duration::from_millis(350)).await;
        let due = std::iter::repeat_with(|| Pace::is_due(Some(&mut pace)));
        assert_eq!(due.take_while(|is_due| *is_due).count(), 3);
        assert!(Pace::is_due(None), "without a pace nothing waits");
    }
}
