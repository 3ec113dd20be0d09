//! Messages of the original that belong to no family: its publishers make them up by themselves.

use crate::define::messages;
use crate::families::alerts::AlertSeverity;
use crate::field::Object;
use crate::node_name::NodeName;
use crate::number::Number;
use crate::word::words;

words! {
    /// What became of a subscription of a store.
    @open SubscriptionEvent {
        RegistrationStarted "registration_started", RegistrationSuccess "registration_success",
        RegistrationFailed "registration_failed", ProxyStarted "proxy_started", ProxyStopped "proxy_stopped",
        ProxyCrashed "proxy_crashed", CircuitBreakerOpened "circuit_breaker_opened",
        CircuitBreakerClosed "circuit_breaker_closed", EventDeliverySuccess "event_delivery_success",
        EventDeliveryFailed "event_delivery_failed", PeriodicHeartbeat "periodic_heartbeat",
    }
}

messages! {
    /// Something happened to a subscription of a store.
    SubscriptionHealth "subscription_health" in Health on "subscription_health:{store_id}:{subscription_name}" raw "S2, S4" {
        required {
            /// Whose subscription.
            store_id: String => "production_store",
            /// Which subscription.
            subscription_name: String => "user_projection",
            /// What happened.
            event_type: SubscriptionEvent => "registration_success",
        }
        default {
            /// Whatever else there is to say.
            metadata: Object = Object::new() => {"proxy_pid": "<0.123.0>"},
        }
    }

    /// How the subscriptions of a store stand.
    HealthSummary "health_summary" in Health on "health_summary:{store_id}" raw "S2" {
        required {
            /// Which store.
            store_id: String as "store" => "my_store",
            /// How many there are.
            total_subscriptions: u64 => 7,
        }
        default {
            /// How many are well.
            healthy: u64 as "healthy_subscriptions" = 0_u64 => 5,
            /// How many have trouble.
            degraded: u64 = 0_u64,
            /// How many are out of order.
            failed: u64 as "unhealthy_subscriptions" = 0_u64,
            /// How many are about to begin.
            registering: u64 = 0_u64,
            /// How many nothing is known of.
            unknown: u64 = 0_u64,
        }
    }

    /// A figure of a subscription.
    SubscriptionMetrics "subscription_metrics" in Metrics on "subscription_metrics:{store_id}:{subscription_name}" raw "S4" {
        required {
            /// Whose subscription.
            store_id: String => "production_store",
            /// Which subscription.
            subscription_name: String => "user_projection",
            /// What was measured.
            event_type: String => "registration_attempt",
        }
        default {
            /// The figures.
            metadata: Object = Object::new() => {"result": "ok", "processing_time_ms": 45},
        }
    }

    /// A figure of a store.
    StoreMetrics "store_metrics" in System on "store_metrics:{store_id}" raw "S2" {
        required {
            /// Which store.
            store_id: String => "my_store",
            /// Which figure.
            metric_name: String => "events_per_second",
            /// Its value.
            value: Number => 1250,
        }
    }

    /// The figures of a store.
    MetricsSummary "metrics_summary" in System on "metrics_summary:{store}" raw "S2" {
        required {
            /// Which store.
            store: String as "store_id" => "my_store",
        }
        default {
            /// Events per second.
            events_per_second: Number = 0 => 1250,
            /// Events since it was opened.
            total_events: u64 = 0_u64 => 50_000,
            /// Subscriptions at work.
            active_subscriptions: u64 = 0_u64 => 12,
        }
    }

    /// What a part of a store says of itself.
    LogEvent "log_event" in Logging on "logging:{component}:{store_id}" raw "source" {
        required {
            /// Which part.
            component: String => "emitter_worker",
            /// What it says: `startup`, `shutdown`, `action`, `health`, `error`.
            event_type: String => "startup",
        }
        default {
            /// Its words.
            message: String = "",
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
        optional {
            /// Which store.
            store_id: String => "my_store",
            /// Which process.
            pid: String => "<0.511.0>",
        }
    }

    /// The figures of a package.
    MetricsUpdate "metrics_update" in Metrics on "gater:metrics" by node raw "source" {
        required {
            /// The figures.
            metrics: Object => {"api_calls": 12},
        }
        default {
            /// What kind of message.
            r#type: String = "metrics_update",
            /// Which package.
            package: String = "ex_esdb_gater",
        }
    }

    /// Something took too long, or failed.
    PerformanceAlert "performance_alert" in Metrics on "gater:alerts" by node raw "source" {
        required {
            /// What.
            alert: String => "slow_api_call",
        }
        default {
            /// What kind of message.
            r#type: String = "performance_alert",
            /// Which package.
            package: String = "ex_esdb_gater",
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
        optional {
            /// How long it took, in microseconds.
            duration_us: u64 => 5_200_000,
        }
    }

    /// A worker was given to somebody, or none was there.
    WorkerEvent "worker_event" in Metrics on "gater:workers" by node raw "source" {
        required {
            /// `worker_assigned` or `worker_unavailable`.
            event: String => "worker_assigned",
        }
        default {
            /// What kind of message.
            r#type: String = "worker_event",
            /// Which package.
            package: String = "ex_esdb_gater",
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
    }

    /// A node came or went, as a package has seen it.
    ClusterEvent "cluster_event" in Metrics on "gater:cluster" by node raw "source" {
        required {
            /// `node_up`, `node_down`, `node_join` or `node_leave`.
            event: String => "node_up",
        }
        default {
            /// What kind of message.
            r#type: String = "cluster_event",
            /// Which package.
            package: String = "ex_esdb_gater",
            /// Whatever else there is to say.
            metadata: Object = Object::new(),
        }
    }

    /// Who is connected, as a node has seen it.
    ClusterStateChanged "cluster_state_changed" in Lifecycle on "cluster:topology" raw "source" {
        required {
            /// `nodeup` or `nodedown`.
            event: String => "nodeup",
            /// Which node.
            node: NodeName,
        }
        default {
            /// Whether a store runs there.
            is_ex_esdb: bool = false,
            /// Who is connected.
            connected_nodes: Vec<NodeName> = Vec::<NodeName>::new() => ["node1", "node2"],
        }
        filled {
            /// How many, without the node that says so.
            total_nodes: u64 = |_, change| change.connected_nodes.len() as u64 => 2,
        }
    }

    /// Something about security.
    SecurityEvent "security_event" in Security on "security_events:authentication" raw "S4" {
        required {
            /// What happened.
            event_type: String => "authentication_failure",
        }
        default {
            /// Whatever else there is to say.
            metadata: Object = Object::new() => {"attempt_count": 5, "user_agent": "curl/7.68.0"},
        }
        optional {
            /// Who.
            user_id: String => "suspicious_user",
            /// From where.
            ip_address: String as "source_ip" => "192.0.2.7",
            /// Why.
            reason: String => "invalid_credentials",
        }
    }

    /// Somebody did something.
    AuditEvent "audit_event" in Audit on "audit_trail:user_actions" raw "S4" {
        required {
            /// What kind of thing.
            event_type: String => "user_action",
            /// Who.
            user_id: String => "admin_user",
            /// What he did.
            action: String => "delete_subscription",
            /// To what.
            resource: String as "resource_id" => "subscription_123",
        }
        default {
            /// Whatever else there is to say.
            metadata: Object = Object::new() => {"store_id": "production_store", "session_id": "sess_abc123"},
        }
    }

    /// Something needs somebody to act.
    CriticalAlert "critical_alert" in Alerts on "system_alerts:critical" raw "S4" {
        required {
            /// How bad it is.
            severity: AlertSeverity => "critical",
            /// Which part it is about.
            component: String => "subscription_system",
            /// In words.
            message: String => "Circuit breaker opened for multiple subscriptions",
        }
        default {
            /// What kind of message.
            event_type: String = "critical_alert",
            /// Whatever else there is to say.
            metadata: Object = Object::new() => {"affected_subscriptions": 5, "escalation_required": true},
        }
    }

    /// A process starts or stops.
    LifecycleEvent "lifecycle_event" in Lifecycle on "process_lifecycle:{process_type}" raw "S4" {
        required {
            /// What happened.
            event_type: String => "process_started",
            /// What kind of process.
            process_type: String => "subscription_proxy",
        }
        default {
            /// Whatever else there is to say.
            metadata: Object = Object::new() => {"store_id": "production_store", "restart_count": 0},
        }
        optional {
            /// Which process.
            pid: String => "<0.789.0>",
        }
    }

    /// Something to find an error by.
    DiagnosticEvent "diagnostic_event" in Diagnostics on "diagnostics:performance_trace" raw "S4" {
        required {
            /// What was seen.
            event_type: String => "performance_trace",
            /// Where.
            component: String => "event_store",
        }
        default {
            /// Whatever else there is to say.
            metadata: Object = Object::new() => {"operation": "append", "duration_ms": 12},
        }
        filled {
            /// Its id: `trace_` and 16 hexadecimal digits.
            trace_id: String = |stamp, _| stamp.object_id("trace_") => "trace_9f86d081884c7d65",
        }
    }
}
