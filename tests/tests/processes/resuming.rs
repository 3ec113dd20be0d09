//! Who comes back goes on where he stood: no hole, nothing twice, and what is lost is told.

use std::collections::BTreeMap;

use bellwether_tests::deadline::{SOON, eventually, soon};
use bellwether_tests::program::{bellwether, spawn};
use bellwether_tests::{Client, Item, Lab, Message, Process, Stream, Traffic, all_see_all};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::timeout;

const ALL: &[&str] = &["events/*"];

/// The last seq of each feed that was received, by node and epoch.
#[derive(Debug, Default)]
struct Received(BTreeMap<(String, u64), u64>);

impl Received {
    /// Panics unless it is the next of its feed, of which everything matches.
    fn take(&mut self, message: &Message) {
        let (_, node, epoch, seq) = message.id_parts();
        let last = self.0.entry((node.to_owned(), epoch)).or_default();
        assert_eq!(seq, *last + 1, "of {node}: {message:?}");
        *last = seq;
    }

    /// How many messages were received of the feeds of a node.
    fn of(&self, node: &str) -> u64 {
        let feeds = self.0.iter().filter(|((name, _), _)| name == node);
        feeds.map(|(_, last)| last).sum()
    }
}

async fn publish(client: &mut Client, node: &str, count: u64) {
    for number in 0..count {
        client.publish("events", node, number.to_string()).await;
    }
}

/// The next item that is no message says what; messages are taken.
async fn next(stream: &mut Stream, received: &mut Received) -> Option<Item> {
    loop {
        match stream.next().await {
            Some(Item::Message(message)) => received.take(&message),
            Some(Item::Subscribed { .. }) => {}
            other => return other,
        }
    }
}

/// Goal: a client that comes and goes while three nodes publish gets every message once. Method: it reads some, goes with
/// the connection, and is back at once or after a while, on any of the nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_and_goes_under_load_gets_every_message_once() {
    let lab = Lab::default();
    let nodes = lab.three().await;
    let mut traffic = Vec::new();
    for node in &nodes {
        traffic.push(Traffic::begin(node, "events", node.name()).await);
    }
    let mut received = Received::default();
    let mut stream = nodes[1].client().await.subscribe_from(ALL, "earliest").await;
    for round in 0..9 {
        for _ in 0..150 {
            match stream.next().await {
                Some(Item::Message(message)) => received.take(&message),
                Some(Item::Subscribed { .. }) => {}
                Some(Item::Live(live)) => assert_eq!(live["incomplete"], Value::Array(Vec::new())),
                other => panic!("{other:?}"),
            }
        }
        let place = stream.place().to_owned();
        drop(stream);
        if round % 3 == 2 {
            let so_far = received.of("a");
            let published = async || {
                let instances: Vec<Value> = nodes[0].client().await.list("/v1/instances").await;
                (instances[0]["published"].as_u64()? > so_far + 100).then_some(())
            };
            eventually("something is published meanwhile", published).await;
        }
        stream = nodes[round % 3].client().await.resume(ALL, &place).await;
    }
    let mut published = BTreeMap::new();
    for (node, traffic) in nodes.iter().zip(traffic) {
        published.insert(node.name(), traffic.stop().await);
    }
    while published.iter().any(|(node, count)| received.of(node) < *count) {
        match stream.next().await {
            Some(Item::Message(message)) => received.take(&message),
            Some(Item::Subscribed { .. } | Item::Live(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    for (node, count) in published {
        assert_eq!(received.of(node), count, "of {node}");
    }
}

#[tokio::test]
async fn a_node_that_joins_while_a_client_is_away_is_resumed_from_its_first_message() {
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    let b = lab.node("b").seed(a.mesh()).start().await;
    all_see_all(&[&a, &b]).await;
    let mut received = Received::default();
    let mut stream = a.client().await.subscribe_from(ALL, "live").await;
    publish(&mut b.client().await, "b", 2).await;
    for _ in 0..2 {
        received.take(&stream.message().await);
    }
    let place = stream.place().to_owned();
    drop(stream);

    let c = lab.node("c").seed(b.mesh()).start().await;
    publish(&mut c.client().await, "c", 3).await;
    all_see_all(&[&a, &b, &c]).await;
    let mut stream = a.client().await.resume(ALL, &place).await;
    let live = next(&mut stream, &mut received).await;
    assert!(
        matches!(&live, Some(Item::Live(live)) if live["replayed"] == 3 && live["incomplete"] == Value::Array(Vec::new())),
        "{live:?}"
    );
    assert_eq!((received.of("b"), received.of("c")), (2, 3));
}

#[tokio::test]
async fn a_run_that_ended_while_a_client_was_away_is_told_with_what_is_gone_with_it() {
    let lab = Lab::default();
    let [a, mut b, c] = lab.three().await;
    // So that b's messages come to a while the client is away.
    let mut watching = a.client().await.subscribe(ALL).await;
    let mut received = Received::default();
    let mut stream = a.client().await.subscribe_from(ALL, "live").await;
    publish(&mut b.client().await, "b", 3).await;
    for _ in 0..3 {
        received.take(&stream.message().await);
    }
    let place = stream.place().to_owned();
    drop(stream);

    publish(&mut b.client().await, "b", 2).await;
    for _ in 0..5 {
        watching.message().await;
    }
    b.kill().await;
    let b = restart(&lab, &b, &a).await;
    all_see_all(&[&a, &b, &c]).await;
    publish(&mut b.client().await, "b", 1).await;
    watching.message().await;

    let mut stream = a.client().await.resume(ALL, &place).await;
    let gap = next(&mut stream, &mut received).await;
    let Some(Item::Gap(gap)) = gap else { panic!("{gap:?}") };
    assert_eq!(
        (&gap["node"], &gap["first"], &gap["last"], &gap["cause"]),
        (&"b".into(), &4.into(), &5.into(), &"restarted".into())
    );
    let ended = next(&mut stream, &mut received).await;
    assert!(
        matches!(&ended, Some(Item::EpochEnded(ended)) if ended["last_seq"] == 5 && ended["tail_unknown"] == true),
        "{ended:?}"
    );
    let live = next(&mut stream, &mut received).await;
    assert!(
        matches!(&live, Some(Item::Live(live)) if live["replayed"] == 1),
        "{live:?}"
    );
    assert_eq!(received.of("b"), 3 + 1);
}

/// Starts it where it was, as a service manager does.
async fn restart(lab: &Lab, killed: &Process, seed: &Process) -> Process {
    let node = lab.node(killed.name()).listen(killed.mesh()).http(killed.http());
    node.seed(seed.mesh()).start().await
}

#[tokio::test]
async fn a_client_whose_node_dies_goes_on_at_another() {
    let lab = Lab::default();
    let [a, mut b, c] = lab.three().await;
    let mut received = Received::default();
    let mut stream = b.client().await.subscribe_from(ALL, "live").await;
    for node in [&a, &b, &c] {
        publish(&mut node.client().await, node.name(), 2).await;
    }
    for _ in 0..6 {
        received.take(&stream.message().await);
    }
    b.kill().await;
    for node in [&a, &c] {
        publish(&mut node.client().await, node.name(), 2).await;
    }
    let mut stream = c.client().await.resume(ALL, stream.place()).await;
    while received.of("a") < 4 || received.of("c") < 4 {
        if let Some(item) = stream.next().await {
            match item {
                Item::Message(message) => received.take(&message),
                Item::Subscribed { .. } | Item::Live(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    // Its old run is over, and its new one is received from the first message.
    let b = restart(&lab, &b, &a).await;
    publish(&mut b.client().await, "b", 1).await;
    let mut ended = None;
    while received.of("b") < 3 {
        match stream.next().await {
            Some(Item::Message(message)) => received.take(&message),
            Some(Item::EpochEnded(told)) => ended = Some(told),
            Some(Item::Subscribed { .. } | Item::Live(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ended.expect("the end of the old run is told")["node"], "b");
}

/// By the policy `disconnect` a client that does not read loses its stream and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_was_disconnected_resumes_from_the_nodes_backlogs() {
    const MESSAGES: u64 = 6_000;
    let lab = Lab::default();
    let a = lab.node("a").start().await;
    let small = lab.node("b").variable("BELLWETHER_EVENTS_QUEUE_MESSAGES", "64");
    let b = small
        .variable("BELLWETHER_EVENTS_OVERFLOW", "disconnect")
        .seed(a.mesh())
        .start()
        .await;
    all_see_all(&[&a, &b]).await;
    let mut received = Received::default();
    let mut stream = b.client().await.subscribe_from(ALL, "live").await;
    let mut publisher = a.client().await;
    // 24 MB: more than the sockets between hold.
    for _ in 0..MESSAGES {
        publisher.publish("events", "t", "x".repeat(4096)).await;
    }
    let gap = next(&mut stream, &mut received).await;
    assert!(
        matches!(&gap, Some(Item::Gap(gap)) if gap["cause"] == "disconnected"),
        "{gap:?}"
    );
    assert!(stream.next().await.is_none());
    assert!(received.of("a") < MESSAGES);

    let mut stream = b.client().await.resume(ALL, stream.place()).await;
    while received.of("a") < MESSAGES {
        match stream.next().await {
            Some(Item::Message(message)) => received.take(&message),
            Some(Item::Subscribed { .. } | Item::Live(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The program does all that by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sub_resumes_when_its_node_is_killed_and_restarted() {
    let lab = Lab::default();
    let [a, mut b, c] = lab.three().await;
    let mut sub = bellwether();
    sub.args(["--node", &b.url(), "sub", "events", "*", "--format", "json"]);
    let mut sub = spawn(&mut sub);
    let mut output = Output {
        lines: BufReader::new(sub.stdout.take().unwrap()).lines(),
        told: BufReader::new(sub.stderr.take().unwrap()).lines(),
        received: Received::default(),
        ended: Vec::new(),
    };
    output.until_told("subscribed, live on 3 of 3 nodes").await;
    publish(&mut b.client().await, "b", 3).await;
    output.until(|received| received.of("b") == 3).await;
    let traffic = [
        Traffic::begin(&a, "events", "a").await,
        Traffic::begin(&c, "events", "c").await,
    ];
    output
        .until(|received| received.of("a") > 50 && received.of("c") > 50)
        .await;
    b.kill().await;
    output.until_told("is gone; trying until it is back").await;
    let b = restart(&lab, &b, &a).await;
    output.until_told("resumed where it stood").await;
    publish(&mut b.client().await, "b", 2).await;
    let mut published = Vec::new();
    for traffic in traffic {
        published.push(traffic.stop().await);
    }
    output
        .until(|received| received.of("a") >= published[0] && received.of("c") >= published[1] && received.of("b") >= 5)
        .await;
    assert_eq!(
        (output.received.of("a"), output.received.of("c")),
        (published[0], published[1])
    );
    assert!(
        output
            .ended
            .iter()
            .any(|ended| ended["node"] == "b" && ended["last_seq"] == 3),
        "{:?}",
        output.ended
    );
}

/// What the program prints.
struct Output {
    lines: Lines<BufReader<ChildStdout>>,
    told: Lines<BufReader<ChildStderr>>,
    received: Received,
    ended: Vec<Value>,
}

impl Output {
    async fn until_told(&mut self, words: &str) {
        let telling = async {
            loop {
                let line = self.told.next_line().await.unwrap().expect("it goes on");
                if line.contains(words) {
                    return;
                }
            }
        };
        soon(&format!("it says: {words}"), telling).await;
    }

    /// Takes messages until this holds. Panics at a gap.
    async fn until(&mut self, is_enough: impl Fn(&Received) -> bool) {
        while !is_enough(&self.received) {
            let line = timeout(SOON, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no further line after {:?}", self.received));
            let line = line.unwrap().expect("it goes on");
            let mut item: Value = serde_json::from_str(&line).unwrap();
            if item.get("id").is_some() {
                self.received.take(&serde_json::from_value(item).unwrap());
            } else if item.get("epoch_ended").is_some() {
                self.ended.push(item["epoch_ended"].take());
            } else {
                assert!(item.get("live").is_some(), "{line}");
            }
        }
    }
}
