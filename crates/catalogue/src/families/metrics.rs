//! `metrics`: figures.

use crate::define::messages;
use crate::field::Object;
use crate::number::Number;
use crate::word::words;

words! {
    /// Which latency of many.
    Percentile { P50 "p50", P95 "p95", P99 "p99", Max "max", Min "min", Avg "avg" }
    /// What is used.
    ResourceKind { Cpu "cpu", Memory "memory", Disk "disk", Network "network" }
    /// On which side of a threshold it is bad.
    ThresholdKind { Min "min", Max "max" }
    /// How bad a breach is.
    MetricSeverity { Warning "warning", Critical "critical" | "high" }
}

messages! {
    /// A figure.
    PerformanceMetric "performance_metric" in Metrics on "performance" by node {
        required {
            /// Which figure.
            metric_name: String => "persistence_operation",
            /// Its value.
            value: Number => 1000,
            /// What is counted.
            unit: String => "operations",
        }
        default {
            /// What else tells it apart.
            tags: Object = Object::new() => {"stores_count": 2},
        }
        optional {
            /// Whose figure.
            component: String => "persistence",
        }
    }

    /// How much was done in a while.
    ThroughputMetric "throughput_metric" in Metrics on "throughput" by node {
        required {
            /// What was done.
            operation: String => "event_emission",
            /// How often.
            count: u64 => 1250,
            /// In how long, in milliseconds.
            duration_ms: u64 => 1000,
        }
        filled {
            /// How often per second; 0 where no time passed.
            rate_per_sec: f64 = |_, metric| match metric.duration_ms {
                0 => 0.0,
                ms => metric.count as f64 / (ms as f64 / 1000.0),
            } => 1250.0,
        }
    }

    /// How long something took.
    LatencyMetric "latency_metric" in Metrics on "latency" by node {
        required {
            /// What was done.
            operation: String => "write",
            /// How long it took, in milliseconds.
            latency_ms: f64 => 4.2,
            /// Which of many.
            percentile: Percentile => "p99",
            /// Of how many.
            sample_count: u64 => 1000,
        }
    }

    /// How much of a resource is used.
    ResourceUsage "resource_usage" in Metrics on "resource_usage" by node {
        required {
            /// Which resource.
            resource_type: ResourceKind => "memory",
            /// Percent.
            usage_percent: f64 => 45.2,
            /// All there is; bytes for memory and disk.
            total_available: u64 => 17_179_869_184_u64,
            /// What is used, in the same unit.
            current_used: u64 => 7_765_300_871_u64,
        }
    }

    /// A figure has crossed a threshold.
    MetricAlert "metric_alert" in Metrics on "metric_alerts" by node {
        required {
            /// Which figure.
            metric_name: String => "queue_depth",
            /// Its value.
            current_value: Number => 950,
            /// The threshold.
            threshold_value: Number => 900,
            /// Whether it is a least or a most.
            threshold_type: ThresholdKind => "max",
            /// How bad it is.
            severity: MetricSeverity,
        }
    }
}
