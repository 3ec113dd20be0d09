//! What is told of a subscription.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::breaker::BreakerEvent;
use crate::excerpt::excerpt;

/// Bytes of an unknown word that are kept: the known ones have half of it at most.
const MAX_WORD_BYTES: usize = 64;

macro_rules! health_events {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// What is told of a subscription: one of the words we know, or any other.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum HealthEvent {
            $($(#[doc = $doc])+ $variant,)+
            /// A word that we do not know, or its beginning.
            Other(String),
        }

        impl HealthEvent {
            /// The events that we know.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)+];

            /// The event of exactly this word.
            pub fn from_name(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(excerpt(other, MAX_WORD_BYTES)),
                }
            }

            /// The word.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }
    };
}

health_events! {
    /// The subscription is about to begin.
    RegistrationStarted = "registration_started",
    /// It has begun.
    RegistrationSuccess = "registration_success",
    /// It could not begin. An error.
    RegistrationFailed = "registration_failed",
    /// Its proxy runs.
    ProxyStarted = "proxy_started",
    /// Its proxy has ended.
    ProxyStopped = "proxy_stopped",
    /// Its proxy has died. An error.
    ProxyCrashed = "proxy_crashed",
    /// Too much has failed, nothing is tried for now. An error.
    CircuitBreakerOpened = "circuit_breaker_opened",
    /// One try is on its way. Not a word of the original.
    CircuitBreakerHalfOpen = "circuit_breaker_half_open",
    /// The try was a success.
    CircuitBreakerClosed = "circuit_breaker_closed",
    /// An event has reached the subscriber.
    EventDeliverySuccess = "event_delivery_success",
    /// An event has not reached the subscriber. An error.
    EventDeliveryFailed = "event_delivery_failed",
    /// Its proxy lives.
    PeriodicHeartbeat = "periodic_heartbeat",
}

impl HealthEvent {
    /// Whether it counts as an error. A proxy that has ended is none: somebody may have wanted it.
    pub fn is_error(&self) -> bool {
        matches!(
            self,
            Self::RegistrationFailed | Self::ProxyCrashed | Self::CircuitBreakerOpened | Self::EventDeliveryFailed
        )
    }

    /// The same, and no longer than what is kept of a word.
    pub(super) fn kept(&self) -> Self {
        match self {
            Self::Other(word) => Self::Other(excerpt(word, MAX_WORD_BYTES)),
            known => known.clone(),
        }
    }
}

impl fmt::Display for HealthEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<String> for HealthEvent {
    fn from(word: String) -> Self {
        Self::from_name(&word)
    }
}

impl From<HealthEvent> for String {
    fn from(event: HealthEvent) -> Self {
        event.name().to_owned()
    }
}

impl From<BreakerEvent> for HealthEvent {
    fn from(event: BreakerEvent) -> Self {
        match event {
            BreakerEvent::Opened => Self::CircuitBreakerOpened,
            BreakerEvent::HalfOpened => Self::CircuitBreakerHalfOpen,
            BreakerEvent::Closed => Self::CircuitBreakerClosed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_original_and_are_read_back() {
        let words: Vec<&str> = HealthEvent::KNOWN.iter().map(HealthEvent::name).collect();
        assert_eq!(
            words.join(" "),
            "registration_started registration_success registration_failed proxy_started proxy_stopped proxy_crashed \
             circuit_breaker_opened circuit_breaker_half_open circuit_breaker_closed event_delivery_success \
             event_delivery_failed periodic_heartbeat"
        );
        for event in HealthEvent::KNOWN {
            assert_eq!(HealthEvent::from_name(event.name()), *event);
            assert_eq!(serde_json::to_string(event).unwrap(), format!("\"{event}\""));
        }
    }

    #[test]
    fn words_are_strict_and_unknown_ones_are_kept_as_far_as_there_is_room() {
        for word in ["Proxy_started", "proxy_started ", "", "proxy"] {
            assert_eq!(HealthEvent::from_name(word), HealthEvent::Other(word.to_owned()));
        }
        let long = HealthEvent::from_name(&"x".repeat(1_000_000));
        assert!(long.name().len() <= MAX_WORD_BYTES + '…'.len_utf8());
        let read: HealthEvent = serde_json::from_str("\"gone_fishing\"").unwrap();
        assert_eq!(read.name(), "gone_fishing");
    }

    #[test]
    fn four_events_are_errors() {
        let errors: Vec<&str> = HealthEvent::KNOWN
            .iter()
            .filter(|event| event.is_error())
            .map(HealthEvent::name)
            .collect();
        assert_eq!(
            errors.join(" "),
            "registration_failed proxy_crashed circuit_breaker_opened event_delivery_failed"
        );
    }

    #[test]
    fn what_a_breaker_tells_is_a_health_event_of_the_same_word() {
        for event in [BreakerEvent::Opened, BreakerEvent::HalfOpened, BreakerEvent::Closed] {
            assert_eq!(HealthEvent::from(event).name(), event.name());
        }
    }
}
