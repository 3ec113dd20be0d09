//! The load: publishers, and subscribers that come and go, some of them slow.

use std::sync::Arc;

use bellwether_broker::Subscription;
use bellwether_history::Kind;
use bellwether_message::{ContentType, Draft, Instance, NodeId, Pattern};

use crate::marker::Marker;
use crate::process::{Phase, ProcessId};
use crate::time::{MS, SECOND};
use crate::words::{PATTERNS, TOPICS, hash};
use crate::world::{Step, World};

/// A node tries to have so many subscriptions.
const SUBSCRIPTIONS: usize = 6;
/// A subscribe call waits so long for the known nodes to confirm; one of a node that has not joined waits for that first.
const LIVE_WITHIN: u64 = 2 * SECOND;
const JOIN_WITHIN: u64 = 5 * SECOND;
/// Patterns of a storm: more changes than are remembered.
const STORM: usize = 600;

/// A subscriber and its subscription.
pub(crate) struct Sub {
    pub(crate) process: ProcessId,
    pub(crate) subscription: Option<Subscription>,
    pub(crate) instance: Instance,
    pub(crate) is_slow: bool,
    pub(crate) sleeps_until: u64,
    pub(crate) is_reading: bool,
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
            // Some are large enough to have memory of their own.
            self.random.between(200, 9000)
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
        let mut patterns: Vec<Pattern> = (0..count)
            .map(|_| self.words.patterns[self.random.index(PATTERNS.len())].0.clone())
            .collect();
        // A member of a queue group has no other pattern.
        if let Some(queue) = patterns.iter().position(|pattern| pattern.queue().is_some()) {
            patterns = vec![patterns.swap_remove(queue)];
        }
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
}
