//! Inside one broker: publishes and deliveries on one thread, without a network.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bellwether_broker::{Broker, Delivery, InstanceSettings, MAX_PATTERNS, Subscription};
use bellwether_message::{ContentType, Draft, Epoch, Instance, KeyRing, NodeId, Pattern, Source, Topic};
use serde_json::json;

use crate::measurement::Measurement;
use crate::process::node::SECRET;
use crate::report::{Report, cells};
use crate::spread::{Spread, count};
use crate::status_line::StatusLine;

const PAYLOAD_BYTES: usize = 128;
/// How long one pass publishes.
const PASS: Duration = Duration::from_millis(700);
/// Messages published before their subscribers read them. The queues hold many more.
const BATCH: usize = 250;
/// Levels of a topic that 2^10 patterns match, each level named or `+`.
const LEVELS: usize = 10;

/// Subscriptions of one scene, and what is published.
struct Scene {
    name: String,
    topics: Vec<String>,
    patterns: Vec<String>,
    /// Subscriptions that each message reaches.
    reached: u64,
}

/// Measures each scene in turn.
pub(crate) fn measure(passes: usize, status: &StatusLine) -> anyhow::Result<Report> {
    let settings = json!({ "payload_bytes": PAYLOAD_BYTES, "pass_ms": PASS.as_millis() as u64 });
    let mut report = Report::new("broker", settings);
    report.say(format_args!(
        "Inside one broker, one thread: every message of {PAYLOAD_BYTES} B is signed, queued and read by each \
         subscription that it matches."
    ));
    let mut rows = vec![cells(["subscriptions", "publishes/s", "deliveries/s"])];
    for scene in scenes() {
        status.say(format_args!("broker: {}", scene.name));
        let publishes = (0..passes).map(|_| scene.pass()).collect::<Result<Vec<f64>, _>>()?;
        let deliveries: Spread = publishes
            .iter()
            .map(|publishes| publishes * scene.reached as f64)
            .collect();
        let publishes: Spread = publishes.into_iter().collect();
        rows.push(vec![
            scene.name.clone(),
            publishes.shown(count),
            deliveries.shown(count),
        ]);
        report.measured(Measurement::new(&scene.name, "publishes", "1/s", &publishes))?;
        report.measured(Measurement::new(&scene.name, "deliveries", "1/s", &deliveries))?;
    }
    report.table(&rows);
    Ok(report)
}

fn scenes() -> Vec<Scene> {
    let topics: Vec<String> = (0..100).map(|n| format!("orders:shop-{n}:new")).collect();
    let with_patterns = |patterns: usize| Scene {
        name: format!("{} patterns, one of which matches", grouped(patterns)),
        topics: (0..patterns).map(|n| format!("device:{n}:state")).collect(),
        patterns: (0..patterns).map(|n| format!("device:{n}:*")).collect(),
        reached: 1,
    };
    vec![
        Scene {
            name: "1, on every topic".to_owned(),
            topics: topics.clone(),
            patterns: vec!["*".to_owned()],
            reached: 1,
        },
        Scene {
            name: "1,000, each on 1 % of the topics".to_owned(),
            topics: topics.clone(),
            patterns: (0..10).flat_map(|_| topics.clone()).collect(),
            reached: 10,
        },
        Scene {
            name: "1,000, all on every topic by the same pattern".to_owned(),
            topics,
            patterns: vec!["*".to_owned(); 1_000],
            reached: 1_000,
        },
        Scene {
            name: "1,000, all on every topic, each by a pattern of its own".to_owned(),
            topics: vec![["level"; LEVELS].join(":")],
            patterns: (0..1_000).map(named_or_any).collect(),
            reached: 1_000,
        },
        with_patterns(10),
        with_patterns(MAX_PATTERNS),
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

impl Scene {
    /// Publishes a second.
    fn pass(&self) -> anyhow::Result<f64> {
        let broker = broker()?;
        let patterns = self.patterns.iter().map(|pattern| Pattern::new(pattern));
        let mut subscriptions = patterns
            .map(|pattern| Ok(broker.subscribe(Instance::Events, [pattern?])?))
            .collect::<anyhow::Result<Vec<Subscription>>>()?;
        let drafts = self.topics.iter().map(|topic| Ok(draft(Topic::new(topic)?)));
        let drafts = drafts.collect::<anyhow::Result<Vec<Draft>>>()?;

        let began = Instant::now();
        let (mut published, mut delivered) = (0_u64, 0_u64);
        let mut drafts = drafts.iter().enumerate().cycle();
        while began.elapsed() < PASS {
            let mut reached = 0..subscriptions.len();
            for (index, draft) in drafts.by_ref().take(BATCH) {
                broker.publish(Instance::Events, draft)?;
                published += 1;
                // Where a message reaches one of very many subscriptions, only that one is asked.
                if self.reached == 1 && subscriptions.len() > 1 {
                    delivered += read(&mut subscriptions[index..=index])?;
                    reached = 0..0;
                }
            }
            delivered += read(&mut subscriptions[reached])?;
        }
        let elapsed = began.elapsed();
        ensure!(
            delivered == published * self.reached,
            "{}: {delivered} of {published}",
            self.name
        );
        Ok(published as f64 / elapsed.as_secs_f64())
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

fn draft(topic: Topic) -> Draft {
    Draft::new(topic, "bench").payload(ContentType::Bytes, vec![b'x'; PAYLOAD_BYTES])
}

/// Reads all that is there.
fn read(subscriptions: &mut [Subscription]) -> anyhow::Result<u64> {
    let mut messages = 0;
    for subscription in subscriptions {
        while let Some(delivery) = subscription.try_next() {
            ensure!(matches!(delivery, Delivery::Message(_)), "lost: {delivery:?}");
            messages += 1;
        }
    }
    Ok(messages)
}
