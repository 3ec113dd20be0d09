//! Nodes die, come back, pause, join and leave, while messages flow between the others.

use std::time::Duration;

use bellwether_tests::deadline::eventually;
use bellwether_tests::{Item, Lab, Member, Message, Process, Stream, Traffic, all_see_all};
use tokio::time::Instant;

/// A killed node is to be noticed within 3 s. Tests share their cores with others.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);
/// A restarted node is to be back within 5 s.
const BACK_WITHIN: Duration = Duration::from_secs(15);
/// A node that joins is to see all and be seen by all within 2 s.
const JOINED_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_killed_node_is_noticed_and_back_under_a_higher_epoch_after_its_restart() {
    let lab = Lab::default();
    let [a, mut b, c] = lab.three().await;
    let mut all_on_c = c.client().await.subscribe(&["events/*"]).await;
    let traffic = Traffic::begin(&a, "events", "of:a").await;
    b.client().await.publish("events", "of:b", "before the kill").await;
    let seen = all_on_c.until("before the kill").await.len();
    let before = a.member("b").await.unwrap();

    let killed = b.kill().await;
    for node in [&a, &c] {
        let what = format!("{} notices that b is dead", node.name());
        eventually(&what, async || (node.member("b").await?.state == "down").then_some(())).await;
        println!("{what}: {:.2} s after the kill", killed.elapsed().as_secs_f64());
    }
    assert!(killed.elapsed() < NOTICED_WITHIN);
    assert_eq!(a.member("b").await.unwrap().epoch, before.epoch);

    let b = restart(&lab, &a, &b).await;
    assert_back(&[&a, &c], &b, &before).await;
    check_the_restarted(&b, &[&a, &b, &c], all_on_c, seen, traffic).await;
}

/// The others still take the old run for alive when the new one comes.
#[tokio::test]
async fn a_node_that_is_killed_and_restarted_at_once_is_back_under_a_higher_epoch() {
    let lab = Lab::default();
    let [a, mut b, c] = lab.three().await;
    let mut all_on_c = c.client().await.subscribe(&["events/*"]).await;
    let traffic = Traffic::begin(&a, "events", "of:a").await;
    b.client().await.publish("events", "of:b", "before the kill").await;
    let seen = all_on_c.until("before the kill").await.len();
    let before = a.member("b").await.unwrap();

    b.kill().await;
    let b = restart(&lab, &a, &b).await;
    assert_back(&[&a, &c], &b, &before).await;
    check_the_restarted(&b, &[&a, &b, &c], all_on_c, seen, traffic).await;
}

/// Starts it where it was, as a service manager does.
async fn restart(lab: &Lab, seed: &Process, killed: &Process) -> Process {
    let node = lab.node(killed.name()).listen(killed.mesh()).http(killed.http());
    node.seed(seed.mesh()).start().await
}

/// Waits until the others are linked with the new run.
async fn assert_back(others: &[&Process], node: &Process, before: &Member) {
    let started = Instant::now();
    for other in others {
        let what = format!("{} has {} back", other.name(), node.name());
        let look = async || {
            other
                .member(node.name())
                .await
                .filter(|member| member.epoch > before.epoch && member.is_linked())
        };
        eventually(&what, look).await;
        println!("{what}: {:.2} s after its start", started.elapsed().as_secs_f64());
    }
    assert!(started.elapsed() < BACK_WITHIN);
}

/// It sends and receives, nobody else has missed anything, and nobody sees its old run. `on_c` has already seen so many
/// of the messages of the traffic.
async fn check_the_restarted(b: &Process, all: &[&Process; 3], mut on_c: Stream, seen: usize, traffic: Traffic) {
    all_see_all(all).await;
    let mut on_b = b.client().await.subscribe(&["events/*"]).await;
    assert_eq!(on_b.live(), (3, 3));
    b.client().await.publish("events", "of:b", "after the restart").await;
    let published = traffic.stop().await;
    all[0].client().await.publish("events", "of:a", "end").await;
    on_b.until("end").await;

    let mut next = seen as u64;
    let mut epoch_ended = None;
    let mut restarted = None;
    // The last of b may come before or after the last of a.
    while next < published || restarted.is_none() {
        match on_c.next().await {
            Some(Item::Message(message)) if message.reporting_node == "b" => restarted = Some(message),
            Some(Item::Message(message)) if message.text() == "end" => {}
            Some(Item::Message(message)) => {
                assert_eq!(message.text(), next.to_string());
                next += 1;
            }
            Some(Item::EpochEnded(ended)) => epoch_ended = Some(ended),
            Some(Item::Subscribed { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    let restarted = restarted.expect("the loop has waited for it");
    assert_eq!(restarted.text(), "after the restart");
    let epoch = restarted.id_parts().2;
    let ended = epoch_ended.expect("c is told that the feed of the killed run has ended");
    assert_eq!((&ended["node"], &ended["instance"]), (&"b".into(), &"events".into()));
    assert_eq!((&ended["last_seq"], &ended["tail_unknown"]), (&1.into(), &true.into()));
    assert!(epoch > ended["epoch"].as_u64().unwrap(), "{epoch} after {ended}");

    for node in all {
        let members = node.members().await;
        let names: Vec<&str> = members.iter().map(|member| member.node.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"], "{members:?}");
        assert_eq!(node.member("b").await.unwrap().epoch, epoch, "{members:?}");
    }
}

/// A virtual machine that is moved, or a debugger: what was published meanwhile arrives afterwards.
#[tokio::test]
async fn a_node_that_pauses_for_a_second_alarms_nobody_and_misses_nothing() {
    let lab = Lab::default();
    let [a, b, c] = lab.three().await;
    let mut on_b = b.client().await.subscribe(&["events/*"]).await;
    let traffic = Traffic::begin(&a, "events", "of:a").await;
    let before = a.member("b").await.unwrap();

    b.pause();
    let paused = Instant::now();
    while paused.elapsed() < Duration::from_secs(1) {
        for node in [&a, &c] {
            let member = node.member("b").await.unwrap();
            assert_ne!(member.state, "down", "{member:?}");
        }
    }
    b.resume();

    let published = traffic.stop().await;
    a.client().await.publish("events", "of:a", "end").await;
    let received = on_b.until("end").await;
    let received: Vec<u64> = received.iter().map(|message| message.text().parse().unwrap()).collect();
    assert_eq!(received, (0..published).collect::<Vec<_>>());
    for node in [&a, &c] {
        assert_eq!(node.member("b").await.unwrap().epoch, before.epoch);
        assert_eq!(node.log().lines_with("is down"), [""; 0]);
    }
}

#[tokio::test]
async fn a_third_node_joins_while_messages_flow_and_gets_all_from_its_subscription_on() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    let b = lab.node("b").seed(a.mesh()).start().await;
    let mut nodes = vec![a, b];
    all_see_all(&nodes).await;
    let mut on_b = nodes[1].client().await.subscribe(&["events/*"]).await;
    let traffic = Traffic::begin(&nodes[0], "events", "of:a").await;

    let starts = Instant::now();
    nodes.push(lab.node("c").seed(nodes[1].mesh()).start().await);
    all_see_all(&nodes).await;
    println!(
        "all see all {:.2} s after c was started",
        starts.elapsed().as_secs_f64()
    );
    assert!(starts.elapsed() < JOINED_WITHIN);
    let mut on_c = nodes[2].client().await.subscribe(&["events/*"]).await;
    assert_eq!(on_c.live(), (3, 3));
    nodes[0].client().await.publish("events", "of:a", "c is there").await;

    let published = traffic.stop().await;
    nodes[0].client().await.publish("events", "of:a", "end").await;
    let numbers = |messages: Vec<Message>| -> Vec<u64> {
        messages
            .iter()
            .filter_map(|message| message.text().parse().ok())
            .collect()
    };
    assert_eq!(numbers(on_b.until("end").await), (0..published).collect::<Vec<_>>());
    on_c.until("c is there").await;
    let on_c = numbers(on_c.until("end").await);
    let first = on_c.first().copied().unwrap_or(published);
    assert_eq!(on_c, (first..published).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_node_that_is_told_to_stop_exits_well_and_is_forgotten() {
    let lab = Lab::default();
    let [a, mut b, c] = lab.three().await;
    let on_b = b.client().await.subscribe(&["events/*"]).await;
    let mut on_c = c.client().await.subscribe(&["events/*"]).await;
    b.client().await.publish("events", "of:b", "the last").await;

    let asked = Instant::now();
    assert_eq!(b.terminate().await, 0);
    println!("b has stopped {:.2} s after SIGTERM", asked.elapsed().as_secs_f64());
    for node in [&a, &c] {
        let what = format!("{} has forgotten b", node.name());
        let (_, after) = eventually(&what, async || node.member("b").await.is_none().then_some(())).await;
        println!("{what}: {:.2} s after its end", after.as_secs_f64());
        assert_eq!(node.log().lines_with("is down"), [""; 0]);
    }
    on_b.rest().await;
    on_c.until("the last").await;
    let ended = on_c.next().await;
    assert!(
        matches!(&ended, Some(Item::EpochEnded(ended)) if ended["tail_unknown"] == false),
        "{ended:?}"
    );
}
