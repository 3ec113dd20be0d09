//! How long things last in a book of alerts.

use std::time::Duration;

/// How long things last in a book of alerts. Every value is allowed; nodes that differ keep different books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertSettings {
    /// An alert with the key of one that was last raised no longer ago is a repetition. Default 5 min; zero: never.
    pub dedupe_for: Duration,
    /// An alert that requires it and is not acknowledged for so long goes up a level, and again after as much. Default
    /// 15 min.
    pub escalate_after: Duration,
    /// What needs nobody any more stays for so long. Default 1 h.
    pub keep_for: Duration,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            dedupe_for: Duration::from_secs(5 * 60),
            escalate_after: Duration::from_secs(15 * 60),
            keep_for: Duration::from_secs(60 * 60),
        }
    }
}
