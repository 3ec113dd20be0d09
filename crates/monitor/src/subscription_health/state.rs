//! The state of a subscription.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::emission::Emission;

/// How a subscription is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It delivers, as far as is known.
    Healthy,
    /// Deliveries fail now and then, or its breaker is open.
    Degraded,
    /// It does not deliver.
    Failed,
    /// It is about to begin.
    Registering,
    /// Nothing is known: it has not been heard of, has fallen silent, or said a word that we do not know.
    #[default]
    Unknown,
}

impl HealthState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Healthy,
        Self::Degraded,
        Self::Failed,
        Self::Registering,
        Self::Unknown,
    ];

    /// The state as it is written: `healthy`, `degraded`, `failed`, `registering`, `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Registering => "registering",
            Self::Unknown => "unknown",
        }
    }
}

impl HealthState {
    /// How events go to a subscription in this state: none to a failed one, nor to one whose breaker is open; a few to
    /// a degraded one; all of them to any other.
    pub fn emission(self, is_breaker_open: bool) -> Emission {
        match self {
            _ if is_breaker_open => Emission::Paused,
            Self::Failed => Emission::Paused,
            Self::Degraded => Emission::Throttled,
            Self::Healthy | Self::Registering | Self::Unknown => Emission::On,
        }
    }
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_ones_wait_degraded_ones_get_little_and_all_others_everything() {
        let emissions = HealthState::ALL.map(|state| (state.name(), state.emission(false).name()));
        let expected = [
            ("healthy", "on"),
            ("degraded", "throttled"),
            ("failed", "paused"),
            ("registering", "on"),
            ("unknown", "on"),
        ];
        assert_eq!(emissions, expected);
    }

    #[test]
    fn an_open_breaker_pauses_whatever_the_state() {
        for state in HealthState::ALL {
            assert_eq!(state.emission(true), Emission::Paused);
        }
    }

    #[test]
    fn json_is_the_name() {
        for state in HealthState::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
        }
    }
}
