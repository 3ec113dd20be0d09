//! Whether and how fast events go to one subscription, and those that wait until they may.
//!
//! Never delivers: it says what is next, and when.

mod queue;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::queue::{EmissionQueue, EmissionSettings, Next};

/// Whether and how fast events go to a subscription.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emission {
    /// As they come.
    #[default]
    On,
    /// A few a second.
    Throttled,
    /// None: they wait.
    Paused,
}

impl Emission {
    /// As it is written: `on`, `throttled`, `paused`.
    pub fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Throttled => "throttled",
            Self::Paused => "paused",
        }
    }
}

impl fmt::Display for Emission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_name() {
        for emission in [Emission::On, Emission::Throttled, Emission::Paused] {
            assert_eq!(serde_json::to_string(&emission).unwrap(), format!("\"{emission}\""));
        }
    }
}
