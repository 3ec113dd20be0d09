//! "Event-Driven Architecture Benefits".

use std::time::Duration;

use bellwether::catalogue::families::raw::SubscriptionHealth;
use bellwether::{Delivery, Instance};
use serde_json::json;
use tokio::time::Instant;

use crate::lab::*;

/// "Dedicated channels prevent cross-contamination of different message types".
#[tokio::test]
async fn separation_of_concerns() {
    let pair = Pair::new().await;
    let channels = [Instance::Events, Instance::System, Instance::Health];
    let mut heard = Vec::new();
    for instance in channels {
        heard.push(pair.subscribe(instance, &["*"]).await);
    }
    for instance in channels {
        pair.publish(instance, "my_store:health", "said", &json!({"in": instance.name()}));
    }
    for heard in &mut heard {
        let instance = heard.instance();
        says(
            &hear(heard, "my_store:health", "said").await,
            json!({"in": instance.name()}),
        );
        pair.nothing_more(heard, "my_store:health").await;
    }
}

/// "Real-time visibility into system health and performance", and "detailed lifecycle tracking".
#[tokio::test]
async fn enhanced_observability() {
    let lab = Lab::new();
    let b = lab.builder("b");
    let a = lab.builder("a").integration(|integration| {
        integration.report_health = true;
        integration.report_system = true;
        integration.report_metrics = true;
        integration.health_interval = Duration::from_millis(100);
        integration.metrics_interval = Duration::from_millis(100);
    });
    let pair = Pair::of(lab, a, b).await;
    let mut node = pair.subscribe(Instance::Health, &["node_health"]).await;
    let mut checker = pair.subscribe(Instance::Health, &["component_health"]).await;
    let mut resources = pair.subscribe(Instance::Metrics, &["resource_usage"]).await;
    let mut system = pair.subscribe(Instance::System, &["lifecycle"]).await;
    let health = hear_typed(&mut node, "cluster:health", "node_health_updated").await;
    for figure in ["memory_usage", "disk_usage", "check_duration_ms"] {
        assert!(health[figure].is_number(), "{figure}: {health}");
    }
    says(
        &hear_typed(&mut checker, "component_health", "component_health_updated").await,
        json!({"component": "health_checker", "node": "a"}),
    );
    hear_typed(&mut resources, "resource_usage", "resource_usage").await;
    pair.a.shutdown().await;
    for event in ["stopping", "stopped"] {
        says(
            &hear_typed(&mut system, "lifecycle", "system_lifecycle_event").await,
            json!({"event": event}),
        );
    }
}

/// "System continues operating during partial failures".
#[tokio::test]
async fn improved_reliability() {
    let pair = Pair::new().await;
    let c = pair.lab.builder("c").seed(address(&pair.a)).start().await.unwrap();
    meet(&[&pair.a, &pair.b, &c]).await;
    let mut heard = pair.subscribe(Instance::Health, &["store_health:main"]).await;
    c.shutdown().await;
    let event = SubscriptionHealth::new("main", "orders", "circuit_breaker_opened");
    pair.a.publish_typed(&event, None).unwrap();
    says(
        &hear_typed(&mut heard, "subscription_health:main:orders", "subscription_health").await,
        json!({"store_id": "main", "subscription_name": "orders", "event_type": "circuit_breaker_opened"}),
    );
}

/// "Non-blocking communication between components": nobody waits for a subscriber that does not read.
#[tokio::test]
async fn better_performance() {
    let pair = Pair::new().await;
    let mut idle = pair.subscribe(Instance::Metrics, &["persistence"]).await;
    let began = Instant::now();
    for count in 0..20_000 {
        published(
            pair.a
                .integration()
                .broadcast_metrics("persistence", json!({"operations_count": count})),
        );
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let all_there = || pair.b.counters(Instance::Metrics).received.value() == 20_000;
    eventually("all have come", all_there).await;
    let mut count = 0;
    while let Some(delivery) = idle.try_next() {
        count += match delivery {
            Delivery::Gap(gap) => gap.count,
            _ => 1,
        };
    }
    assert_eq!(count, 20_000, "delivered or told as missing");
}
