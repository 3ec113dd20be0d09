//! Queue groups across the mesh.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether::{Delivery, Instance, Node, ReplayFrom, SubscribeError, Subscription};
use tokio::time::timeout;

use crate::lab::*;

const QUEUE: &str = "$queue:workers:orders:*";
const INSTANCE: Instance = Instance::Events;

async fn subscribe(node: &Node, text: &str) -> Subscription {
    let (subscription, report) = node.subscribe(INSTANCE, [pattern(text)]).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    subscription
}

/// The texts that arrive until there is silence.
async fn texts(subscription: &mut Subscription) -> Vec<String> {
    let mut texts = Vec::new();
    while let Ok(Some(delivery)) = timeout(Duration::from_millis(500), subscription.next()).await {
        match delivery {
            Delivery::Message(envelope) => texts.push(String::from_utf8(envelope.payload().to_vec()).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    texts
}

fn publish(node: &Node, texts: std::ops::Range<u32>) {
    for text in texts {
        node.publish(INSTANCE, &draft("orders:new", &text.to_string())).unwrap();
    }
}

fn sorted(lists: &[&Vec<String>]) -> Vec<u32> {
    let mut all: Vec<u32> = lists
        .iter()
        .copied()
        .flatten()
        .map(|text| text.parse().unwrap())
        .collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn each_message_goes_to_one_member_wherever_it_is_and_to_everybody_else() {
    let [a, b, c] = Lab::new().three().await;
    let mut workers = [
        subscribe(&b, QUEUE).await,
        subscribe(&b, QUEUE).await,
        subscribe(&c, QUEUE).await,
    ];
    let mut other_group = subscribe(&c, "$queue:others:orders:*").await;
    let mut all = [subscribe(&a, "orders:*").await, subscribe(&b, "orders:*").await];
    publish(&a, 0..300);
    let mut got = Vec::new();
    for worker in &mut workers {
        got.push(texts(worker).await);
    }
    let everything: Vec<u32> = (0..300).collect();
    assert_eq!(sorted(&got.iter().collect::<Vec<_>>()), everything);
    assert!(
        got.iter().all(|got| got.len() >= 50),
        "{:?}",
        got.iter().map(Vec::len).collect::<Vec<_>>()
    );
    assert_eq!(sorted(&[&texts(&mut other_group).await]), everything);
    for subscription in &mut all {
        let in_order: Vec<String> = everything.iter().map(u32::to_string).collect();
        assert_eq!(texts(subscription).await, in_order);
    }
}

#[tokio::test]
async fn a_member_on_the_publishers_own_node_comes_first() {
    let [a, b, _c] = Lab::new().three().await;
    let (mut here, mut there) = (subscribe(&a, QUEUE).await, subscribe(&b, QUEUE).await);
    publish(&a, 0..20);
    assert_eq!(texts(&mut here).await.len(), 20);
    assert_eq!(texts(&mut there).await.len(), 0);
    drop(here);
    publish(&a, 20..40);
    assert_eq!(sorted(&[&texts(&mut there).await]), (20..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_joins_takes_part_and_who_leaves_no_longer_does_and_nothing_comes_twice() {
    let [a, b, c] = Lab::new().three().await;
    let mut steady = subscribe(&b, QUEUE).await;
    let mut seen: BTreeMap<u32, u32> = BTreeMap::new();
    let mut lost_to_leavers = 0;
    for round in 0..10 {
        let joiner = subscribe(&c, QUEUE).await;
        publish(&a, round * 40..round * 40 + 20);
        let mut joiner = joiner;
        let theirs = texts(&mut joiner).await;
        assert!(!theirs.is_empty(), "round {round}");
        theirs
            .iter()
            .for_each(|text| *seen.entry(text.parse().unwrap()).or_default() += 1);
        drop(joiner);
        publish(&a, round * 40 + 20..round * 40 + 40);
    }
    // What was chosen for a member that then left is lost to the group; nothing else is.
    for text in texts(&mut steady).await {
        *seen.entry(text.parse().unwrap()).or_default() += 1;
    }
    for number in 0..400 {
        match seen.get(&number) {
            Some(1) => {}
            None if number % 40 >= 20 => lost_to_leavers += 1,
            other => panic!("{number}: {other:?}"),
        }
    }
    assert!(lost_to_leavers < 200, "{lost_to_leavers}");
}

#[tokio::test]
async fn a_group_is_live_only() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let refused = a.subscribe_from(INSTANCE, [pattern(QUEUE)], ReplayFrom::Earliest).await;
    assert_eq!(refused.err(), Some(SubscribeError::QueueReplay));
}

#[tokio::test]
async fn whether_anybody_wants_a_topic_is_known_of_the_whole_mesh() {
    let [a, b, c] = Lab::new().three().await;
    assert!(!a.is_wanted(INSTANCE, "orders:new"));
    let plain = subscribe(&b, "orders:*").await;
    eventually("interest arrives", || a.is_wanted(INSTANCE, "orders:new")).await;
    assert!(!a.is_wanted(INSTANCE, "bills:new") && !a.is_wanted(Instance::Alerts, "orders:new"));
    drop(plain);
    eventually("interest goes", || !a.is_wanted(INSTANCE, "orders:new")).await;
    let grouped = subscribe(&c, QUEUE).await;
    eventually("interest of a group arrives", || a.is_wanted(INSTANCE, "orders:new")).await;
    drop(grouped);
    let own = a.subscribe_at_once(INSTANCE, [pattern("orders:new")]).unwrap();
    assert!(a.is_wanted(INSTANCE, "orders:new"));
    assert!(a.became_live(&own).await.is_complete());
}

#[tokio::test]
async fn once_a_subscription_is_live_every_node_knows_that_somebody_listens() {
    let [a, b, c] = Lab::new().three().await;
    for round in 0..200 {
        let (node, topic) = (if round % 2 == 0 { &b } else { &c }, format!("help:{round}"));
        let subscription = node.subscribe_at_once(INSTANCE, [pattern(&topic)]).unwrap();
        let report = node.became_live(&subscription).await;
        assert!(report.is_complete(), "{report:?}");
        assert!(a.is_wanted(INSTANCE, &topic), "round {round}");
    }
}
