//! The lines of single messages.

use serde_json::{Value, json};

use super::*;

#[test]
fn health_events_are_told_with_what_they_change() {
    let mut classic = Classic::new(|| Screen::PIPE);
    let mut told = |event_type: &str, metadata: Value| {
        let payload = json!({
            "store_id": "main", "subscription_name": "orders", "event_type": event_type, "metadata": metadata,
        });
        let json = message("health", "store_health:main", "subscription_health", &payload);
        classic.render(&json).unwrap()
    };
    assert_eq!(
        told("registration_started", json!({})),
        "[a] [EMITTER] 📡 HEALTH EVENT: orders -> registration_started (-)"
    );
    assert_eq!(
        told("registration_success", json!({"registration_time": 12, "proxy": "p"})),
        "[a] [EMITTER] 📡 HEALTH EVENT: orders -> registration_success (proxy=p, registration_time=12)\n\
         [a] [EMITTER] 🏥 HEALTH IMPACT: orders is HEALTHY (registration_success)"
    );
    assert_eq!(
        told("event_delivery_success", json!(null)),
        "[a] [EMITTER] 📡 HEALTH EVENT: orders -> event_delivery_success (-)"
    );
    assert_eq!(
        told("proxy_crashed", json!("oops")),
        "[a] [EMITTER] 📡 HEALTH EVENT: orders -> proxy_crashed (oops)\n\
         [a] [EMITTER] 🏥 HEALTH IMPACT: orders is UNHEALTHY (proxy_crashed)"
    );
}

#[test]
fn a_health_event_may_leave_its_name_to_the_topic() {
    let payload = json!({"event_type": "periodic_heartbeat", "pid": "#PID<0.5.0>"});
    assert_eq!(
        on_pipe(
            "health",
            "subscription_health:main:orders",
            "subscription_health",
            &payload
        ),
        "[#PID<0.5.0>] [EMITTER] 📡 HEALTH EVENT: orders -> periodic_heartbeat (-)"
    );
}

#[test]
fn health_summaries_are_understood_in_both_spellings() {
    let line = "[a] [EMITTER] 📈 HEALTH SUMMARY: Store main - 5/7 healthy subscriptions";
    for payload in [
        json!({"store_id": "main", "total_subscriptions": 7, "healthy": 5, "degraded": 1, "failed": 1}),
        json!({"store": "main", "healthy_subscriptions": 5, "unhealthy_subscriptions": 2}),
        json!({"store_id": "main", "healthy": 5, "degraded": 1, "failed": 1, "registering": 0, "unknown": 0}),
        json!({"healthy": 5, "total_subscriptions": 7}),
    ] {
        assert_eq!(
            on_pipe("health", "health_summary:main", "health_summary", &payload),
            line,
            "{payload}"
        );
    }
    assert_eq!(
        on_pipe(
            "health",
            "health_summary:main",
            "health_summary",
            &json!({"healthy": "many"})
        ),
        "[a] [EMITTER] 📈 HEALTH SUMMARY: Store main - many/- healthy subscriptions"
    );
}

#[test]
fn metrics_are_told_one_by_one_and_in_sum() {
    let payload = json!({
        "store_id": "my_store", "metric_name": "events_per_second", "value": 1250, "timestamp": "2025-07-27T11:30:00Z",
    });
    assert_eq!(
        on_pipe("system", "store_metrics:my_store", "store_metrics", &payload),
        "[a] [EMITTER] 📈 METRICS EVENT: my_store -> events_per_second=1250 @2025-07-27T11:30:00Z"
    );
    assert_eq!(
        on_pipe(
            "system",
            "store_metrics:main",
            "store_metrics",
            &json!({"metric_name": "lag", "value": 0.5})
        ),
        "[a] [EMITTER] 📈 METRICS EVENT: main -> lag=0.5 @2026-11-21T10:57:54.123Z"
    );
    let payload = json!({
        "store": "my_store", "events_per_second": 1250, "total_events": 50000, "active_subscriptions": 12,
    });
    assert_eq!(
        on_pipe("system", "metrics_summary:my_store", "metrics_summary", &payload),
        "[a] [EMITTER] 📉 METRICS SUMMARY: Store my_store - 1250 eps, 50000 total, 12 active subs"
    );
}

#[test]
fn each_event_of_a_batch_is_a_line_up_to_a_bound() {
    let event =
        |number: u64| json!({"event_id": format!("e{number}"), "event_type": "measured:v1", "event_number": number});
    assert_eq!(
        on_pipe("events", "main:$all", "events", &json!([event(1), event(2)])),
        "[a] [EMITTER] ⚡ BROADCASTING Event: e1(measured:v1) - Topic: main:$all\n\
         [a] [EMITTER] ⚡ BROADCASTING Event: e2(measured:v1) - Topic: main:$all"
    );
    let many: Vec<_> = (0..100).map(event).collect();
    let text = on_pipe("events", "main:$all", "events", &json!(many));
    assert_eq!(text.lines().count(), 65);
    assert!(
        text.ends_with("⚡ BROADCASTING 36 more events - Topic: main:$all"),
        "{text}"
    );
}

#[test]
fn log_events_begin_with_their_component_and_store() {
    for (component, event_type, line) in [
        (
            "emitter_system",
            "action",
            "[EMITTER SYSTEM] [EmitterSystem:main] as it is",
        ),
        ("emitter_pool", "error", "[EMITTER POOL] [EmitterPool:main] as it is"),
        ("emitter_worker", "action", "[EMITTER] [EmitterWorker:main] as it is"),
        (
            "emitter_worker",
            "health",
            "[EMITTER] [EmitterWorker:main:Health] as it is",
        ),
        (
            "emitter_worker",
            "novelty",
            "[EMITTER] [EmitterWorker:main:novelty] as it is",
        ),
        ("leader_worker", "startup", "[LeaderWorker] as it is"),
    ] {
        let payload = log_event(component, event_type, json!({}));
        let shown = on_pipe("logging", "logging:x", "log_event", &payload);
        assert_eq!(shown, format!("[<0.9.0>] {line}"));
    }
    let payload = log_event("emitter_worker", "startup", json!({}));
    let shown = on_pipe("logging", "logging:x", "log_event", &payload);
    assert!(shown.contains("★ EMITTER WORKER ACTIVATION ★ [<0.9.0>]"), "{shown}");
}

#[test]
fn what_no_rule_names_is_shown_with_its_node_and_its_fields() {
    let payload = json!({"message": "disk full"});
    let fields = "10:57:54.123Z alerts system_alerts:critical critical_alert b→a {\"message\":\"disk full\"}";
    assert_eq!(
        on_pipe("alerts", "system_alerts:critical", "critical_alert", &payload),
        format!("[a] {fields}")
    );
    assert_eq!(
        coloured("alerts", "system_alerts:critical", "critical_alert", &payload),
        format!("[\x1b[38;5;7;48;5;1ma\x1b[0m] \x1b[38;5;7;48;5;0m{fields}\x1b[0m")
    );
}

#[test]
fn components_are_named_where_nothing_else_is_known() {
    for (instance, topic, event, payload, start) in [
        (
            "alerts",
            "persistence_failure",
            "system_alert",
            json!({}),
            "[PersistenceWorker] ",
        ),
        ("alerts", "store_failure", "system_alert", json!({}), "[Store] "),
        (
            "lifecycle",
            "l",
            "process_lifecycle_event",
            json!({"event": "store_started"}),
            "[Store] ",
        ),
        (
            "health",
            "main:health",
            "component_health_updated",
            json!({"component": "emitter_pool"}),
            "[EMITTER POOL] ",
        ),
        (
            "metrics",
            "gater:metrics",
            "metrics_update",
            json!({"package": "ex_esdb_gater"}),
            "[Gater System] ",
        ),
        ("events", "store_started", "order_placed", json!({}), "10:57"),
    ] {
        let shown = on_pipe(instance, topic, event, &payload);
        assert!(shown.starts_with(&format!("[a] {start}")), "{shown}");
    }
    let shown = coloured(
        "health",
        "h",
        "component_health_updated",
        &json!({"component": "emitter_pool"}),
    );
    assert!(shown.starts_with("[\x1b[38;5;7;48;5;6ma"), "{shown:?}");
    let shown = coloured("logging", "l", "chatter", &json!({"component": "emitter_pool"}));
    assert!(shown.starts_with("[\x1b[38;5;15;48;5;1ma"), "{shown:?}");
}

#[test]
fn where_several_nodes_deliver_each_line_says_which_did() {
    let mut json: Value = serde_json::from_slice(&message(
        "system",
        "store_metrics:main",
        "store_metrics",
        &json!({"metric_name": "lag", "value": 1, "timestamp": 7}),
    ))
    .unwrap();
    json["received_on"] = json!("c");
    let shown = Classic::new(|| Screen::PIPE)
        .render(json.to_string().as_bytes())
        .unwrap();
    assert_eq!(shown, "[a] [EMITTER] 📈 METRICS EVENT: main -> lag=1 @7 (on c)");
}

#[test]
fn what_a_stranger_says_cannot_steer_the_terminal() {
    let payload =
        json!({"subscription_name": "\x1b[2J", "event_type": "a\nb", "metadata": {"\u{202e}": "\r"}, "pid": "\x07"});
    assert_eq!(
        on_pipe("health", "store_health:s", "subscription_health", &payload),
        "[\\u{7}] [EMITTER] 📡 HEALTH EVENT: \\u{1b}[2J -> a\\nb (\\u{202e}=\\r)"
    );
}

#[test]
fn what_is_no_message_is_an_error_and_a_huge_payload_is_not_looked_into() {
    let mut classic = Classic::new(|| Screen::PIPE);
    assert!(classic.render(b"{}").is_err());
    assert!(classic.render(b"[1]").is_err());
    let payload = json!({"metric_name": "x".repeat(1024 * 1024), "value": 1});
    let shown = on_pipe("system", "store_metrics:main", "store_metrics", &payload);
    assert!(shown.starts_with("[a] 10:57:54.123Z"));
}
