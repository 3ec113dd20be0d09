//! "Architecture Benefits".

use std::path::Path;
use std::time::Duration;

use bellwether::{Config, Delivery, Instance, Layer, Overflow};
use serde_json::json;

use crate::lab::*;

/// "1. Separation of Concerns": consumers only receive the events they need.
#[tokio::test]
async fn separation_of_concerns() {
    let pair = Pair::new().await;
    let mut alerts = pair.subscribe(Instance::Alerts, &["*"]).await;
    for instance in Instance::ALL {
        pair.publish(
            instance,
            "system_alerts:critical",
            "said",
            &json!({"in": instance.name()}),
        );
    }
    says(
        &hear(&mut alerts, "system_alerts:critical", "said").await,
        json!({"in": "alerts"}),
    );
    pair.nothing_more(&mut alerts, "system_alerts:critical").await;
    let received = |instance: Instance| pair.b.counters(instance).received.value();
    assert!(
        Instance::ALL
            .into_iter()
            .all(|instance| received(instance) == if instance == Instance::Alerts { 2 } else { 0 })
    );
}

/// "2. Independent Scaling", "5. Independent Configuration": each instance has bounds and a policy of its own.
#[tokio::test]
async fn independent_scaling_and_configuration() {
    let file = "name = \"a\"\n[instances.metrics]\nbacklog_messages = 1_000\nbacklog_age_s = 30\nqueue_messages = 100\n\
                overflow = \"disconnect\"\n[instances.audit]\nbacklog_age_s = 86_400\n";
    let config = Config::resolve(Layer::from_toml(file, Path::new("bellwether.toml")).unwrap()).unwrap();
    let of = |instance: Instance| &config.instances[instance.index()];
    let (metrics, audit, alerts) = (of(Instance::Metrics), of(Instance::Audit), of(Instance::Alerts));
    assert_eq!((metrics.backlog_messages, metrics.queue_messages), (1_000, 100));
    assert_eq!(
        (metrics.backlog_age, audit.backlog_age),
        (Duration::from_secs(30), Duration::from_secs(86_400))
    );
    assert_eq!(
        (metrics.overflow, alerts.overflow),
        (Overflow::Disconnect, Overflow::DropOldest)
    );

    let lab = Lab::new();
    let b = lab
        .builder("b")
        .instance(Instance::Metrics, |metrics| metrics.queue_messages = 16);
    let a = lab.builder("a");
    let pair = Pair::of(lab, a, b).await;
    let infos = pair.b.instances();
    assert_eq!(infos[Instance::Metrics.index()].queue_limit_messages, 16);
    assert!(infos[Instance::Alerts.index()].queue_limit_messages > 16);
    for instance in [Instance::Metrics, Instance::Alerts] {
        let unread = pair.subscribe(instance, &["many"]).await;
        for _ in 0..100 {
            pair.publish(instance, "many", "said", &json!({}));
        }
        let counters = pair.b.counters(instance);
        eventually("all have come", || counters.received.value() == 100).await;
        let dropped = counters.dropped(bellwether::DropReason::SlowSubscriber).value();
        assert_eq!(dropped > 0, instance == Instance::Metrics, "{instance}: {dropped}");
        drop(unread);
    }
}

/// "3. Selective Subscription".
#[tokio::test]
async fn selective_subscription() {
    let pair = Pair::new().await;
    let mut one = pair
        .subscribe(Instance::Logging, &["logs:shop:error", "logs:shop:critical"])
        .await;
    for level in ["debug", "info", "error", "warn", "critical"] {
        pair.publish(
            Instance::Logging,
            &format!("logs:shop:{level}"),
            "log",
            &json!({"level": level}),
        );
    }
    for level in ["error", "critical"] {
        says(
            &hear(&mut one, &format!("logs:shop:{level}"), "log").await,
            json!({"level": level}),
        );
    }
    pair.nothing_more(&mut one, "logs:shop:error").await;
}

/// "4. Fault Isolation": a flood of metrics that nobody reads costs no security alert.
#[tokio::test]
async fn fault_isolation() {
    let lab = Lab::new();
    let small = |name: &str| {
        lab.builder(name)
            .instance(Instance::Metrics, |metrics| metrics.queue_messages = 64)
    };
    let (a, b) = (small("a"), small("b"));
    let pair = Pair::of(lab, a, b).await;
    let mut unread = pair.subscribe(Instance::Metrics, &["*"]).await;
    let mut security = pair.subscribe(Instance::Security, &["threat_detection:*"]).await;
    for number in 0..100 {
        for _ in 0..200 {
            pair.publish(
                Instance::Metrics,
                "persistence",
                "performance_metric",
                &json!({"value": number}),
            );
        }
        pair.publish(
            Instance::Security,
            "threat_detection:api",
            "security_alert",
            &json!({"number": number}),
        );
        tokio::task::yield_now().await;
    }
    for number in 0..100 {
        says(
            &hear(&mut security, "threat_detection:api", "security_alert").await,
            json!({"number": number}),
        );
    }
    let flooded = || pair.b.counters(Instance::Metrics).received.value() == 20_000;
    eventually("the flood has come", flooded).await;
    assert!(matches!(unread.next().await, Some(Delivery::Gap(_))), "it overflowed");
    let dropped = pair
        .b
        .counters(Instance::Security)
        .dropped(bellwether::DropReason::SlowSubscriber);
    assert_eq!(dropped.value(), 0);
}
