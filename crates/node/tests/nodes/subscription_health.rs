//! The health of the stores' subscriptions and the circuit breakers, across nodes.

use std::time::Duration;

use bellwether::emitters::StoreSubscription;
use bellwether::subscription_health::circuit_breaker::CallError;
use bellwether::subscription_health::{
    BreakerSettings, BreakerState, Emission, HealthEvent, HealthSettings, HealthState, Permit,
};
use bellwether::{BreakerOptions, Delivery, Envelope, Instance, Node, Sent, Subscription};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::lab::*;

/// A node that listens to the health of subscriptions has these patterns among those of its subscriptions.
const LISTENS: &str = "subscription_health:*";

pub(crate) async fn listening(lab: &Lab, name: &str, seeds: &[&Node]) -> Node {
    let node = seeds
        .iter()
        .fold(lab.builder(name), |builder, seed| builder.seed(address(seed)))
        .integration(|settings| {
            settings.enabled = true;
            settings.report_health = false;
        })
        .start()
        .await
        .unwrap();
    eventually("it listens", || listens(&node, node.id().as_str())).await;
    node
}

/// Whether `node` knows that `who` listens.
fn listens(node: &Node, who: &str) -> bool {
    let subscribers = node.subscribers(Some(Instance::Health), None);
    subscribers
        .iter()
        .any(|it| it.node.as_str() == who && it.patterns.iter().any(|p| p.as_str() == LISTENS))
}

pub(crate) async fn listening_pair() -> (Lab, Node, Node) {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let b = listening(&lab, "b", &[&a]).await;
    let nodes = [a, b];
    all_see_all(&nodes).await;
    let [a, b] = nodes;
    eventually("both listen", || listens(&a, "b") && listens(&b, "a")).await;
    (lab, a, b)
}

async fn next(subscription: &mut Subscription) -> (Envelope, Value) {
    match timeout(DEADLINE, subscription.next()).await.expect("in time") {
        Some(Delivery::Message(envelope)) => {
            let payload = serde_json::from_slice(envelope.payload()).unwrap();
            (envelope, payload)
        }
        other => panic!("{other:?}"),
    }
}

fn state(node: &Node, subscription: &str) -> Option<HealthState> {
    let record = node.subscription_health().record("main", subscription)?;
    Some(record.current_status)
}

#[tokio::test]
async fn what_one_node_tells_every_node_knows_once() {
    let (_lab, a, b) = listening_pair().await;
    let health = a.subscription_health();
    let (mut raw, _) = b
        .subscribe(Instance::Health, [pattern("subscription_health:*")])
        .await
        .unwrap();
    health
        .report("main", "billing", HealthEvent::RegistrationStarted, json!({}))
        .unwrap();
    health
        .report(
            "main",
            "billing",
            "registration_failed",
            json!({"error": "no such stream"}),
        )
        .unwrap();
    health
        .report("main", "shipping", "registration_success", json!({}))
        .unwrap();
    for node in [&a, &b] {
        eventually("it is known", || state(node, "shipping") == Some(HealthState::Healthy)).await;
        let health = node.subscription_health();
        let record = health.record("main", "billing").unwrap();
        assert_eq!(
            (record.current_status, record.event_count, record.error_count),
            (HealthState::Failed, 2, 1)
        );
        assert_eq!(record.last_error.as_deref(), Some("no such stream"));
        assert_eq!(health.names("main"), ["billing".into(), "shipping".into()]);
        assert_eq!(health.stores(), ["main".into()]);
        let summary = health.summary("main").unwrap();
        assert_eq!(
            (summary.total_subscriptions, summary.healthy, summary.failed),
            (2, 1, 1)
        );
        let past = health.history(Some("main"));
        let told: Vec<_> = past
            .iter()
            .map(|change| (change.subscription.as_str(), change.to))
            .collect();
        let expected = [
            ("billing", HealthState::Registering),
            ("billing", HealthState::Failed),
            ("shipping", HealthState::Healthy),
        ];
        assert_eq!(told, expected);
        assert_eq!(past[1].reason.as_deref(), Some("no such stream"));
        assert!(health.history(Some("other")).is_empty());
        assert_eq!(health.emission("main", "billing"), Emission::Paused);
    }
    let (envelope, payload) = next(&mut raw).await;
    assert_eq!(
        (envelope.topic(), envelope.head().event),
        ("subscription_health:main:billing", "subscription_health")
    );
    assert_eq!(payload["event_type"], "registration_started");
    assert_eq!(next(&mut raw).await.1["event_type"], "registration_failed");
    assert_eq!(
        next(&mut raw).await.1["subscription_name"],
        "shipping",
        "nothing came twice"
    );
}

#[tokio::test]
async fn an_event_on_both_topics_of_the_original_counts_once() {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let payload = json!({
        "store_id": "main", "subscription_name": "billing", "event_type": "event_delivery_failed",
        "metadata": {}, "timestamp": 1_753_600_000_000_i64,
    });
    for topic in ["store_health:main", "subscription_health:main:billing"] {
        let mut message = draft(topic, "").json(payload.to_string());
        message.event = "subscription_health".into();
        a.publish(Instance::Health, &message).unwrap();
    }
    a.subscription_health()
        .report("main", "last", "proxy_started", json!({}))
        .unwrap();
    eventually("all are known", || state(&a, "last").is_some()).await;
    assert_eq!(
        a.subscription_health().record("main", "billing").unwrap().event_count,
        1
    );
}

#[tokio::test]
async fn whoever_waits_hears_of_each_other_emission_and_of_its_own_subscription_alone() {
    let (_lab, a, b) = listening_pair().await;
    let mut watch = b.subscription_health().watch("main", "billing");
    assert_eq!(watch.current(), Emission::On);
    let health = a.subscription_health();
    for (subscription, event) in [
        ("shipping", "proxy_crashed"),
        ("billing", "event_delivery_success"),
        ("billing", "event_delivery_failed"),
    ] {
        health.report("main", subscription, event, json!({})).unwrap();
    }
    assert_eq!(timeout(DEADLINE, watch.changed()).await.unwrap(), Emission::Throttled);
    health.report("main", "billing", "proxy_crashed", json!({})).unwrap();
    assert_eq!(timeout(DEADLINE, watch.changed()).await.unwrap(), Emission::Paused);
    b.integration().disable();
    assert_eq!(
        timeout(DEADLINE, watch.changed()).await.unwrap(),
        Emission::On,
        "switched off, nothing stays paused"
    );
    assert_eq!(state(&b, "billing"), None);
    assert_eq!(
        b.subscription_health()
            .report("main", "billing", "proxy_crashed", json!({}))
            .unwrap(),
        Sent::Disabled
    );
    b.integration().enable();
    eventually("what the nodes still keep is learned again", || {
        state(&b, "billing") == Some(HealthState::Failed)
    })
    .await;
}

#[tokio::test]
async fn two_nodes_give_one_summary_per_store_and_interval_and_the_second_takes_over() {
    let (_lab, a, b) = listening_pair().await;
    let settings = HealthSettings {
        check_interval: Duration::from_millis(100),
        summary_interval: Duration::from_secs(1),
        ..HealthSettings::default()
    };
    for node in [&a, &b] {
        node.subscription_health().configure(settings);
    }
    let (mut summaries, _) = b
        .subscribe(Instance::Health, [pattern("health_summary:+")])
        .await
        .unwrap();
    a.subscription_health()
        .report("main", "billing", "registration_success", json!({}))
        .unwrap();
    a.subscription_health()
        .report("main", "shipping", "proxy_crashed", json!({}))
        .unwrap();
    let mut shown = Vec::new();
    let _ = timeout(Duration::from_millis(4_500), async {
        loop {
            shown.push(next(&mut summaries).await);
        }
    })
    .await;
    assert!((3..=5).contains(&shown.len()), "one a second, not {}", shown.len());
    for (envelope, payload) in &shown {
        assert_eq!(
            (envelope.topic(), envelope.reporting_node()),
            ("health_summary:main", "a")
        );
        assert_eq!(
            (&payload["store_id"], &payload["store"]),
            (&json!("main"), &json!("main"))
        );
        assert_eq!(
            (&payload["healthy"], &payload["healthy_subscriptions"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(
            (&payload["failed"], &payload["unhealthy_subscriptions"]),
            (&json!(1), &json!(1))
        );
    }
    a.integration().disable();
    let took_over = async { while next(&mut summaries).await.0.reporting_node() != "b" {} };
    timeout(DEADLINE, took_over).await.unwrap();
}

#[tokio::test]
async fn a_breaker_tells_each_change_once_and_pauses_the_subscription_that_it_guards() {
    let (_lab, a, b) = listening_pair().await;
    let (mut status, _) = b
        .subscribe(Instance::Health, [pattern("circuit_breaker_status:*")])
        .await
        .unwrap();
    let settings = BreakerSettings {
        failure_threshold: 2.try_into().unwrap(),
        open_for: Duration::from_millis(200),
        enabled: true,
    };
    let breaker = a.circuit_breaker("billing", BreakerOptions::new(settings).guards("main", "billing"));
    for _ in 0..2 {
        let failed: Result<(), _> = breaker.call(|| async { Err("broken") }).await;
        assert_eq!(failed, Err(CallError::Failed("broken")));
    }
    let refused: Result<(), CallError<&str>> = breaker.call(|| async { panic!("called all the same") }).await;
    assert!(matches!(refused, Err(CallError::Refused { .. })));
    eventually("the subscription is paused", || {
        b.subscription_health().emission("main", "billing") == Emission::Paused
    })
    .await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(breaker.call(|| async { Ok::<_, &str>(7) }).await, Ok(7));
    eventually("the subscription goes on", || {
        state(&b, "billing") == Some(HealthState::Healthy)
    })
    .await;
    let record = b.subscription_health().record("main", "billing").unwrap();
    assert_eq!(record.event_count, 2, "opened and closed");
    for (status_word, state, event) in [
        ("unhealthy", "open", "circuit_breaker_opened"),
        ("degraded", "half_open", "circuit_breaker_half_open"),
        ("healthy", "closed", "circuit_breaker_closed"),
    ] {
        let (envelope, payload) = next(&mut status).await;
        assert_eq!(envelope.topic(), "circuit_breaker_status:billing");
        assert_eq!(envelope.head().event, "component_health_updated");
        assert_eq!(
            (&payload["component"], &payload["status"]),
            (&json!("billing"), &json!(status_word))
        );
        assert_eq!(
            (&payload["details"]["state"], &payload["details"]["event"]),
            (&json!(state), &json!(event))
        );
        assert_eq!(payload["details"]["statistics"]["failed"], 2);
    }
    let listed = a.circuit_breakers();
    assert_eq!(
        (listed.len(), listed[0].service.as_str(), listed[0].state),
        (1, "billing", BreakerState::Closed)
    );
    assert_eq!((listed[0].statistics.successful, listed[0].statistics.refused), (1, 1));
    assert!(b.circuit_breakers().is_empty());
    assert_eq!(
        a.circuit_breaker("billing", BreakerOptions::default()).permit(),
        Permit::Allowed
    );
}

#[tokio::test]
async fn breakers_and_emitters_are_as_the_node_is_configured() {
    let builder = Lab::new().builder("a").integration(|settings| {
        let monitoring = &mut settings.health_monitoring;
        monitoring.failure_threshold = 2.try_into().unwrap();
        monitoring.open_for = Duration::from_secs(7);
        monitoring.throttle_per_second = 3.try_into().unwrap();
        monitoring.check_interval = Duration::from_secs(9);
    });
    let node = builder.start().await.unwrap();
    let settings = node.emitter_settings("main", StoreSubscription::ByStream, "billing", "$all");
    assert_eq!(settings.breaker, node.breaker_options().settings);
    assert_eq!(
        (settings.breaker.failure_threshold.get(), settings.breaker.open_for),
        (2, Duration::from_secs(7))
    );
    assert_eq!(
        (settings.emission.throttle_per_second.get(), settings.check_interval),
        (3, Duration::from_secs(9))
    );
    let breaker = node.circuit_breaker("service", node.breaker_options());
    for state in [BreakerState::Closed, BreakerState::Open] {
        let failed = breaker.call(async || Err::<(), _>("no")).await;
        assert_eq!((failed, breaker.state()), (Err(CallError::Failed("no")), state));
    }

    let unguarded = Lab::new().builder("b").integration(|settings| {
        settings.health_monitoring.circuit_breaker_enabled = false;
    });
    let node = unguarded.start().await.unwrap();
    assert!(!node.breaker_options().settings.enabled);
}
