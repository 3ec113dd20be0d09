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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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

    /// Somebody wants to call. The event is [`BreakerEvent::HalfOpened`] if this is the first try after the time is
    /// over.
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
mod tests;
