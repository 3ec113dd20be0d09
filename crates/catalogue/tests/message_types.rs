//! Every type of the catalogue, by its definition.

use bellwether_catalogue::field::{Kind, Presence};
use bellwether_catalogue::{
    FAMILIES, Message, MessageType, Reason, Stamp, ValidateError, all_types, families, family_of, supported_instances,
    type_of, validate_message,
};
use bellwether_message::{Instance, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn stamp() -> Stamp {
    Stamp {
        node: "node1".into(),
        now: Timestamp::from_millis(1_723_723_200_000),
        random: 0x1234,
    }
}

/// What a publisher must say at least, and says right.
fn least(message: &MessageType) -> Map<String, Value> {
    let demanded = |presence| matches!(presence, Presence::Required | Presence::Nullable);
    let fields = message.fields.iter().filter(|field| demanded(field.presence));
    fields.map(|field| (field.name.to_owned(), field.example())).collect()
}

#[test]
fn there_are_36_types_in_nine_families_and_none_for_events() {
    let counts = FAMILIES.map(|family| (family.instance, family.types.len()));
    use Instance::{Alerts, Audit, Diagnostics, Health, Lifecycle, Logging, Metrics, Security, System};
    assert_eq!(
        counts,
        [
            (System, 3),
            (Health, 4),
            (Metrics, 5),
            (Lifecycle, 4),
            (Alerts, 4),
            (Audit, 4),
            (Diagnostics, 4),
            (Security, 4),
            (Logging, 4)
        ]
    );
    assert!(all_types().filter(|message| message.is_family).count() == 36);
    assert!(family_of(Instance::Events).is_none());
    assert_eq!(family_of(Health).unwrap().name, "HealthMessages");
    assert_eq!(supported_instances().len(), 9);
    assert!(matches!(
        validate_message(Instance::Events, "events", json!([])),
        Err(ValidateError::UnknownInstance { .. })
    ));
}

#[test]
fn a_tag_names_one_type_of_an_instance() {
    for message in all_types() {
        let same = all_types().filter(|other| other.instance == message.instance && other.tag == message.tag);
        assert_eq!(same.count(), 1, "{}", message.tag);
        assert!(std::ptr::eq(type_of(message.instance, message.tag).unwrap(), message));
        assert!(
            message.fields.iter().all(|field| !field.doc.trim().is_empty()),
            "{}",
            message.name
        );
    }
}

#[test]
fn what_a_publisher_must_say_is_enough_and_the_rest_is_filled_in() {
    for message in all_types() {
        let prepared = message.prepare(Value::Object(least(message)), &stamp()).unwrap();
        for field in message.fields {
            if matches!(field.presence, Presence::Filled) || field.default().is_some() {
                assert!(prepared.get(field.name).is_some(), "{}.{}", message.name, field.name);
            }
        }
        assert_eq!(prepared["timestamp"], "2024-08-15T12:00:00.000Z", "{}", message.name);
        assert_eq!(
            message.validate(prepared.clone()).unwrap(),
            prepared,
            "{}",
            message.name
        );
    }
}

#[test]
fn an_example_is_a_message_and_comes_back_as_it_was() {
    for message in all_types() {
        let example = message.example();
        let prepared = message.prepare(example.clone(), &stamp()).unwrap();
        let (Value::Object(example), Value::Object(prepared)) = (&example, &prepared) else {
            panic!("{} is no object", message.name);
        };
        for (name, value) in example {
            let same = match (value.as_f64(), prepared[name].as_f64()) {
                (Some(one), Some(other)) => (one - other).abs() < 1e-9,
                _ => prepared[name] == *value,
            };
            assert!(same, "{}.{name}: {value} became {}", message.name, prepared[name]);
        }
    }
}

#[test]
fn a_field_that_is_missing_or_null_is_named() {
    for message in all_types() {
        for field in message
            .fields
            .iter()
            .filter(|field| field.presence == Presence::Required)
        {
            let mut payload = least(message);
            // Shapes of other documents may bring it along; here none does.
            payload.remove(field.name);
            payload.retain(|name, _| name != "message" && name != "to_level");
            for gone in [payload.clone(), {
                let mut null = payload;
                null.insert(field.name.to_owned(), Value::Null);
                null
            }] {
                let err = message.prepare(Value::Object(gone.clone()), &stamp()).unwrap_err();
                assert_eq!(err.reason(), Reason::MissingFields, "{}.{}", message.name, field.name);
                assert!(
                    err.fields().contains(&field.name),
                    "{}.{}: {err}",
                    message.name,
                    field.name
                );
                let err = message.validate(Value::Object(gone)).unwrap_err();
                assert!(err.fields().contains(&field.name) && err.fields().contains(&"timestamp"));
            }
        }
    }
}

#[test]
fn false_zero_and_empty_ones_are_values() {
    let toggle = type_of(Instance::System, "feature_toggle_changed").unwrap();
    let payload = json!({"feature": "", "enabled": false, "previous_state": null, "changed_by": ""});
    let prepared = toggle.prepare(payload, &stamp()).unwrap();
    assert_eq!(prepared["previous_state"], Value::Null);
    assert_eq!(prepared["enabled"], false);
}

#[test]
fn the_reasons_of_the_original_come_in_its_order() {
    let health = type_of(Instance::Health, "node_health_updated").unwrap();
    let reason = |payload| {
        let err = health.validate(payload).unwrap_err();
        (err.reason().name(), err.fields().to_vec())
    };
    assert_eq!(
        reason(json!({"node": 3, "timestamp": "x"})),
        ("missing_fields", vec!["status"])
    );
    assert_eq!(
        reason(json!({"node": 3, "status": "healthy", "timestamp": "x"})),
        ("invalid_node_fields", vec!["node"])
    );
    assert_eq!(
        reason(json!({"node": "a", "status": "healthy", "timestamp": "x", "load_avg": "y"})),
        ("invalid_timestamp", vec!["timestamp"])
    );
    assert_eq!(
        reason(json!({"node": "a", "status": "healthy", "timestamp": 1, "load_avg": "y", "checks": 1})),
        ("invalid_fields", vec!["checks", "load_avg"])
    );
    assert_eq!(reason(json!([1])), ("invalid_payload", vec![]));
}

#[test]
fn closed_words_are_strict_when_sent_and_kept_when_received() {
    for message in all_types() {
        for field in message.fields {
            let Kind::Word { is_open, .. } = field.kind else {
                continue;
            };
            let mut payload = least(message);
            payload.insert(field.name.to_owned(), "no such word".into());
            payload.insert("timestamp".to_owned(), 0.into());
            payload.entry("node").or_insert("node1".into());
            let sent = message.prepare(Value::Object(payload.clone()), &stamp());
            match is_open {
                true => assert_eq!(sent.unwrap()[field.name], "no such word"),
                false => {
                    let err = sent.unwrap_err();
                    assert_eq!((err.reason(), err.fields()), (Reason::UnknownWords, &[field.name][..]));
                }
            }
            let received = message.validate(Value::Object(payload)).unwrap();
            assert_eq!(received[field.name], "no such word", "{}.{}", message.name, field.name);
        }
    }
}

#[test]
fn other_names_are_read_and_never_written() {
    for message in all_types() {
        for field in message.fields {
            for alias in field.aliases {
                let mut payload = least(message);
                payload.remove(field.name);
                payload.insert((*alias).to_owned(), field.example());
                let prepared = message.prepare(Value::Object(payload), &stamp()).unwrap();
                assert_eq!(prepared[field.name], field.example(), "{}.{alias}", message.name);
                assert!(prepared.get(alias).is_none(), "{}.{alias}", message.name);
            }
        }
    }
}

#[test]
fn messages_of_a_newer_version_keep_what_this_one_does_not_know() {
    for message in all_types() {
        let mut payload = least(message);
        payload.insert("added_in_the_next_version".to_owned(), json!({"deep": [1, null]}));
        let prepared = message.prepare(Value::Object(payload), &stamp()).unwrap();
        assert_eq!(prepared["added_in_the_next_version"], json!({"deep": [1, null]}));
        let read = message.validate(prepared.clone()).unwrap();
        assert_eq!(read, prepared);
    }
}

#[test]
fn a_schema_demands_what_validation_demands() {
    for message in all_types() {
        let schema = message.json_schema();
        let required: Vec<&str> = schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let demanded = message
            .fields
            .iter()
            .filter(|field| field.presence == Presence::Required);
        assert_eq!(required, demanded.map(|field| field.name).collect::<Vec<_>>());
        assert_eq!(schema["properties"].as_object().unwrap().len(), message.fields.len());
    }
    let toggle = type_of(Instance::System, "feature_toggle_changed")
        .unwrap()
        .json_schema();
    assert_eq!(
        toggle["properties"]["previous_state"]["type"],
        json!(["boolean", "null"])
    );
}

#[test]
fn an_alert_of_the_quick_reference_is_a_whole_alert() {
    let alert = type_of(Instance::Alerts, "system_alert").unwrap();
    let payload = json!({
        "alert_type": "node_failure", "severity": "high", "message": "Node node2 has become unresponsive",
        "context": {"failed_node": "node2", "cluster_size": 3}, "metadata": {"cluster_size": 4},
        "timestamp": "2024-08-15T12:00:00Z",
    });
    let prepared = alert.prepare(payload, &stamp()).unwrap();
    assert_eq!(prepared["severity"], "critical");
    assert_eq!(prepared["title"], "Node node2 has become unresponsive");
    assert_eq!(prepared["description"], prepared["message"]);
    assert_eq!(prepared["category"], "network");
    assert_eq!(prepared["source"], "ExESDB");
    assert_eq!(prepared["metadata"], json!({"failed_node": "node2", "cluster_size": 4}));
    assert_eq!(prepared["alert_id"], "0000000000001234");
    assert_eq!(prepared["requires_ack"], true);
    assert_eq!(alert.topic_of(&prepared), "system_alerts:critical");
}

#[test]
fn escalations_know_their_level_as_a_word_and_as_a_number() {
    let escalation = type_of(Instance::Alerts, "alert_escalated").unwrap();
    let payload =
        json!({"original_alert_id": "a", "escalation_level": 3, "escalated_to": ["ops"], "escalation_reason": "x"});
    let prepared = escalation.prepare(payload, &stamp()).unwrap();
    assert_eq!(
        (&prepared["from_level"], &prepared["to_level"]),
        (&json!("level2"), &json!("level3"))
    );
    assert_eq!(prepared["alert_id"], "a");
    assert_eq!(prepared["notify_contacts"], json!(["ops"]));
    let err = escalation
        .prepare(
            json!({"alert_id": "a", "escalation_level": 9, "escalation_reason": "x"}),
            &stamp(),
        )
        .unwrap_err();
    assert_eq!(err.reason(), Reason::UnknownWords);
}

#[test]
fn figures_that_follow_from_others_are_filled_in() {
    use families::health::ClusterStatus;
    use families::lifecycle::{ClusterMembership, MembershipEvent};
    use families::metrics::ThroughputMetric;
    let complete = |mut metric: ThroughputMetric| {
        metric.complete(&stamp());
        metric.rate_per_sec
    };
    assert_eq!(complete(ThroughputMetric::new("op", 1250, 1000)), Some(1250.0));
    assert_eq!(complete(ThroughputMetric::new("op", 10, 4)), Some(2500.0));
    assert_eq!(
        complete(ThroughputMetric::new("op", 10, 0)),
        Some(0.0),
        "no time has no rate"
    );
    let mut change = ClusterMembership::new(MembershipEvent::NodeAdded, vec!["c"], vec!["a", "b", "c"]);
    change.complete(&stamp());
    assert_eq!(change.total_nodes, Some(3));
    assert_eq!(change.originating_node.unwrap().as_str(), "node1");
    assert_eq!(ClusterStatus::Degraded.to_string(), "degraded");
}

#[test]
fn a_message_is_read_as_its_rust_type() {
    use families::health::{NodeHealth, NodeStatus};
    let payload = br#"{"node":"store@host","status":"exhausted","memory_usage":45,"timestamp":1723723200000,"new":1}"#;
    let health = NodeHealth::read(payload).unwrap();
    assert_eq!(health.status, NodeStatus::Other("exhausted".into()));
    assert_eq!(health.memory_usage, Some(45.0));
    assert_eq!(health.timestamp, Some(Timestamp::from_millis(1_723_723_200_000)));
    assert_eq!(health.extra["new"], 1);
    assert!(NodeHealth::read(b"not JSON").is_err());
}

#[test]
fn a_topic_with_places_takes_any_text_as_one_level() {
    let summary = type_of(Instance::Health, "subscription_health").unwrap();
    for (store, topic) in [
        ("main", "subscription_health:main:s"),
        ("a:b", "subscription_health:a_b:s"),
        ("*", "subscription_health:_:s"),
        ("", "subscription_health:unknown:s"),
    ] {
        let payload = json!({"store_id": store, "subscription_name": "s"});
        assert_eq!(summary.topic_of(&payload), topic);
    }
    let long = summary.topic_of(&json!({"store_id": "x".repeat(500), "subscription_name": "s"}));
    assert!(bellwether_message::Topic::check(&long).is_ok());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn odd_fields_give_a_result_and_what_is_sent_is_read(
        index in 0..52_usize,
        odd in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..4),
        gone in any::<prop::sample::Index>(),
        keep in any::<bool>(),
    ) {
        let types: Vec<_> = all_types().collect();
        let message = types[index % types.len()];
        let mut payload: Map<String, Value> = least(message);
        for (at, value) in odd {
            let names: Vec<&str> =
                message.fields.iter().flat_map(|field| field.aliases.iter().copied().chain([field.name])).collect();
            payload.insert(names[at.index(names.len())].to_owned(), value);
        }
        if !keep {
            let name = message.fields[gone.index(message.fields.len())].name;
            payload.remove(name);
        }
        if let Ok(prepared) = message.prepare(Value::Object(payload.clone()), &stamp()) {
            prop_assert_eq!(&message.validate(prepared.clone()).unwrap(), &prepared);
            prop_assert!(bellwether_message::Topic::check(&message.topic_of(&prepared)).is_ok());
        }
        let _ = message.validate(Value::Object(payload));
    }

    #[test]
    fn any_json_gives_a_result(index in 0..52_usize, value in any_json()) {
        let types: Vec<_> = all_types().collect();
        let message = types[index % types.len()];
        let _ = message.prepare(value.clone(), &stamp());
        let _ = message.validate(value.clone());
        let _ = message.topic_of(&value);
    }
}
