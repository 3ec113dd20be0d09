//! "Implementation Details".

use bellwether::catalogue::families::raw::{HealthSummary, MetricsSummary, StoreMetrics, SubscriptionHealth};
use bellwether::catalogue::{Message, Number};
use bellwether::{Envelope, Instance, Subscription};
use serde_json::json;

use crate::lab::*;

#[tokio::test]
async fn subscription_health_tracking() {
    let pair = Pair::new().await;
    let store_id = "my_store";
    // "Subscribe to health events"
    let mut health = pair
        .subscribe(Instance::Health, &[&format!("store_health:{store_id}")])
        .await;
    let mut summaries = pair
        .subscribe(Instance::Health, &[&format!("health_summary:{store_id}")])
        .await;

    // "Broadcast health events"
    let health_event = json!({
        "store_id": store_id, "subscription_name": "orders", "event_type": "registration_success", "metadata": {},
    });
    pair.publish(
        Instance::Health,
        &format!("store_health:{store_id}"),
        "subscription_health",
        &health_event,
    );
    says(
        &hear(&mut health, "my_store:health", "subscription_health").await,
        health_event.clone(),
    );
    // A subscription's own topic is heard by its store's subscribers too, once.
    let typed = SubscriptionHealth::new(store_id, "orders", "registration_success");
    pair.a.publish_typed(&typed, None).unwrap();
    says(
        &hear_typed(
            &mut health,
            "subscription_health:my_store:orders",
            "subscription_health",
        )
        .await,
        health_event,
    );
    pair.nothing_more(&mut health, "store_health:my_store").await;

    // "Broadcast health summaries"
    let summary_data = json!({
        "store_id": store_id, "total_subscriptions": 7, "healthy": 5, "degraded": 1, "failed": 1, "registering": 0,
        "unknown": 0,
    });
    pair.publish(
        Instance::Health,
        &format!("health_summary:{store_id}"),
        "health_summary",
        &summary_data,
    );
    let heard = hear(&mut summaries, "health_summary:my_store", "health_summary").await;
    says(&heard, summary_data.clone());
    let typed = HealthSummary::new(store_id, 7_u64)
        .healthy(5_u64)
        .degraded(1_u64)
        .failed(1_u64);
    pair.a.publish_typed(&typed, None).unwrap();
    says(
        &hear_typed(&mut summaries, "health_summary:my_store", "health_summary").await,
        summary_data,
    );
    // The consumers' names of the fields are read as the producers'.
    let consumed = json!({
        "store": store_id, "total_subscriptions": 7, "healthy_subscriptions": 5, "unhealthy_subscriptions": 2,
        "timestamp": "2025-07-27T11:30:00Z",
    });
    let read = HealthSummary::read(consumed.to_string().as_bytes()).unwrap();
    assert_eq!((read.store_id.as_str(), read.healthy, read.failed), (store_id, 5, 2));
}

/// An emitter: four subscriptions, and whether it is active.
struct EmitterWorker {
    health: Subscription,
    metrics: Subscription,
    emitter_active: bool,
    log: Vec<&'static str>,
    events_per_second: Option<Number>,
}

impl EmitterWorker {
    async fn init(pair: &Pair, store: &str) -> Self {
        let health = [format!("store_health:{store}"), format!("health_summary:{store}")];
        let metrics = [format!("store_metrics:{store}"), format!("metrics_summary:{store}")];
        let [health, metrics] = [&health, &metrics].map(|topics| topics.each_ref().map(String::as_str));
        Self {
            health: pair.subscribe(Instance::Health, &health).await,
            metrics: pair.subscribe(Instance::System, &metrics).await,
            emitter_active: true,
            log: Vec::new(),
            events_per_second: None,
        }
    }

    fn handle_info(&mut self, message: &Envelope) -> String {
        let payload = message.payload();
        match message.head().event {
            "subscription_health" => {
                let health = SubscriptionHealth::read(payload).unwrap();
                match health.event_type.to_string().as_str() {
                    "registration_failed" | "proxy_crashed" | "circuit_breaker_opened" => {
                        self.update_emission_state(false)
                    }
                    _ => self.update_emission_state(true),
                }
                format!("health of {}", health.subscription_name)
            }
            "health_summary" => {
                let summary = HealthSummary::read(payload).unwrap();
                format!("{}/{} are healthy", summary.healthy, summary.total_subscriptions)
            }
            "store_metrics" => {
                let figure = StoreMetrics::read(payload).unwrap();
                format!("{} is {}", figure.metric_name, figure.value)
            }
            "metrics_summary" => {
                let sum = MetricsSummary::read(payload).unwrap();
                self.events_per_second = Some(sum.events_per_second);
                format!("{} in all, {} active", sum.total_events, sum.active_subscriptions)
            }
            other => panic!("an emitter knows no {other}"),
        }
    }

    fn update_emission_state(&mut self, healthy: bool) {
        if self.emitter_active != healthy {
            self.emitter_active = healthy;
            self.log.push(match healthy {
                true => "Emission RESUMED due to healthy status",
                false => "Emission PAUSED due to unhealthy status",
            });
        }
    }
}

#[tokio::test]
async fn emitter_worker_health_integration() {
    let pair = Pair::new().await;
    let mut worker = EmitterWorker::init(&pair, "my_store").await;
    for other in ["my_store", "other"] {
        let event = SubscriptionHealth::new(other, "orders", "registration_success");
        pair.a.publish_typed(&event, None).unwrap();
        let summary = HealthSummary::new(other, 7_u64).healthy(5_u64);
        pair.a.publish_typed(&summary, None).unwrap();
        let figure = StoreMetrics::new(other, "events_per_second", 1250);
        pair.a.publish_typed(&figure, None).unwrap();
        let sum = MetricsSummary::new(other)
            .events_per_second(1250)
            .total_events(50_000_u64)
            .active_subscriptions(12_u64);
        pair.a.publish_typed(&sum, None).unwrap();
    }
    let mut handled = Vec::new();
    for _ in 0..2 {
        let message = next(&mut worker.health).await;
        handled.push(worker.handle_info(&message));
    }
    for _ in 0..2 {
        let message = next(&mut worker.metrics).await;
        handled.push(worker.handle_info(&message));
    }
    assert_eq!(
        handled,
        [
            "health of orders",
            "5/7 are healthy",
            "events_per_second is 1250",
            "50000 in all, 12 active"
        ]
    );
    assert_eq!(worker.events_per_second, Some(Number::Whole(1250)));
    pair.nothing_more(&mut worker.health, "health_summary:my_store").await;
    pair.nothing_more(&mut worker.metrics, "metrics_summary:my_store").await;
}

#[tokio::test]
async fn health_aware_emission_control() {
    let pair = Pair::new().await;
    let mut worker = EmitterWorker::init(&pair, "my_store").await;
    let mut states = Vec::new();
    for event_type in [
        "registration_success",
        "circuit_breaker_opened",
        "proxy_crashed",
        "circuit_breaker_closed",
    ] {
        let event = SubscriptionHealth::new("my_store", "orders", event_type);
        pair.a
            .publish_typed(&event, Some(topic("store_health:my_store")))
            .unwrap();
        let message = next(&mut worker.health).await;
        worker.handle_info(&message);
        states.push(worker.emitter_active);
    }
    assert_eq!(states, [true, false, false, true]);
    assert_eq!(
        worker.log,
        [
            "Emission PAUSED due to unhealthy status",
            "Emission RESUMED due to healthy status"
        ]
    );
}
