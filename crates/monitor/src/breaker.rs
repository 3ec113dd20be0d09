//! A circuit breaker: after several failures in a row it lets nobody call for a while, then one call tries.
//!
//! Says who may call and what has changed. Never calls, waits, or publishes.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// So many failures in a row are no coincidence: the figure that the original's documents give.
const DEFAULT_FAILURE_THRESHOLD: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");
/// Long enough for a process to be started again; also of the original's documents.
const DEFAULT_OPEN_FOR: Duration = Duration::from_secs(60);

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures in a row open it. Default 5.
    pub failure_threshold: NonZeroU32,
    /// After so long, one call may try. A try whose outcome is not heard for so long no longer stands in the way of the
    /// next. Default 60 s; with zero the next call is a try at once.
    pub open_for: Duration,
    /// Default true. If false, every call is allowed and counted, and the breaker stays closed.
    pub enabled: bool,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failure_threshold: DEFAULT_FAILURE_THRESHOLD,
            open_for: DEFAULT_OPEN_FOR,
            enabled: true,
        }
    }
}

/// Decides whether something that may fail is tried at all.
///
/// Ask with [`permit`](Self::permit) before each call, and tell the outcome of each call that was permitted. Outcomes
/// are not tied to calls: one of an earlier call that arrives while the breaker is open is counted and changes nothing,
/// one that arrives during a probe is taken for the probe's.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    settings: BreakerSettings,
    phase: Phase,
    statistics: BreakerStatistics,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open { since: Duration },
    HalfOpen { probed_at: Duration },
}

/// The answer to who wants to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Go ahead.
    Allowed,
    /// Go ahead: yours is the call that decides whether the breaker closes. Tell how it ended.
    Probe,
    /// Do not call.
    Refused {
        /// When to ask again, from now; never zero.
        retry_in: Duration,
    },
}

/// The state of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// No call goes through.
    Open,
    /// One call is trying.
    HalfOpen,
}

impl BreakerState {
    /// The state as it is written: `closed`, `open`, `half_open`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A change of state, to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerEvent {
    /// Too many failures in a row, or the probe failed.
    Opened,
    /// The time is over; the caller that was just answered is the probe.
    HalfOpened,
    /// The probe succeeded, or somebody reset the breaker.
    Closed,
}

impl BreakerEvent {
    /// The event as it is written: `circuit_breaker_opened`, `circuit_breaker_half_open`, `circuit_breaker_closed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "circuit_breaker_opened",
            Self::HalfOpened => "circuit_breaker_half_open",
            Self::Closed => "circuit_breaker_closed",
        }
    }
}

/// What a breaker has counted since it was made. Times are of the caller's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BreakerStatistics {
    /// Calls asked for, refused ones included.
    pub total: u64,
    /// Outcomes told as successes.
    pub successful: u64,
    /// Outcomes told as failures.
    pub failed: u64,
    /// Calls refused.
    pub refused: u64,
    /// How often it opened, by a failed probe too.
    pub trips: u64,
    /// Failures since the last success or reset.
    pub consecutive_failures: u32,
    /// When a success was last told.
    pub last_success: Option<Duration>,
    /// When a failure was last told.
    pub last_failure: Option<Duration>,
}

impl CircuitBreaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            phase: Phase::Closed,
            statistics: BreakerStatistics::default(),
        }
    }

    /// Somebody wants to call. The event is [`BreakerEvent::HalfOpened`] if this is the first try after the time is over.
    pub fn permit(&mut self, now: Duration) -> (Permit, Option<BreakerEvent>) {
        self.statistics.total = self.statistics.total.saturating_add(1);
        let (since, event) = match self.phase {
            Phase::Closed => return (Permit::Allowed, None),
            Phase::Open { since } => (since, Some(BreakerEvent::HalfOpened)),
            Phase::HalfOpen { probed_at } => (probed_at, None),
        };
        let retry_in = self.settings.open_for.saturating_sub(now.saturating_sub(since));
        if !retry_in.is_zero() {
            self.statistics.refused = self.statistics.refused.saturating_add(1);
            return (Permit::Refused { retry_in }, None);
        }
        self.phase = Phase::HalfOpen { probed_at: now };
        (Permit::Probe, event)
    }

    /// A call has succeeded.
    pub fn on_success(&mut self, now: Duration) -> Option<BreakerEvent> {
        self.statistics.successful = self.statistics.successful.saturating_add(1);
        self.statistics.last_success = Some(now);
        self.statistics.consecutive_failures = 0;
        match self.phase {
            Phase::Open { .. } => None,
            Phase::Closed | Phase::HalfOpen { .. } => self.reset(),
        }
    }

    /// A call has failed.
    pub fn on_failure(&mut self, now: Duration) -> Option<BreakerEvent> {
        let counts = &mut self.statistics;
        counts.failed = counts.failed.saturating_add(1);
        counts.consecutive_failures = counts.consecutive_failures.saturating_add(1);
        counts.last_failure = Some(now);
        let is_enough = counts.consecutive_failures >= self.settings.failure_threshold.get();
        let opens = match self.phase {
            Phase::Closed => is_enough && self.settings.enabled,
            Phase::Open { .. } => false,
            Phase::HalfOpen { .. } => true,
        };
        if !opens {
            return None;
        }
        self.phase = Phase::Open { since: now };
        self.statistics.trips = self.statistics.trips.saturating_add(1);
        Some(BreakerEvent::Opened)
    }

    /// Closes it by hand and forgets the failures in a row; the totals stay.
    pub fn reset(&mut self) -> Option<BreakerEvent> {
        let was_closed = self.state() == BreakerState::Closed;
        self.phase = Phase::Closed;
        self.statistics.consecutive_failures = 0;
        (!was_closed).then_some(BreakerEvent::Closed)
    }

    /// The state. It is `open` until somebody asks to call after the time is over: only then anything is tried.
    pub fn state(&self) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// What it has counted.
    pub fn statistics(&self) -> BreakerStatistics {
        self.statistics
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn breaker(failure_threshold: u32) -> CircuitBreaker {
        CircuitBreaker::new(BreakerSettings {
            failure_threshold: NonZeroU32::new(failure_threshold).unwrap(),
            ..BreakerSettings::default()
        })
    }

    /// Opened at second 10.
    fn opened() -> CircuitBreaker {
        let mut breaker = breaker(1);
        assert_eq!(breaker.on_failure(at(10)), Some(BreakerEvent::Opened));
        breaker
    }

    #[test]
    fn the_fifth_failure_in_a_row_opens_it_by_default() {
        let mut breaker = CircuitBreaker::new(BreakerSettings::default());
        for second in 1..=4 {
            assert_eq!(breaker.permit(at(second)), (Permit::Allowed, None));
            assert_eq!(breaker.on_failure(at(second)), None);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert_eq!(breaker.on_failure(at(5)), Some(BreakerEvent::Opened));
        assert_eq!(breaker.state(), BreakerState::Open);
        assert_eq!(breaker.permit(at(6)), (Permit::Refused { retry_in: at(59) }, None));
    }

    #[test]
    fn a_success_between_failures_starts_the_count_anew() {
        let mut breaker = breaker(2);
        assert_eq!(breaker.on_failure(at(1)), None);
        assert_eq!(breaker.on_success(at(2)), None);
        assert_eq!(breaker.on_failure(at(3)), None);
        assert_eq!(breaker.on_failure(at(4)), Some(BreakerEvent::Opened));
    }

    #[test]
    fn after_the_time_one_call_tries_and_the_others_wait() {
        let mut breaker = opened();
        let just_before = at(70) - Duration::from_nanos(1);
        let retry_in = Duration::from_nanos(1);
        assert_eq!(breaker.permit(just_before), (Permit::Refused { retry_in }, None));
        assert_eq!(breaker.state(), BreakerState::Open);
        assert_eq!(breaker.permit(at(70)), (Permit::Probe, Some(BreakerEvent::HalfOpened)));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!(breaker.permit(at(71)), (Permit::Refused { retry_in: at(59) }, None));
    }

    #[test]
    fn a_probe_that_succeeds_closes_it() {
        let mut breaker = opened();
        breaker.permit(at(70));
        assert_eq!(breaker.on_success(at(71)), Some(BreakerEvent::Closed));
        assert_eq!(breaker.permit(at(71)), (Permit::Allowed, None));
        assert_eq!(breaker.statistics().consecutive_failures, 0);
    }

    #[test]
    fn one_failed_probe_opens_it_again_for_the_whole_time() {
        let mut breaker = breaker(3);
        for _ in 0..3 {
            breaker.on_failure(at(10));
        }
        breaker.permit(at(70));
        assert_eq!(breaker.on_failure(at(75)), Some(BreakerEvent::Opened));
        assert_eq!(breaker.permit(at(134)), (Permit::Refused { retry_in: at(1) }, None));
        assert_eq!(breaker.permit(at(135)), (Permit::Probe, Some(BreakerEvent::HalfOpened)));
        assert_eq!(breaker.statistics().trips, 2);
    }

    #[test]
    fn a_probe_that_is_never_heard_of_again_does_not_block_for_ever() {
        let mut breaker = opened();
        breaker.permit(at(70));
        assert_eq!(breaker.permit(at(129)), (Permit::Refused { retry_in: at(1) }, None));
        assert_eq!(
            breaker.permit(at(130)),
            (Permit::Probe, None),
            "half-open already, no event"
        );
        assert_eq!(breaker.permit(at(131)), (Permit::Refused { retry_in: at(59) }, None));
    }

    #[test]
    fn outcomes_of_earlier_calls_change_nothing_while_it_is_open() {
        let mut breaker = opened();
        assert_eq!(breaker.on_success(at(20)), None);
        assert_eq!(breaker.statistics().consecutive_failures, 0);
        assert_eq!(breaker.on_failure(at(30)), None);
        assert_eq!(breaker.permit(at(69)), (Permit::Refused { retry_in: at(1) }, None));
        assert_eq!(breaker.statistics().trips, 1);
    }

    #[test]
    fn a_reset_closes_it_and_says_so_only_if_it_was_not_closed() {
        let mut breaker = breaker(2);
        breaker.on_failure(at(1));
        assert_eq!(breaker.reset(), None);
        assert_eq!(breaker.on_failure(at(2)), None, "the first failure is forgotten");
        breaker.on_failure(at(3));
        assert_eq!(breaker.reset(), Some(BreakerEvent::Closed));
        assert_eq!(breaker.permit(at(3)), (Permit::Allowed, None));
    }

    #[test]
    fn one_that_is_switched_off_allows_everything_and_still_counts() {
        let mut breaker = CircuitBreaker::new(BreakerSettings {
            enabled: false,
            ..BreakerSettings::default()
        });
        for second in 0..20 {
            assert_eq!(breaker.permit(at(second)), (Permit::Allowed, None));
            assert_eq!(breaker.on_failure(at(second)), None);
        }
        assert_eq!(breaker.statistics().failed, 20);
        assert_eq!(breaker.statistics().trips, 0);
    }

    #[test]
    fn everything_is_counted() {
        let mut breaker = breaker(2);
        for second in [1, 2] {
            breaker.permit(at(second));
            breaker.on_failure(at(second));
        }
        breaker.permit(at(3));
        breaker.permit(at(62));
        breaker.on_success(at(63));
        breaker.permit(at(64));
        breaker.on_failure(at(65));
        let expected = BreakerStatistics {
            total: 5,
            successful: 1,
            failed: 3,
            refused: 1,
            trips: 1,
            consecutive_failures: 1,
            last_success: Some(at(63)),
            last_failure: Some(at(65)),
        };
        assert_eq!(breaker.statistics(), expected);
    }

    #[test]
    fn states_and_events_have_their_words() {
        assert_eq!(BreakerEvent::Opened.name(), "circuit_breaker_opened");
        assert_eq!(BreakerEvent::HalfOpened.name(), "circuit_breaker_half_open");
        assert_eq!(BreakerEvent::Closed.name(), "circuit_breaker_closed");
        for state in [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen] {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.name()));
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Ask,
        Succeed,
        Fail,
        Reset,
    }

    proptest! {
        #[test]
        fn probes_keep_their_distance_and_each_change_is_told(
            steps in prop::collection::vec((
                0..8_u64,
                prop::sample::select(&[Step::Ask, Step::Ask, Step::Succeed, Step::Fail, Step::Fail, Step::Reset][..]),
            ), 0..200),
        ) {
            let open_for = at(5);
            let mut breaker = CircuitBreaker::new(BreakerSettings { open_for, ..breaker(2).settings });
            let mut now = at(0);
            let mut told = BreakerState::Closed;
            let mut wait_until = at(0);
            for (later, step) in steps {
                now += at(later);
                let event = match step {
                    Step::Ask => {
                        let (permit, event) = breaker.permit(now);
                        match permit {
                            Permit::Allowed => prop_assert_eq!(breaker.state(), BreakerState::Closed),
                            Permit::Probe => {
                                prop_assert!(now >= wait_until);
                                wait_until = now + open_for;
                            }
                            Permit::Refused { retry_in } => prop_assert_eq!(now + retry_in, wait_until),
                        }
                        event
                    }
                    Step::Succeed => breaker.on_success(now),
                    Step::Fail => breaker.on_failure(now),
                    Step::Reset => breaker.reset(),
                };
                if let Some(event) = event {
                    let before = told;
                    told = match event {
                        BreakerEvent::Opened => BreakerState::Open,
                        BreakerEvent::HalfOpened => BreakerState::HalfOpen,
                        BreakerEvent::Closed => BreakerState::Closed,
                    };
                    prop_assert_ne!(before, told);
                    if event == BreakerEvent::Opened {
                        wait_until = now + open_for;
                    }
                }
                prop_assert_eq!(told, breaker.state());
                let counts = breaker.statistics();
                prop_assert!(counts.refused <= counts.total);
            }
        }
    }
}
