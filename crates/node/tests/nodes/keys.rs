//! The secret of a mesh is replaced while it works.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellwether::{Delivery, Instance, KeyId, KeyRing, MemberState, Node, Secrets, Subscription};
use tokio::time::timeout;

use crate::lab::{DEADLINE, Lab, SECRET, all_see_all, draft, eventually, next_text, pattern};

const NEW: &str = "the secret that is to replace it, as long";
/// Messages of each node, at least.
const EACH: u64 = 20_000;
/// Published at once, every millisecond: more than a link carries while it is dialed again, less than a queue holds.
const BURST: u64 = 10;

fn secrets(texts: &[&str]) -> Secrets {
    Secrets::new(texts.iter().copied()).unwrap()
}

fn id(secret: &str) -> KeyId {
    KeyRing::new("bellwether", [secret]).unwrap().ids().next().unwrap()
}

fn ids(texts: &[&str]) -> Vec<KeyId> {
    texts.iter().map(|text| id(text)).collect()
}

/// Every node knows that every other has these keys, the first of them signing.
async fn all_know(nodes: &[&Node], texts: &[&str]) {
    let expected = ids(texts);
    let has_them = |keys: Option<Vec<bellwether::KeyInfo>>| {
        let keys = keys.unwrap_or_default();
        keys.iter().map(|key| key.id).eq(expected.iter().copied())
            && keys.iter().enumerate().all(|(place, key)| key.signs == (place == 0))
    };
    for node in nodes {
        eventually("a node knows the keys of all", || {
            let keys = node.keys();
            has_them(Some(keys.keys))
                && keys.members.len() == nodes.len() - 1
                && keys.members.into_iter().all(|member| has_them(member.keys))
        })
        .await;
    }
}

/// Publishes until told to stop, and at least so much; says how much.
async fn publish(node: &Node, is_over: &AtomicBool) -> u64 {
    let mut published = 0;
    while published < EACH || !is_over.load(Ordering::Relaxed) {
        for _ in 0..BURST {
            node.publish(Instance::Events, &draft("load", &published.to_string()))
                .unwrap();
            published += 1;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    published
}

/// Reads until each source has said that it is over; nothing else than every message of each in order is accepted.
async fn read_all(mut subscription: Subscription) -> BTreeMap<String, u64> {
    let (mut read, mut over) = (BTreeMap::new(), 0);
    while over < 3 {
        let delivery = timeout(DEADLINE, subscription.next())
            .await
            .expect("a delivery in time");
        let Some(Delivery::Message(envelope)) = delivery else {
            panic!("{delivery:?} after {read:?}")
        };
        let next: &mut u64 = read.entry(envelope.reporting_node().to_owned()).or_default();
        if envelope.topic() == "over" {
            over += 1;
            continue;
        }
        assert_eq!(
            envelope.payload(),
            next.to_string().as_bytes(),
            "of {}",
            envelope.reporting_node()
        );
        *next += 1;
    }
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_over_all_nodes_under_load_loses_nothing() {
    let lab = Lab::new();
    let nodes = lab.three().await;
    let all: Vec<&Node> = nodes.iter().collect();
    let mut readers = Vec::new();
    for node in &nodes {
        let (subscription, live) = node.subscribe(Instance::Events, [pattern("*")]).await.unwrap();
        assert_eq!(live.live, 3, "{live:?}");
        readers.push(tokio::spawn(read_all(subscription)));
    }
    let is_over = AtomicBool::new(false);
    let rotate = async {
        all_know(&all, &[SECRET]).await;
        for step in [&[SECRET, NEW][..], &[NEW, SECRET], &[NEW]] {
            for node in &nodes {
                let rotation = node.replace_secrets(&secrets(step)).unwrap();
                assert_eq!(rotation.signing, id(step[0]));
                assert_eq!(rotation.added, ids(&[NEW][..usize::from(step == [SECRET, NEW])]));
                assert_eq!(rotation.removed, ids(&[SECRET][..usize::from(step == [NEW])]));
                assert!(rotation.lacking.is_empty(), "{rotation:?}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            all_know(&all, step).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let ((), a, b, c) = tokio::join!(
        rotate,
        publish(&nodes[0], &is_over),
        publish(&nodes[1], &is_over),
        publish(&nodes[2], &is_over)
    );
    nodes
        .iter()
        .for_each(|node| drop(node.publish(Instance::Events, &draft("over", "")).unwrap()));
    let published = BTreeMap::from([("a", a), ("b", b), ("c", c)].map(|(node, count)| (node.to_owned(), count)));
    for reader in readers {
        assert_eq!(reader.await.unwrap(), published);
    }

    // Whoever starts again with the old secret alone is a stranger.
    let [a, b, c] = nodes;
    c.shutdown().await;
    let refused = a.strangers();
    let c = lab.start("c", &[&a, &b]).await;
    eventually("it was refused", || a.strangers() > refused).await;
    assert_eq!(c.members().len(), 1);
    assert!(a.members().iter().all(|member| member.node != *c.id()));
    all_know(&[&a, &b], &[NEW]).await;
}

#[tokio::test]
async fn a_removed_key_is_refused_at_once_and_with_the_new_one_all_comes() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    let nodes = [a.clone(), b.clone()];
    all_see_all(&nodes).await;
    let (mut from_a, _) = b.subscribe(Instance::Alerts, [pattern("*")]).await.unwrap();
    let (mut from_b, _) = a.subscribe(Instance::Alerts, [pattern("*")]).await.unwrap();
    a.publish(Instance::Alerts, &draft("t", "a1")).unwrap();
    assert_eq!(next_text(&mut from_a).await, "a1");
    let strangers = a.strangers();

    // Nobody has told b of the new one.
    let rotation = a.replace_secrets(&secrets(&[NEW])).unwrap();
    assert_eq!(rotation.lacking, [b.id().clone()]);
    let cut = |node: &Node| {
        let members = node.members();
        let mut others = members.iter().filter(|member| member.state != MemberState::Own);
        others.all(|member| !member.inbound && !member.outbound)
    };
    // Far sooner than silence is noticed.
    eventually("the links are cut", || cut(&a) && cut(&b)).await;
    eventually("b is refused", || a.strangers() > strangers).await;
    assert_eq!(a.keys().members[0].keys, None, "it tells nothing");
    for text in ["a2", "a3"] {
        a.publish(Instance::Alerts, &draft("t", text)).unwrap();
    }
    b.publish(Instance::Alerts, &draft("t", "b1")).unwrap();
    assert_eq!(
        (next_text(&mut from_b).await, next_text(&mut from_b).await),
        ("a1".into(), "a2".into())
    );
    assert_eq!(next_text(&mut from_b).await, "a3");
    assert_eq!(next_text(&mut from_a).await, "b1", "its own");

    // What b signed with the old key is signed anew, since a has that no more.
    b.replace_secrets(&secrets(&[NEW])).unwrap();
    for text in ["a2", "a3"] {
        assert_eq!(next_text(&mut from_a).await, text);
    }
    assert_eq!(next_text(&mut from_b).await, "b1");
    all_see_all(&nodes).await;
    all_know(&[&a, &b], &[NEW]).await;
}

#[tokio::test]
async fn what_old_keys_have_signed_is_replayed_long_after_they_are_gone() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    let nodes = [a.clone(), b.clone()];
    all_see_all(&nodes).await;
    for (step, text) in [
        (&[SECRET][..], "1"),
        (&[SECRET, NEW], "2"),
        (&[NEW, SECRET], "3"),
        (&[NEW], "4"),
    ] {
        nodes
            .iter()
            .for_each(|node| drop(node.replace_secrets(&secrets(step)).unwrap()));
        a.publish(Instance::Audit, &draft("t", text)).unwrap();
        all_know(&[&a, &b], step).await;
    }
    all_see_all(&nodes).await;
    let from = bellwether::ReplayFrom::Earliest;
    let (mut replayed, _) = b.subscribe_from(Instance::Audit, [pattern("*")], from).await.unwrap();
    for text in ["1", "2", "3", "4"] {
        assert_eq!(next_text(&mut replayed).await, text);
    }
}

#[tokio::test]
async fn secrets_that_cannot_be_used_change_nothing() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let refused = a.replace_secrets(&Secrets::default()).unwrap_err();
    assert!(
        matches!(refused, bellwether::ReplaceSecretsError::Secret(_)),
        "{refused}"
    );
    assert_eq!(
        a.keys().keys.iter().map(|key| key.id).collect::<Vec<_>>(),
        ids(&[SECRET])
    );
    let watched = a.watch_key_ring().unwrap();
    let rotation = a.replace_secrets(&secrets(&[SECRET])).unwrap();
    assert!(rotation.added.is_empty() && rotation.removed.is_empty());
    assert!(watched.borrow().contains(id(SECRET)));
    let alone = Node::builder("alone".parse().unwrap())
        .data_dir(lab.directory.path().join("alone"))
        .start()
        .await
        .unwrap();
    let refused = alone.replace_secrets(&secrets(&[SECRET])).unwrap_err();
    assert!(refused.to_string().contains("started without a secret"), "{refused}");
    assert_eq!(alone.keys(), bellwether::Keys::default());
    assert!(alone.watch_key_ring().is_none());
}
