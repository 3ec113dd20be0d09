//! The integration helper, typed messages, and the spellings of topics, across nodes.

use bellwether::catalogue::families::health::{NodeHealth, NodeStatus};
use bellwether::catalogue::{Broadcast, Message};
use bellwether::{BatchCounts, Delivery, Envelope, Instance, IntegrationSettings, Node, Sent, Subscription, Topic};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::lab::*;

async fn next(subscription: &mut Subscription) -> Envelope {
    match timeout(DEADLINE, subscription.next())
        .await
        .expect("a delivery in time")
    {
        Some(Delivery::Message(envelope)) => envelope,
        other => panic!("{other:?}"),
    }
}

fn json_of(envelope: &Envelope) -> Value {
    serde_json::from_slice(envelope.payload()).unwrap()
}

async fn pair() -> (Lab, Node, Node) {
    let lab = Lab::new();
    // Whatever is heard is said by the test.
    let silent = |integration: &mut IntegrationSettings| {
        integration.report_system = false;
        integration.report_health = false;
        integration.report_metrics = false;
        integration.report_members = false;
    };
    let a = lab.builder("a").integration(silent).start().await.unwrap();
    let b = lab.start("b", &[&a]).await;
    let nodes = [a, b];
    all_see_all(&nodes).await;
    let [a, b] = nodes;
    a.integration().enable();
    (lab, a, b)
}

#[tokio::test]
async fn every_helper_reaches_its_topic_on_another_node() {
    let (_lab, a, b) = pair().await;
    let integration = a.integration();
    let details = || json!({"store_id": "main"});
    let calls: [(Instance, &str, &str, &dyn Fn()); 10] = [
        (Instance::System, "lifecycle", "system_lifecycle_event", &|| {
            integration
                .broadcast_system_lifecycle("started", "ex_esdb", "0.8.0")
                .unwrap();
        }),
        (Instance::System, "config", "system_config_changed", &|| {
            integration
                .broadcast_system_config("store", json!({"enabled": true}))
                .unwrap();
        }),
        (Instance::Health, "main:health", "component_health_updated", &|| {
            integration
                .broadcast_store_health("main", "khepri_store", "healthy", details)
                .unwrap();
        }),
        (
            Instance::Health,
            "component_health",
            "component_health_updated",
            &|| {
                integration
                    .broadcast_health_update("store_worker", "healthy", details)
                    .unwrap();
            },
        ),
        (Instance::Health, "cluster:health", "cluster_health_updated", &|| {
            integration
                .broadcast_cluster_health(&["a", "b"], &["c"], "node_down")
                .unwrap();
        }),
        (Instance::Metrics, "persistence", "performance_metric", &|| {
            integration
                .broadcast_metrics("persistence", json!({"operations_count": 1000}))
                .unwrap();
        }),
        (Instance::Alerts, "node_failure", "system_alert", &|| {
            integration
                .broadcast_alert("node_failure", "critical", "Node down", json!({"node": "node1"}))
                .unwrap();
        }),
        (Instance::Audit, "data_changes", "data_change", &|| {
            integration
                .broadcast_audit_event("data_change", "admin", "s1", "delete", json!({}))
                .unwrap();
        }),
        (
            Instance::Lifecycle,
            "process_lifecycle",
            "process_lifecycle_event",
            &|| {
                integration
                    .broadcast_lifecycle_event("started", "worker_1", json!({"component": "core"}))
                    .unwrap();
            },
        ),
        (Instance::Diagnostics, "diagnostics", "debug_trace", &|| {
            integration
                .broadcast_diagnostic("trace", "store", json!({"queue": 1}))
                .unwrap();
        }),
    ];
    for (instance, topic, tag, call) in calls {
        let (mut there, report) = b.subscribe(instance, [pattern(topic)]).await.unwrap();
        assert!(report.is_complete());
        call();
        let envelope = next(&mut there).await;
        assert_eq!((envelope.topic(), envelope.head().event), (topic, tag));
        assert_eq!(envelope.reporting_node(), "a");
        assert!(json_of(&envelope)["timestamp"].is_string(), "{topic}");
    }
    assert_eq!(integration.status().published, 10);
}

#[tokio::test]
async fn either_spelling_publishes_and_either_receives_once_under_one_name() {
    let (_lab, a, b) = pair().await;
    for (instance, spellings, name) in [
        (Instance::Health, ["cluster_health", "cluster:health"], "cluster:health"),
        (Instance::Health, ["store_health:main", "main:health"], "main:health"),
        (Instance::Audit, ["data_change", "data_changes"], "data_changes"),
    ] {
        for subscribed in spellings {
            let (mut there, _) = b.subscribe(instance, [pattern(subscribed)]).await.unwrap();
            for published in spellings {
                a.publish(instance, &draft(published, published)).unwrap();
            }
            for published in spellings {
                let envelope = next(&mut there).await;
                assert_eq!((envelope.topic(), envelope.payload()), (name, published.as_bytes()));
            }
            a.publish(instance, &draft(name, "the next")).unwrap();
            assert_eq!(next_text(&mut there).await, "the next", "nothing came twice");
        }
    }
    let (mut performance, _) = b.subscribe(Instance::Metrics, [pattern("performance")]).await.unwrap();
    a.integration()
        .broadcast_metrics("persistence", json!({"operations_count": 7}))
        .unwrap();
    assert_eq!(json_of(&next(&mut performance).await)["value"], 7);
    let asked = Topic::new("cluster_health").unwrap();
    let (_there, _) = b
        .subscribe(Instance::Health, [pattern("cluster:health")])
        .await
        .unwrap();
    let local = b.subscribers(Some(Instance::Health), Some(&asked));
    assert_eq!(local.iter().filter(|subscriber| subscriber.node == *b.id()).count(), 1);
}

#[tokio::test]
async fn switched_off_nothing_is_made_and_nothing_is_published() {
    let (_lab, a, b) = pair().await;
    let (mut there, _) = b
        .subscribe(Instance::Health, [pattern("component_health")])
        .await
        .unwrap();
    let integration = a.integration();
    integration.disable();
    let never = || -> Value { panic!("details were made though nobody wants them") };
    assert_eq!(
        integration
            .broadcast_health_update("c", "no such status", never)
            .unwrap(),
        Sent::Disabled
    );
    let batch = integration.broadcast_batch([Broadcast::HealthUpdate {
        component: "c".into(),
        status: "healthy".into(),
        details: Default::default(),
    }]);
    assert_eq!(
        batch,
        BatchCounts {
            disabled: true,
            ..BatchCounts::default()
        }
    );
    assert!(
        !b.integration().enabled(),
        "a program that embeds a node switches it on itself"
    );
    integration.enable();
    integration
        .broadcast_health_update("c", "healthy", json!({"n": 1}))
        .unwrap();
    assert_eq!(json_of(&next(&mut there).await)["details"]["n"], 1);
}

#[tokio::test]
async fn a_failed_broadcast_is_counted_and_stops_no_batch() {
    let (_lab, a, _b) = pair().await;
    let update = |status: &str| Broadcast::HealthUpdate {
        component: "c".into(),
        status: status.into(),
        details: Default::default(),
    };
    let counts = a
        .integration()
        .broadcast_batch([update("healthy"), update("splendid"), update("degraded")]);
    assert_eq!((counts.success, counts.errors), (2, 1));
    let status = a.integration().status();
    assert_eq!((status.published, status.failed), (2, 1));
    let err = a.integration().broadcast(update("splendid")).unwrap_err();
    assert_eq!(
        err.to_string(),
        "`status` must be one of healthy, degraded, unhealthy, unknown, not \"splendid\""
    );
}

#[tokio::test]
async fn a_typed_message_travels_whole_and_names_the_node_it_is_about() {
    let (_lab, a, b) = pair().await;
    a.integration().disable();
    let (mut there, _) = b.subscribe(Instance::Health, [pattern("node_health")]).await.unwrap();
    let health = NodeHealth::new("store-7", NodeStatus::Degraded)
        .memory_usage(81.5)
        .reporting_node("a");
    a.publish_typed(&health, None).unwrap();
    let envelope = next(&mut there).await;
    assert_eq!(
        (envelope.originating_node(), envelope.reporting_node()),
        ("store-7", "a")
    );
    let read = NodeHealth::read(envelope.payload()).unwrap();
    assert_eq!((read.status, read.memory_usage), (NodeStatus::Degraded, Some(81.5)));
    assert!(a.publish_typed(&NodeHealth::new("", "healthy"), None).is_err());
    let elsewhere = Topic::new("main:health").unwrap();
    let (mut main, _) = b.subscribe(Instance::Health, [pattern("main:health")]).await.unwrap();
    a.publish_typed(&health, Some(elsewhere)).unwrap();
    assert_eq!(next(&mut main).await.topic(), "main:health");
}

/// 10,000 messages a second, and a broadcast with each tenth, while the switch is thrown every 20 ms.
#[tokio::test]
async fn the_switch_is_thrown_while_messages_flow_and_none_is_lost_or_published_beside_it() {
    /// All fit into a subscription's queue.
    const MESSAGES: u64 = 16_000;
    let (_lab, a, b) = pair().await;
    let (mut events, _) = b.subscribe(Instance::Events, [pattern("t")]).await.unwrap();
    let (mut health, _) = b
        .subscribe(Instance::Health, [pattern("component_health")])
        .await
        .unwrap();
    let integration = a.integration();
    let mut expected = Vec::new();
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(1));
    for n in 0..MESSAGES {
        if n % 10 == 0 {
            ticks.tick().await;
            match (n / 200) % 2 {
                0 => integration.enable(),
                _ => integration.disable(),
            }
            let sent = integration
                .broadcast_health_update("c", "healthy", || json!({"n": n}))
                .unwrap();
            assert_eq!(matches!(sent, Sent::Published(_)), integration.enabled(), "{n}");
            if integration.enabled() {
                expected.push(n);
            }
        }
        a.publish(Instance::Events, &draft("t", "x")).unwrap();
    }
    for seq in 1..=MESSAGES {
        assert_eq!(next(&mut events).await.seq(), seq);
    }
    assert_eq!(expected.len() as u64, MESSAGES / 20);
    for n in expected {
        assert_eq!(json_of(&next(&mut health).await)["details"]["n"], n);
    }
}

#[tokio::test]
async fn metadata_may_say_where_they_come_from_and_the_self_check_holds() {
    let (_lab, a, b) = pair().await;
    let metadata = a.with_cluster_context(|| json!({"store_id": "main"}));
    let expected = json!({
        "node_name": "a", "connected_nodes": ["b"], "cluster_size": 2, "node_type": "bellwether_node",
    });
    assert_eq!(metadata["cluster_context"], expected);
    assert_eq!(metadata["store_id"], "main");
    let own = b.with_cluster_context(json!({"cluster_context": "mine"}));
    assert_eq!(own["cluster_context"], "mine");
    let check = serde_json::to_value(a.integration().validate_messaging_compatibility()).unwrap();
    assert_eq!(
        check,
        json!({
            "operational_helpers": true, "gater_integration": true, "node_consistency": true,
            "timestamp_precision": true,
        })
    );
    assert_eq!(
        a.integration().status().published,
        0,
        "the self-check publishes nothing"
    );
}
