//! Replay: what is kept, merged, then live; without a hole, without a double.

use std::sync::Arc;
use std::time::Duration;

use bellwether::{
    Delivery, Epoch, FeedPosition, Instance, MessageId, Node, ReplayFrom, Source, Subscription, Timestamp,
};
use tokio::time::timeout;

use crate::lab::*;

const INSTANCE: Instance = Instance::Events;

/// A delivery in a few words.
async fn next(subscription: &mut Subscription) -> String {
    match timeout(DEADLINE, subscription.next())
        .await
        .expect("a delivery in time")
        .unwrap()
    {
        Delivery::Message(envelope) => format!("{}{}", envelope.source().node, envelope.seq()),
        Delivery::Gap(gap) => format!("gap {}{}-{} {}", gap.source.node, gap.first, gap.last, gap.cause),
        Delivery::EpochEnded(ended) => format!("ended {}{}", ended.source.node, ended.last_seq),
        Delivery::Live(live) => {
            let missing: Vec<String> = live.incomplete.iter().map(ToString::to_string).collect();
            format!("live {} [{}]", live.replayed, missing.join(" "))
        }
        other => panic!("{other:?}"),
    }
}

async fn until_live(subscription: &mut Subscription) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        all.push(next(subscription).await);
        if all.last().unwrap().starts_with("live") {
            return all;
        }
    }
}

async fn from(node: &Node, text: &str, from: ReplayFrom) -> Subscription {
    node.subscribe_from(INSTANCE, [pattern(text)], from).await.unwrap().0
}

/// Three nodes, each of which has published `t:1` … in turn: a1, b1, c1, a2, b2, c2, …; their clock is one.
async fn three_that_have_published(lab: &Lab, rounds: usize) -> [Node; 3] {
    let nodes = lab.three().await;
    for _ in 0..rounds {
        for node in &nodes {
            node.publish(INSTANCE, &draft("t:x", "x")).unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    nodes
}

#[tokio::test]
async fn earliest_is_all_that_the_nodes_keep_in_the_order_of_time_and_then_live() {
    let lab = Lab::new();
    let [a, b, c] = three_that_have_published(&lab, 3).await;
    let mut all = from(&b, "t:*", ReplayFrom::Earliest).await;
    let told = until_live(&mut all).await;
    assert_eq!(
        told,
        ["a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3", "live 9 []"]
    );
    for node in [&a, &b, &c] {
        node.publish(INSTANCE, &draft("t:y", "y")).unwrap();
    }
    let mut live = [next(&mut all).await, next(&mut all).await, next(&mut all).await];
    live.sort();
    assert_eq!(live, ["a4", "b4", "c4"]);
    assert_eq!(
        until_live(&mut from(&b, "none", ReplayFrom::Earliest).await).await,
        ["live 0 []"]
    );
}

#[tokio::test]
async fn the_last_few_are_counted_over_all_nodes() {
    let lab = Lab::new();
    let [_a, b, _c] = three_that_have_published(&lab, 3).await;
    let told = until_live(&mut from(&b, "t:*", ReplayFrom::Last(4)).await).await;
    assert_eq!(told, ["c2", "a3", "b3", "c3", "live 4 []"]);
    assert_eq!(
        until_live(&mut from(&b, "t:*", ReplayFrom::Last(0)).await).await,
        ["live 0 []"]
    );
    assert_eq!(
        until_live(&mut from(&b, "t:*", ReplayFrom::Last(99)).await).await.len(),
        10
    );
}

#[tokio::test]
async fn a_time_begins_with_the_first_message_that_is_not_older() {
    let lab = Lab::new();
    let [a, _b, c] = three_that_have_published(&lab, 1).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now = Timestamp::now();
    c.publish(INSTANCE, &draft("t:x", "x")).unwrap();
    let told = until_live(&mut from(&a, "t:*", ReplayFrom::Time(now)).await).await;
    assert_eq!(told, ["c2", "live 1 []"]);
}

#[tokio::test]
async fn a_resume_begins_after_what_was_had_and_feeds_it_does_not_name_from_their_first() {
    let lab = Lab::new();
    let [a, b, c] = three_that_have_published(&lab, 3).await;
    let position = |node: &Node, seq| FeedPosition {
        instance: INSTANCE,
        source: Arc::new(Source {
            node: node.id().clone(),
            epoch: node.epoch(),
        }),
        seq,
    };
    let had = vec![position(&a, 2), position(&b, 3), position(&c, FeedPosition::LIVE)];
    let told = until_live(&mut from(&b, "t:*", ReplayFrom::Resume(had)).await).await;
    assert_eq!(told, ["a3", "live 1 []"]);
    let told = until_live(&mut from(&b, "t:*", ReplayFrom::Resume(vec![position(&a, 3), position(&b, 3)])).await).await;
    assert_eq!(told, ["c1", "c2", "c3", "live 3 []"]);

    let id = MessageId {
        instance: INSTANCE,
        node: c.id().clone(),
        epoch: c.epoch(),
        seq: 1,
    };
    let told = until_live(&mut from(&b, "t:*", ReplayFrom::After(id)).await).await;
    assert_eq!(told, ["c2", "c3", "live 2 []"]);
}

#[tokio::test]
async fn what_the_backlog_no_longer_has_and_what_a_restart_forgot_is_told() {
    let lab = Lab::new();
    let a = lab
        .builder("a")
        .instance(INSTANCE, |events| events.backlog_messages = 2)
        .start()
        .await
        .unwrap();
    let b = lab.start("b", &[&a]).await;
    let nodes = [a, b];
    all_see_all(&nodes).await;
    let [a, b] = nodes;
    // So that b hears of it.
    let (mut watching, _) = b.subscribe(INSTANCE, [pattern("t")]).await.unwrap();
    for seq in 1..=5 {
        a.publish(INSTANCE, &draft("t", "x")).unwrap();
        assert_eq!(next(&mut watching).await, format!("a{seq}"));
    }
    let told = until_live(&mut from(&b, "t", ReplayFrom::Earliest).await).await;
    assert_eq!(told, ["gap a1-3 backlog_overrun", "a4", "a5", "live 2 []"]);

    let before = Source {
        node: a.id().clone(),
        epoch: a.epoch(),
    };
    a.shutdown().await;
    assert_eq!(next(&mut watching).await, "ended a5");
    let a = lab.start("a", &[&b]).await;
    let nodes = [a, b];
    all_see_all(&nodes).await;
    let [a, b] = nodes;
    a.publish(INSTANCE, &draft("t", "x")).unwrap();
    assert_eq!(next(&mut watching).await, "a1");
    let told = until_live(&mut from(&b, "t", ReplayFrom::Earliest).await).await;
    assert_eq!(told, ["gap a1-5 restarted", "ended a5", "a1", "live 1 []"]);
    let had = FeedPosition {
        instance: INSTANCE,
        source: Arc::new(before.clone()),
        seq: 4,
    };
    let told = until_live(&mut from(&b, "t", ReplayFrom::Resume(vec![had])).await).await;
    assert_eq!(told, ["gap a5-5 restarted", "ended a5", "a1", "live 1 []"]);
    let unheard = Source {
        epoch: Epoch(before.epoch.0 - 1),
        ..before
    };
    let had = FeedPosition {
        instance: INSTANCE,
        source: Arc::new(unheard),
        seq: 9,
    };
    let told = until_live(&mut from(&b, "t", ReplayFrom::Resume(vec![had])).await).await;
    // The run between the two is missed as a whole.
    assert_eq!(told, ["gap a1-5 restarted", "ended a5", "ended a9", "a1", "live 1 []"]);
}

#[tokio::test]
async fn a_replay_under_load_goes_over_into_live_without_a_hole_or_a_double() {
    let lab = Lab::new();
    let [a, b, c] = lab.three().await;
    let publish = |node: Node| {
        tokio::spawn(async move {
            for n in 0..6000 {
                node.publish_waiting(INSTANCE, &draft("t", "x"), DEADLINE)
                    .await
                    .unwrap();
                if n % 20 == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        })
    };
    let publishers = [publish(a.clone()), publish(b.clone()), publish(c.clone())];
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut all = from(&b, "t", ReplayFrom::Earliest).await;
    let mut seqs = std::collections::BTreeMap::<String, u64>::new();
    let mut live = None;
    while live.is_none() || seqs.len() < 3 || seqs.values().any(|seq| *seq < 6000) {
        match timeout(DEADLINE, all.next())
            .await
            .expect("a delivery in time")
            .unwrap()
        {
            Delivery::Message(envelope) => {
                let seq = seqs.entry(envelope.source().node.to_string()).or_default();
                assert_eq!(envelope.seq(), *seq + 1, "of {}", envelope.source());
                *seq += 1;
            }
            Delivery::Live(told) => live = Some(told),
            other => panic!("{other:?}"),
        }
    }
    let live = live.expect("it goes live");
    assert!(live.replayed > 0 && live.incomplete.is_empty(), "{live:?}");
    for publisher in publishers {
        publisher.await.unwrap();
    }
}

#[tokio::test]
async fn a_node_that_cannot_be_asked_is_named() {
    let lab = Lab::new();
    let [a, b, c] = three_that_have_published(&lab, 2).await;
    c.shutdown().await;
    drop(c);
    let mut all = from(&b, "t:*", ReplayFrom::Earliest).await;
    let told = until_live(&mut all).await;
    // It left in good order: it is no member any more, and nothing of it was heard here.
    assert_eq!(told, ["a1", "b1", "a2", "b2", "live 4 []"]);
    drop(a);
}
