//! `diagnostics`: traces, profiles, snapshots.

use bellwether_message::Timestamp;

use crate::define::messages;
use crate::families::security::Severity;
use crate::field::Object;
use crate::word::words;

words! {
    /// What was looked for.
    @open AnalysisKind {
        Bottleneck "bottleneck" | "bottleneck_detection", MemoryLeak "memory_leak", CpuHotspot "cpu_hotspot",
        IoAnalysis "io_analysis",
    }
    /// What a snapshot shows.
    @open SnapshotKind {
        Full "full", Partial "partial", ProcessTree "process_tree", MemoryDump "memory_dump",
        MemoryUsage "memory_usage",
    }
}

messages! {
    /// What one operation did.
    DebugTrace "debug_trace" in Diagnostics on "debug_traces" by node {
        required {
            /// Which part did it.
            component: String => "store",
            /// What it did.
            operation: String => "append",
            /// What was seen.
            trace_data: Object as "data" => {"queue": 3},
        }
        default {
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
        optional {
            /// The calls that led there.
            stack_trace: Vec<String> => ["store.append/2"],
            /// How long it took, in milliseconds.
            duration_ms: u64 => 12,
            /// What kind of trace.
            trace_type: String => "performance",
        }
        filled {
            /// Its id: `trace_` and 16 hexadecimal digits.
            trace_id: String = |stamp, _| stamp.object_id("trace_") => "trace_9f86d081884c7d65",
        }
    }

    /// What a look at performance found.
    PerformanceAnalysis "performance_analysis" in Diagnostics on "performance_analysis" by node {
        required {
            /// Which part was looked at.
            component: String => "store",
            /// What was looked for.
            analysis_type: AnalysisKind,
            /// What was found.
            findings: Object as "results" => {"performance_score": 71},
        }
        default {
            /// What to do.
            recommendations: Vec<String> = Vec::<String>::new() => ["larger batches"],
            /// How bad it is.
            severity: Severity = Severity::Medium => "medium",
        }
        optional {
            /// How long the look took, in milliseconds.
            duration_ms: u64 => 1200,
        }
        filled {
            /// Its id: `analysis_` and 16 hexadecimal digits.
            analysis_id: String = |stamp, _| stamp.object_id("analysis_") => "analysis_9f86d081884c7d65",
        }
    }

    /// How a system stands.
    SystemState "system_state" in Diagnostics on "system_state" by node {
        required {
            /// What it shows.
            snapshot_type: SnapshotKind,
            /// What was seen.
            state_data: Object => {"queues": 4},
            /// Why it was taken.
            trigger_reason: String => "on demand",
        }
        optional {
            /// How many processes there are.
            process_count: u64 => 212,
            /// Bytes (percent elsewhere).
            memory_usage: u64 => 104_857_600,
        }
        filled {
            /// Its id: `snapshot_` and 16 hexadecimal digits.
            snapshot_id: String = |stamp, _| stamp.object_id("snapshot_") => "snapshot_9f86d081884c7d65",
        }
    }

    /// What is known of an error.
    ErrorAnalysis "error_analysis" in Diagnostics on "error_analysis" by node {
        required {
            /// What kind of error.
            error_type: String => "timeout",
            /// Its words.
            error_message: String => "no answer within 5 s",
        }
        default {
            /// The calls that led there.
            stack_trace: Vec<String> = Vec::<String>::new() => ["store.append/2"],
            /// What was going on.
            context: Object = Object::new(),
            /// How often it was seen.
            frequency: u64 = 1_u64,
        }
        filled {
            /// Its id: `error_` and 16 hexadecimal digits.
            error_id: String = |stamp, _| stamp.object_id("error_") => "error_9f86d081884c7d65",
            /// When it was first seen.
            first_seen: Timestamp = |stamp, error| error.timestamp.unwrap_or(stamp.now),
            /// When it was last seen.
            last_seen: Timestamp = |stamp, error| error.timestamp.unwrap_or(stamp.now),
        }
    }
}
