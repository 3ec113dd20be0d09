//! "ExESDBGater.Messages".

use bellwether::catalogue::families::lifecycle::{ClusterMembership, MembershipEvent};
use bellwether::catalogue::families::metrics::PerformanceMetric;
use bellwether::catalogue::families::system::SystemConfig;
use bellwether::catalogue::{FAMILIES, all_types, family_of, validate_message};
use bellwether::{Envelope, Instance, Timestamp};
use serde_json::{Value, json};

use crate::lab::*;

#[test]
fn message_modules() {
    let modules = [
        ("SystemMessages", "ex_esdb_system"),
        ("HealthMessages", "ex_esdb_health"),
        ("MetricsMessages", "ex_esdb_metrics"),
        ("LifecycleMessages", "ex_esdb_lifecycle"),
        ("SecurityMessages", "ex_esdb_security"),
        ("AuditMessages", "ex_esdb_audit"),
        ("AlertMessages", "ex_esdb_alerts"),
        ("DiagnosticsMessages", "ex_esdb_diagnostics"),
        ("LoggingMessages", "ex_esdb_logging"),
    ];
    for (name, instance) in modules {
        let family = family_of(instance.parse().unwrap()).unwrap();
        assert_eq!(family.name, name);
        assert!(
            family
                .types
                .iter()
                .all(|found| found.instance.prefixed_name() == instance)
        );
    }
    assert_eq!(FAMILIES.iter().map(|family| family.types.len()).sum::<usize>(), 36);
}

/// `:node`, `:originating_node`, `:reporting_node`.
#[tokio::test]
async fn consistent_node_tracking_pattern() {
    let pair = Pair::new().await;
    // Of each message: where it arose, by default the node that publishes it, and who reports it.
    for message_type in all_types().filter(|found| found.is_family) {
        let mut heard = pair.subscribe(message_type.instance, &["*"]).await;
        let mut own = message_type.example();
        let mut others = own.clone();
        for field in ["node", "originating_node"] {
            own.as_object_mut().unwrap().remove(field);
            if message_type.field(field).is_some() {
                others[field] = "node7".into();
            }
        }
        let is_required = message_type.validate(own.clone()).is_err();
        if !is_required {
            pair.publish_typed(message_type, own, None);
            let message = next(&mut heard).await;
            assert_eq!(
                (message.originating_node(), message.reporting_node()),
                ("a", "a"),
                "{}",
                message_type.name
            );
        }
        let names_a_node = others["node"] == "node7" || others["originating_node"] == "node7";
        pair.publish_typed(message_type, others, None);
        let message = next(&mut heard).await;
        let arose = if names_a_node { "node7" } else { "a" };
        assert_eq!(
            (message.originating_node(), message.reporting_node()),
            (arose, "a"),
            "{}",
            message_type.name
        );
    }
    // The node in the payload too.
    let mut metrics = pair.subscribe(Instance::Metrics, &["performance"]).await;
    let about = |metric: PerformanceMetric| pair.a.publish_typed(&metric, None).unwrap();
    about(PerformanceMetric::new("m", 1, "count"));
    about(PerformanceMetric::new("m", 1, "count").node("node7"));
    for node in ["a", "node7"] {
        says(
            &hear_typed(&mut metrics, "performance", "performance_metric").await,
            json!({"node": node}),
        );
    }
    let mut lifecycle = pair.subscribe(Instance::Lifecycle, &["cluster_membership"]).await;
    let gone = ClusterMembership::new(MembershipEvent::NodeRemoved, vec!["node3"], vec!["a", "b"]);
    pair.a.publish_typed(&gone, None).unwrap();
    says(
        &hear_typed(&mut lifecycle, "cluster_membership", "cluster_membership_changed").await,
        json!({"affected_nodes": ["node3"], "active_nodes": ["a", "b"], "originating_node": "a", "total_nodes": 2}),
    );
}

#[tokio::test]
async fn standardized_timestamps() {
    let pair = Pair::new().await;
    for message_type in all_types() {
        let mut heard = pair.subscribe(message_type.instance, &["times"]).await;
        let mut untimed = message_type.example();
        untimed.as_object_mut().unwrap().remove("timestamp");
        let before = Timestamp::now();
        pair.publish_typed(message_type, untimed, Some("times"));
        let payload = hear_typed(&mut heard, "times", message_type.tag).await;
        let time: Timestamp = payload["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(
            (before..=Timestamp::now()).contains(&time),
            "{}: {time}",
            message_type.name
        );
    }
}

mod usage_examples {
    use super::*;

    #[tokio::test]
    async fn create_and_broadcast_a_config_change() {
        let pair = Pair::new().await;
        let mut heard = pair.subscribe(Instance::System, &["config"]).await;
        let payload = SystemConfig::new("database", json!({"pool_size": 10}));
        pair.a.publish_typed(&payload, Some(topic("config"))).unwrap();
        says(
            &hear_typed(&mut heard, "config", "system_config_changed").await,
            json!({"component": "database", "changes": {"pool_size": 10}, "changed_by": "system", "node": "a"}),
        );
    }

    #[tokio::test]
    async fn subscribe_to_health_updates() {
        let pair = Pair::new().await;
        let mut heard = pair.subscribe(Instance::Health, &["node_health"]).await;
        let health = json!({"node": "node1", "status": "healthy"});
        for on in [None, Some("node_health"), Some("cluster_health")] {
            pair.publish_typed(named("NodeHealth"), health.clone(), on);
            says(
                &hear_typed(&mut heard, "cluster:health", "node_health_updated").await,
                health.clone(),
            );
        }
        pair.nothing_more(&mut heard, "node_health").await;
    }

    #[derive(Default)]
    struct Worker {
        updates: Vec<Value>,
        ignored: usize,
    }

    impl Worker {
        fn handle_info(&mut self, message: &Envelope) {
            match message.head().event {
                "node_health_updated" => {
                    match validate_message(message.instance(), "node_health_updated", payload(message)) {
                        Ok(payload) => self.updates.push(payload),
                        Err(_) => self.ignored += 1,
                    }
                }
                _ => self.ignored += 1,
            }
        }
    }

    #[tokio::test]
    async fn validate_received_messages_using_pattern_matching() {
        let pair = Pair::new().await;
        let mut heard = pair.subscribe(Instance::Health, &["node_health"]).await;
        let mut worker = Worker::default();
        pair.publish(
            Instance::Health,
            "node_health",
            "node_health_updated",
            &json!(["no", "message"]),
        );
        pair.publish(Instance::Health, "node_health", "something_else", &json!({}));
        pair.publish_typed(
            named("NodeHealth"),
            json!({"node": "node1", "status": "degraded"}),
            None,
        );
        for _ in 0..3 {
            worker.handle_info(&next(&mut heard).await);
        }
        assert_eq!((worker.updates.len(), worker.ignored), (1, 2));
        says(&worker.updates[0], json!({"node": "node1", "status": "degraded"}));
    }
}

/// "Messages are automatically signed when broadcast and can be validated by receivers."
#[tokio::test]
async fn security() {
    let pair = Pair::new().await;
    for message_type in all_types() {
        let mut heard = pair.subscribe(message_type.instance, &["signed"]).await;
        pair.publish_typed(message_type, message_type.example(), Some("signed"));
        assert!(next(&mut heard).await.is_signed(), "{}", message_type.name);
        let unverified = bellwether::DropReason::Unverified;
        assert_eq!(pair.b.counters(message_type.instance).dropped(unverified).value(), 0);
    }
}

mod functions;
