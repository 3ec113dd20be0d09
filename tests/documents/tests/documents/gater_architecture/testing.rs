//! "Testing": what the original's own tests of its instances demand.

use std::time::Duration;

use bellwether::{ContentType, Draft, Instance};
use serde_json::json;
use tokio::time::Instant;

use crate::lab::*;

fn numbered(on: &str, number: u64) -> Draft {
    Draft::new(topic(on), "numbered").json(json!({"number": number}).to_string())
}

/// "Instance isolation and independence": one topic, ten instances, and each hears its own.
#[tokio::test]
async fn instance_isolation_and_independence() {
    let pair = Pair::new().await;
    let mut all = Vec::new();
    for instance in Instance::ALL {
        all.push(pair.subscribe(instance, &["the_same:topic"]).await);
    }
    for _ in 0..2 {
        for instance in Instance::ALL {
            pair.publish(instance, "the_same:topic", "said", &json!({"in": instance.name()}));
        }
        for heard in &mut all {
            let instance = heard.instance();
            says(
                &hear(heard, "the_same:topic", "said").await,
                json!({"in": instance.name()}),
            );
        }
    }
    for heard in &mut all {
        pair.nothing_more(heard, "the_same:topic").await;
        assert_eq!(
            pair.b.counters(heard.instance()).received.value(),
            3,
            "{}",
            heard.instance()
        );
    }
}

/// "Message routing and delivery": bursts arrive whole and in order; who has unsubscribed hears nothing.
#[tokio::test]
async fn message_routing_and_delivery() {
    let pair = Pair::new().await;
    let mut burst = pair.subscribe(Instance::Events, &["event_stream:burst"]).await;
    for number in 0..100 {
        pair.a
            .publish(Instance::Events, &numbered("event_stream:burst", number))
            .unwrap();
    }
    for number in 0..100 {
        assert_eq!(payload(&next(&mut burst).await)["number"], number);
    }

    let mut all = Vec::new();
    for instance in Instance::ALL {
        all.push(pair.subscribe(instance, &["burst:each"]).await);
    }
    for number in 0..50 {
        for instance in Instance::ALL {
            pair.a.publish(instance, &numbered("burst:each", number)).unwrap();
        }
    }
    for heard in &mut all {
        for number in 0..50 {
            assert_eq!(payload(&next(heard).await)["number"], number, "{}", heard.instance());
        }
    }

    let delivered = || pair.b.counters(Instance::Events).delivered.value();
    let before = delivered();
    drop(burst);
    pair.a
        .publish(Instance::Events, &numbered("event_stream:burst", 0))
        .unwrap();
    pair.nothing_more(&mut all[0], "burst:each").await;
    assert_eq!(delivered(), before + 1, "the marker only");
}

/// "Error handling and resilience": null, empty and odd payloads, and a subscriber that panics.
#[tokio::test]
async fn error_handling_and_resilience() {
    let pair = Pair::new().await;
    let json = [
        "null",
        "{}",
        "[]",
        "\"\"",
        "0",
        "true",
        "not JSON at all",
        "{\"a\":",
        "",
    ];
    let text = ["", "\0", "\u{202e}\u{1f480}", "line\nline\r\n"];
    let mut drafts: Vec<Draft> = Vec::new();
    let draft = || Draft::new(topic("odd:payloads"), "system_alert");
    drafts.extend(json.map(|json| draft().json(json)));
    drafts.extend(text.map(|text| draft().text(text)));
    drafts.extend([vec![], vec![0xff; 3], vec![0; 100_000]].map(|bytes| draft().payload(ContentType::Bytes, bytes)));
    let nested = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    drafts.push(draft().json(nested));
    for instance in Instance::ALL {
        let mut heard = pair.subscribe(instance, &["odd:payloads"]).await;
        let crashing = pair.subscribe(instance, &["odd:*"]).await;
        let crashed = tokio::spawn(async move {
            let mut crashing = crashing;
            let message = next(&mut crashing).await;
            panic!("as it is meant to: {}", message.id());
        });
        for draft in &drafts {
            pair.a.publish(instance, draft).unwrap();
        }
        for draft in &drafts {
            assert_eq!(next(&mut heard).await.payload(), draft.payload, "{instance}");
        }
        assert!(crashed.await.unwrap_err().is_panic());
        pair.nothing_more(&mut heard, "odd:payloads").await;
    }
    assert!(pair.a.readiness().ready && pair.b.readiness().ready);
}

/// "Performance characteristics": the bars of the original, the best of several tries on a shared machine.
#[tokio::test]
async fn performance_characteristics() {
    let pair = Pair::new().await;
    let mut local = subscribe(&pair.a, Instance::Metrics, &["speed:local"]).await;
    let mut ten = Vec::new();
    for _ in 0..10 {
        ten.push(pair.subscribe(Instance::Metrics, &["speed:ten"]).await);
    }
    let (mut one_took, mut ten_took) = (Duration::MAX, Duration::MAX);
    for number in 0..20 {
        let began = Instant::now();
        pair.a
            .publish(Instance::Metrics, &numbered("speed:local", number))
            .unwrap();
        next(&mut local).await;
        one_took = one_took.min(began.elapsed());

        let began = Instant::now();
        pair.a
            .publish(Instance::Metrics, &numbered("speed:ten", number))
            .unwrap();
        for heard in &mut ten {
            next(heard).await;
        }
        ten_took = ten_took.min(began.elapsed());
    }
    assert!(one_took < Duration::from_millis(10), "one local delivery: {one_took:?}");
    assert!(
        ten_took < Duration::from_millis(500),
        "ten subscribers on another node: {ten_took:?}"
    );
}

/// "Typical usage patterns": ten publishers at once, each on all ten instances.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn typical_usage_patterns() {
    const PUBLISHERS: u64 = 10;
    const EACH: u64 = 20;
    let pair = Pair::new().await;
    let mut all = Vec::new();
    for instance in Instance::ALL {
        all.push(pair.subscribe(instance, &["busy:topic"]).await);
    }
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let node = pair.a.clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    for instance in Instance::ALL {
                        let draft = numbered("busy:topic", publisher * EACH + number);
                        node.publish(instance, &draft).unwrap();
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    for heard in &mut all {
        let mut numbers = Vec::new();
        for _ in 0..PUBLISHERS * EACH {
            numbers.push(payload(&next(heard).await)["number"].as_u64().unwrap());
        }
        let of = |publisher: u64| numbers.iter().filter(move |number| **number / EACH == publisher);
        for publisher in 0..PUBLISHERS {
            assert!(of(publisher).is_sorted(), "each publisher's in their order");
            assert_eq!(of(publisher).count() as u64, EACH);
        }
        pair.nothing_more(heard, "busy:topic").await;
    }
}
