//! What was logged in a period: counts, the most frequent errors, who logged.

mod error_table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_message::MAX_NODE_ID_BYTES;
use serde::Serialize;

use self::error_table::ErrorTable;
use crate::excerpt::excerpt;
use crate::log_level::LogLevel;
use crate::log_record::LogRecord;

pub use self::error_table::TopError;

/// Nodes named in a summary: as many as a mesh has members. Further ones are counted in everything, and not named.
pub const MAX_NODES: usize = 256;
/// Most frequent errors in a summary: more than anybody reads.
pub const MAX_TOP_ERRORS: usize = 10;
/// A shorter period counts as so long, so that a single error does not make a rate of thousands.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);

/// Counts log entries until the period is closed.
#[derive(Debug)]
pub struct LogTally {
    since: Duration,
    counts: BTreeMap<LogLevel, u64>,
    errors: ErrorTable,
    nodes: BTreeSet<String>,
}

/// What was logged in a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogTotals {
    /// How long it was; not in JSON, where the period has a name.
    #[serde(skip)]
    pub period: Duration,
    /// Entries by level; each level is there.
    pub log_counts: BTreeMap<LogLevel, u64>,
    /// Entries of all levels.
    pub total_logs: u64,
    /// The most frequent entries of level error or critical, the most frequent first; at most [`MAX_TOP_ERRORS`].
    pub top_errors: Vec<TopError>,
    /// Entries of level error or critical per minute.
    pub error_rate: f64,
    /// The nodes that logged, in order; at most [`MAX_NODES`].
    pub nodes_reporting: Vec<String>,
}

impl LogTally {
    /// Nothing counted yet; the period begins.
    pub fn new(now: Duration) -> Self {
        Self {
            since: now,
            counts: BTreeMap::new(),
            errors: ErrorTable::default(),
            nodes: BTreeSet::new(),
        }
    }

    /// Counts an entry.
    pub fn record(&mut self, record: &LogRecord<'_>) {
        let count = self.counts.entry(record.level).or_default();
        *count = count.saturating_add(1);
        if is_error(record.level) {
            self.errors.count(record);
        }
        if self.nodes.len() < MAX_NODES && !self.nodes.contains(record.node) {
            self.nodes.insert(excerpt(record.node, MAX_NODE_ID_BYTES));
        }
    }

    /// Ends the period and begins the next. None if nothing was logged.
    pub fn close(&mut self, now: Duration) -> Option<LogTotals> {
        let closed = std::mem::replace(self, Self::new(now));
        if closed.counts.is_empty() {
            return None;
        }
        let period = now.saturating_sub(closed.since);
        let levels = LogLevel::ALL.map(|level| (level, closed.counts.get(&level).copied().unwrap_or(0)));
        let sum = |wanted: fn(LogLevel) -> bool| {
            let counts = levels.iter().filter(|(level, _)| wanted(*level));
            counts.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count))
        };
        Some(LogTotals {
            period,
            total_logs: sum(|_| true),
            error_rate: per_minute(sum(is_error), period),
            log_counts: levels.into(),
            top_errors: closed.errors.into_top(MAX_TOP_ERRORS),
            nodes_reporting: closed.nodes.into_iter().collect(),
        })
    }
}

fn is_error(level: LogLevel) -> bool {
    level >= LogLevel::Error
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn per_minute(count: u64, period: Duration) -> f64 {
    count as f64 * 60.0 / period.max(SHORTEST_PERIOD).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(level: LogLevel, node: &str) -> LogRecord<'_> {
        LogRecord {
            level,
            module: "mesh",
            message: "the peer is gone",
            node,
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_period_is_counted_and_the_next_begins_at_nothing() {
        let mut tally = LogTally::new(at(10));
        for (level, node) in [
            (LogLevel::Info, "b"),
            (LogLevel::Info, "a"),
            (LogLevel::Warn, "a"),
            (LogLevel::Error, "b"),
            (LogLevel::Critical, "b"),
            (LogLevel::Critical, "b"),
        ] {
            tally.record(&entry(level, node));
        }
        let totals = tally.close(at(130)).unwrap();
        assert_eq!(totals.period, at(120));
        let expected = json!({
            "log_counts": {"debug": 0, "info": 2, "warn": 1, "error": 1, "critical": 2},
            "total_logs": 6,
            "top_errors": [
                {"level": "critical", "module": "mesh", "message": "the peer is gone", "count": 3, "overcount": 0}
            ],
            "error_rate": 1.5,
            "nodes_reporting": ["a", "b"],
        });
        assert_eq!(serde_json::to_value(&totals).unwrap(), expected);
        tally.record(&entry(LogLevel::Debug, "c"));
        let next = tally.close(at(190)).unwrap();
        assert_eq!((next.period, next.total_logs, next.error_rate), (at(60), 1, 0.0));
        assert_eq!(next.nodes_reporting, ["c"]);
        assert!(next.top_errors.is_empty());
    }

    #[test]
    fn a_period_without_entries_gives_nothing_and_ends_all_the_same() {
        let mut tally = LogTally::new(at(0));
        assert_eq!(tally.close(at(60)), None);
        tally.record(&entry(LogLevel::Error, "a"));
        assert_eq!(tally.close(at(90)).unwrap().period, at(30));
        assert_eq!(tally.close(at(120)), None);
    }

    #[test]
    fn a_very_short_period_has_no_wild_rate() {
        let mut tally = LogTally::new(at(5));
        tally.record(&entry(LogLevel::Error, "a"));
        assert_eq!(tally.close(at(5)).unwrap().error_rate, 60.0);
    }

    #[test]
    fn only_so_many_nodes_are_named_but_all_are_counted() {
        let mut tally = LogTally::new(at(0));
        for number in 0..MAX_NODES + 10 {
            tally.record(&entry(LogLevel::Info, &number.to_string()));
        }
        tally.record(&entry(LogLevel::Info, &"x".repeat(10_000)));
        let totals = tally.close(at(60)).unwrap();
        assert_eq!(totals.nodes_reporting.len(), MAX_NODES);
        assert_eq!(totals.total_logs, 267);
    }
}
