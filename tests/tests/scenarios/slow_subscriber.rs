//! F10 inside one process: subscriptions that are read slowly or not at all.

use bellwether::Instance;
use bellwether_tests::Scenario;
use bellwether_tests::participant::Reading;

use super::load::{endless, for_a_while, is_soak, seconds};

const QUEUE_MESSAGES: usize = 16_384;
const QUEUE_BYTES: usize = 8 * 1024 * 1024;

#[tokio::test]
async fn a_subscription_that_is_not_read_costs_its_queue_and_nobody_else_anything() {
    let scenario = Scenario::on_loopback();
    let nodes = scenario.nodes(["a", "b", "c"], |setup| {
        (setup.queue_messages, setup.queue_bytes) = (QUEUE_MESSAGES, QUEUE_BYTES);
    });
    let [mut a, mut b, mut c] = nodes.await;
    let sleeper = b.subscribe(Instance::Events, "load:*").await;
    let neighbour = b.subscribe(Instance::Events, "load:*").await;
    let stranger = c.subscribe(Instance::Events, "load:*").await;
    a.publish(endless(Instance::Events, 10_000)).await;
    b.heard_until(sleeper, "a", 1).await;
    scenario.begin("a subscription is not read", &["b"]);
    b.read(sleeper, Reading::Stopped).await;
    for _ in 0..4 {
        for_a_while(seconds(4, 30) / 4).await;
        b.memory().await;
    }
    println!("beside it: {}", b.latency(neighbour).await);
    println!("elsewhere: {}", c.latency(stranger).await);
    b.read(sleeper, Reading::Fast).await;
    scenario.end();
    for_a_while(seconds(1, 1)).await;

    let published = a.hush(Instance::Events).await;
    let feed = b.heard_until(sleeper, "a", published.last_seq).await;
    assert_eq!(feed.gaps.len(), 1, "{feed:?}");
    assert_eq!(
        (feed.received + feed.missing(), feed.disordered),
        (published.count, 0),
        "{feed:?}"
    );
    for (node, sub) in [(&mut b, neighbour), (&mut c, stranger)] {
        let feed = node.heard_until(sub, "a", published.last_seq).await;
        assert_eq!((feed.received, feed.missing()), (published.count, 0), "{feed:?}");
    }
    let subs = [(1, sleeper), (1, neighbour), (2, stranger)];
    println!("{}", scenario.finish([a, b, c], &subs).await);
}

#[tokio::test]
async fn of_many_subscriptions_the_slow_ones_hurt_none_of_the_others() {
    let (many, rate) = if is_soak() { (1_000, 300) } else { (100, 1_000) };
    let scenario = Scenario::on_loopback();
    let [mut a, mut b] = scenario.nodes(["a", "b"], |setup| setup.queue_messages = 2_000).await;
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    for index in 0..many {
        let sub = b.subscribe(Instance::Events, "load:*").await;
        match index % 10 {
            0 => slow.push(sub),
            _ => fast.push(sub),
        }
    }
    scenario.begin("subscriptions are read slowly", &["b"]);
    for sub in &slow {
        b.read(*sub, Reading::Slow(20)).await;
    }
    a.publish(endless(Instance::Events, rate)).await;
    for_a_while(seconds(4, 20)).await;
    let published = a.hush(Instance::Events).await;

    for sub in &fast {
        let feed = b.heard_until(*sub, "a", published.last_seq).await;
        assert_eq!(
            (feed.received, feed.disordered, feed.missing()),
            (published.count, 0, 0),
            "{feed:?}"
        );
    }
    println!("one of the fast: {}", b.latency(fast[0]).await);
    b.memory().await;
    for sub in &slow {
        b.read(*sub, Reading::Fast).await;
        let feed = b.heard_until(*sub, "a", published.last_seq).await;
        assert!(feed.missing() > 0, "{feed:?}");
        assert_eq!(
            (feed.received + feed.missing(), feed.disordered),
            (published.count, 0),
            "{feed:?}"
        );
    }
    scenario.end();
    let subs: Vec<(usize, u64)> = fast.iter().chain(&slow).map(|sub| (1, *sub)).collect();
    println!("{}", scenario.finish([a, b], &subs).await);
}
