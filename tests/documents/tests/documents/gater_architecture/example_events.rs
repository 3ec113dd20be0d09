//! The "Example Event" of each instance: instance, topic, tag, and what it says, with process ids as text.

use bellwether::Instance;
use serde_json::{Value, json};

pub(super) type Example = (Instance, &'static str, &'static str, Value);

const TIME: i64 = 1_672_531_200_000;

pub(super) fn health_monitoring() -> Example {
    let event = json!({
        "store_id": "production_store",
        "subscription_name": "user_projection",
        "event_type": "registration_success",
        "timestamp": TIME,
        "metadata": {
            "proxy_pid": "#PID<0.123.0>",
            "subscriber_pid": "#PID<0.124.0>",
            "registration_time": TIME,
        },
    });
    let topic = "subscription_health:production_store:user_projection";
    (Instance::Health, topic, "subscription_health", event)
}

pub(super) fn performance_metrics() -> Example {
    let event = json!({
        "store_id": "production_store",
        "subscription_name": "user_projection",
        "event_type": "registration_attempt",
        "timestamp": TIME,
        "metadata": {"result": "ok", "source": "subscription_metrics", "processing_time_ms": 45},
    });
    let topic = "subscription_metrics:production_store:user_projection";
    (Instance::Metrics, topic, "subscription_metrics", event)
}

pub(super) fn security_events() -> Example {
    let event = json!({
        "event_type": "authentication_failure",
        "user_id": "suspicious_user",
        "ip_address": "192.0.2.7",
        "timestamp": TIME,
        "reason": "invalid_credentials",
        "metadata": {"attempt_count": 5, "user_agent": "curl/7.68.0"},
    });
    (
        Instance::Security,
        "security_events:authentication",
        "security_event",
        event,
    )
}

pub(super) fn audit_trail() -> Example {
    let event = json!({
        "event_type": "user_action",
        "user_id": "admin_user",
        "action": "delete_subscription",
        "resource": "subscription_123",
        "timestamp": TIME,
        "metadata": {"store_id": "production_store", "ip_address": "192.0.2.8", "session_id": "sess_abc123"},
    });
    (Instance::Audit, "audit_trail:user_actions", "audit_event", event)
}

pub(super) fn critical_alerts() -> Example {
    let event = json!({
        "event_type": "critical_alert",
        "severity": "high",
        "component": "subscription_system",
        "message": "Circuit breaker opened for multiple subscriptions",
        "timestamp": TIME,
        "metadata": {
            "affected_subscriptions": 5,
            "estimated_impact": "50% of real-time projections offline",
            "escalation_required": true,
        },
    });
    (Instance::Alerts, "system_alerts:critical", "critical_alert", event)
}

pub(super) fn process_lifecycle() -> Example {
    let event = json!({
        "event_type": "process_started",
        "process_type": "subscription_proxy",
        "pid": "#PID<0.789.0>",
        "timestamp": TIME,
        "metadata": {
            "store_id": "production_store",
            "subscription_name": "user_projection",
            "supervisor": "#PID<0.456.0>",
            "restart_count": 0,
        },
    });
    (
        Instance::Lifecycle,
        "process_lifecycle:subscription_proxy",
        "lifecycle_event",
        event,
    )
}

/// An event that the document shows none of: of `diagnostics`, as its consumers want it.
pub(super) fn diagnostic_information() -> Example {
    let event = json!({
        "event_type": "performance_trace",
        "component": "event_store",
        "trace_id": "trace_1",
        "timestamp": TIME,
        "metadata": {"operation": "append", "duration_ms": 12},
    });
    (
        Instance::Diagnostics,
        "diagnostics:performance_trace",
        "diagnostic_event",
        event,
    )
}
