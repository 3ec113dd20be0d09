//! F2: a node is cut off from another or from all, and comes back.

use std::time::Duration;

use bellwether::Instance;
use bellwether_tests::{Participant, Scenario};

use super::load::{all_has_arrived, all_publish_and_subscribe, for_a_while, seconds, waiting};

const RATE: u64 = 20_000;
/// Before and after the cut.
const AROUND: Duration = Duration::from_secs(1);
/// Far less than a cut holds back, and far more than is on its way in quiet times.
const SMALL_BACKLOG: usize = 20_000;

#[tokio::test]
async fn after_a_cut_the_peer_gets_every_message_in_order() {
    let Some(scenario) = Scenario::on_hosts(&["a", "b", "c"]) else {
        return;
    };
    let [mut a, mut b, mut c] = scenario.nodes(["a", "b", "c"], |_| {}).await;
    let on_b = b.subscribe(Instance::Events, "load:*").await;
    let on_c = c.subscribe(Instance::Events, "load:*").await;
    a.publish(waiting(Instance::Events, RATE)).await;
    for_a_while(AROUND).await;

    scenario.cut("a", "b");
    for_a_while(seconds(5, 8)).await;
    scenario.heal();

    for_a_while(AROUND).await;
    let published = a.hush(Instance::Events).await;
    for (node, sub) in [(&mut b, on_b), (&mut c, on_c)] {
        let feed = node.heard_until(sub, "a", published.last_seq).await;
        assert_eq!((feed.received, feed.disordered), (published.count, 0), "{feed:?}");
        assert_eq!(feed.gaps, []);
        let latency = node.latency(sub).await;
        println!("{}: {latency}", node.name());
    }
    println!("{}", scenario.finish([a, b, c], &[(1, on_b), (2, on_c)]).await);
}

#[tokio::test]
async fn after_a_cut_beyond_the_backlog_the_peer_gets_one_gap_of_exactly_what_is_missing() {
    let Some(scenario) = Scenario::on_hosts(&["a", "b", "c"]) else {
        return;
    };
    let bounds = |setup: &mut bellwether_tests::participant::Setup| setup.backlog_messages = SMALL_BACKLOG;
    let [mut a, mut b, mut c] = scenario.nodes(["a", "b", "c"], bounds).await;
    let on_b = b.subscribe(Instance::Events, "load:*").await;
    let on_c = c.subscribe(Instance::Events, "load:*").await;
    a.publish(waiting(Instance::Events, RATE)).await;
    for_a_while(AROUND).await;

    scenario.cut("a", "b");
    for_a_while(seconds(4, 20)).await;
    scenario.heal();
    // The load goes on until the link is back, so that what follows the gap is more than the backlog.
    comes_back(&mut b, on_b, "a").await;
    for_a_while(AROUND).await;

    let published = a.hush(Instance::Events).await;
    let feed = b.heard_until(on_b, "a", published.last_seq).await;
    assert_eq!(feed.gaps.len(), 1, "{feed:?}");
    assert_eq!(feed.received + feed.missing(), published.count, "{feed:?}");
    assert_eq!(feed.disordered, 0);
    println!("b: {feed:?}");
    let feed = c.heard_until(on_c, "a", published.last_seq).await;
    assert_eq!((feed.received, feed.gaps.len()), (published.count, 0), "{feed:?}");
    println!("{}", scenario.finish([a, b, c], &[(1, on_b), (2, on_c)]).await);
}

#[tokio::test]
async fn both_sides_of_a_partition_serve_their_own_and_miss_nothing_of_the_other() {
    let Some(scenario) = Scenario::on_hosts(&["a", "b", "c"]) else {
        return;
    };
    let mut nodes = scenario.nodes(["a", "b", "c"], |_| {}).await;
    let subs = all_publish_and_subscribe(&mut nodes, 2_000).await;
    for_a_while(AROUND).await;

    scenario.isolate("a");
    let [a, b, _] = &mut nodes;
    a.takes_for_down("b", true).await;
    a.takes_for_down("c", true).await;
    b.takes_for_down("a", true).await;
    for_a_while(seconds(7, 120)).await;
    scenario.heal();

    for_a_while(AROUND).await;
    all_has_arrived(&mut nodes, &subs).await;
    println!("{}", scenario.finish(nodes, &subs).await);
}

/// Waits until something newer than what it had heard arrives.
async fn comes_back(node: &mut Participant, sub: u64, origin: &str) {
    let before = node.heard(sub).await.of(origin).last_seq;
    node.heard_until(sub, origin, before + 1).await;
}
