use bellwether_broker::{Delivery, InstanceSettings, Subscription};
use bellwether_message::{ContentType, Draft, Envelope, Epoch, KeyRing, NodeId, Source, Topic};
use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::frame;

const INSTANCE: Instance = Instance::Alerts;
/// Some share memory with their neighbours, some fill much of a piece, some have their own.
const SIZES: [usize; 5] = [10, 500, 1_500, 5_000, 20_000];
const TOPICS: [&str; 4] = ["t:0", "t:1", "t:2", "t:3"];
/// Every topic, and all of them.
const PATTERNS: [&str; 5] = ["t:0", "t:1", "t:2", "t:3", "t:*"];

/// Messages in a row on one topic: topic, size, and how many.
type Run = (usize, usize, usize);

fn run() -> impl Strategy<Value = Run> {
    let size = prop_oneof![3 => 0..SIZES.len() - 2, 1 => 0..SIZES.len()];
    (0..TOPICS.len(), size, 1..8usize)
}

fn bursts() -> impl Strategy<Value = Vec<Vec<Run>>> {
    proptest::collection::vec(proptest::collection::vec(run(), 0..12), 1..4)
}

/// For some patterns, the seq from which they are wanted; 0 is from now on.
fn wants() -> impl Strategy<Value = Vec<(Pattern, u64)>> {
    let from = prop_oneof![2 => Just(1), 3 => 0..80u64];
    let wanted = proptest::option::weighted(0.5, from);
    proptest::collection::vec(wanted, PATTERNS.len()).prop_map(|wants| {
        let wants = PATTERNS.iter().zip(wants);
        wants
            .filter_map(|(pattern, from)| Some((Pattern::new(pattern).unwrap(), from?)))
            .collect()
    })
}

/// A node, and all that it has published.
struct Origin {
    broker: Broker,
    everything: Subscription,
    published: Vec<Envelope>,
}

impl Origin {
    fn new() -> Self {
        let ring = KeyRing::new("c", ["0123456789abcdef0123456789abcdef"]).unwrap();
        let source = Source {
            node: NodeId::new("a").unwrap(),
            epoch: Epoch(1),
        };
        let settings = Instance::ALL.map(InstanceSettings::default_for);
        let broker = Broker::new("c", source, Some(&ring), &settings);
        let everything = broker.subscribe(INSTANCE, [Pattern::new("*").unwrap()]).unwrap();
        Self {
            broker,
            everything,
            published: Vec::new(),
        }
    }

    fn publish(&mut self, runs: &[Run]) {
        for &(topic, size, times) in runs {
            let topic = Topic::new(TOPICS[topic]).unwrap();
            let draft = Draft::new(topic, "e").payload(ContentType::Bytes, vec![7; SIZES[size]]);
            for _ in 0..times {
                self.broker.publish(INSTANCE, &draft).unwrap();
            }
        }
        while let Some(delivery) = self.everything.try_next() {
            let Delivery::Message(envelope) = delivery else {
                panic!("{delivery:?}")
            };
            self.published.push(envelope);
        }
    }

    fn head(&self) -> u64 {
        self.published.len() as u64
    }
}

/// Fills until everything is told; the bytes, and how many messages were said to be in them.
fn fill(feed: &mut OutgoingFeed, broker: &Broker) -> (Vec<u8>, u64) {
    let (mut stream, mut messages, mut frames) = (Vec::new(), 0, FrameBuffer::default());
    loop {
        let (filled, more) = feed.fill(broker, &mut frames).unwrap();
        messages += more;
        let len = frames.len();
        let taken = frames.take_whole();
        assert_eq!((taken.len(), frames.len()), (len, 0));
        stream.extend_from_slice(&taken);
        match filled {
            Filled::More => assert!(more > 0, "a fill that goes on has done something"),
            Filled::AllToldFor => return (stream, messages),
            Filled::Ended => panic!("nobody has ended it"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// However messages lie in the backlog, a peer gets the bytes it would get were each framed for it alone.
    #[test]
    fn a_stream_is_what_is_wanted_framed_one_by_one(
        before in proptest::collection::vec(run(), 0..12),
        bursts in bursts(),
        wants in wants(),
        start in any::<prop::sample::Index>(),
    ) {
        let mut origin = Origin::new();
        origin.publish(&before);
        let head = origin.head();
        let next = 1 + start.index(origin.published.len() + 1) as u64;
        let mut feed = OutgoingFeed::new(INSTANCE, next, head);
        prop_assert_eq!((feed.start(), feed.next(), feed.told()), (next, next, next - 1));

        let (mut expected, mut stream, mut messages) = (BytesMut::new(), Vec::new(), 0);
        feed.want_only((1..).zip(&wants).map(|(added, (pattern, from))| (pattern.clone(), added, *from)).collect(), head);
        let wants: Vec<(Pattern, u64)> = wants
            .into_iter()
            .map(|(pattern, from)| (pattern, if from == 0 { head + 1 } else { from }))
            .collect();
        for (added, (pattern, from)) in (1..).zip(&wants) {
            let live = Mark::Live { pattern: pattern.as_str(), added, from: *from };
            frame::put_mark(&origin.broker.sealer(INSTANCE).seal_mark(&live).unwrap(), &mut expected);
        }
        // What was published before the feed began may be read with the first burst, or alone.
        for (n, burst) in bursts.iter().enumerate() {
            if n > 0 {
                let (bytes, more) = fill(&mut feed, &origin.broker);
                stream.extend_from_slice(&bytes);
                messages += more;
                prop_assert_eq!(feed.next(), origin.head() + 1);
            }
            origin.publish(burst);
        }
        let (bytes, more) = fill(&mut feed, &origin.broker);
        stream.extend_from_slice(&bytes);
        prop_assert_eq!(feed.next(), origin.head() + 1);

        let (mut told, mut wanted) = (next - 1, 0);
        for envelope in &origin.published {
            let seq = envelope.seq();
            if seq >= next && wants.iter().any(|(pattern, from)| *from <= seq && pattern.matches(envelope.topic())) {
                frame::put_message(seq - told, envelope.body(), &mut expected);
                (told, wanted) = (seq, wanted + 1);
            }
        }
        prop_assert_eq!(messages + more, wanted);
        prop_assert_eq!(feed.told(), told);
        prop_assert!(stream == expected, "{} bytes are not the {} expected", stream.len(), expected.len());
    }
}
