//! F11 and F12: one instance is flooded, or one is not read; the others go on.

use bellwether::Instance;
use bellwether_tests::Scenario;
use bellwether_tests::participant::{Load, Reading};

use super::load::{endless, for_a_while, seconds};

/// What the cable carries, and what the flood would like it to.
const LIMIT_MBIT: u32 = 100;
const FLOOD_RATE: u64 = 16_000;
const FLOOD_BYTES: usize = 1024;
const ALERTS_RATE: u64 = 1_000;

#[tokio::test]
async fn alerts_pass_a_flood_of_logs_on_a_narrow_cable() {
    let Some(scenario) = Scenario::on_hosts(&["a", "b"]) else {
        return;
    };
    let [mut a, mut b] = scenario.nodes(["a", "b"], |_| {}).await;
    let probes = b.subscribe(Instance::Events, "load:*").await;
    let logs = b.subscribe(Instance::Logging, "load:*").await;
    let alerts = b.subscribe(Instance::Alerts, "load:*").await;
    scenario.begin("narrow cable", &["a"]);
    scenario.net().limit("a", LIMIT_MBIT);
    a.publish(Load {
        bytes: FLOOD_BYTES,
        ..endless(Instance::Logging, FLOOD_RATE)
    })
    .await;
    a.publish(endless(Instance::Alerts, ALERTS_RATE)).await;
    for_a_while(seconds(5, 30)).await;

    let published = a.hush(Instance::Alerts).await;
    let feed = b.heard_until(alerts, "a", published.last_seq).await;
    assert_eq!(
        (feed.received, feed.disordered, feed.missing()),
        (published.count, 0, 0),
        "{feed:?}"
    );
    let (behind, flood) = (b.heard(logs).await.of("a"), a.hush(Instance::Logging).await);
    println!("alerts: {}", b.latency(alerts).await);
    println!("logs: {} of {} had arrived by then", behind.received, flood.count);
    b.heard_until(logs, "a", flood.last_seq).await;
    println!("logs: {}", b.latency(logs).await);
    scenario.end();
    println!("{}", scenario.finish([a, b], &[(1, probes)]).await);
}

#[tokio::test]
async fn an_instance_that_is_not_read_holds_up_no_other() {
    let scenario = Scenario::on_loopback();
    let [mut a, mut b] = scenario.nodes(["a", "b"], |setup| setup.queue_messages = 1 << 14).await;
    let probes = b.subscribe(Instance::Events, "load:*").await;
    let unread = b.subscribe(Instance::Logging, "load:*").await;
    scenario.begin("a subscription is not read", &["b"]);
    b.read(unread, Reading::Stopped).await;
    a.publish(endless(Instance::Logging, 10_000)).await;
    // One on the same lane, one on another.
    let mut others = Vec::new();
    for instance in [Instance::Metrics, Instance::Alerts] {
        others.push((instance, b.subscribe(instance, "load:*").await));
        a.publish(endless(instance, ALERTS_RATE)).await;
    }
    for_a_while(seconds(4, 30)).await;

    for (instance, sub) in others {
        let published = a.hush(instance).await;
        let feed = b.heard_until(sub, "a", published.last_seq).await;
        assert_eq!(
            (feed.received, feed.disordered, feed.missing()),
            (published.count, 0, 0),
            "{feed:?}"
        );
        println!("{instance}: {}", b.latency(sub).await);
    }
    let published = a.hush(Instance::Logging).await;
    b.read(unread, Reading::Fast).await;
    scenario.end();
    let feed = b.heard_until(unread, "a", published.last_seq).await;
    assert_eq!(feed.gaps.len(), 1, "{feed:?}");
    assert_eq!(
        (feed.received + feed.missing(), feed.disordered),
        (published.count, 0),
        "{feed:?}"
    );
    println!("{}", scenario.finish([a, b], &[(1, probes)]).await);
}
