//! Emitter pools, on one node and across nodes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether::emitters::{
    Emitted, EmitterPool, EmitterSettings, EventRecord, SelectorError, StartPoolError, StoreSubscription, Subscriber,
};
use bellwether::subscription_health::{BreakerState, Emission};
use bellwether::{Delivery, Envelope, Instance, Node, Subscription};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::lab::*;
use crate::subscription_health::{listening, listening_pair};

fn settings(name: &str) -> EmitterSettings {
    EmitterSettings::new("main", StoreSubscription::ByStream, name, "$all")
}

fn record(stream: &str, number: u64) -> EventRecord {
    let id = format!("{stream}-{number}");
    EventRecord::new(stream, number, id.as_str(), "counted:v1", json!({"n": number}))
}

/// A pool whose events come out of a channel.
fn pool_of(node: &Node, settings: EmitterSettings, capacity: usize) -> (EmitterPool, mpsc::Receiver<Vec<EventRecord>>) {
    let (sender, receiver) = mpsc::channel(capacity);
    let pool = EmitterPool::start(node, settings.subscriber(sender)).unwrap();
    (pool, receiver)
}

async fn number(receiver: &mut mpsc::Receiver<Vec<EventRecord>>) -> u64 {
    let batch = timeout(DEADLINE, receiver.recv())
        .await
        .expect("in time")
        .expect("open");
    assert_eq!(batch.len(), 1);
    batch[0].event_number
}

async fn numbers(receiver: &mut mpsc::Receiver<Vec<EventRecord>>, count: usize) -> Vec<u64> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(number(receiver).await);
    }
    all
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

/// The next message of which `is_it` holds.
async fn find(subscription: &mut Subscription, is_it: impl Fn(&Value) -> bool) -> (Envelope, Value) {
    let finding = async {
        loop {
            let (envelope, payload) = next(subscription).await;
            if is_it(&payload) {
                return (envelope, payload);
            }
        }
    };
    timeout(DEADLINE, finding).await.expect("it comes in time")
}

async fn becomes(node: &Node, name: &str, emission: Emission) {
    eventually("the emission is another", || {
        node.emitter_pools()
            .iter()
            .any(|pool| pool.subscription == name && pool.emission == emission)
    })
    .await;
}

fn tell(node: &Node, name: &str, event: &str) {
    node.subscription_health()
        .report("main", name, event, json!({}))
        .unwrap();
}

#[tokio::test]
async fn every_event_that_matches_reaches_another_node_once_and_in_the_order_of_its_stream() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    all_see_all(&[a.clone(), b.clone()]).await;
    let mut settings = EmitterSettings::new("main", StoreSubscription::ByEventType, "billing", "counted:v1");
    settings.pool_size = 4.try_into().unwrap();
    let (mut there, _) = b
        .subscribe(Instance::Events, [pattern("main:*billing-counted_v1")])
        .await
        .unwrap();
    let pool = EmitterPool::start(&a, settings).unwrap();
    for number in 0..100 {
        for stream in ["orders", "customers", "carts"] {
            assert_eq!(pool.emit(record(stream, number)), Emitted::Taken);
            let other = EventRecord::new(stream, number, "x", "forgotten:v1", json!({}));
            assert_eq!(pool.emit(other), Emitted::NotMatched);
        }
    }
    let mut expected = std::collections::BTreeMap::from([("orders", 0), ("customers", 0), ("carts", 0)]);
    for _ in 0..300 {
        let (envelope, payload) = next(&mut there).await;
        assert_eq!((envelope.head().event, envelope.reporting_node()), ("events", "a"));
        let records = payload.as_array().unwrap();
        assert_eq!(records.len(), 1);
        let stream = records[0]["event_stream_id"].as_str().unwrap();
        let number = expected.get_mut(stream).unwrap();
        assert_eq!(records[0]["event_number"], *number, "{stream}");
        assert!(records[0]["created"].is_string());
        *number += 1;
    }
    let end = pool.stop("done").await;
    assert_eq!((end.reason.as_str(), end.delivered, end.lost), ("done", 300, 0));
    a.publish(Instance::Events, &draft("main:*billing-counted_v1", "the next"))
        .unwrap();
    assert_eq!(next_text(&mut there).await, "the next", "nothing came twice");
}

#[tokio::test]
async fn a_subscriber_that_fails_pauses_its_own_subscription_alone_and_loses_nothing() {
    let (_lab, a, b) = listening_pair().await;
    let is_broken = Arc::new(AtomicBool::new(true));
    let got = Arc::new(Mutex::new(Vec::new()));
    let (broken, kept) = (is_broken.clone(), got.clone());
    let subscriber = Subscriber::function(move |batch: Vec<EventRecord>| {
        let (broken, kept) = (broken.clone(), kept.clone());
        async move {
            if broken.load(Ordering::SeqCst) {
                return Err("no connection");
            }
            kept.lock().unwrap().push(batch[0].event_number);
            Ok(())
        }
    });
    let mut bad = settings("bad").subscriber(subscriber);
    bad.breaker.open_for = Duration::from_millis(500);
    bad.check_interval = Duration::from_millis(100);
    let bad = EmitterPool::start(&a, bad).unwrap();
    let (good, mut good_events) = pool_of(&a, settings("good"), 64);
    for number in 0..20 {
        assert!(bad.emit(record("s", number)).is_taken());
        assert!(good.emit(record("s", number)).is_taken());
    }
    assert_eq!(numbers(&mut good_events, 20).await, (0..20).collect::<Vec<_>>());
    eventually("the breaker is open", || bad.info().breaker == BreakerState::Open).await;
    for node in [&a, &b] {
        eventually("everybody knows that it is paused", || {
            node.subscription_health().emission("main", "bad") == Emission::Paused
        })
        .await;
        assert_eq!(node.subscription_health().emission("main", "good"), Emission::On);
    }
    assert_eq!(bad.emit(record("s", 20)), Emitted::Held);
    assert_eq!(good.emit(record("s", 20)), Emitted::Taken);
    assert_eq!(number(&mut good_events).await, 20);
    assert!(got.lock().unwrap().is_empty());
    is_broken.store(false, Ordering::SeqCst);
    eventually("all is delivered", || got.lock().unwrap().len() == 21).await;
    assert_eq!(*got.lock().unwrap(), (0..21).collect::<Vec<_>>());
    assert_eq!((bad.info().lost, bad.info().breaker), (0, BreakerState::Closed));
    assert!(bad.info().failed >= 5);
    eventually("everybody knows that it is well", || {
        b.subscription_health().emission("main", "bad") == Emission::On
    })
    .await;
}

#[tokio::test]
async fn events_wait_while_their_subscription_has_failed_and_then_come_in_order() {
    for with_subscriber in [true, false] {
        let lab = Lab::new();
        let a = listening(&lab, "a", &[]).await;
        let (mut topic, _) = a.subscribe(Instance::Events, [pattern("main:$billing")]).await.unwrap();
        let (sender, mut channel) = mpsc::channel(64);
        let mut settings = settings("billing");
        settings.check_interval = Duration::from_millis(50);
        settings.subscriber = with_subscriber.then(|| sender.into());
        let pool = EmitterPool::start(&a, settings).unwrap();
        tell(&a, "other", "proxy_crashed");
        tell(&a, "billing", "proxy_crashed");
        becomes(&a, "billing", Emission::Paused).await;
        for number in 0..5 {
            assert_eq!(pool.emit(record("s", number)), Emitted::Held);
        }
        sleep(Duration::from_millis(300)).await;
        assert_eq!(pool.info().waiting, 5, "the pool's own heartbeats do not end the pause");
        assert!(channel.is_empty());
        assert!(topic.try_next().is_none());
        tell(&a, "billing", "registration_success");
        for number in 0..5 {
            let came = match with_subscriber {
                true => self::number(&mut channel).await,
                false => next(&mut topic).await.1[0]["event_number"].as_u64().unwrap(),
            };
            assert_eq!(came, number);
        }
    }
}

#[tokio::test]
async fn a_pool_that_does_not_care_for_health_emits_all_the_same() {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let mut settings = settings("billing");
    settings.health_aware = false;
    let (pool, mut events) = pool_of(&a, settings, 64);
    tell(&a, "billing", "proxy_crashed");
    eventually("it is known", || {
        a.subscription_health().emission("main", "billing") == Emission::Paused
    })
    .await;
    assert_eq!(pool.emit(record("s", 0)), Emitted::Taken);
    assert_eq!(number(&mut events).await, 0);
}

#[tokio::test]
async fn a_degraded_subscription_gets_a_few_a_second() {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let mut settings = settings("billing");
    settings.emission.throttle_per_second = 5.try_into().unwrap();
    let (pool, mut events) = pool_of(&a, settings, 64);
    // The success that would end it is told once, before it begins, and not again for five seconds.
    let _ = pool.emit(record("s", 0));
    assert_eq!(number(&mut events).await, 0);
    tell(&a, "billing", "event_delivery_failed");
    becomes(&a, "billing", Emission::Throttled).await;
    let began = Instant::now();
    for number in 1..=6 {
        assert_eq!(pool.emit(record("s", number)), Emitted::Held);
    }
    assert_eq!(numbers(&mut events, 6).await, (1..=6).collect::<Vec<_>>());
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(950), "five a second, not six in {took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn when_too_much_waits_the_oldest_go_counted_and_told() {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let (mut told, _) = a
        .subscribe(Instance::Health, [pattern("subscription_health:main:billing")])
        .await
        .unwrap();
    let mut settings = settings("billing");
    settings.emission.max_messages = 3.try_into().unwrap();
    settings.check_interval = Duration::from_millis(200);
    let (pool, mut events) = pool_of(&a, settings, 64);
    tell(&a, "billing", "proxy_crashed");
    becomes(&a, "billing", Emission::Paused).await;
    for number in 0..3 {
        assert_eq!(pool.emit(record("s", number)), Emitted::Held);
    }
    for number in 3..8 {
        assert_eq!(pool.emit(record("s", number)), Emitted::Displaced { lost: 1 });
    }
    let mut lost = 0;
    while lost < 5 {
        let (_, payload) = find(&mut told, |payload| payload["metadata"]["reason"] == "lost").await;
        assert_eq!(payload["event_type"], "event_delivery_failed");
        lost += payload["metadata"]["count"].as_u64().unwrap();
    }
    assert_eq!((lost, pool.info().lost, pool.info().waiting), (5, 5, 3));
    tell(&a, "billing", "registration_success");
    assert_eq!(numbers(&mut events, 3).await, [5, 6, 7]);
    assert_eq!(pool.positions()["s"], 7);
}

#[tokio::test]
async fn a_swap_loses_and_doubles_nothing_wherever_an_event_is() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let (pool, mut first) = pool_of(&a, settings("billing"), 1);
    for number in 0..4 {
        assert!(pool.emit(record("s", number)).is_taken());
    }
    // One is in the channel, one waits for room, two wait behind it.
    eventually("the worker waits for room", || pool.info().waiting == 2).await;
    let (sender, mut second) = mpsc::channel(64);
    pool.swap(Subscriber::channel(sender));
    assert_eq!(numbers(&mut second, 3).await, [1, 2, 3]);
    assert_eq!(number(&mut first).await, 0);
    assert_eq!(
        timeout(DEADLINE, first.recv()).await.unwrap(),
        None,
        "the old one is let go"
    );

    // One that a function has begun to handle stays with it.
    let (begun, release) = (Arc::new(AtomicU64::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (count, gate) = (begun.clone(), release.clone());
    pool.swap(Subscriber::function(move |_| {
        let (count, gate) = (count.clone(), gate.clone());
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            gate.notified().await;
            Ok::<_, String>(())
        }
    }));
    for number in 4..6 {
        let _ = pool.emit(record("s", number));
    }
    eventually("the function has begun", || begun.load(Ordering::SeqCst) == 1).await;
    let (sender, mut third) = mpsc::channel(64);
    pool.swap(Subscriber::channel(sender));
    sleep(Duration::from_millis(100)).await;
    assert!(third.is_empty());
    release.notify_one();
    assert_eq!(number(&mut third).await, 5);
    assert_eq!(begun.load(Ordering::SeqCst), 1);

    // Without a subscriber the topic gets them.
    let (mut topic, _) = a.subscribe(Instance::Events, [pattern("main:$billing")]).await.unwrap();
    pool.swap(None);
    let _ = pool.emit(record("s", 6));
    assert_eq!(next(&mut topic).await.1[0]["event_number"], 6);
    let end = pool.stop("done").await;
    assert_eq!((end.delivered, end.lost), (7, 0));
}

#[tokio::test]
async fn a_swap_ends_the_wait_for_a_subscriber_that_failed() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let failing = Subscriber::function(|_| async { Err("broken") });
    let pool = EmitterPool::start(&a, settings("billing").subscriber(failing)).unwrap();
    for number in 0..3 {
        let _ = pool.emit(record("s", number));
    }
    eventually("the breaker is open", || pool.info().breaker == BreakerState::Open).await;
    let (sender, mut events) = mpsc::channel(64);
    pool.swap(Subscriber::channel(sender));
    assert_eq!(numbers(&mut events, 3).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_subscriber_that_is_gone_ends_its_pool() {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let (mut told, _) = a
        .subscribe(Instance::Health, [pattern("subscription_health:main:billing")])
        .await
        .unwrap();
    let (pool, events) = pool_of(&a, settings("billing"), 64);
    drop(events);
    let _ = pool.emit(record("s", 0));
    let end = timeout(DEADLINE, pool.ended()).await.unwrap();
    assert_eq!(
        (end.reason.as_str(), end.delivered, end.lost),
        ("the subscriber is gone", 0, 1)
    );
    assert_eq!(pool.emit(record("s", 1)), Emitted::Stopped);
    assert!(a.emitter_pools().is_empty());
    assert!(a.circuit_breakers().is_empty());
    let failed = find(&mut told, |payload| payload["event_type"] == "event_delivery_failed").await;
    assert_eq!(failed.1["metadata"]["error"], "the subscriber is gone");
    find(&mut told, |payload| payload["event_type"] == "proxy_stopped").await;
}

#[tokio::test]
async fn a_subscriber_that_panics_or_hangs_has_failed_and_nothing_else_has() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let calls = Arc::new(AtomicU64::new(0));
    let (done, mut events) = mpsc::channel(64);
    let count = calls.clone();
    let subscriber = Subscriber::function(move |batch: Vec<EventRecord>| {
        let call = count.fetch_add(1, Ordering::SeqCst);
        assert_ne!(call, 0, "planted, before the first wait");
        let done = done.clone();
        async move {
            assert_ne!(call, 1, "planted");
            if call == 2 {
                std::future::pending::<()>().await;
            }
            done.send(batch).await.map_err(|err| err.to_string())
        }
    });
    let mut settings = settings("billing").subscriber(subscriber);
    settings.delivery_timeout = Duration::from_millis(100);
    let pool = EmitterPool::start(&a, settings).unwrap();
    let _ = pool.emit(record("s", 0));
    let _ = pool.emit(record("s", 1));
    assert_eq!(numbers(&mut events, 2).await, [0, 1]);
    assert_eq!((pool.info().failed, pool.info().lost), (3, 0));
    assert!(
        timeout(Duration::from_millis(50), a.failed()).await.is_err(),
        "the node goes on"
    );
}

#[tokio::test]
async fn an_event_that_always_fails_can_be_given_up_and_the_next_is_tried() {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let (done, mut events) = mpsc::channel(64);
    let subscriber = Subscriber::function(move |batch: Vec<EventRecord>| {
        let done = done.clone();
        async move {
            if batch[0].event_number == 0 {
                return Err("poison".to_owned());
            }
            done.send(batch).await.map_err(|err| err.to_string())
        }
    });
    let mut settings = settings("billing").subscriber(subscriber);
    settings.max_attempts = 4.try_into().ok();
    let pool = EmitterPool::start(&a, settings).unwrap();
    for number in 0..3 {
        let _ = pool.emit(record("s", number));
    }
    assert_eq!(numbers(&mut events, 2).await, [1, 2]);
    assert_eq!((pool.info().failed, pool.info().lost), (4, 1));
}

#[tokio::test]
async fn a_pool_and_its_workers_tell_of_their_lives() {
    let (_lab, a, b) = listening_pair().await;
    let (mut lives, _) = b
        .subscribe(Instance::Lifecycle, [pattern("process_lifecycle")])
        .await
        .unwrap();
    let (mut health, _) = b.subscribe(Instance::Health, [pattern("main:health")]).await.unwrap();
    let (mut logs, _) = b.subscribe(Instance::Logging, [pattern("logging:*")]).await.unwrap();
    let (pool, _events) = pool_of(&a, settings("billing"), 64);
    let (_, started) = find(&mut lives, |it| it["event"] == "emitter_pool_started").await;
    let details = &started["metadata"];
    assert_eq!(started["name"], "main:$billing_emitter_pool");
    assert_eq!(
        (&started["module"], &started["node"]),
        (&json!("emitter_pool"), &json!("a"))
    );
    assert_eq!(
        (&details["store"], &details["sub_topic"], &details["topic"]),
        (&json!("main"), &json!("$billing"), &json!("main:$billing"))
    );
    assert_eq!(
        (&details["emitter_count"], &details["subscriber"]),
        (&json!(1), &json!("channel"))
    );
    let (_, worker) = find(&mut lives, |it| it["event"] == "emitter_worker_started").await;
    assert_eq!(
        (&worker["metadata"]["scheduler_id"], &worker["metadata"]["topic"]),
        (&json!(0), &json!("main:$billing"))
    );
    assert_eq!(worker["pid"], worker["metadata"]["pid"]);
    assert_ne!(worker["pid"], started["pid"]);
    for component in ["emitter_pool", "emitter_worker"] {
        let (_, payload) = find(&mut health, |it| it["component"] == component).await;
        assert_eq!(
            (&payload["status"], &payload["details"]["sub_topic"]),
            (&json!("healthy"), &json!("$billing"))
        );
        let (envelope, payload) = find(&mut logs, |it| it["component"] == component).await;
        assert_eq!(
            (envelope.head().event, &payload["event_type"]),
            ("log_event", &json!("startup"))
        );
        assert_eq!(payload["store_id"], "main");
    }
    pool.stop("Manual Stop").await;
    let (_, worker) = find(&mut lives, |it| it["event"] == "emitter_worker_terminated").await;
    assert_eq!(
        (&worker["reason"], &worker["metadata"]["selector"]),
        (&json!("Manual Stop"), &json!("$all"))
    );
    let (_, stopped) = find(&mut lives, |it| it["event"] == "emitter_pool_stopped").await;
    assert_eq!(stopped["reason"], "Manual Stop");
    for component in ["emitter_worker", "emitter_pool"] {
        let (_, payload) = find(&mut health, |it| it["component"] == component).await;
        assert_eq!(
            (&payload["status"], &payload["details"]["reason"]),
            (&json!("unhealthy"), &json!("Manual Stop"))
        );
        find(&mut logs, |it| {
            it["component"] == component && it["event_type"] == "shutdown"
        })
        .await;
    }
}

#[tokio::test]
async fn figures_are_told_per_pool_and_summed_up_per_store() {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let (mut figures, _) = a
        .subscribe(Instance::System, [pattern("store_metrics:main")])
        .await
        .unwrap();
    let (mut summaries, _) = a
        .subscribe(Instance::System, [pattern("metrics_summary:main")])
        .await
        .unwrap();
    let pools = ["one", "two"].map(|name| {
        let mut settings = settings(name);
        settings.metrics_interval = Some(Duration::from_millis(500));
        pool_of(&a, settings, 64)
    });
    for number in 0..10 {
        for (pool, _) in &pools {
            let _ = pool.emit(record("s", number));
        }
    }
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let (_, payload) = find(&mut figures, |it| it["value"].as_f64().unwrap() > 0.0).await;
        assert_eq!(payload["metric_name"], "events_per_second");
        assert!(payload["value"].as_f64().unwrap() <= 21.0);
        seen.push(payload["subscription_name"].as_str().unwrap().to_owned());
    }
    seen.sort();
    assert_eq!(seen, ["one", "two"]);
    let (_, summary) = find(&mut summaries, |it| it["total_events"] == 20).await;
    assert_eq!(summary["active_subscriptions"], 2);
    let mut told = 0;
    let _ = timeout(Duration::from_millis(1_800), async {
        loop {
            next(&mut summaries).await;
            told += 1;
        }
    })
    .await;
    assert!((2..=4).contains(&told), "one pool speaks for the store: {told}");
}

#[tokio::test]
async fn switched_off_a_pool_emits_and_is_silent() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let mut told = Vec::new();
    for (instance, wanted) in [
        (Instance::Lifecycle, "process_lifecycle"),
        (Instance::Health, "*"),
        (Instance::Logging, "*"),
        (Instance::System, "*"),
        (Instance::Metrics, "*"),
    ] {
        told.push(a.subscribe(instance, [pattern(wanted)]).await.unwrap().0);
    }
    let mut quiet = settings("billing");
    quiet.metrics_interval = Some(Duration::from_millis(20));
    quiet.check_interval = Duration::from_millis(20);
    let (pool, mut events) = pool_of(&a, quiet, 64);
    assert_eq!(pool.emit(record("s", 0)), Emitted::Taken);
    assert_eq!(number(&mut events).await, 0);
    sleep(Duration::from_millis(100)).await;
    pool.stop("done").await;
    assert!(told.iter_mut().all(|it| it.try_next().is_none()));
}

#[tokio::test]
async fn a_new_leader_begins_where_the_old_one_stopped() {
    let (_lab, a, b) = listening_pair().await;
    let (mut there, _) = b.subscribe(Instance::Events, [pattern("main:$billing")]).await.unwrap();
    let old = EmitterPool::start(&a, settings("billing")).unwrap();
    for (stream, number) in [("orders", 0), ("orders", 1), ("carts", 0)] {
        let _ = old.emit(record(stream, number));
    }
    eventually("all went", || old.info().delivered == 3).await;
    let positions = old.positions();
    old.stop("the leader moves").await;
    let health = b.subscription_health();
    eventually("the other node knows", || {
        let record = health.record("main", "billing");
        record.is_some_and(|record| record.last_event.name() == "proxy_released")
    })
    .await;
    assert_eq!(
        health.emission("main", "billing"),
        Emission::On,
        "whoever takes over is not held back by the stop"
    );
    let mut next_settings = settings("billing");
    next_settings.start_after = positions;
    let new = EmitterPool::start(&b, next_settings).unwrap();
    for (stream, number, is_skipped) in [
        ("orders", 1, true),
        ("orders", 2, false),
        ("carts", 0, true),
        ("carts", 1, false),
        ("users", 0, false),
    ] {
        let emitted = new.emit(record(stream, number));
        assert_eq!(emitted == Emitted::Skipped, is_skipped, "{stream} {number}");
    }
    let mut came = Vec::new();
    for _ in 0..6 {
        came.push(next(&mut there).await.1[0]["event_id"].as_str().unwrap().to_owned());
    }
    came.sort();
    assert_eq!(
        came,
        ["carts-0", "carts-1", "orders-0", "orders-1", "orders-2", "users-0"]
    );
    assert_eq!(new.positions().len(), 3);
}

#[tokio::test]
async fn a_stop_lets_go_what_can_go_and_counts_what_cannot() {
    let lab = Lab::new();
    let a = listening(&lab, "a", &[]).await;
    let (pool, mut events) = pool_of(&a, settings("billing"), 1);
    for number in 0..10 {
        let _ = pool.emit(record("s", number));
    }
    let reading = tokio::spawn(async move { numbers(&mut events, 10).await });
    let end = pool.stop("done").await;
    assert_eq!((end.delivered, end.lost), (10, 0));
    assert_eq!(reading.await.unwrap().len(), 10);

    let (pool, _unread) = pool_of(&a, settings("shipping"), 1);
    for number in 0..10 {
        let _ = pool.emit(record("s", number));
    }
    let began = Instant::now();
    let end = pool.stop("done").await;
    assert!((4..8).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!((end.delivered, end.lost), (1, 9));
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_the_start() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let start = |settings: EmitterSettings| EmitterPool::start(&a, settings).map(drop).unwrap_err();
    let new = |store: &str, subscription, name: &str, selector: &str| {
        EmitterSettings::new(store, subscription, name, selector)
    };
    use StoreSubscription::{ByEventPattern, ByStream};
    assert_eq!(
        start(new("main", ByEventPattern, "p", "[]")),
        StartPoolError::Selector(SelectorError::NoObject)
    );
    assert!(matches!(
        start(new("cluster", ByStream, "p", "$all")),
        StartPoolError::Topic(_)
    ));
    assert_eq!(
        start(new("main", ByStream, "", "$all")),
        StartPoolError::Name { bytes: 0 }
    );
    let mut many = settings("p");
    many.pool_size = 65.try_into().unwrap();
    assert_eq!(start(many), StartPoolError::Workers { workers: 65 });
    let mut fast = settings("p");
    fast.check_interval = Duration::ZERO;
    assert_eq!(start(fast), StartPoolError::Interval);
    let pool = EmitterPool::start(&a, settings("p")).unwrap();
    assert_eq!(
        start(settings("p")).to_string(),
        "a pool of this node already emits to main:$p: stop it first, or give the subscription another name"
    );
    assert_eq!((a.emitter_pools().len(), a.circuit_breakers().len()), (1, 1));
    pool.stop("done").await;
    EmitterPool::start(&a, settings("p")).unwrap().stop("done").await;
    let other = a.clone();
    let outside = std::thread::spawn(move || EmitterPool::start(&other, settings("q")).map(drop).unwrap_err());
    assert_eq!(outside.join().unwrap(), StartPoolError::NoRuntime);
}
