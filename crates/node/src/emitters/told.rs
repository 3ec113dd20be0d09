//! What a pool tells of itself: lifecycle, health, log events and figures.
//!
//! All of it goes through the integration, so nothing is told while that is switched off; and of a message that fails it
//! was said where it failed.

use std::fmt;

use bellwether_catalogue::EventRecord;
use bellwether_catalogue::families::raw::{LogEvent, MetricsSummary, StoreMetrics};
use bellwether_monitor::emission::Emission;
use bellwether_monitor::subscription_health::HealthEvent;
use serde_json::{Value, json};

use super::PoolEnd;
use super::core::Core;
use super::registry::StoreTotals;

const POOL: &str = "emitter_pool";
const WORKER: &str = "emitter_worker";
/// What a pool that was stopped says of its subscription: it is not known any more how it is. Not `proxy_stopped`, which is a
/// failure and pauses: the pool of another node may have taken over, and hear it after it has begun.
const RELEASED: &str = "proxy_released";

pub(super) fn pool_started(core: &Core) {
    let workers = core.lanes.len();
    tracing::info!(pool = pool_name(core), topic = %core.topic, workers, "an emitter pool starts");
    lifecycle(core, "emitter_pool_started", &pool_name(core), || {
        json!({
            "component": POOL, "pid": pool_id(core), "store": core.settings.store, "sub_topic": core.sub_topic,
            "topic": core.topic.as_str(), "emitter_count": workers, "subscriber": subscriber(core),
            "selector": core.settings.selector, "subscription": core.settings.name,
        })
    });
    store_health(
        core,
        POOL,
        "healthy",
        || json!({"sub_topic": core.sub_topic, "emitter_count": workers, "event": "started"}),
    );
    log_event(core, POOL, "startup", &pool_id(core), || {
        format!("{workers} workers start")
    });
    health(core, HealthEvent::ProxyStarted, || json!({"emitter_count": workers}));
}

pub(super) fn pool_stopped(core: &Core, end: &PoolEnd, is_failure: bool) {
    let (reason, lost) = (end.reason.as_str(), end.lost);
    tracing::info!(pool = pool_name(core), topic = %core.topic, reason, lost, "an emitter pool has stopped");
    store_health(
        core,
        POOL,
        "unhealthy",
        || json!({"sub_topic": core.sub_topic, "event": "stopped", "reason": reason}),
    );
    lifecycle(core, "emitter_pool_stopped", &pool_name(core), || {
        json!({
            "component": POOL, "pid": pool_id(core), "store": core.settings.store, "sub_topic": core.sub_topic,
            "topic": core.topic.as_str(), "subscriber": subscriber(core), "reason": reason, "lost": lost,
        })
    });
    log_event(core, POOL, "shutdown", &pool_id(core), || reason.to_owned());
    let event = match is_failure {
        true => HealthEvent::ProxyStopped,
        false => HealthEvent::from_name(RELEASED),
    };
    health(core, event, || json!({"reason": reason}));
}

pub(super) fn worker_started(core: &Core, index: usize) {
    lifecycle(core, "emitter_worker_started", &worker_name(core, index), || {
        json!({
            "component": WORKER, "pid": worker_id(core, index), "store": core.settings.store,
            "sub_topic": core.sub_topic, "topic": core.topic.as_str(), "scheduler_id": index,
            "subscriber": subscriber(core),
        })
    });
    store_health(
        core,
        WORKER,
        "healthy",
        || json!({"sub_topic": core.sub_topic, "topic": core.topic.as_str(), "event": "started"}),
    );
    log_event(core, WORKER, "startup", &worker_id(core, index), || {
        format!("emits to {}", core.topic)
    });
}

pub(super) fn worker_terminated(core: &Core, index: usize, reason: &str) {
    store_health(
        core,
        WORKER,
        "unhealthy",
        || json!({"selector": core.settings.selector, "event": "terminated", "reason": reason}),
    );
    lifecycle(core, "emitter_worker_terminated", &worker_name(core, index), || {
        json!({
            "component": WORKER, "pid": worker_id(core, index), "store": core.settings.store,
            "selector": core.settings.selector, "topic": core.topic.as_str(), "scheduler_id": index,
            "subscriber": subscriber(core), "reason": reason,
        })
    });
    log_event(core, WORKER, "shutdown", &worker_id(core, index), || reason.to_owned());
}

/// Events go in another way.
pub(super) fn emission(core: &Core, before: Emission, now: Emission) {
    let pool = pool_name(core);
    match now {
        Emission::On => tracing::debug!(pool, %before, "emission resumes"),
        Emission::Throttled => tracing::info!(pool, %before, "emission is throttled: the subscription is degraded"),
        Emission::Paused => tracing::warn!(pool, %before, "emission is paused: the subscription has failed"),
    }
    log_event(core, POOL, "health", &pool_id(core), || {
        format!("emission: {before}, now {now}")
    });
}

pub(super) fn success(core: &Core) {
    health(
        core,
        HealthEvent::EventDeliverySuccess,
        || json!({"delivered": super::core::value(&core.counts.delivered)}),
    );
}

pub(super) fn failure(core: &Core, record: &EventRecord, err: &str) {
    let (pool, event_id) = (pool_name(core), &record.event_id);
    tracing::debug!(pool, event_id, err, "an event was not delivered");
    health(core, HealthEvent::EventDeliveryFailed, || {
        json!({
            "error": err, "event_id": event_id, "event_stream_id": record.event_stream_id,
            "event_number": record.event_number, "failed": super::core::value(&core.counts.failed),
        })
    });
}

pub(super) fn failures(core: &Core, count: u64) {
    health(
        core,
        HealthEvent::EventDeliveryFailed,
        || json!({"error": format!("{count} more attempts to deliver failed"), "count": count}),
    );
}

pub(super) fn lost(core: &Core, count: u64) {
    let err = format!("{count} events are lost: they could not be delivered, and no more may wait");
    tracing::warn!(pool = pool_name(core), count, "events are lost");
    health(core, HealthEvent::EventDeliveryFailed, || {
        json!({
            "error": err, "reason": "lost", "count": count,
            "lost": super::core::value(&core.counts.lost), "waiting": core.held(),
        })
    });
    log_event(core, POOL, "error", &pool_id(core), || err.clone());
}

pub(super) fn heartbeat(core: &Core) {
    health(core, HealthEvent::PeriodicHeartbeat, || json!({"waiting": core.held()}));
}

/// What the pool did in an interval; and, if it speaks for its store, what all pools of the store on this node did.
pub(super) fn figures(core: &Core, emitted: u64, seconds: f64, store: Option<StoreTotals>) {
    let integration = core.node.integration();
    let per_second = rounded(emitted as f64 / seconds.max(f64::EPSILON));
    let _ = integration.publish(|| {
        let mut metrics = StoreMetrics::new(core.settings.store.as_str(), "events_per_second", per_second);
        metrics
            .extra
            .insert("subscription_name".to_owned(), core.settings.name.as_str().into());
        metrics
            .extra
            .insert("sub_topic".to_owned(), core.sub_topic.as_str().into());
        metrics
    });
    let _ = integration.broadcast_metrics(
        "emitter",
        || json!({"events_emitted": emitted, "duration_ms": (seconds * 1_000.0).round() as u64}),
    );
    if let Some(totals) = store {
        let _ = integration.publish(|| {
            MetricsSummary::new(core.settings.store.as_str())
                .events_per_second(rounded(totals.events_per_second))
                .total_events(totals.total_events)
                .active_subscriptions(totals.active_subscriptions)
        });
    }
}

/// Two decimals say enough.
fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

fn lifecycle(core: &Core, event: &str, name: &str, details: impl FnOnce() -> Value) {
    let _ = core.node.integration().broadcast_lifecycle_event(event, name, details);
}

fn store_health(core: &Core, component: &str, status: &str, details: impl FnOnce() -> Value) {
    let store = &core.settings.store;
    let _ = core
        .node
        .integration()
        .broadcast_store_health(store, component, status, details);
}

fn log_event(core: &Core, component: &str, event: &str, pid: &str, message: impl FnOnce() -> String) {
    let _ = core.node.integration().publish(|| {
        LogEvent::new(component, event)
            .store_id(core.settings.store.as_str())
            .pid(pid)
            .message(message())
            .metadata(json!({"topic": core.topic.as_str(), "subscription": core.settings.name}))
    });
}

fn health(core: &Core, event: impl fmt::Display, metadata: impl FnOnce() -> Value) {
    let settings = &core.settings;
    let health = core.node.subscription_health();
    let _ = health.report(&settings.store, &settings.name, event, metadata);
}

fn subscriber(core: &Core) -> String {
    let subscriber = core.subscriber.borrow();
    subscriber
        .as_ref()
        .map_or("topic", |subscriber| subscriber.name())
        .to_owned()
}

/// As the original names it.
fn pool_name(core: &Core) -> String {
    format!("{}:{}_emitter_pool", core.settings.store, core.sub_topic)
}

fn worker_name(core: &Core, index: usize) -> String {
    format!("{}:{}_emitter_{index}", core.settings.store, core.sub_topic)
}

/// What stands for a process id: unique in the mesh as long as the node runs.
fn pool_id(core: &Core) -> String {
    format!("{}.{}", core.node.id(), core.number)
}

fn worker_id(core: &Core, index: usize) -> String {
    format!("{}.{index}", pool_id(core))
}
