//! One subscription: its state, and what led to it.

use std::num::NonZeroU32;
use std::time::Duration;

use bellwether_message::Timestamp;
use serde::{Deserialize, Serialize};

use super::{HealthEvent, HealthState, Observation};
use crate::emission::Emission;
use crate::excerpt::excerpt;

/// Bytes of an error's text that are kept: its first lines.
const MAX_ERROR_BYTES: usize = 512;

/// What is known of one subscription, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRecord {
    /// Its name in its store.
    pub subscription_name: String,
    /// Its state.
    pub current_status: HealthState,
    /// When the last event was told, by the clock of who told it.
    pub last_seen: Timestamp,
    /// Events told.
    pub event_count: u64,
    /// The last of them.
    pub last_event: HealthEvent,
    /// How many of them were errors.
    pub error_count: u64,
    /// The text of the last error, its event's word if it had none; none if there was no error.
    pub last_error: Option<String>,
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Entry {
    /// The number of its last event among all events.
    pub(super) number: u64,
    status: HealthState,
    last: Option<Last>,
    event_count: u64,
    error_count: u64,
    last_error: Option<String>,
    /// Failed deliveries since the last success.
    failed_deliveries: u32,
    is_breaker_open: bool,
    sends_heartbeats: bool,
}

#[derive(Debug)]
struct Last {
    event: HealthEvent,
    at: Timestamp,
    heard_at: Duration,
}

impl Entry {
    /// One of which nothing is known yet.
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            status: HealthState::Unknown,
            last: None,
            event_count: 0,
            error_count: 0,
            last_error: None,
            failed_deliveries: 0,
            is_breaker_open: false,
            sends_heartbeats: false,
        }
    }

    pub(super) fn apply(&mut self, observation: &Observation<'_>, threshold: NonZeroU32, now: Duration) {
        let event = observation.event.kept();
        self.status = self.judge(&event, threshold);
        self.event_count = self.event_count.saturating_add(1);
        if event.is_error() {
            self.error_count = self.error_count.saturating_add(1);
            self.last_error = Some(kept_error(observation.error.unwrap_or(event.name())));
        }
        self.last = Some(Last {
            event,
            at: observation.at,
            heard_at: now,
        });
    }

    /// The rules, as the table of the module says them.
    fn judge(&mut self, event: &HealthEvent, threshold: NonZeroU32) -> HealthState {
        match event {
            HealthEvent::RegistrationStarted => HealthState::Registering,
            HealthEvent::ProxyStarted => {
                self.sends_heartbeats = false;
                self.begin_anew()
            }
            HealthEvent::RegistrationSuccess | HealthEvent::CircuitBreakerClosed => self.begin_anew(),
            HealthEvent::RegistrationFailed | HealthEvent::ProxyStopped | HealthEvent::ProxyCrashed => {
                HealthState::Failed
            }
            HealthEvent::CircuitBreakerOpened | HealthEvent::CircuitBreakerHalfOpen => {
                self.is_breaker_open = true;
                HealthState::Degraded
            }
            HealthEvent::EventDeliverySuccess => {
                self.failed_deliveries = 0;
                self.at_best(threshold)
            }
            HealthEvent::EventDeliveryFailed => {
                self.failed_deliveries = self.failed_deliveries.saturating_add(1);
                let has_failed = self.status == HealthState::Failed || self.failed_deliveries >= threshold.get();
                if has_failed {
                    HealthState::Failed
                } else {
                    HealthState::Degraded
                }
            }
            HealthEvent::PeriodicHeartbeat => {
                self.sends_heartbeats = true;
                self.at_best(threshold)
            }
            HealthEvent::Other(_) => HealthState::Unknown,
        }
    }

    fn begin_anew(&mut self) -> HealthState {
        self.failed_deliveries = 0;
        self.is_breaker_open = false;
        HealthState::Healthy
    }

    /// What good news make of it.
    fn at_best(&self, threshold: NonZeroU32) -> HealthState {
        if self.is_breaker_open || self.failed_deliveries >= threshold.get() {
            HealthState::Degraded
        } else {
            HealthState::Healthy
        }
    }

    /// Makes it unknown if it is silent for `limit` and should not be. Returns the state before. One that has failed
    /// stays so: it has a reason to be silent.
    pub(super) fn fall_silent(&mut self, limit: Duration, now: Duration) -> Option<HealthState> {
        let is_settled = matches!(self.status, HealthState::Failed | HealthState::Unknown);
        if is_settled || !self.sends_heartbeats || self.silent_for(now) < limit {
            return None;
        }
        Some(std::mem::replace(&mut self.status, HealthState::Unknown))
    }

    pub(super) fn silent_for(&self, now: Duration) -> Duration {
        let heard_at = self.last.as_ref().map_or(Duration::ZERO, |last| last.heard_at);
        now.saturating_sub(heard_at)
    }

    pub(super) fn status(&self) -> HealthState {
        self.status
    }

    pub(super) fn last_event(&self) -> Option<&HealthEvent> {
        self.last.as_ref().map(|last| &last.event)
    }

    pub(super) fn emission(&self) -> Emission {
        self.status.emission(self.is_breaker_open)
    }

    /// As it is shown; none before the first event.
    pub(super) fn record(&self, name: &str) -> Option<SubscriptionRecord> {
        let last = self.last.as_ref()?;
        Some(SubscriptionRecord {
            subscription_name: name.to_owned(),
            current_status: self.status,
            last_seen: last.at,
            event_count: self.event_count,
            last_event: last.event.clone(),
            error_count: self.error_count,
            last_error: self.last_error.clone(),
        })
    }
}

/// What is kept of an error's text.
pub(super) fn kept_error(text: &str) -> String {
    excerpt(text, MAX_ERROR_BYTES)
}
