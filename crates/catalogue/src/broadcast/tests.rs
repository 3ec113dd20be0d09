use bellwether_message::Timestamp;
use proptest::prelude::*;

use super::*;

fn stamp() -> Stamp {
    Stamp {
        node: "node1".into(),
        now: Timestamp::from_millis(1_723_723_200_000),
        random: 7,
    }
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn sent(broadcast: Broadcast) -> (String, &'static str, Value) {
    let addressed = broadcast.addressed(&Options::default(), &stamp()).unwrap();
    (
        format!("{}/{}", addressed.instance(), addressed.topic),
        addressed.message_type.tag,
        addressed.payload,
    )
}

fn metrics_of(component: &str, metrics: Value) -> (String, &'static str, Value) {
    sent(Broadcast::Metrics {
        component: component.into(),
        metrics: object(metrics),
    })
}

#[test]
fn persistence_figures_become_a_performance_metric() {
    let given =
        json!({"operations_count": 1000, "duration_ms": 250, "success_count": 995, "error_count": 5, "forced": true});
    let (topic, tag, payload) = metrics_of("persistence", given);
    assert_eq!((topic.as_str(), tag), ("metrics/persistence", "performance_metric"));
    assert_eq!(payload["metric_name"], "persistence_operation");
    assert_eq!(
        (&payload["value"], &payload["unit"]),
        (&json!(1000), &json!("operations"))
    );
    assert_eq!(
        payload["tags"],
        json!({"stores_count": 0, "duration_ms": 250, "success_count": 995, "error_count": 5, "forced": true})
    );
}

#[test]
fn emitter_figures_become_a_throughput_metric_even_without_time() {
    let (topic, tag, payload) = metrics_of("emitter", json!({"events_emitted": 1250}));
    assert_eq!((topic.as_str(), tag), ("metrics/emitter", "throughput_metric"));
    assert_eq!(payload["rate_per_sec"], 1250.0);
    let (_, _, payload) = metrics_of("emitter", json!({"events_emitted": 1, "duration_ms": 0}));
    assert_eq!(payload["rate_per_sec"], 0.0);
}

#[test]
fn other_figures_keep_their_whole_map() {
    let (topic, tag, payload) = metrics_of("system:resources", json!({"value": 1.5, "unit": "percent", "odd": []}));
    assert_eq!(
        (topic.as_str(), tag),
        ("metrics/system_resources", "performance_metric")
    );
    assert_eq!(payload["value"], 1.5);
    assert_eq!(payload["tags"], json!({"value": 1.5, "unit": "percent", "odd": []}));
    let (_, _, payload) = metrics_of("api", json!({"value": "many"}));
    assert_eq!((&payload["value"], &payload["unit"]), (&json!(0), &json!("count")));
}

#[test]
fn cluster_health_is_counted_from_the_two_lists() {
    let health = |nodes: &[&str], failed: &[&str]| {
        let list = |nodes: &[&str]| nodes.iter().map(|node| (*node).to_owned()).collect();
        let (topic, tag, payload) = sent(Broadcast::ClusterHealth {
            nodes: list(nodes),
            failed_nodes: list(failed),
            event_type: "node_down".into(),
        });
        assert_eq!(
            (topic.as_str(), tag),
            ("health/cluster:health", "cluster_health_updated")
        );
        assert_eq!(payload["event_type"], "node_down");
        let word = |name: &str| payload[name].as_str().unwrap().to_owned();
        let count = |name: &str| payload[name].as_u64().unwrap();
        (
            word("status"),
            count("healthy_nodes"),
            count("total_nodes"),
            word("quorum_status"),
        )
    };
    let expect = |status: &str, healthy, total, quorum: &str| (status.to_owned(), healthy, total, quorum.to_owned());
    assert_eq!(health(&["a", "b", "c"], &[]), expect("healthy", 3, 3, "available"));
    assert_eq!(health(&["a", "b"], &["c"]), expect("degraded", 2, 3, "available"));
    assert_eq!(health(&["a", "b", "c"], &["c"]), expect("degraded", 2, 3, "available"));
    assert_eq!(health(&["a"], &["b"]), expect("unhealthy", 1, 2, "lost"));
    assert_eq!(health(&["a"], &["b", "c", "c"]), expect("unhealthy", 1, 3, "lost"));
    assert_eq!(health(&[], &[]), expect("healthy", 0, 0, "available"));
}

#[test]
fn alerts_go_to_a_topic_of_their_type_in_both_shapes() {
    let (topic, tag, payload) = sent(Broadcast::Alert {
        alert_type: "node_failure".into(),
        severity: "critical".into(),
        message: "Node down".into(),
        context: object(json!({"node": "node1"})),
    });
    assert_eq!((topic.as_str(), tag), ("alerts/node_failure", "system_alert"));
    assert_eq!(
        (&payload["title"], &payload["message"]),
        (&json!("Node down"), &json!("Node down"))
    );
    assert_eq!(
        (&payload["metadata"], &payload["context"]),
        (&json!({"node": "node1"}), &json!({"node": "node1"}))
    );
    assert_eq!(payload["node"], "node1");
}

#[test]
fn an_audit_event_has_its_actor_and_its_resource_where_they_belong() {
    let (topic, tag, payload) = sent(Broadcast::AuditEvent {
        event_type: "subscription_change".into(),
        actor: "admin".into(),
        resource: "subscription_123".into(),
        action: "delete_subscription".into(),
        details: object(json!({"before": 1})),
    });
    assert_eq!((topic.as_str(), tag), ("audit/subscription_change", "data_change"));
    assert_eq!(payload["user_id"], "admin");
    assert_eq!(payload["resource_id"], "subscription_123");
    assert_eq!(payload["resource_type"], "subscription_change");
    assert_eq!(payload["changes"], json!({"before": 1}));
}

#[test]
fn details_of_a_store_are_kept_and_its_name_is_checked() {
    let health = |store: &str| Broadcast::StoreHealth {
        store: store.into(),
        component: "khepri_store".into(),
        status: "healthy".into(),
        details: object(json!({"event": "started"})),
    };
    let (topic, _, payload) = sent(health("main"));
    assert_eq!(topic, "health/main:health");
    assert_eq!(payload["details"], json!({"event": "started", "store_id": "main"}));
    for bad in ["", "cluster", "a:b", "a\n"] {
        let err = health(bad).addressed(&Options::default(), &stamp()).unwrap_err();
        assert_eq!(err.reason(), "bad_topic", "{bad:?}");
    }
}

#[test]
fn processes_and_traces_say_what_their_details_say() {
    let (topic, _, payload) = sent(Broadcast::LifecycleEvent {
        event: "started".into(),
        process_name: "persistence_worker_main".into(),
        details: object(json!({"component": "persistence_worker", "restart_count": 2, "reason": "new"})),
    });
    assert_eq!(topic, "lifecycle/process_lifecycle");
    assert_eq!(payload["module"], "persistence_worker");
    assert_eq!(
        (&payload["pid"], &payload["restart_count"]),
        (&json!("persistence_worker_main"), &json!(2))
    );
    let (topic, _, payload) = sent(Broadcast::Diagnostic {
        kind: "trace".into(),
        component: "store".into(),
        data: object(json!({"queue": 1})),
    });
    assert_eq!(topic, "diagnostics/diagnostics");
    assert_eq!(
        payload["trace_data"],
        json!({"queue": 1, "node": "node1", "timestamp": "2024-08-15T12:00:00.000Z"})
    );
}

#[test]
fn callers_may_name_topic_and_node_but_not_for_a_stores_health() {
    let options = Options {
        topic: Some(Topic::new("elsewhere").unwrap()),
        node: Some("node9".into()),
    };
    let config = Broadcast::SystemConfig {
        component: "store".into(),
        changes: Object::new(),
        previous_config: None,
        changed_by: None,
    };
    let addressed = config.addressed(&options, &stamp()).unwrap();
    assert_eq!(
        (addressed.topic.as_str(), &addressed.payload["node"]),
        ("elsewhere", &json!("node9"))
    );
    assert_eq!(addressed.payload["changed_by"], "system");
    let health = Broadcast::StoreHealth {
        store: "main".into(),
        component: "c".into(),
        status: "healthy".into(),
        details: Object::new(),
    };
    assert_eq!(
        health.addressed(&options, &stamp()).unwrap().topic.as_str(),
        "main:health"
    );
}

#[test]
fn the_names_are_those_in_json() {
    for name in Broadcast::NAMES {
        let err = serde_json::from_value::<Broadcast>(json!({name: {"nothing": 1}})).unwrap_err();
        assert!(err.to_string().starts_with("missing field"), "{name}: {err}");
    }
    let err = serde_json::from_value::<Broadcast>(json!({"gossip": {}})).unwrap_err();
    assert!(err.to_string().starts_with("unknown variant `gossip`"), "{err}");
}

fn odd_object() -> impl Strategy<Value = Object> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!({"deep": []})),
    ];
    let key = prop_oneof![
        ".{0,6}",
        prop::sample::select(vec![
            "value",
            "unit",
            "operations_count",
            "duration_ms",
            "events_emitted",
            "pid",
            "component",
            "reason",
            "restart_count",
            "node",
            "timestamp",
            "store_id",
            "resource_type",
            "metadata",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::btree_map(key, value, 0..6).prop_map(|map| map.into_iter().collect())
}

fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,16}",
        "[a-z:*+$\u{0}]{0,8}",
        "x{200,600}",
        Just("healthy".to_owned()),
        Just("started".to_owned()),
        Just("critical".to_owned())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn odd_arguments_give_a_result(
        helper in 0..10_usize,
        texts in prop::collection::vec(odd_text(), 4),
        list in prop::collection::vec(odd_text(), 0..4),
        map in odd_object(),
        topic in odd_text(),
        node in odd_text(),
    ) {
        let [a, b, c, d] = [texts[0].clone(), texts[1].clone(), texts[2].clone(), texts[3].clone()];
        let broadcast = match Broadcast::NAMES[helper] {
            "system_lifecycle" => Broadcast::SystemLifecycle { event: a, system_name: b, version: c },
            "system_config" => Broadcast::SystemConfig {
                component: a, changes: map.clone(), previous_config: Some(map), changed_by: Some(b),
            },
            "store_health" => Broadcast::StoreHealth { store: a, component: b, status: c, details: map },
            "health_update" => Broadcast::HealthUpdate { component: a, status: b, details: map },
            "cluster_health" => Broadcast::ClusterHealth { nodes: list.clone(), failed_nodes: list, event_type: a },
            "metrics" => Broadcast::Metrics { component: a, metrics: map },
            "alert" => Broadcast::Alert { alert_type: a, severity: b, message: c, context: map },
            "audit_event" => Broadcast::AuditEvent { event_type: a, actor: b, resource: c, action: d, details: map },
            "lifecycle_event" => Broadcast::LifecycleEvent { event: a, process_name: b, details: map },
            _ => Broadcast::Diagnostic { kind: a, component: b, data: map },
        };
        let options = Options { topic: Topic::new(&topic).ok(), node: (!node.is_empty()).then(|| node.as_str().into()) };
        if let Ok(addressed) = broadcast.addressed(&options, &stamp()) {
            let validated = addressed.message_type.validate(addressed.payload.clone()).unwrap();
            prop_assert_eq!(validated, addressed.payload);
        }
    }
}
