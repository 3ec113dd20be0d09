//! Every subscriber gets exactly its set.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_tests::deadline::SOON;
use bellwether_tests::{Client, Item, Lab, Message, Process, Stream};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const INSTANCES: [&str; 10] = [
    "events",
    "system",
    "alerts",
    "metrics",
    "lifecycle",
    "health",
    "diagnostics",
    "logging",
    "audit",
    "security",
];
/// Messages published on each instance, on the three nodes together.
const MESSAGES: usize = 10_000;
/// Messages on their way to one subscriber, over all instances: well within the 32,768 of a single subscription.
const WINDOW: usize = 8_000;
/// Connections that publish to one node at once; each has its own instances, so that what one publishes on a feed is
/// numbered in the order in which it was published.
const PUBLISHERS: usize = 2;

/// Message number n is about topic n % 5.
const TOPICS: [&str; 5] = ["orders:eu:new", "orders:eu:paid", "orders:us:new", "orders", "stock:eu"];

/// Who listens where, to which patterns on every instance, and which of [`TOPICS`] these match. Written down, not
/// computed: it must not share a mistake with the code.
const SUBSCRIBERS: [(usize, &[&str], &[usize]); 7] = [
    (0, &["orders:eu:new"], &[0]),
    (0, &["orders:*"], &[0, 1, 2]),
    (1, &["stock:eu"], &[4]),
    (1, &["orders:+:new"], &[0, 2]),
    (2, &["orders"], &[3]),
    (2, &["*"], &[0, 1, 2, 3, 4]),
    // What both patterns match comes once.
    (2, &["orders:eu:*", "orders:*:paid"], &[0, 1]),
];

/// The messages of one feed, by node and instance: seq and message number, in order.
type Feeds = BTreeMap<(usize, usize), Vec<(u64, usize)>>;

/// Ten thousand messages on each of the ten instances, a third of them on each node, published at the pace of the
/// slowest subscriber. Each subscriber counts, orders and compares what it gets with what was published.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subscriber_gets_exactly_its_messages_once_and_in_order() {
    let lab = Lab::default();
    let nodes = lab.three().await;
    let began = Instant::now();

    // All in one set, so that the first one that fails ends the test.
    let mut tasks = JoinSet::new();
    let mut windows = Vec::new();
    for (index, (node, patterns, topics)) in SUBSCRIBERS.into_iter().enumerate() {
        let stream = subscribe(&nodes[node], patterns).await;
        let window = Arc::new(Semaphore::new(WINDOW));
        windows.push(window.clone());
        tasks.spawn(async move {
            let (feeds, stream) = receive(stream, topics, &window).await;
            Done::Receiving(index, feeds, Box::new(stream))
        });
    }

    let windows = Arc::new(windows);
    for (index, node) in nodes.iter().enumerate() {
        for publisher in 0..PUBLISHERS {
            let (client, windows) = (node.client().await, windows.clone());
            tasks.spawn(async move { Done::Publishing(publish(client, index, publisher, &windows).await) });
        }
    }
    let mut published = Feeds::new();
    let mut received = Vec::new();
    let mut streams = Vec::new();
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            Done::Publishing(feeds) => published.extend(feeds),
            Done::Receiving(index, feeds, stream) => {
                received.push((index, feeds));
                streams.push(stream);
            }
        }
    }
    assert_eq!(
        published.values().map(Vec::len).sum::<usize>(),
        INSTANCES.len() * MESSAGES
    );
    let mut deliveries = 0;
    for (index, received) in received {
        let (_, patterns, topics) = SUBSCRIBERS[index];
        assert_same(patterns, &wanted(&published, topics), &received);
        deliveries += received.values().map(Vec::len).sum::<usize>();
    }
    println!(
        "{} messages published, {deliveries} delivered in {:.1} s",
        INSTANCES.len() * MESSAGES,
        began.elapsed().as_secs_f64()
    );

    for node in &nodes {
        assert_nothing_dropped(node).await;
    }
    for mut node in nodes {
        assert_eq!(node.terminate().await, 0, "{}", node.name());
    }
    for stream in streams {
        for item in stream.rest().await {
            assert!(matches!(item, Item::EpochEnded(_)), "after the last message: {item:?}");
        }
    }
}

enum Done {
    Publishing(Feeds),
    /// Which of [`SUBSCRIBERS`], what it got, and its stream.
    Receiving(usize, Feeds, Box<Stream>),
}

async fn subscribe(node: &Process, patterns: &[&str]) -> Stream {
    let all: Vec<String> = INSTANCES
        .iter()
        .flat_map(|instance| patterns.iter().map(move |pattern| format!("{instance}/{pattern}")))
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let stream = node.client().await.subscribe(&all).await;
    assert_eq!(stream.live(), (3, 3), "{patterns:?} on {}", node.name());
    stream
}

/// Publishes this node's third of the messages of this publisher's instances.
async fn publish(mut client: Client, node: usize, publisher: usize, windows: &[Arc<Semaphore>]) -> Feeds {
    let mut published = Feeds::new();
    for number in (node..MESSAGES).step_by(3) {
        let topic = number % TOPICS.len();
        for instance in (publisher..INSTANCES.len()).step_by(PUBLISHERS) {
            for ((_, _, topics), window) in SUBSCRIBERS.iter().zip(windows) {
                if topics.contains(&topic) {
                    window.acquire().await.unwrap().forget();
                }
            }
            let mut path = format!("/v1/publish/{}/{}?event=exactness", INSTANCES[instance], TOPICS[topic]);
            if let Some(origin) = named_origin(number) {
                path.push_str("&originating_node=");
                path.push_str(origin);
            }
            let id = client.publish_to(&path, number.to_string()).await;
            let seq = id.rsplit('/').next().unwrap().parse().unwrap();
            published.entry((node, instance)).or_default().push((seq, number));
        }
    }
    published
}

/// Every seventh message is about another node than the one that publishes it.
fn named_origin(number: usize) -> Option<&'static str> {
    number.is_multiple_of(7).then_some("sensor-7")
}

/// Receives as many messages as are to come, and judges each by itself.
async fn receive(mut stream: Stream, topics: &[usize], window: &Semaphore) -> (Feeds, Stream) {
    let expected = INSTANCES.len() * (0..MESSAGES).filter(|n| topics.contains(&(n % TOPICS.len()))).count();
    let mut received = Feeds::new();
    let mut epochs: BTreeMap<usize, u64> = BTreeMap::new();
    for so_far in 0..expected {
        let message = match timeout(SOON, stream.next_patiently()).await {
            Ok(Some(Item::Message(message))) => message,
            other => panic!("after {so_far} of {expected} messages on topics {topics:?}: {other:?}"),
        };
        let (node, instance, epoch, seq, number) = judge(&message);
        assert_eq!(*epochs.entry(node).or_insert(epoch), epoch, "{message:?}");
        let feed = received.entry((node, instance)).or_default();
        assert!(
            feed.last().is_none_or(|(last, _)| *last < seq),
            "out of order: {message:?}"
        );
        feed.push((seq, number));
        window.add_permits(1);
    }
    (received, stream)
}

fn judge(message: &Message) -> (usize, usize, u64, u64, usize) {
    let number: usize = message.text().parse().unwrap();
    let (instance, node, epoch, seq) = message.id_parts();
    assert_eq!(message.instance, instance, "{message:?}");
    assert_eq!(message.reporting_node, node, "{message:?}");
    assert_eq!(
        message.originating_node,
        named_origin(number).unwrap_or(node),
        "{message:?}"
    );
    assert_eq!(message.topic, TOPICS[number % TOPICS.len()], "{message:?}");
    assert_eq!(
        (message.event.as_str(), message.content_type.as_str()),
        ("exactness", "text/plain")
    );
    assert!(message.signed, "{message:?}");
    let node = ["a", "b", "c"].iter().position(|name| *name == node).unwrap();
    assert_eq!(number % 3, node, "{message:?}");
    let instance = INSTANCES.iter().position(|name| *name == instance).unwrap();
    (node, instance, epoch, seq, number)
}

fn wanted(published: &Feeds, topics: &[usize]) -> Feeds {
    let wanted = |feed: &Vec<(u64, usize)>| {
        let matching = feed
            .iter()
            .filter(|(_, number)| topics.contains(&(number % TOPICS.len())));
        matching.copied().collect()
    };
    published.iter().map(|(key, feed)| (*key, wanted(feed))).collect()
}

/// Tells the first difference instead of printing a hundred thousand pairs.
fn assert_same(patterns: &[&str], wanted: &Feeds, received: &Feeds) {
    assert_eq!(
        wanted.keys().collect::<Vec<_>>(),
        received.keys().collect::<Vec<_>>(),
        "{patterns:?}"
    );
    for ((feed, wanted), received) in wanted.iter().zip(received.values()) {
        let difference = wanted
            .iter()
            .zip(received)
            .find(|(wanted, received)| wanted != received);
        assert_eq!(difference, None, "{patterns:?}, node and instance {feed:?}");
        assert_eq!(wanted.len(), received.len(), "{patterns:?}, node and instance {feed:?}");
    }
}

async fn assert_nothing_dropped(node: &Process) {
    for instance in node.client().await.list::<Value>("/v1/instances").await {
        let dropped = instance["dropped"].as_object().unwrap();
        assert!(dropped.values().all(|count| count == 0), "{}: {instance}", node.name());
    }
}
