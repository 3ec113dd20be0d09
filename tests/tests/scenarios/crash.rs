//! F5: nodes are killed under load, and started again at once.

use std::time::Duration;

use bellwether::Instance;
use bellwether_tests::participant::Published;
use bellwether_tests::{Participant, Scenario};

use super::load::{endless, for_a_while, is_soak};

const RATE: u64 = 2_000;
const AROUND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_killed_node_is_back_under_a_higher_epoch_and_nobody_else_misses_anything() {
    let scenario = Scenario::on_loopback();
    let mut nodes = scenario.nodes(["a", "b", "c"], |_| {}).await;
    for _ in 0..rounds() {
        nodes = kill_and_restart(&scenario, nodes, &[1]).await;
    }
    finish(&scenario, nodes).await;
}

#[tokio::test]
async fn the_one_survivor_takes_all_others_back() {
    let scenario = Scenario::on_loopback();
    let mut nodes = scenario.nodes(["a", "b", "c"], |_| {}).await;
    for _ in 0..rounds() {
        nodes = kill_and_restart(&scenario, nodes, &[1, 2]).await;
    }
    finish(&scenario, nodes).await;
}

fn rounds() -> usize {
    if is_soak() { 20 } else { 2 }
}

/// All publish and all subscribe; some die at it.
async fn kill_and_restart(scenario: &Scenario, mut nodes: [Participant; 3], dying: &[usize]) -> [Participant; 3] {
    let mut subs = Vec::new();
    for node in &mut nodes {
        subs.push(node.subscribe(Instance::Events, "load:*").await);
    }
    for node in &mut nodes {
        node.publish(endless(Instance::Events, RATE)).await;
    }
    for_a_while(AROUND).await;
    for index in dying {
        nodes[*index].kill().await;
    }
    let (mut restarted, epochs) = (Vec::new(), nodes.each_ref().map(Participant::epoch));
    for (index, node) in nodes.into_iter().enumerate() {
        restarted.push(match dying.contains(&index) {
            true => scenario.restart(node).await,
            false => node,
        });
    }
    let mut nodes = <[Participant; 3]>::try_from(restarted).expect("as many as before");
    for index in dying {
        assert!(nodes[*index].epoch() > epochs[*index]);
    }
    bellwether_tests::meet(&mut nodes).await;
    for_a_while(AROUND).await;

    let alive: Vec<usize> = (0..nodes.len()).filter(|index| !dying.contains(index)).collect();
    let mut published: Vec<(String, Published)> = Vec::new();
    for index in &alive {
        let node = &mut nodes[*index];
        published.push((node.name().to_owned(), node.hush(Instance::Events).await));
    }
    for index in &alive {
        for (origin, published) in &published {
            let feed = nodes[*index]
                .heard_until(subs[*index], origin, published.last_seq)
                .await;
            assert_eq!((feed.disordered, feed.gaps.len()), (0, 0), "{feed:?}");
        }
        nodes[*index].unsubscribe(subs[*index]).await;
    }
    nodes
}

async fn finish(scenario: &Scenario, mut nodes: [Participant; 3]) {
    let mut subs = Vec::new();
    for (index, node) in nodes.iter_mut().enumerate() {
        subs.push((index, node.subscribe(Instance::Events, "load:*").await));
    }
    println!("{}", scenario.finish(nodes, &subs).await);
}
