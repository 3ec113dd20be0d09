//! How grave a log entry is.

use serde::{Deserialize, Serialize};

/// The five levels, the lightest first; the order is that of the gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For who looks for a fault.
    Debug,
    /// What happens as it should.
    Info,
    /// Something to look at; `warning` is read too.
    #[serde(alias = "warning")]
    Warn,
    /// Something has failed.
    Error,
    /// More than one thing will fail.
    Critical,
}

impl LogLevel {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Critical];

    /// The level as it is written: `debug`, `info`, `warn`, `error`, `critical`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The level of this name; `warning` is `warn`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "warning" => Some(Self::Warn),
            name => Self::ALL.into_iter().find(|level| level.name() == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_are_those_of_json() {
        for level in LogLevel::ALL {
            assert_eq!(LogLevel::from_name(level.name()), Some(level));
            assert_eq!(serde_json::to_string(&level).unwrap(), format!("\"{}\"", level.name()));
        }
        assert_eq!(LogLevel::from_name("warning"), Some(LogLevel::Warn));
        assert_eq!(serde_json::from_str::<LogLevel>("\"warning\"").unwrap(), LogLevel::Warn);
        assert_eq!(LogLevel::from_name("WARN"), None);
    }

    #[test]
    fn the_order_is_that_of_the_gravity() {
        assert!(LogLevel::ALL.is_sorted_by(|lighter, graver| lighter < graver));
    }
}
