//! The load: publishers, and subscribers that come and go, some of them slow.

use std::sync::Arc;

use bellwether_broker::{Delivery, GapCause, Subscription};
use bellwether_history::Kind;
use bellwether_message::{ContentType, Draft, Instance, NodeId, Pattern, Topic};

use crate::marker::Marker;
use crate::process::{Phase, ProcessId};
use crate::time::{MS, SECOND};
use crate::world::{Step, World};

/// A node tries to have so many subscriptions.
const SUBSCRIPTIONS: usize = 6;
/// A subscribe call waits so long for the known nodes to confirm; one of a node that has not joined waits for that first.
const LIVE_WITHIN: u64 = 2 * SECOND;
const JOIN_WITHIN: u64 = 5 * SECOND;
/// A slow subscriber reads so many items at once.
const SLOW_ITEMS: usize = 3;
/// Patterns of a storm: more changes than are remembered.
const STORM: usize = 600;

const TOPICS: [&str; 8] = ["a:b", "a:c", "a:b:c", "d", "d:e", "x:y:z", "x:y", "quiet:one"];
const PATTERNS: [&str; 14] = [
    "a:*",
    "a:b",
    "*",
    "d",
    "a:+",
    "+:*",
    "d:*",
    "*:b",
    "x:+:z",
    "x:y",
    "quiet:one",
    "+",
    "a:b:c",
    "none:at:all",
];

/// The words of the load, made once per run.
pub(crate) struct Words {
    topics: Vec<(Topic, Arc<str>)>,
    patterns: Vec<(Pattern, Arc<str>)>,
    live: Arc<str>,
    pub(crate) driver: Arc<str>,
    nodes: Vec<(NodeId, Arc<str>)>,
    causes: Vec<(GapCause, Arc<str>)>,
}

impl Default for Words {
    fn default() -> Self {
        let topic = |text| (Topic::new(text).expect("a topic"), Arc::from(text));
        let pattern = |text| (Pattern::new(text).expect("a pattern"), Arc::from(text));
        Self {
            topics: TOPICS.into_iter().map(topic).collect(),
            patterns: PATTERNS.into_iter().map(pattern).collect(),
            live: "live".into(),
            driver: "driver".into(),
            nodes: Vec::new(),
            causes: Vec::new(),
        }
    }
}

impl Words {
    fn node(&mut self, node: &NodeId) -> Arc<str> {
        if let Some((_, word)) = self.nodes.iter().find(|(known, _)| known == node) {
            return word.clone();
        }
        let word: Arc<str> = node.as_str().into();
        self.nodes.push((node.clone(), word.clone()));
        word
    }

    fn cause(&mut self, cause: GapCause) -> Arc<str> {
        if let Some((_, word)) = self.causes.iter().find(|(known, _)| *known == cause) {
            return word.clone();
        }
        let word: Arc<str> = cause.name().into();
        self.causes.push((cause, word.clone()));
        word
    }

    fn topic(&self, text: &str) -> Arc<str> {
        match self.topics.iter().find(|(topic, _)| topic.as_str() == text) {
            Some((_, word)) => word.clone(),
            None => text.into(),
        }
    }
}

/// A subscriber and its subscription.
pub(crate) struct Sub {
    pub(crate) process: ProcessId,
    subscription: Option<Subscription>,
    instance: Instance,
    is_slow: bool,
    sleeps_until: u64,
    is_reading: bool,
    wait: Wait,
}

/// How far a subscribe call is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wait {
    /// It has not returned: until then at the latest.
    Called { until: u64, joined: bool },
    /// It has returned, and these nodes had not confirmed.
    Returned(Vec<NodeId>),
}

impl World {
    /// A process's publishers and subscribers begin.
    pub(crate) fn begin_load(&mut self, process: ProcessId) {
        let subscriptions = self.random.between(1, 4);
        (0..subscriptions).for_each(|_| self.subscribe(process));
        let first = self.random.below(2 * self.plan.publish_every);
        self.after(first, Step::Publish(process));
        let first = self.random.below(2 * self.plan.churn_every);
        self.after(first, Step::Churn(process));
    }

    pub(crate) fn on_publish(&mut self, process: ProcessId) {
        if self.processes[process].phase == Phase::Dead || !self.is_busy {
            return;
        }
        let burst = if self.random.percent(5) {
            self.random.between(2, 12)
        } else {
            1
        };
        for _ in 0..burst {
            let topic = self.random.index(TOPICS.len());
            let instance = self.random.index(self.plan.instances.len());
            self.publish(process, self.plan.instances[instance], topic);
        }
        let next = 1 + self.random.below(2 * self.plan.publish_every * burst);
        self.after(next, Step::Publish(process));
    }

    fn publish(&mut self, process: ProcessId, instance: Instance, topic: usize) {
        let (topic, word) = self.words.topics[topic].clone();
        let own = &mut self.processes[process];
        own.calls += 1;
        let call = own.calls;
        let len = if self.is_busy && self.random.percent(5) {
            self.random.between(200, 3000)
        } else {
            self.random.between(8, 60)
        };
        let mut payload = vec![0; len as usize];
        payload[..8].copy_from_slice(&(call ^ own.source.epoch.0 << 20).to_le_bytes());
        let hash = hash(&payload);
        let broker = own.broker.clone();
        self.say(
            process,
            Kind::PublishCall {
                call,
                instance,
                topic: word,
                hash,
            },
        );
        let draft = Draft::new(topic, "e").payload(ContentType::Bytes, payload);
        match broker.publish(instance, &draft) {
            Ok(id) => {
                self.tally.published += 1;
                self.say(process, Kind::PublishAck { call, seq: id.seq });
                self.wake_writers(process, instance);
                self.wake_readers(process, instance);
            }
            Err(err) => self.say(
                process,
                Kind::PublishFail {
                    call,
                    error: err.to_string(),
                },
            ),
        }
    }

    pub(crate) fn on_churn(&mut self, process: ProcessId) {
        if self.processes[process].phase != Phase::Running || !self.is_busy {
            return;
        }
        let next = 1 + self.random.below(2 * self.plan.churn_every);
        self.after(next, Step::Churn(process));
        let subs = self.processes[process].subs.clone();
        match self.random.below(10) {
            0..=3 if subs.len() < SUBSCRIPTIONS => self.subscribe(process),
            4 | 5 if !subs.is_empty() => {
                let sub = self.random.pick(&subs);
                self.unsubscribe(sub);
            }
            6 | 7 if !subs.is_empty() => {
                // A subscriber that restarts: it subscribes anew, often to the same.
                let sub = self.random.pick(&subs);
                let patterns = self.subs[sub].subscription.as_ref().map(|of| of.patterns().to_vec());
                let instance = self.subs[sub].instance;
                self.unsubscribe(sub);
                self.subscribe_to(process, instance, patterns.unwrap_or_default());
            }
            8 if self.plan.has_storms => self.storm(process),
            _ if !subs.is_empty() && self.plan.slow_percent > 0 => {
                let sub = self.random.pick(&subs);
                self.subs[sub].sleeps_until = self.now + self.random.between(50 * MS, 2 * SECOND);
            }
            _ => {}
        }
    }

    /// Many patterns come and go at once.
    fn storm(&mut self, process: ProcessId) {
        let broker = self.processes[process].broker.clone();
        let instance = self.plan.instances[0];
        for nth in 0..STORM {
            let pattern = Pattern::new(&format!("storm:{nth}")).expect("a pattern");
            drop(broker.subscribe(instance, [pattern]));
        }
        self.interest_changed(process);
    }

    fn subscribe(&mut self, process: ProcessId) {
        let count = self.random.pick(&[1, 1, 1, 2, 3]);
        let patterns: Vec<Pattern> = (0..count)
            .map(|_| self.words.patterns[self.random.index(PATTERNS.len())].0.clone())
            .collect();
        let instance = self.random.index(self.plan.instances.len());
        self.subscribe_to(process, self.plan.instances[instance], patterns);
    }

    fn subscribe_to(&mut self, process: ProcessId, instance: Instance, patterns: Vec<Pattern>) {
        let sub = self.subs.len();
        let words = patterns.iter().map(|pattern| self.words.pattern(pattern));
        let patterns_said: Vec<Arc<str>> = words.collect();
        self.say(
            process,
            Kind::SubscribeCall {
                sub: sub as u64,
                instance,
                patterns: patterns_said,
                from: self.words.live.clone(),
            },
        );
        let own = &mut self.processes[process];
        let subscription = own.broker.subscribe(instance, patterns).ok();
        own.subs.push(sub);
        let joined = own.has_joined;
        let within = if joined { LIVE_WITHIN } else { JOIN_WITHIN };
        self.subs.push(Sub {
            process,
            subscription,
            instance,
            is_slow: self.random.percent(self.plan.slow_percent),
            sleeps_until: 0,
            is_reading: false,
            wait: Wait::Called {
                until: self.now + within,
                joined,
            },
        });
        self.after(within, Step::SubscribeTimeout(sub));
        self.interest_changed(process);
        self.check_confirmation(sub);
    }

    pub(crate) fn on_subscribe_timeout(&mut self, sub: usize) {
        let now = self.now;
        match &mut self.subs[sub].wait {
            Wait::Called { until, joined } if *until <= now => {
                if *joined {
                    let unconfirmed = self.unconfirmed(sub);
                    return self.returned(sub, unconfirmed);
                }
                (*joined, *until) = (true, now + LIVE_WITHIN);
                self.after(LIVE_WITHIN, Step::SubscribeTimeout(sub));
                self.check_confirmation(sub);
            }
            _ => {}
        }
    }

    /// Something was confirmed, or a member has come or gone: subscribe calls may return.
    pub(crate) fn check_confirmations(&mut self, process: ProcessId) {
        for sub in self.processes[process].subs.clone() {
            self.check_confirmation(sub);
        }
    }

    fn check_confirmation(&mut self, sub: usize) {
        let process = self.subs[sub].process;
        match self.subs[sub].wait.clone() {
            Wait::Called { joined, .. } => {
                let has_joined = self.processes[process].has_joined;
                if !joined && has_joined {
                    let until = self.now + LIVE_WITHIN;
                    self.subs[sub].wait = Wait::Called { until, joined: true };
                    self.after(LIVE_WITHIN, Step::SubscribeTimeout(sub));
                }
                if (joined || has_joined) && self.unconfirmed(sub).is_empty() {
                    self.returned(sub, Vec::new());
                }
            }
            Wait::Returned(waiting) if !waiting.is_empty() => {
                let (now_confirmed, still): (Vec<_>, Vec<_>) =
                    waiting.into_iter().partition(|node| self.is_confirmed(sub, node));
                for node in now_confirmed {
                    self.reach(Marker::LateConfirmation);
                    let source = self.words.node(&node);
                    self.say(
                        process,
                        Kind::Confirmed {
                            sub: sub as u64,
                            source,
                        },
                    );
                }
                self.subs[sub].wait = Wait::Returned(still);
            }
            Wait::Returned(_) => {}
        }
    }

    fn returned(&mut self, sub: usize, unconfirmed: Vec<NodeId>) {
        let process = self.subs[sub].process;
        if self.subs[sub].subscription.is_none() || !self.processes[process].is_alive() {
            return;
        }
        if !self.processes[process].has_joined {
            // The product's call returns. But until the first join is done sources are read from their newest message,
            // also those that begin later; the history would take the return for a promise of all they publish.
            let until = self.now + SECOND;
            self.subs[sub].wait = Wait::Called { until, joined: true };
            return self.after(SECOND, Step::SubscribeTimeout(sub));
        }
        let names = unconfirmed.iter().map(|node| self.words.node(node)).collect();
        self.say(
            process,
            Kind::SubscribeOk {
                sub: sub as u64,
                unconfirmed: names,
            },
        );
        self.subs[sub].wait = Wait::Returned(unconfirmed);
    }

    fn unconfirmed(&self, sub: usize) -> Vec<NodeId> {
        let own = &self.processes[self.subs[sub].process];
        let others = own.living_others().map(|member| &member.node);
        others.filter(|node| !self.is_confirmed(sub, node)).cloned().collect()
    }

    fn is_confirmed(&self, sub: usize, node: &NodeId) -> bool {
        let (own, sub) = (&self.processes[self.subs[sub].process], &self.subs[sub]);
        let upstream = own.upstreams.of(node);
        upstream
            .zip(sub.subscription.as_ref())
            .is_some_and(|(upstream, of)| of.is_confirmed_by(upstream.slot))
    }

    fn unsubscribe(&mut self, sub: usize) {
        let process = self.subs[sub].process;
        if self.subs[sub].subscription.take().is_some() {
            self.say(process, Kind::Unsubscribe { sub: sub as u64 });
            self.processes[process].subs.retain(|other| *other != sub);
            self.interest_changed(process);
        }
    }

    /// A process has died, and its subscribers with it.
    pub(crate) fn drop_subs(&mut self, process: ProcessId) {
        for sub in std::mem::take(&mut self.processes[process].subs) {
            self.subs[sub].subscription = None;
        }
    }

    /// Every subscriber reads what is left, before its node ends.
    pub(crate) fn read_out(&mut self, process: ProcessId) {
        for sub in self.processes[process].subs.clone() {
            self.read(sub, usize::MAX);
        }
    }

    pub(crate) fn wake_all_readers(&mut self, process: ProcessId) {
        for nth in 0..self.plan.instances.len() {
            self.wake_readers(process, self.plan.instances[nth]);
        }
    }

    /// There may be something to read.
    pub(crate) fn wake_readers(&mut self, process: ProcessId, instance: Instance) {
        for nth in 0..self.processes[process].subs.len() {
            let at = self.processes[process].subs[nth];
            let (now, sub) = (self.now, &mut self.subs[at]);
            if sub.instance != instance || std::mem::replace(&mut sub.is_reading, true) {
                continue;
            }
            let pause = if sub.is_slow && self.is_busy {
                self.random.between(MS, 400 * MS)
            } else {
                self.random.below(MS)
            };
            let due = (now + pause).max(sub.sleeps_until);
            self.at(due, Step::Read(at));
        }
    }

    pub(crate) fn on_read(&mut self, sub: usize) {
        let most = if self.subs[sub].is_slow && self.is_busy {
            SLOW_ITEMS
        } else {
            usize::MAX
        };
        self.subs[sub].is_reading = false;
        if self.read(sub, most) {
            let (process, instance) = (self.subs[sub].process, self.subs[sub].instance);
            self.wake_readers(process, instance);
        }
    }

    /// Reads; true if there may be more.
    fn read(&mut self, sub: usize, most: usize) -> bool {
        for _ in 0..most {
            let Some(delivery) = self.subs[sub].subscription.as_mut().and_then(Subscription::try_next) else {
                return false;
            };
            self.on_delivery(sub, delivery);
        }
        true
    }

    fn on_delivery(&mut self, sub: usize, delivery: Delivery) {
        let process = self.subs[sub].process;
        let sub = sub as u64;
        let kind = match delivery {
            Delivery::Message(envelope) => {
                self.tally.delivered += 1;
                let source = envelope.source();
                Kind::Deliver {
                    sub,
                    origin: self.words.node(&source.node),
                    origin_epoch: source.epoch.0,
                    instance: envelope.instance(),
                    seq: envelope.seq(),
                    topic: self.words.topic(envelope.topic()),
                    hash: hash(&envelope.payload()),
                }
            }
            Delivery::Gap(gap) => {
                self.count_gap(gap.cause);
                Kind::Gap {
                    sub,
                    origin: self.words.node(&gap.source.node),
                    origin_epoch: gap.source.epoch.0,
                    instance: gap.instance,
                    first: gap.first,
                    last: gap.last,
                    count: gap.count,
                    exact: gap.exact,
                    cause: self.words.cause(gap.cause),
                }
            }
            Delivery::EpochEnded(ended) => {
                let (total, marker) = match ended.tail_unknown {
                    true => (&mut self.tally.unknown_ends, Marker::UnknownEnd),
                    false => (&mut self.tally.clean_ends, Marker::CleanEnd),
                };
                *total += 1;
                self.reach(marker);
                Kind::EpochEnded {
                    sub,
                    origin: self.words.node(&ended.source.node),
                    origin_epoch: ended.source.epoch.0,
                    instance: ended.instance,
                    last_seq: ended.last_seq,
                    tail_unknown: ended.tail_unknown,
                }
            }
            other => {
                self.broken.push(format!("a delivery of an unknown kind: {other:?}"));
                return;
            }
        };
        self.say(process, kind);
    }

    fn count_gap(&mut self, cause: GapCause) {
        let (total, marker) = match cause {
            GapCause::SlowSubscriber => (&mut self.tally.slow_subscriber_gaps, Marker::SlowSubscriber),
            GapCause::LinkOverrun => (&mut self.tally.link_overrun_gaps, Marker::LinkOverrun),
            GapCause::BacklogOverrun => (&mut self.tally.backlog_overrun_gaps, Marker::BacklogOverrun),
            _ => {
                self.tally.other_gaps += 1;
                return;
            }
        };
        *total += 1;
        self.reach(marker);
    }

    /// The subscribers of a host stop reading for a while.
    pub(crate) fn sleep(&mut self, process: ProcessId, until: u64) {
        for nth in 0..self.processes[process].subs.len() {
            let sub = self.processes[process].subs[nth];
            self.subs[sub].sleeps_until = until;
        }
    }

    /// All is quiet: each node publishes once per instance, and every subscriber must hear it.
    pub(crate) fn on_probe(&mut self, process: ProcessId, instance: usize) {
        let topic = self.random.index(TOPICS.len());
        self.publish(process, self.plan.instances[instance], topic);
    }

    /// Now and then, the levels and their bounds.
    pub(crate) fn measure(&mut self, process: ProcessId) {
        if !self.random.percent(4) {
            return;
        }
        let nth = self.random.index(self.plan.instances.len());
        let instance = self.plan.instances[nth];
        let broker = self.processes[process].broker.clone();
        let settings = *broker.settings(instance);
        let (messages, bytes) = broker.backlog_size(instance);
        self.size(process, "backlog messages", messages, settings.backlog_messages);
        if messages > 1 {
            self.size(process, "backlog bytes", bytes, settings.backlog_bytes);
        }
        for info in broker.subscriptions(instance) {
            self.size(process, "queue messages", info.queue_messages, settings.queue_messages);
            if info.queue_messages > 1 {
                self.size(process, "queue bytes", info.queue_bytes, settings.queue_bytes);
            }
        }
    }

    /// Nothing waits to be read any more.
    pub(crate) fn measure_rest(&mut self, process: ProcessId) {
        let broker = self.processes[process].broker.clone();
        for nth in 0..self.plan.instances.len() {
            for info in broker.subscriptions(self.plan.instances[nth]) {
                self.size(process, "queue messages at rest", info.queue_messages, 0);
            }
        }
    }

    fn size(&mut self, process: ProcessId, what: &str, value: usize, bound: usize) {
        let (what, value, bound) = (what.into(), value as u64, bound as u64);
        self.say(process, Kind::Size { what, value, bound });
    }
}

impl Words {
    fn pattern(&self, pattern: &Pattern) -> Arc<str> {
        match self.patterns.iter().find(|(known, _)| known == pattern) {
            Some((_, word)) => word.clone(),
            None => pattern.as_str().into(),
        }
    }
}

/// FNV-1a over eight bytes at a time: it only has to tell payloads of one run apart.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}
