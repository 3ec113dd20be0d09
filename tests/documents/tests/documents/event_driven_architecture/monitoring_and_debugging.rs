//! "Monitoring and Debugging".

use std::time::Duration;

use bellwether::Instance;
use bellwether::catalogue::families::raw::{MetricsSummary, SubscriptionHealth, SubscriptionMetrics};
use bellwether::catalogue::{Message, Number};
use serde_json::json;

use crate::lab::*;

/// "Subscription health status", "circuit breaker states", "service availability".
#[tokio::test]
async fn health_dashboard() {
    let pair = Pair::new().await;
    let mut subscriptions = pair.subscribe(Instance::Health, &["subscription_health:*"]).await;
    let mut breakers = pair.subscribe(Instance::Health, &["circuit_breaker_status:*"]).await;
    let mut services = pair.subscribe(Instance::Health, &["process_health:*"]).await;

    let event = SubscriptionHealth::new("my_store", "orders", "proxy_started");
    pair.a.publish_typed(&event, None).unwrap();
    let state = json!({"service": "persistence", "state": "half_open"});
    pair.publish(
        Instance::Health,
        "circuit_breaker_status:persistence",
        "circuit_breaker_status",
        &state,
    );
    let up = pair.a.integration().on_topic(topic("process_health:api"));
    published(up.broadcast_health_update("api", "healthy", json!({})));

    says(
        &hear_typed(
            &mut subscriptions,
            "subscription_health:my_store:orders",
            "subscription_health",
        )
        .await,
        json!({"event_type": "proxy_started"}),
    );
    says(
        &hear(
            &mut breakers,
            "circuit_breaker_status:persistence",
            "circuit_breaker_status",
        )
        .await,
        state,
    );
    says(
        &hear_typed(&mut services, "process_health:api", "component_health_updated").await,
        json!({"component": "api", "status": "healthy"}),
    );
}

/// "Events per second", "processing latency", "active subscription counts", "memory and CPU usage".
#[tokio::test]
async fn performance_metrics() {
    let lab = Lab::new();
    let b = lab.builder("b");
    let a = lab.builder("a").integration(|integration| {
        integration.report_health = true;
        integration.health_interval = Duration::from_millis(100);
    });
    let pair = Pair::of(lab, a, b).await;
    let mut stores = pair.subscribe(Instance::System, &["metrics_summary:*"]).await;
    let mut latency = pair.subscribe(Instance::Metrics, &["subscription_metrics:*"]).await;
    let mut usage = pair.subscribe(Instance::Health, &["node_health"]).await;

    let sum = MetricsSummary::new("my_store")
        .events_per_second(1250)
        .active_subscriptions(12_u64);
    pair.a.publish_typed(&sum, None).unwrap();
    let read = MetricsSummary::read(next(&mut stores).await.payload()).unwrap();
    assert_eq!(
        (read.events_per_second, read.active_subscriptions),
        (Number::Whole(1250), 12)
    );

    let figures = json!({"result": "ok", "processing_time_ms": 45});
    let took = SubscriptionMetrics::new("my_store", "orders", "registration_attempt").metadata(figures.clone());
    pair.a.publish_typed(&took, None).unwrap();
    says(
        &hear_typed(
            &mut latency,
            "subscription_metrics:my_store:orders",
            "subscription_metrics",
        )
        .await,
        json!({"metadata": figures}),
    );

    let health = hear_typed(&mut usage, "cluster:health", "node_health_updated").await;
    assert!(
        health["memory_usage"].as_f64().unwrap() > 0.0 && health["cpu_usage"].is_number(),
        "{health}"
    );
}

/// "Health event correlation".
#[tokio::test]
async fn debugging_tools() {
    use bellwether::Draft;
    let pair = Pair::new().await;
    let mut health = pair.subscribe(Instance::Health, &["subscription_health:*"]).await;
    let mut traces = pair.subscribe(Instance::Diagnostics, &["diagnostics:*"]).await;
    let story = "restart-7";
    for (instance, on) in [
        (Instance::Health, "subscription_health:my_store:orders"),
        (Instance::Diagnostics, "diagnostics:performance_trace"),
    ] {
        let draft = Draft::new(topic(on), "said").json("{}").correlation_id(story);
        pair.a.publish(instance, &draft).unwrap();
    }
    for heard in [&mut health, &mut traces] {
        assert_eq!(next(heard).await.head().correlation_id, Some(story));
    }
}
