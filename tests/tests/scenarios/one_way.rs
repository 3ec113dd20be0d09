//! F3: two nodes do not reach each other, or one does not reach the other, while both reach the third.

use std::time::Duration;

use bellwether_tests::Scenario;

use super::load::{all_has_arrived, all_publish_and_subscribe, for_a_while, seconds};

const RATE: u64 = 2_000;
const AROUND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn two_that_do_not_reach_each_other_leave_the_third_alone_and_miss_nothing() {
    let Some(scenario) = Scenario::on_hosts(&["a", "b", "c"]) else {
        return;
    };
    all_arrives_after(&scenario, || scenario.cut("a", "b")).await;
}

#[tokio::test]
async fn a_way_that_carries_nothing_leaves_the_others_alone_and_nothing_is_missed() {
    let Some(scenario) = Scenario::on_hosts(&["a", "b", "c"]) else {
        return;
    };
    all_arrives_after(&scenario, || scenario.cut_one_way("a", "b")).await;
}

/// Everybody publishes and subscribes while the fault lasts.
async fn all_arrives_after(scenario: &Scenario, fault: impl FnOnce()) {
    let mut nodes = scenario.nodes(["a", "b", "c"], |_| {}).await;
    let subs = all_publish_and_subscribe(&mut nodes, RATE).await;
    for_a_while(AROUND).await;
    fault();
    nodes[0].takes_for_down("b", true).await;
    nodes[1].takes_for_down("a", true).await;
    for_a_while(seconds(2, 60)).await;
    scenario.heal();
    for_a_while(AROUND).await;

    all_has_arrived(&mut nodes, &subs).await;
    for node in &nodes[..2] {
        assert_eq!(node.log().lines_with("is down member=c"), [""; 0], "{}", node.name());
    }
    assert_eq!(nodes[2].log().lines_with("is down"), [""; 0]);
    println!("{}", scenario.finish(nodes, &subs).await);
}
