//! A log entry, as far as it is judged and counted.

use crate::log_level::LogLevel;

/// A log entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRecord<'a> {
    /// How grave it is.
    pub level: LogLevel,
    /// Where in the program it arose: names joined by `::` or `.`.
    pub module: &'a str,
    /// What it says.
    pub message: &'a str,
    /// The node that logged it.
    pub node: &'a str,
}
