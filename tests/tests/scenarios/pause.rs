//! F7: a node is stopped as by a debugger or a moved virtual machine, and goes on.

use std::time::Duration;

use bellwether_tests::Scenario;

use super::load::{all_has_arrived, all_publish_and_subscribe, for_a_while, seconds};

const RATE: u64 = 2_000;
const AROUND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_pause_of_a_second_alarms_nobody() {
    let scenario = Scenario::on_loopback();
    pause(&scenario, Duration::from_secs(1), false).await;
}

#[tokio::test]
async fn a_pause_that_closes_every_link_loses_nothing() {
    let scenario = Scenario::on_loopback();
    pause(&scenario, seconds(9, 30), true).await;
}

/// All publish and all subscribe while b sleeps.
async fn pause(scenario: &Scenario, pause: Duration, is_noticed: bool) {
    let mut nodes = scenario.nodes(["a", "b", "c"], |_| {}).await;
    let subs = all_publish_and_subscribe(&mut nodes, RATE).await;
    for_a_while(AROUND).await;

    scenario.begin("pause", &["b"]);
    nodes[1].pause();
    for_a_while(pause).await;
    if is_noticed {
        nodes[0].takes_for_down("b", true).await;
        nodes[2].takes_for_down("b", true).await;
    }
    nodes[1].resume();
    scenario.end();

    for_a_while(AROUND).await;
    all_has_arrived(&mut nodes, &subs).await;
    for node in &nodes {
        let alarms = node.log().lines_with("is down");
        let is_sleeper = node.name() == "b";
        assert!(is_noticed || alarms.is_empty(), "{}: {alarms:?}", node.name());
        // Whoever slept doubts itself first.
        assert!(!is_sleeper || alarms.is_empty(), "{}: {alarms:?}", node.name());
    }
    println!("{}", scenario.finish(nodes, &subs).await);
}
