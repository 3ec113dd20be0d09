//! Nodes meet: join, publish, subscribe, restart, refuse.

use std::time::Duration;

use bellwether::{Delivery, Instance, Node, NodeId};
use tokio::time::timeout;

use crate::lab::*;

#[tokio::test]
async fn what_is_published_anywhere_arrives_everywhere_signed_and_tagged() {
    let lab = Lab::new();
    let nodes = lab.three().await;
    let mut subscriptions = Vec::new();
    for node in &nodes {
        let (subscription, report) = node
            .subscribe(Instance::Alerts, [pattern("system_alerts:*")])
            .await
            .unwrap();
        assert_eq!((report.live, report.nodes, report.not_yet), (3, 3, vec![]));
        subscriptions.push(subscription);
    }
    let spoken = draft("system_alerts:critical", "disk full").originating_node(NodeId::new("elsewhere").unwrap());
    for node in &nodes {
        node.publish(Instance::Alerts, &spoken).unwrap();
    }
    for subscription in &mut subscriptions {
        let mut reporters = Vec::new();
        for _ in 0..3 {
            let Some(Delivery::Message(envelope)) = timeout(DEADLINE, subscription.next()).await.unwrap() else {
                panic!()
            };
            assert_eq!(envelope.payload(), b"disk full");
            assert_eq!(envelope.originating_node(), "elsewhere");
            assert!(envelope.is_signed());
            reporters.push(envelope.reporting_node().to_owned());
        }
        reporters.sort();
        assert_eq!(reporters, ["a", "b", "c"]);
    }
    for node in &nodes {
        assert_eq!(node.shutdown().await.unconfirmed, []);
    }
}

/// G6. A thousand rounds of: subscribe on C, and at once publish one message on A.
#[tokio::test]
async fn a_confirmed_subscription_always_gets_the_next_message() {
    let lab = Lab::new();
    let [a, b, c] = lab.three().await;
    for round in 0..1000 {
        let instance = Instance::ALL[round % 10];
        let topic = format!("round:{round}");
        let (mut subscription, report) = c.subscribe(instance, [pattern(&topic)]).await.unwrap();
        assert!(report.is_complete(), "{report:?}");
        a.publish(instance, &draft(&topic, &topic)).unwrap();
        assert_eq!(next_text(&mut subscription).await, topic);
    }
    for node in [&a, &b, &c] {
        assert_eq!(
            node.foreign_datagrams(),
            0,
            "no packet of a member is taken for a stranger's"
        );
    }
}

#[tokio::test]
async fn nothing_flows_to_a_node_without_interest() {
    let lab = Lab::new();
    let [a, b, c] = lab.three().await;
    let (mut wanted, _) = b.subscribe(Instance::Events, [pattern("wanted")]).await.unwrap();
    for n in 0..2000 {
        a.publish(Instance::Events, &draft("unwanted", &"x".repeat(1000)))
            .unwrap();
        a.publish(Instance::Metrics, &draft("unwanted", &n.to_string()))
            .unwrap();
    }
    a.publish(Instance::Events, &draft("wanted", "end")).unwrap();
    assert_eq!(next_text(&mut wanted).await, "end");
    assert_eq!(a.counters(Instance::Events).forwarded.value(), 1);
    assert_eq!(a.counters(Instance::Metrics).forwarded.value(), 0);
    assert_eq!(b.counters(Instance::Events).received.value(), 1);
    assert_eq!(c.counters(Instance::Events).received.value(), 0);
    for (peer, bytes) in a.data_stream_bytes() {
        let expected = if peer.as_str() == "b" { 1..2000 } else { 0..1 };
        assert!(expected.contains(&bytes), "{bytes} bytes to {peer}");
    }
}

#[tokio::test]
async fn a_node_that_stops_in_good_order_loses_nothing_and_vanishes() {
    let lab = Lab::new();
    let [a, b, c] = lab.three().await;
    let (mut subscription, _) = c.subscribe(Instance::Events, [pattern("*")]).await.unwrap();
    for n in 0..5000 {
        b.publish(Instance::Events, &draft("t", &n.to_string())).unwrap();
    }
    assert_eq!(b.shutdown().await.unconfirmed, []);
    for n in 0..5000 {
        assert_eq!(next_text(&mut subscription).await, n.to_string());
    }
    assert!(matches!(
        timeout(DEADLINE, subscription.next()).await.unwrap(),
        Some(Delivery::EpochEnded(ended)) if ended.last_seq == 5000 && !ended.tail_unknown
    ));
    for node in [&a, &c] {
        eventually("b has left", || node.members().len() == 2).await;
    }
}

#[tokio::test]
async fn a_restarted_node_is_back_under_a_higher_epoch() {
    let lab = Lab::new();
    let [a, b, c] = lab.three().await;
    let (mut subscription, _) = c.subscribe(Instance::Alerts, [pattern("*")]).await.unwrap();
    let (before, listen) = (b.epoch(), b.listen_addr().unwrap());
    b.shutdown().await;
    let b = lab.builder("b").listen(listen).seed(address(&a)).start().await.unwrap();
    assert!(b.epoch() > before);
    all_see_all(&[a, b.clone(), c]).await;
    b.publish(Instance::Alerts, &draft("t", "again")).unwrap();
    loop {
        match timeout(DEADLINE, subscription.next()).await.unwrap() {
            Some(Delivery::Message(envelope)) => {
                assert_eq!(
                    (envelope.source().epoch, envelope.payload()),
                    (b.epoch(), &b"again"[..])
                );
                return;
            }
            other => assert!(matches!(other, Some(Delivery::EpochEnded(_))), "{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_second_node_of_the_same_name_is_refused() {
    let lab = Lab::new();
    let [a, _b, c] = lab.three().await;
    for seed in [&c, &a] {
        let twin = lab.start("a", &[seed]).await;
        let reason = timeout(DEADLINE, twin.failed()).await.expect("the newcomer gives up");
        assert!(reason.starts_with("duplicate_node_id"), "{reason}");
        twin.shutdown().await;
    }
    assert_eq!(
        c.members()
            .iter()
            .find(|member| member.node.as_str() == "a")
            .map(|member| member.epoch),
        Some(a.epoch())
    );
}

#[tokio::test]
async fn strangers_never_become_members() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let other_secret = Node::builder(NodeId::new("x").unwrap())
        .secrets(["another secret that is also long enough"])
        .unwrap()
        .data_dir(lab.directory.path().join("x"))
        .seed(address(&a))
        .start()
        .await
        .unwrap();
    let other_cluster = lab
        .builder("y")
        .cluster("other")
        .seed(address(&a))
        .start()
        .await
        .unwrap();
    let (mut listening, _) = other_secret.subscribe(Instance::Alerts, [pattern("*")]).await.unwrap();
    // A bare chitchat node speaks plain UDP; so does garbage.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..200u8 {
        socket.send_to(&[0, n, 1, 2, 3], a.listen_addr().unwrap()).unwrap();
        socket.send_to(&[n; 1200], a.listen_addr().unwrap()).unwrap();
    }
    eventually("both strangers were refused", || {
        a.strangers() >= 4 && a.foreign_datagrams() >= 200
    })
    .await;
    a.publish(Instance::Alerts, &draft("t", "secret")).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    for node in [&a, &other_secret, &other_cluster] {
        assert_eq!(node.members().len(), 1);
    }
    assert!(listening.try_next().is_none());
}

#[tokio::test]
async fn without_a_secret_there_is_no_mesh_and_messages_are_unsigned() {
    let lab = Lab::new();
    let node = Node::builder(NodeId::new("alone").unwrap())
        .data_dir(lab.directory.path())
        .start()
        .await
        .unwrap();
    let (mut subscription, report) = node.subscribe(Instance::Audit, [pattern("*")]).await.unwrap();
    assert_eq!((report.live, report.nodes), (1, 1));
    node.publish(Instance::Audit, &draft("t", "x")).unwrap();
    let Some(Delivery::Message(envelope)) = subscription.next().await else {
        panic!()
    };
    assert!(!envelope.is_signed());
    assert_eq!(node.listen_addr(), None);
    let seeded = Node::builder(NodeId::new("alone").unwrap())
        .seed("127.0.0.1:7400")
        .start()
        .await;
    assert!(seeded.unwrap_err().to_string().contains("secret"));
}

/// The newcomer goes, whoever dials whom: its address is among everybody's seeds.
#[tokio::test]
async fn a_taken_name_never_costs_the_node_that_has_it() {
    let lab = Lab::new();
    let spot = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let a = lab.builder("a").start().await.unwrap();
    let x = lab
        .builder("x")
        .seed(address(&a))
        .seed(spot.to_string())
        .start()
        .await
        .unwrap();
    all_see_all(&[a.clone(), x.clone()]).await;
    let other_data = lab.directory.path().join("twin");
    let twin = lab
        .builder("x")
        .data_dir(other_data)
        .listen(spot)
        .seed(address(&x))
        .start()
        .await
        .unwrap();
    let reason = timeout(DEADLINE, twin.failed()).await.expect("the newcomer gives up");
    assert!(reason.starts_with("duplicate_node_id"), "{reason}");
    twin.shutdown().await;
    let failed = timeout(Duration::from_secs(2), x.failed()).await;
    assert!(failed.is_err(), "the incumbent goes on, and not: {failed:?}");
    all_see_all(&[a, x]).await;
}

/// One node under two addresses, neither of them the advertised one: the links must not replace each other for ever.
#[tokio::test]
async fn two_addresses_of_one_seed_settle_on_one_link() {
    let lab = Lab::new();
    let port = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let everywhere: std::net::SocketAddr = ([0, 0, 0, 0], port).into();
    let advertised: std::net::SocketAddr = ([127, 0, 0, 1], port).into();
    let a = lab
        .builder("a")
        .listen(everywhere)
        .advertise(advertised)
        .start()
        .await
        .unwrap();
    let b = lab
        .builder("b")
        .seed(format!("127.0.0.2:{port}"))
        .seed(format!("127.0.0.3:{port}"))
        .start()
        .await
        .unwrap();
    all_see_all(&[a.clone(), b.clone()]).await;
    // Both seeds have been tried within two rounds; from then on the view stands still.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut views = std::collections::HashSet::new();
    for _ in 0..100 {
        views.insert(format!("{:?}{:?}", a.members(), b.members()));
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(views.len(), 1, "{views:#?}");
    assert!(b.members().iter().all(|member| member.inbound && member.outbound));
}

/// A node that was long in the mesh tells a newcomer nothing of its past.
#[tokio::test]
async fn a_newcomer_reads_only_what_is_published_after_it_joined() {
    let lab = Lab::new();
    let [_a, b, c] = lab.three().await;
    let (_keep, _) = c.subscribe(Instance::Events, [pattern("*")]).await.unwrap();
    for n in 0..500 {
        b.publish(Instance::Events, &draft("old", &n.to_string())).unwrap();
    }
    for _ in 0..5 {
        let d = lab.start("d", &[&c]).await;
        let (mut all, report) = d.subscribe(Instance::Events, [pattern("*")]).await.unwrap();
        assert_eq!((report.live, report.nodes), (4, 4));
        b.publish(Instance::Events, &draft("new", "new")).unwrap();
        assert_eq!(next_text(&mut all).await, "new");
        d.shutdown().await;
        eventually("d has left", || b.members().len() == 3 && c.members().len() == 3).await;
    }
}

#[tokio::test]
async fn a_subscription_says_that_its_node_has_not_joined_yet_and_when_it_has() {
    let lab = Lab::new();
    let later = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let a = lab.builder("a").seed(later.to_string()).start().await.unwrap();
    let (subscription, report) = a.subscribe(Instance::Alerts, [pattern("t")]).await.unwrap();
    assert_eq!((report.live, report.nodes, report.joined), (1, 1, false));
    assert!(!report.is_complete());
    let joined = a.became_live(&subscription);
    let _b = lab.builder("b").listen(later).start().await.unwrap();
    let report = timeout(DEADLINE * 2, joined).await.unwrap();
    assert_eq!((report.live, report.nodes), (2, 2));
    assert!(report.is_complete());
}
