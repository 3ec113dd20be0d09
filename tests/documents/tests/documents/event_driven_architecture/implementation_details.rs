//! "Implementation Details".

use bellwether::catalogue::families::raw::{HealthSummary, MetricsSummary, StoreMetrics, SubscriptionHealth};
use bellwether::catalogue::{Message, Number};
use bellwether::emitters::{Emitted, EmitterPool, EmitterSettings, EventRecord, StoreSubscription};
use bellwether::subscription_health::{Emission, HealthState};
use bellwether::{Draft, Envelope, Instance, Subscription, Timestamp};
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

    // Every node keeps what it has heard of them.
    let known = |node: &bellwether::Node| {
        let record = node.subscription_health().record(store_id, "orders");
        record.is_some_and(|record| record.current_status == HealthState::Healthy)
    };
    eventually("both know that it is healthy", || known(&pair.a) && known(&pair.b)).await;

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
            events_per_second: None,
        }
    }

    fn handle_info(&mut self, message: &Envelope) -> String {
        let payload = message.payload();
        match message.head().event {
            "subscription_health" => {
                let health = SubscriptionHealth::read(payload).unwrap();
                let event_type = health.event_type.to_string();
                let unhealthy = ["registration_failed", "proxy_crashed", "circuit_breaker_opened"];
                self.emitter_active = !unhealthy.contains(&event_type.as_str());
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
    assert_eq!(
        (worker.emitter_active, worker.events_per_second),
        (true, Some(Number::Whole(1250)))
    );
    pair.nothing_more(&mut worker.health, "health_summary:my_store").await;
    pair.nothing_more(&mut worker.metrics, "metrics_summary:my_store").await;
}

/// An emitter of the mesh: what it is given while its subscription is unhealthy waits, and comes once that is healthy.
#[tokio::test]
async fn health_aware_emission_control() {
    let pair = Pair::new().await;
    let listens = || {
        let found = pair.b.subscribers(Some(Instance::Health), None);
        let wanted = pattern("subscription_health:*");
        found
            .iter()
            .any(|found| found.node.as_str() == "a" && found.patterns.contains(&wanted))
    };
    eventually("the emitter's node listens to the health of subscriptions", listens).await;
    let settings = EmitterSettings::new("my_store", StoreSubscription::ByStream, "orders", "$all");
    let emitter = EmitterPool::start(&pair.a, settings).unwrap();
    let mut events = pair.subscribe(Instance::Events, &["my_store:*"]).await;
    let event = |number: u64| EventRecord::new("orders-7", number, format!("e{number}"), "order_placed", json!({}));
    let told = |event_type: &str| {
        let event = json!({
            "store_id": "my_store", "subscription_name": "orders", "event_type": event_type, "metadata": {},
            "timestamp": Timestamp::now().as_millis(),
        });
        let draft = Draft::new(topic("store_health:my_store"), "subscription_health").json(event.to_string());
        pair.b.publish(Instance::Health, &draft).unwrap();
    };
    let becomes = |emission: Emission| move |emitter: &EmitterPool| emitter.info().emission == emission;

    assert_eq!(emitter.emit(event(0)), Emitted::Taken);
    assert_eq!(
        hear(&mut events, "my_store:$orders", "events").await[0]["event_number"],
        0
    );
    // "Emission PAUSED due to unhealthy status"
    told("proxy_crashed");
    eventually("it pauses", || becomes(Emission::Paused)(&emitter)).await;
    for number in 1..4 {
        assert_eq!(emitter.emit(event(number)), Emitted::Held);
    }
    assert_eq!(emitter.info().waiting, 3);
    pair.nothing_more(&mut events, "my_store:$orders").await;
    // "Emission RESUMED due to healthy status"
    told("registration_success");
    for number in 1..4 {
        assert_eq!(
            hear(&mut events, "my_store:$orders", "events").await[0]["event_number"],
            number
        );
    }
    assert!(becomes(Emission::On)(&emitter));
    emitter.stop("done").await;
}
