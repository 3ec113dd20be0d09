//! F13: nodes are told to stop under load, one of them or one after the other.

use std::time::Duration;

use bellwether::Instance;
use bellwether_tests::{Chronicle, Participant, Process, Scenario, Talker, Witness, all_see_all};

use super::load::{endless, for_a_while, is_soak};

const AROUND: Duration = Duration::from_secs(1);
/// Between two messages of a client of the program.
const EVERY: Duration = Duration::from_millis(2);

#[tokio::test]
async fn a_node_that_is_told_to_stop_under_load_has_handed_over_all_that_it_accepted() {
    let scenario = Scenario::on_loopback();
    let [mut a, mut b, mut c] = scenario.nodes(["a", "b", "c"], |_| {}).await;
    let on_b = b.subscribe(Instance::Events, "load:*").await;
    let on_c = c.subscribe(Instance::Events, "load:*").await;
    a.publish(endless(Instance::Events, 20_000)).await;
    for_a_while(AROUND).await;
    let before = a.progress(Instance::Events).await;

    a.terminate().await;
    let mut ends = Vec::new();
    for (node, sub) in [(&mut b, on_b), (&mut c, on_c)] {
        let feed = node.heard_until(sub, "a", before.last_seq).await;
        assert_eq!((feed.disordered, feed.missing()), (0, 0), "{feed:?}");
        ends.push(node.heard(sub).await.of("a").received);
    }
    assert_eq!(ends[0], ends[1]);
    println!("{}", scenario.finish([b, c], &[(0, on_b), (1, on_c)]).await);
}

#[tokio::test]
async fn a_rolling_restart_under_load_loses_nothing() {
    let scenario = Scenario::on_loopback();
    let mut nodes = scenario.nodes(["a", "b", "c"], |_| {}).await;
    let mut subs = Vec::new();
    for node in &mut nodes {
        subs.push(join(node).await);
    }
    for round in 0..rounds() * nodes.len() {
        let index = round % nodes.len();
        for_a_while(AROUND / 2).await;
        nodes[index].terminate().await;
        let mut restarted = Vec::new();
        for (each, node) in nodes.into_iter().enumerate() {
            restarted.push(if each == index {
                scenario.restart(node).await
            } else {
                node
            });
        }
        nodes = restarted.try_into().expect("as many as before");
        bellwether_tests::meet(&mut nodes).await;
        subs[index] = join(&mut nodes[index]).await;
    }
    for_a_while(AROUND / 2).await;
    let mut published = Vec::new();
    for node in &mut nodes {
        published.push((node.name().to_owned(), node.hush(Instance::Events).await));
    }
    for (node, sub) in nodes.iter_mut().zip(&subs) {
        for (origin, published) in &published {
            let feed = node.heard_until(*sub, origin, published.last_seq).await;
            assert_eq!((feed.disordered, feed.missing()), (0, 0), "{feed:?}");
        }
    }
    let subs: Vec<(usize, u64)> = subs.into_iter().enumerate().collect();
    println!("{}", scenario.finish(nodes, &subs).await);
}

/// Subscribes, then publishes.
async fn join(node: &mut Participant) -> u64 {
    let sub = node.subscribe(Instance::Events, "load:*").await;
    node.publish(endless(Instance::Events, 3_000)).await;
    sub
}

/// The program as users run it, with clients that publish and subscribe over HTTP.
#[tokio::test]
async fn a_rolling_restart_of_the_program_under_load_loses_nothing() {
    let scenario = Scenario::on_loopback();
    let history = scenario.chronicle();
    let a = scenario.program("a").start().await;
    let b = scenario.program("b").seed(a.mesh()).start().await;
    let c = scenario.program("c").seed(a.mesh()).start().await;
    let mut nodes = vec![a, b, c];
    all_see_all(&nodes).await;
    let mut clients = Vec::new();
    for node in &nodes {
        history.started(node).await;
        clients.push(Clients::of(node, &history).await);
    }
    for round in 0..rounds() * nodes.len() {
        let index = round % nodes.len();
        for_a_while(AROUND / 2).await;
        let mut node = nodes.remove(index);
        history.stop(&mut node).await;
        let Clients { talker, witness } = clients.remove(index);
        talker.hush().await;
        witness.ended().await;
        let restart = scenario.program(node.name()).listen(node.mesh()).http(node.http());
        nodes.insert(index, restart.seed(nodes[0].mesh()).start().await);
        history.started(&nodes[index]).await;
        all_see_all(&nodes).await;
        clients.insert(index, Clients::of(&nodes[index], &history).await);
    }
    for_a_while(AROUND / 2).await;
    let mut published = Vec::new();
    let mut witnesses = Vec::new();
    for (node, Clients { talker, witness }) in nodes.iter().zip(clients) {
        published.push((node.name(), talker.hush().await));
        witnesses.push(witness);
    }
    for witness in &witnesses {
        for (origin, published) in &published {
            let feed = witness.heard_until(origin, published.last_seq).await;
            assert_eq!((feed.disordered, feed.missing()), (0, 0), "{feed:?}");
        }
    }
    for witness in witnesses {
        witness.leave().await;
    }
    for node in &nodes {
        history.view(node).await;
    }
    scenario.quiet();
    for node in &mut nodes {
        history.stop(node).await;
    }
    println!("{}", scenario.judge());
}

/// One that publishes and one that subscribes, on one node.
struct Clients {
    talker: Talker,
    witness: Witness,
}

impl Clients {
    async fn of(node: &Process, history: &Chronicle) -> Self {
        let witness = Witness::stream(node, history.recorder(), Instance::Events, "load:*").await;
        let talker = Talker::begin(node, history.recorder(), Instance::Events, "load:all", EVERY).await;
        Self { talker, witness }
    }
}

fn rounds() -> usize {
    if is_soak() { 5 } else { 1 }
}
