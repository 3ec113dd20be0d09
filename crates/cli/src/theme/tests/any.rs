//! Whatever comes.

use proptest::prelude::*;
use serde_json::Value;

use super::super::columns::columns;
use super::*;

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "startup", "shutdown", "action", "health", "error", "emitter_system", "emitter_pool", "emitter_worker",
            "node_monitor", "cluster_node", "healthy", "degraded", "unhealthy", "down", "joined", "leaving", "nodeup",
            "proxy_crashed", "registration_success", "emitter_worker_started", "emitter_worker_terminated",
            "emitter_pool_started", "emitter_pool_stopped", "node_failure", "stopped",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[\u{0}-\u{1f}\u{202a}-\u{202e}\u{300}\u{fe0f}\u{200d}⚠💀世a]{0,60}",
    ]
}

fn payloads() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => words().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
    ];
    let keys = prop_oneof![
        5 => prop::sample::select(vec![
            "store", "store_id", "subscription_name", "event_type", "metadata", "details", "total_subscriptions",
            "healthy", "degraded", "failed", "healthy_subscriptions", "unhealthy_subscriptions", "metric_name", "value",
            "timestamp", "events_per_second", "event_id", "component", "event", "message", "pid", "reason", "node",
            "status", "topic", "sub_topic", "name", "module", "alert_type", "total_nodes", "is_ex_esdb", "failure_count",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    leaf.prop_recursive(3, 40, 8, move |inner| {
        prop_oneof![
            3 => prop::collection::btree_map(keys.clone(), inner.clone(), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..6).prop_map(Value::Array),
        ]
    })
}

const EVENTS: [&str; 17] = [
    "subscription_health",
    "health_summary",
    "store_metrics",
    "metrics_summary",
    "events",
    "log_event",
    "process_lifecycle_event",
    "lifecycle_event",
    "system_alert",
    "node_lifecycle_event",
    "node_health_updated",
    "cluster_health_updated",
    "cluster_membership_changed",
    "component_health_updated",
    "cluster_event",
    "cluster_state_changed",
    "anything",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// Neither panics nor steers the terminal, whatever comes; on a terminal no line is wider than that, and boxes are
    /// even.
    #[test]
    fn any_payload_is_drawn(
        event in prop::sample::select(EVENTS.to_vec()),
        instance in prop::sample::select(vec!["alerts", "health", "metrics", "events", "logging", "lifecycle"]),
        topic in prop_oneof![Just("node_failure"), Just("health_summary:main"), Just("a:b:c"), Just("x")],
        payload in payloads(),
    ) {
        let json = message(instance, topic, event, &payload);
        let pipe = Classic::new(|| Screen::PIPE).render(&json).unwrap();
        prop_assert!(!pipe.is_empty());
        let steers = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(!pipe.contains(steers), "{pipe:?}");
        for (columns_there, shown) in [
            (80, Classic::new(|| Screen::plain(80)).render(&json).unwrap()),
            (24, Classic::new(|| Screen::plain(24)).render(&json).unwrap()),
            (3, Classic::new(|| Screen::plain(3)).render(&json).unwrap()),
        ] {
            for line in shown.lines() {
                prop_assert!(columns(line) <= columns_there, "{line:?}");
            }
            if shown.starts_with(['┌', '╔', '┏']) {
                let width = shown.lines().next().map(columns);
                prop_assert!(shown.lines().all(|line| Some(columns(line)) == width), "{shown}");
            }
        }
    }

    /// What is no message at all, or not even JSON, is an error.
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Classic::new(|| Screen::PIPE).render(&bytes);
    }
}
