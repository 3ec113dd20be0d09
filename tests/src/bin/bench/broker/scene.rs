//! What is subscribed to and published in one row of the table.

use anyhow::{Context, ensure};
use bellwether_broker::{Broker, Delivery, InstanceSettings, Subscription};
use bellwether_message::{ContentType, Draft, Epoch, Instance, KeyRing, NodeId, Pattern, Source, Topic};

use crate::process::node::SECRET;

pub(crate) const PAYLOAD_BYTES: usize = 128;
/// Levels of a topic that 2^10 patterns match, each level named or `+`.
const LEVELS: usize = 10;
/// As many distinct patterns as the goal names.
const MANY_PATTERNS: usize = 100_000;

/// Subscriptions, and the topics that are published on in turn.
pub(crate) struct Scene {
    pub(crate) name: String,
    topics: Vec<String>,
    patterns: Vec<String>,
    /// Subscriptions that each message reaches.
    pub(crate) reached: u64,
    /// With two threads, how many of a hundred subscriptions the publishing one reads for.
    pub(crate) own_percent: Option<usize>,
}

pub(crate) fn scenes() -> Vec<Scene> {
    let topics: Vec<String> = (0..100).map(|n| format!("orders:shop-{n}:new")).collect();
    let scene = |name: &str, topics: &[String], patterns: Vec<String>, reached, own_percent| Scene {
        name: name.to_owned(),
        topics: topics.to_vec(),
        patterns,
        reached,
        own_percent,
    };
    let with_patterns = |patterns: usize| Scene {
        name: format!("{} patterns, one of which matches", grouped(patterns)),
        topics: (0..patterns).map(|n| format!("device:{n}:state")).collect(),
        patterns: (0..patterns).map(|n| format!("device:{n}:*")).collect(),
        reached: 1,
        own_percent: None,
    };
    let on_some = || (0..10).flat_map(|_| topics.clone()).collect::<Vec<_>>();
    let on_all = |count| vec!["*".to_owned(); count];
    let one_topic = [["level"; LEVELS].join(":")];
    let some = "1,000, each on 1 % of the topics";
    let all = "1,000, all on every topic by the same pattern";
    let each_its_own = "1,000, all on every topic, each by a pattern of its own";
    vec![
        scene("1, on every topic", &topics, on_all(1), 1, None),
        scene(some, &topics, on_some(), 10, None),
        scene(some, &topics, on_some(), 10, Some(10)),
        scene(all, &topics, on_all(1_000), 1_000, None),
        scene(all, &topics, on_all(1_000), 1_000, Some(50)),
        scene(
            each_its_own,
            &one_topic,
            (0..1_000).map(named_or_any).collect(),
            1_000,
            None,
        ),
        with_patterns(10),
        with_patterns(MANY_PATTERNS),
    ]
}

/// The pattern whose levels are `+` where the bits of `number` are set.
fn named_or_any(number: usize) -> String {
    let level = |bit: usize| if number >> bit & 1 == 1 { "+" } else { "level" };
    (0..LEVELS).map(level).collect::<Vec<_>>().join(":")
}

/// `65,536`.
fn grouped(number: usize) -> String {
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{},{:03}", grouped(thousands), number % 1000),
    }
}

/// A scene, ready to be played.
pub(crate) struct Stage {
    pub(crate) broker: Broker,
    /// Published on every topic in turn: one for each would be the harness's own cache misses.
    pub(crate) draft: Draft,
    pub(crate) topics: Vec<Topic>,
    /// Of the topic in the same place, if each message reaches one.
    pub(crate) subscriptions: Vec<Subscription>,
}

impl Scene {
    pub(crate) fn stage(&self) -> anyhow::Result<Stage> {
        let broker = broker()?;
        let patterns = self.patterns.iter().map(|pattern| Pattern::new(pattern));
        let subscriptions = patterns
            .map(|pattern| Ok(broker.subscribe(Instance::Events, [pattern?])?))
            .collect::<anyhow::Result<Vec<Subscription>>>()?;
        let topics = self.topics.iter().map(|topic| Topic::new(topic));
        let topics = topics.collect::<Result<Vec<Topic>, _>>()?;
        let first = topics.first().context("a scene has topics")?.clone();
        Ok(Stage {
            broker,
            draft: Draft::new(first, "bench").payload(ContentType::Bytes, vec![b'x'; PAYLOAD_BYTES]),
            topics,
            subscriptions,
        })
    }

    /// Whether each message reaches one of very many subscriptions, so that only that one is asked for it.
    pub(crate) fn is_sparse(&self) -> bool {
        self.reached == 1 && self.patterns.len() > 1
    }

    /// Nothing may be lost.
    pub(crate) fn check(&self, published: u64, delivered: u64) -> anyhow::Result<()> {
        ensure!(
            delivered == published * self.reached,
            "{}: {delivered} deliveries of {published} messages",
            self.name
        );
        Ok(())
    }
}

fn broker() -> anyhow::Result<Broker> {
    let source = Source {
        node: NodeId::new("a")?,
        epoch: Epoch(1),
    };
    let ring = KeyRing::new("bench", [SECRET])?;
    let settings = Instance::ALL.map(InstanceSettings::default_for);
    Ok(Broker::new("bench", source, Some(&ring), &settings))
}

/// Reads all that is there.
pub(crate) fn read(subscriptions: &mut [Subscription]) -> anyhow::Result<u64> {
    let mut messages = 0;
    for subscription in subscriptions {
        while let Some(delivery) = subscription.try_next() {
            ensure!(matches!(delivery, Delivery::Message(_)), "lost: {delivery:?}");
            messages += 1;
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([10, 65_536, 1_000_000].map(grouped), ["10", "65,536", "1,000,000"]);
    }

    #[test]
    fn every_scene_reaches_as_many_as_it_says() {
        for scene in scenes() {
            let mut stage = scene.stage().expect("the scene can be staged");
            let published = stage.broker.publish(Instance::Events, &stage.draft);
            published.expect("it publishes");
            let delivered = read(&mut stage.subscriptions).expect("nothing is lost");
            assert_eq!(delivered, scene.reached, "{}", scene.name);
        }
    }
}
