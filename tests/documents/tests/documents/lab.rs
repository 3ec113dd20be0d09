//! Two nodes that have met, and what a subscriber on one hears of what is published on the other.

use std::time::Duration;

use bellwether::catalogue::{MessageType, all_types, type_of, types_named};
use bellwether::{
    Delivery, Draft, Envelope, Instance, IntegrationSettings, MemberState, Node, NodeBuilder, NodeId, Pattern, Sent,
    Subscription, Topic,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

pub(crate) const SECRET: &str = "an example secret of more than 32 bytes";
/// How long a test waits before it says that something did not happen.
const DEADLINE: Duration = Duration::from_secs(20);
/// The event tag of a message after which nothing else was to come.
const MARKER: &str = "marker";

/// Where the nodes of one test keep their epochs.
pub(crate) struct Lab {
    directory: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// A node with the secret of the tests, which broadcasts what it is told to and nothing by itself.
    pub(crate) fn builder(&self, name: &str) -> NodeBuilder {
        Node::builder(NodeId::new(name).unwrap())
            .secrets([SECRET])
            .unwrap()
            .data_dir(self.directory.path().join(name))
            .drain_timeout(Duration::from_secs(5))
            .integration(silent)
    }
}

fn silent(integration: &mut IntegrationSettings) {
    integration.enabled = true;
    integration.report_system = false;
    integration.report_health = false;
    integration.report_metrics = false;
    integration.report_members = false;
}

/// `a` publishes, `b` subscribes.
pub(crate) struct Pair {
    pub(crate) lab: Lab,
    pub(crate) a: Node,
    pub(crate) b: Node,
}

impl Pair {
    pub(crate) async fn new() -> Self {
        let lab = Lab::new();
        let (a, b) = (lab.builder("a"), lab.builder("b"));
        Self::of(lab, a, b).await
    }

    pub(crate) async fn of(lab: Lab, a: NodeBuilder, b: NodeBuilder) -> Self {
        let a = a.start().await.unwrap();
        let b = b.seed(address(&a)).start().await.unwrap();
        meet(&[&a, &b]).await;
        Self { lab, a, b }
    }

    /// `b` subscribes to topics and patterns as the document writes them.
    pub(crate) async fn subscribe(&self, instance: Instance, topics: &[&str]) -> Subscription {
        subscribe(&self.b, instance, topics).await
    }

    /// `a` publishes a payload under a tag.
    pub(crate) fn publish(&self, instance: Instance, topic: &str, tag: &str, payload: &Value) {
        let draft = Draft::new(self::topic(topic), tag.to_owned()).json(payload.to_string());
        self.a.publish(instance, &draft).unwrap();
    }

    /// `a` publishes a typed message, on its usual topic if none is named.
    pub(crate) fn publish_typed(&self, message_type: &'static MessageType, payload: Value, on: Option<&str>) {
        self.a.publish_payload(message_type, payload, on.map(topic)).unwrap();
    }

    /// Nothing came but what was heard: the next on this topic is what is published now.
    pub(crate) async fn nothing_more(&self, heard: &mut Subscription, topic: &str) {
        self.publish(heard.instance(), topic, MARKER, &Value::Null);
        assert_eq!(next(heard).await.head().event, MARKER, "nothing else on {topic}");
    }
}

pub(crate) fn address(node: &Node) -> String {
    node.listen_addr().unwrap().to_string()
}

pub(crate) fn topic(text: &str) -> Topic {
    Topic::new(text).unwrap()
}

pub(crate) fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

/// The type of that name; the documents call types by theirs.
pub(crate) fn named(name: &str) -> &'static MessageType {
    match types_named(name).as_slice() {
        [one] => one,
        found => panic!("{name} are {} of {}", found.len(), all_types().count()),
    }
}

/// A helper has published.
pub(crate) fn published(outcome: bellwether::BroadcastOutcome) {
    assert!(matches!(outcome, Ok(Sent::Published(_))), "{outcome:?}");
}

pub(crate) async fn meet(nodes: &[&Node]) {
    eventually("all see all", || {
        nodes.iter().all(|node| {
            let members = node.members();
            let linked = members
                .iter()
                .filter(|member| member.inbound && member.outbound && member.state != MemberState::Down);
            linked.count() == nodes.len()
        })
    })
    .await;
}

pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, wait)
        .await
        .unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"));
}

/// Live on every node when this returns.
pub(crate) async fn subscribe(node: &Node, instance: Instance, topics: &[&str]) -> Subscription {
    let patterns = topics.iter().map(|topic| pattern(topic));
    let (subscription, report) = node.subscribe(instance, patterns).await.unwrap();
    assert!(report.is_complete(), "{topics:?}: {report:?}");
    subscription
}

/// The next message; that a node has left is no news here.
pub(crate) async fn next(subscription: &mut Subscription) -> Envelope {
    loop {
        let next = timeout(DEADLINE, subscription.next()).await;
        let patterns = || subscription.patterns().to_vec();
        match next.unwrap_or_else(|_| panic!("nothing within {DEADLINE:?} on {:?}", patterns())) {
            Some(Delivery::Message(envelope)) => return envelope,
            Some(Delivery::EpochEnded(_)) => {}
            other => panic!("{other:?} on {:?}", patterns()),
        }
    }
}

/// The payload of the next message, which is signed, from `a`, on this topic by its own name, under this tag.
pub(crate) async fn hear(subscription: &mut Subscription, topic: &str, tag: &str) -> Value {
    let envelope = next(subscription).await;
    let head = envelope.head();
    assert_eq!((envelope.topic(), head.event), (topic, tag));
    assert!(envelope.is_signed());
    assert_eq!(envelope.reporting_node(), "a");
    payload(&envelope)
}

/// The same for a message of the catalogue, which is what its tag says, at the time in one form.
pub(crate) async fn hear_typed(subscription: &mut Subscription, topic: &str, tag: &str) -> Value {
    let payload = hear(subscription, topic, tag).await;
    let message_type = type_of(subscription.instance(), tag).unwrap();
    let judged = message_type.validate(payload.clone()).unwrap();
    assert_eq!(judged, payload, "what is published is in its present shape");
    let time = payload["timestamp"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "milliseconds, UTC: {time}");
    payload
}

pub(crate) fn payload(envelope: &Envelope) -> Value {
    serde_json::from_slice(envelope.payload()).unwrap()
}

/// Every field of the sample is in the payload, with its value.
#[track_caller]
pub(crate) fn says(payload: &Value, sample: Value) {
    let Value::Object(sample) = sample else {
        panic!("a sample has fields");
    };
    for (field, value) in sample {
        assert_eq!(payload[&field], value, "`{field}` of {payload}");
    }
}
