//! Interest changes, resumes and late lanes race each other: one source, one receiver, every step drawn from a seed.
//!
//! The network is two queues (control to the source, data to the receiver) that a cut empties at any moment. Whatever
//! happens, each subscription must get, once and in order, every matching message published after it was confirmed.

use std::collections::VecDeque;
use std::sync::Arc;

use bellwether_broker::{Broker, Delivery, Gap, GapCause, InstanceSettings, Subscription};
use bellwether_message::{Batch, Draft, Epoch, Instance, KeyRing, NodeId, Opener, Pattern, Source, Topic};
use bytes::Bytes;
use proptest::prelude::*;

use crate::frame::{Frame, FrameParser};
use crate::frame_buffer::FrameBuffer;
use crate::incoming_feed::IncomingFeed;
use crate::mark::Mark;
use crate::outgoing_feed::{Filled, OutgoingFeed};

const INSTANCE: Instance = Instance::Events;
const TOPICS: [&str; 4] = ["a:b", "a:c", "d", "a:b:c"];
const PATTERNS: [&str; 5] = ["a:*", "a:b", "*", "d", "a:+"];

#[derive(Debug, Clone)]
enum Step {
    Publish(usize),
    Subscribe(usize),
    Unsubscribe(prop::sample::Index),
    /// The receiver tells its interest.
    Tell,
    /// The source takes one control frame.
    Control,
    /// The lane opens, if it was not open, and the source sends what it has.
    Send,
    /// The receiver takes one batch.
    Receive,
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..TOPICS.len()).prop_map(Step::Publish),
        3 => (0..PATTERNS.len()).prop_map(Step::Subscribe),
        1 => any::<prop::sample::Index>().prop_map(Step::Unsubscribe),
        4 => Just(Step::Tell),
        4 => Just(Step::Control),
        4 => Just(Step::Send),
        4 => Just(Step::Receive),
        1 => Just(Step::Cut),
    ]
}

enum Told {
    Whole(Vec<(Pattern, u64, u64)>),
    Add(Pattern, u64, u64),
    Remove(Pattern, u64),
}

struct Watched {
    subscription: Subscription,
    pattern: Pattern,
    /// The source's head when the confirmation had arrived.
    confirmed_at: Option<u64>,
    got: Vec<u64>,
}

struct World {
    source: Broker,
    receiver: Broker,
    slot: bellwether_broker::SourceSlot,
    opener: Opener,
    incoming: IncomingFeed,
    outgoing: OutgoingFeed,
    lane_open: bool,
    told_version: u64,
    control: VecDeque<Told>,
    data: VecDeque<(Option<u64>, Bytes)>,
    published: Vec<(u64, &'static str)>,
    watched: Vec<Watched>,
}

impl World {
    fn new(backlog: usize) -> Self {
        let ring = KeyRing::new("test", ["0123456789abcdef0123456789abcdef"]).unwrap();
        let mut settings = Instance::ALL.map(InstanceSettings::default_for);
        settings[INSTANCE.index()].backlog_messages = backlog;
        let broker = |name: &str| {
            let source = Source {
                node: NodeId::new(name).unwrap(),
                epoch: Epoch(1),
            };
            Broker::new("test", source, Some(&ring), &settings)
        };
        let (source, receiver) = (broker("a"), broker("b"));
        let slot = receiver.attach(source.source().clone(), true);
        let opener = Opener::new(Some(&ring), "test", source.sealer(INSTANCE).header().unwrap()).unwrap();
        let incoming = IncomingFeed::from_start();
        let outgoing = OutgoingFeed::new(INSTANCE, incoming.next(), 0);
        Self {
            source,
            receiver,
            slot,
            opener,
            incoming,
            outgoing,
            lane_open: false,
            told_version: 0,
            control: VecDeque::from([Told::Whole(Vec::new())]),
            data: VecDeque::new(),
            published: Vec::new(),
            watched: Vec::new(),
        }
    }

    fn head(&self) -> u64 {
        self.source.head(INSTANCE)
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Publish(topic) => {
                let topic = TOPICS[*topic];
                let draft = Draft::new(Topic::new(topic).unwrap(), "e").json("{}");
                let seq = self.source.publish(INSTANCE, &draft).unwrap().seq;
                self.published.push((seq, topic));
            }
            Step::Subscribe(pattern) => {
                let pattern = Pattern::new(PATTERNS[*pattern]).unwrap();
                let subscription = self.receiver.subscribe(INSTANCE, [pattern.clone()]).unwrap();
                self.watched.push(Watched {
                    subscription,
                    pattern,
                    confirmed_at: None,
                    got: Vec::new(),
                });
            }
            Step::Unsubscribe(index) if !self.watched.is_empty() => {
                let mut gone = self.watched.swap_remove(index.index(self.watched.len()));
                gone.take();
                self.check(&gone, false);
            }
            Step::Unsubscribe(_) => {}
            Step::Tell => self.tell(),
            Step::Control => {
                let head = self.head();
                match self.control.pop_front() {
                    Some(Told::Whole(wants)) => self.outgoing.want_only(wants, head),
                    Some(Told::Add(pattern, added, from)) => self.outgoing.want(pattern, added, from, head),
                    Some(Told::Remove(pattern, added)) => self.outgoing.unwant(&pattern, added),
                    None => {}
                }
            }
            Step::Send => self.send(),
            Step::Receive => self.receive(),
            Step::Cut => self.cut(),
        }
        let head = self.head();
        for watched in &mut self.watched {
            if watched.confirmed_at.is_none() && watched.subscription.is_confirmed_by(self.slot) {
                watched.confirmed_at = Some(head);
            }
        }
    }

    fn tell(&mut self) {
        let interest = self.receiver.interest();
        let bellwether_broker::InterestUpdate::Changes(changes) = interest.since(self.told_version) else {
            panic!()
        };
        self.told_version = interest.version();
        drop(interest);
        for change in changes {
            let entry = change.entry;
            self.control.push_back(match change.added {
                true => {
                    let from = self
                        .receiver
                        .live_from(self.slot, INSTANCE, &entry.pattern)
                        .unwrap_or(0);
                    Told::Add(entry.pattern, entry.added, from)
                }
                false => Told::Remove(entry.pattern, entry.added),
            });
        }
    }

    fn send(&mut self) {
        let start = (!self.lane_open && self.outgoing.is_wanted()).then(|| self.outgoing.start());
        self.lane_open |= start.is_some();
        if !self.lane_open {
            return;
        }
        let mut batch = FrameBuffer::default();
        let (filled, _) = self.outgoing.fill(&self.source, &mut batch).unwrap();
        assert_eq!(filled, Filled::AllToldFor);
        if start.is_some() || !batch.is_empty() {
            self.data.push_back((start, batch.take_whole()));
        }
    }

    fn receive(&mut self) {
        let Some((start, batch)) = self.data.pop_front() else {
            return;
        };
        if let Some(start) = start {
            self.incoming.on_start(start).unwrap();
        }
        let mut parser = FrameParser::default();
        parser.push(batch);
        while let Some(frame) = parser.next_frame().unwrap() {
            match frame {
                Frame::Message { delta, body } => {
                    let verified = self.opener.open(body).unwrap();
                    self.incoming.on_message(delta, verified.seq()).unwrap();
                    let envelope = self.opener.envelope(verified, body);
                    self.receiver
                        .deliver(self.slot, INSTANCE, &Batch::copied(&[envelope]).unwrap());
                }
                Frame::Mark { body } => match self.opener.open_mark(body).unwrap() {
                    Mark::Live { pattern, added, from } => {
                        self.receiver
                            .open(self.slot, INSTANCE, &Pattern::new(pattern).unwrap(), added, from);
                    }
                    Mark::Gap { first, last, .. } => {
                        self.incoming.on_gap(first, last).unwrap();
                        let (source, cause) = (self.source.source().clone(), GapCause::LinkOverrun);
                        let gap = Gap {
                            source: Arc::clone(&source),
                            instance: INSTANCE,
                            first,
                            last,
                            count: 0,
                            exact: false,
                            cause,
                        };
                        self.receiver.deliver_gap(self.slot, &gap);
                    }
                    Mark::Skipped { through } => self.incoming.on_skipped(through).unwrap(),
                    Mark::EpochEnded { last } => assert!(self.incoming.on_ended(last).unwrap()),
                    Mark::Queue { .. } => panic!("nobody is in a queue group"),
                    Mark::Key { .. } => panic!("nobody has replaced the ring"),
                },
            }
        }
        for watched in &mut self.watched {
            watched.take();
        }
    }

    fn cut(&mut self) {
        self.control.clear();
        self.data.clear();
        self.lane_open = false;
        self.outgoing = OutgoingFeed::new(INSTANCE, self.incoming.next(), self.head());
        let interest = self.receiver.interest();
        self.told_version = interest.version();
        let entries: Vec<_> = interest.entries().collect();
        drop(interest);
        let whole = entries.into_iter().map(|entry| {
            let from = self
                .receiver
                .live_from(self.slot, INSTANCE, &entry.pattern)
                .unwrap_or(0);
            (entry.pattern, entry.added, from)
        });
        self.control.push_back(Told::Whole(whole.collect()));
    }

    fn check(&self, watched: &Watched, all_arrived: bool) {
        assert!(
            watched.got.is_sorted_by(|a, b| a < b),
            "order, or twice: {:?}",
            watched.got
        );
        let matching = |seq: &u64| {
            self.published
                .iter()
                .any(|(s, topic)| s == seq && watched.pattern.matches(topic))
        };
        assert!(
            watched.got.iter().all(matching),
            "{:?} does not match {}",
            watched.got,
            watched.pattern
        );
        let Some(confirmed) = watched.confirmed_at else { return };
        // From its first delivery on, or at the latest from its confirmation, there is no hole.
        let from = watched
            .got
            .first()
            .map_or(confirmed + 1, |first| (confirmed + 1).min(*first));
        let upto = if all_arrived {
            self.head()
        } else {
            watched.got.last().copied().unwrap_or(0)
        };
        let due: Vec<u64> = self
            .published
            .iter()
            .map(|(seq, _)| *seq)
            .filter(|seq| (from..=upto).contains(seq) && matching(seq))
            .collect();
        assert_eq!(
            watched.got, due,
            "pattern {}, confirmed at {confirmed}",
            watched.pattern
        );
    }
}

impl Watched {
    fn take(&mut self) {
        while let Some(delivery) = self.subscription.try_next() {
            match delivery {
                Delivery::Message(envelope) => self.got.push(envelope.seq()),
                _ => panic!("{delivery:?}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn interest_resume_and_late_lanes_race_without_loss_or_double(steps in proptest::collection::vec(step(), 1..150)) {
        let mut world = World::new(10_000);
        for step in &steps {
            world.run(step);
        }
        // Calm: everything that is on its way arrives.
        world.run(&Step::Tell);
        for _ in 0..world.control.len() {
            world.run(&Step::Control);
        }
        world.run(&Step::Send);
        while !world.data.is_empty() {
            world.run(&Step::Receive);
        }
        for watched in &world.watched {
            assert!(watched.confirmed_at.is_some(), "never confirmed: {}", watched.pattern);
            world.check(watched, true);
        }
    }
}
