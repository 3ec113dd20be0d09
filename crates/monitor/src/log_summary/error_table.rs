//! The most frequent errors, found in little memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::excerpt::excerpt;
use crate::log_level::LogLevel;
use crate::log_record::LogRecord;

/// Errors told apart at a time, at most some 100 KiB. When there is no room for a new one, it takes the place and the
/// count of the least frequent, so that one that comes often is found however late it begins: each that is more than a
/// 256th of all errors is in the table at the end. Counts may be too high by what was taken over, never too low.
const MAX_TRACKED: usize = 256;
/// Bytes of a module's name by which errors are told apart.
const MAX_MODULE_BYTES: usize = 128;
/// Bytes of a message by which errors are told apart: what differs is mostly at the end.
const MAX_MESSAGE_BYTES: usize = 200;

/// Errors of one period, by module and beginning of the message.
#[derive(Debug, Default)]
pub(super) struct ErrorTable {
    tracked: BTreeMap<(String, String), Tracked>,
}

#[derive(Debug)]
struct Tracked {
    level: LogLevel,
    count: u64,
    overcount: u64,
}

/// A frequent error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopError {
    /// The gravest level at which it was logged.
    pub level: LogLevel,
    /// Where it arose.
    pub module: String,
    /// The beginning of what it says.
    pub message: String,
    /// How often it came, at most.
    pub count: u64,
    /// By how much the count may be too high: zero unless very many different errors were logged.
    pub overcount: u64,
}

impl ErrorTable {
    pub(super) fn count(&mut self, record: &LogRecord<'_>) {
        let key = (
            excerpt(record.module, MAX_MODULE_BYTES),
            excerpt(record.message, MAX_MESSAGE_BYTES),
        );
        if let Some(known) = self.tracked.get_mut(&key) {
            known.count = known.count.saturating_add(1);
            known.level = known.level.max(record.level);
            return;
        }
        let overcount = if self.tracked.len() >= MAX_TRACKED {
            self.drop_rarest()
        } else {
            0
        };
        let tracked = Tracked {
            level: record.level,
            count: overcount.saturating_add(1),
            overcount,
        };
        self.tracked.insert(key, tracked);
    }

    /// The most frequent, the most frequent first; equal ones by module and message.
    pub(super) fn into_top(self, most: usize) -> Vec<TopError> {
        let top_error = |((module, message), tracked): (_, Tracked)| TopError {
            level: tracked.level,
            module,
            message,
            count: tracked.count,
            overcount: tracked.overcount,
        };
        let mut top: Vec<TopError> = self.tracked.into_iter().map(top_error).collect();
        top.sort_by_key(|error| Reverse(error.count));
        top.truncate(most);
        top
    }

    /// Makes room; returns how often the one that went was counted.
    fn drop_rarest(&mut self) -> u64 {
        let rarest = self.tracked.iter().min_by_key(|(_, tracked)| tracked.count);
        let Some(key) = rarest.map(|(key, _)| key.clone()) else {
            return 0;
        };
        self.tracked.remove(&key).map_or(0, |tracked| tracked.count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn count(table: &mut ErrorTable, level: LogLevel, module: &str, message: &str) {
        table.count(&LogRecord {
            level,
            module,
            message,
            node: "a",
        });
    }

    fn named(top: &[TopError]) -> Vec<(&str, &str, u64)> {
        top.iter()
            .map(|error| (&*error.module, &*error.message, error.count))
            .collect()
    }

    #[test]
    fn errors_are_told_apart_by_module_and_message_the_most_frequent_first() {
        let mut table = ErrorTable::default();
        for (module, message) in [("a", "x"), ("b", "x"), ("b", "y"), ("b", "x"), ("a", "w")] {
            count(&mut table, LogLevel::Error, module, message);
        }
        let top = table.into_top(3);
        assert_eq!(named(&top), [("b", "x", 2), ("a", "w", 1), ("a", "x", 1)]);
    }

    #[test]
    fn the_gravest_level_is_told() {
        let mut table = ErrorTable::default();
        for level in [LogLevel::Error, LogLevel::Critical, LogLevel::Error] {
            count(&mut table, level, "a", "x");
        }
        assert_eq!(table.into_top(1)[0].level, LogLevel::Critical);
    }

    #[test]
    fn long_messages_are_one_error_if_they_begin_alike() {
        let mut table = ErrorTable::default();
        let long = "x".repeat(MAX_MESSAGE_BYTES);
        count(&mut table, LogLevel::Error, "a", &format!("{long}1"));
        count(&mut table, LogLevel::Error, "a", &format!("{long}2"));
        let top = table.into_top(10);
        assert_eq!(named(&top), [("a", format!("{long}…").as_str(), 2)]);
    }

    #[test]
    fn one_that_comes_often_is_found_however_late_it_begins() {
        let mut table = ErrorTable::default();
        for number in 0..10_000 {
            count(&mut table, LogLevel::Error, "noise", &number.to_string());
        }
        for number in 0..100 {
            count(&mut table, LogLevel::Error, "mesh", "late and often");
            count(&mut table, LogLevel::Error, "noise", &format!("more {number}"));
        }
        assert_eq!(table.tracked.len(), MAX_TRACKED);
        let top = table.into_top(1);
        assert_eq!(top[0].message, "late and often");
        assert!(top[0].count >= 100 && top[0].count - top[0].overcount <= 100);
    }

    proptest! {
        #[test]
        fn counts_are_never_too_low_and_too_high_by_what_is_said(
            numbers in prop::collection::vec((0..400_u32).prop_map(|number| number * number / 400), 0..2000),
        ) {
            let mut table = ErrorTable::default();
            let mut counts: HashMap<String, u64> = HashMap::new();
            for number in &numbers {
                let message = number.to_string();
                count(&mut table, LogLevel::Error, "a", &message);
                *counts.entry(message).or_default() += 1;
            }
            let all = table.into_top(MAX_TRACKED);
            let sum: u64 = all.iter().map(|error| error.count).sum();
            prop_assert_eq!(sum, u64::try_from(numbers.len()).unwrap());
            for error in &all {
                let exact = counts[&error.message];
                prop_assert!(error.count >= exact && error.count - error.overcount <= exact);
                prop_assert!(counts.len() > MAX_TRACKED || error.overcount == 0);
            }
            for (message, exact) in counts {
                let is_frequent = exact * 256 > u64::try_from(numbers.len()).unwrap();
                prop_assert!(!is_frequent || all.iter().any(|error| error.message == message));
            }
        }
    }
}
