//! What is measured: the messages of a signed feed, and the nodes at its ends.

use std::sync::Arc;

use bellwether_broker::{Broker, InstanceSettings, Subscription};
use bellwether_message::{
    ContentType, Draft, Envelope, Epoch, Instance, KeyRing, NodeId, Opener, Pattern, Sealer, Source, Timestamp, Topic,
};

/// The cluster of both nodes.
pub const CLUSTER: &str = "bench";
/// The instance of the feed.
pub const INSTANCE: Instance = Instance::Events;
/// Payloads that are measured, by name and size.
pub const PAYLOADS: [(&str, usize); 2] = [("128 B", 128), ("1 KiB", 1024)];
/// When messages are published: about as far from the epoch's number as in a run of some weeks.
pub const TIME: Timestamp = Timestamp::from_millis(1_803_000_000_000);
/// Messages in one round where nothing else says how many.
pub const BATCH: usize = 256;

/// The usual topic, below `orders`.
const TOPIC: &str = "orders:eu-west:1042:updated";

/// The `n`th of many topics below `orders`.
pub fn topic(n: usize) -> Topic {
    Topic::new(&format!("orders:eu-west:{n}:updated")).expect("a topic")
}

/// A pattern.
pub fn pattern(text: &str) -> Pattern {
    Pattern::new(text).expect("a pattern")
}

/// A message on the usual topic with a payload of so many bytes.
pub fn draft(payload: usize) -> Draft {
    draft_on(Topic::new(TOPIC).expect("a topic"), payload)
}

/// The same on another topic.
pub fn draft_on(topic: Topic, payload: usize) -> Draft {
    Draft::new(topic, "order_updated").payload(ContentType::Bytes, vec![b'x'; payload])
}

/// The keys of both nodes.
pub fn keys() -> KeyRing {
    KeyRing::new(CLUSTER, ["a secret that is long enough to be taken"]).expect("a secret")
}

/// The node that writes the feed.
pub fn writer() -> Arc<Source> {
    source("writer")
}

/// The feed's sealer.
pub fn sealer() -> Sealer {
    Sealer::new(CLUSTER, Some(&keys()), writer(), INSTANCE)
}

/// An opener of the feed.
pub fn opener() -> Opener {
    let sealer = sealer();
    let header = sealer.header().expect("a signed feed");
    Opener::new(Some(&keys()), CLUSTER, header).expect("the same keys")
}

/// The feed from its beginning: these drafts, in this order.
pub fn feed(drafts: impl IntoIterator<Item = Draft>) -> Vec<Envelope> {
    let sealer = sealer();
    (1..)
        .zip(drafts)
        .map(|(seq, draft)| seal(&sealer, &draft, seq))
        .collect()
}

/// Seals one message of the feed.
pub fn seal(sealer: &Sealer, draft: &Draft, seq: u64) -> Envelope {
    sealer.seal_one(draft, seq, TIME).expect("a short head")
}

/// The broker of the node that writes the feed.
pub fn writing_broker() -> Broker {
    broker(&writer())
}

/// The broker of a node that receives the feed.
pub fn receiving_broker() -> Broker {
    broker(&source("reader"))
}

/// A subscription to everything on the usual topic.
pub fn subscribe(broker: &Broker) -> Subscription {
    broker
        .subscribe(INSTANCE, [pattern("orders:*")])
        .expect("a subscription")
}

/// Reads all that waits for the subscription; says how much it was.
pub fn drain(subscription: &mut Subscription) -> usize {
    std::iter::from_fn(|| subscription.try_next()).count()
}

fn source(node: &str) -> Arc<Source> {
    Arc::new(Source {
        node: NodeId::new(node).expect("a node id"),
        epoch: Epoch(1_800_000_000_000),
    })
}

fn broker(source: &Source) -> Broker {
    let settings = Instance::ALL.map(InstanceSettings::default_for);
    Broker::new(CLUSTER, source.clone(), Some(&keys()), &settings)
}
