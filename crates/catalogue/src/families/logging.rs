//! `logging`: log records, and what is made of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::define::messages;
use crate::field::Object;
use crate::node_name::NodeName;
use crate::word::words;

words! {
    /// How important a record is.
    LogLevel { Debug "debug", Info "info", Warn "warn" | "warning", Error "error", Critical "critical" }
    /// What a filter looks at.
    LogFilterKind { Level "level", Module "module", Pattern "pattern", Node "node" }
    /// What a filter does with what it finds.
    LogFilterAction { Include "include", Exclude "exclude", RateLimit "rate_limit" }
}

messages! {
    /// A log record.
    LogEntry "log_entry" in Logging on "application_logs" by node {
        required {
            /// How important it is.
            level: LogLevel => "info",
            /// Its words.
            message: String => "store opened",
            /// What wrote it.
            module: String => "store",
        }
        default {
            /// Which process wrote it.
            pid: String = std::process::id().to_string() => "4711",
            /// Its fields.
            metadata: Object = Object::new() => {"store_id": "main"},
        }
        optional {
            /// In which function.
            function: String => "open",
            /// On which line.
            line: u64 => 42,
        }
        filled {
            /// Its id: `log_` and 16 hexadecimal digits.
            log_id: String = |stamp, _| stamp.object_id("log_") => "log_9f86d081884c7d65",
        }
    }

    /// What was logged in a while.
    LogSummary "log_summary" in Logging on "log_summary" {
        required {
            /// In which while.
            time_period: String => "last_hour",
            /// How many records of each level.
            log_counts: BTreeMap<String, u64> => {"info": 120, "error": 2},
        }
        default {
            /// The most frequent errors.
            top_errors: Vec<Object> = Vec::<Object>::new() => [{"message": "timeout", "count": 2}],
            /// Errors per minute.
            error_rate: f64 = 0.0 => 0.03,
        }
        filled {
            /// Its id: `summary_` and 16 hexadecimal digits.
            summary_id: String = |stamp, _| stamp.object_id("summary_") => "summary_9f86d081884c7d65",
            /// Whose records.
            nodes_reporting: Vec<NodeName> = |stamp, _| vec![stamp.node.clone()],
            /// How many in all.
            total_logs: u64 = |_, summary| {
                summary.log_counts.values().fold(0_u64, |sum, count| sum.saturating_add(*count))
            } => 122,
        }
    }

    /// A log filter was set.
    LogFilter "log_filter_updated" in Logging on "log_filters" {
        required {
            /// What it looks at.
            filter_type: LogFilterKind,
            /// What it looks for.
            filter_value: Value => "warn",
            /// What it does with it.
            action: LogFilterAction,
        }
        default {
            /// Whether it is in force.
            enabled: bool = true,
            /// Who set it.
            created_by: String = "system",
            /// Whatever else there is to say; `per_second` of a `rate_limit`.
            metadata: Object = Object::new(),
        }
        filled {
            /// Its id: `filter_` and 16 hexadecimal digits.
            filter_id: String = |stamp, _| stamp.object_id("filter_") => "filter_9f86d081884c7d65",
        }
    }

    /// A log file was replaced by another.
    LogRotation "log_rotation" in Logging on "log_rotations" by node {
        required {
            /// Which log.
            log_type: String => "application",
            /// The file that was closed.
            old_file: String => "app.log.1",
            /// The file that was opened.
            new_file: String => "app.log",
        }
        optional {
            /// Bytes of the closed file.
            file_size: u64 => 10_485_760,
            /// Its records.
            entries_count: u64 => 81_920,
        }
        filled {
            /// Its id: `rotation_` and 16 hexadecimal digits.
            rotation_id: String = |stamp, _| stamp.object_id("rotation_") => "rotation_9f86d081884c7d65",
        }
    }
}
