//! Reads a history into a world, in the order of its events.
//!
//! Judges what one event shows with what came before: levels, panics, epochs, views at `quiet`. What came to
//! subscribers is only gathered here.

use std::sync::Arc;

use bellwether_message::Instance;

use super::World;
use super::lives::How;
use super::moment::{Clock, Moment};
use super::names::{FastMap, Names};
use super::settle::{Call, Outcome, settle};
use super::subscription::{Accepted, Item, Subscription};
use crate::event::Event;
use crate::invariant::Invariant;
use crate::judge::{judge_idle, judge_size, judge_views};
use crate::kind::Kind;
use crate::report::Report;
use crate::rules::Rules;
use crate::violation::Findings;

/// Reads all events.
pub(crate) fn read<'e>(events: &'e [Event], rules: &Rules, report: &mut Report, findings: &mut Findings) -> World<'e> {
    let mut reader = Reader {
        rules,
        report,
        findings,
        calls: Vec::new(),
        by_call: FastMap::default(),
        by_feed: FastMap::default(),
        by_subscription: FastMap::default(),
        fault_names: Names::default(),
        disturbed: 0,
        world: World {
            events,
            clock: Clock::new(rules.clock_tolerance),
            nodes: Names::default(),
            topics: Names::default(),
            patterns: Default::default(),
            lives: Default::default(),
            ledgers: Vec::new(),
            subscriptions: Vec::new(),
            faults: Default::default(),
            downs: Default::default(),
            has_views: false,
            quiet: None,
            end: 0,
        },
    };
    for (at, event) in events.iter().enumerate() {
        reader.on_event(at, event);
    }
    let Reader { calls, mut world, .. } = reader;
    settle(&mut world, calls, findings);
    world
}

struct Reader<'e, 'r> {
    rules: &'r Rules,
    report: &'r mut Report,
    findings: &'r mut Findings,
    calls: Vec<Call>,
    /// By node, epoch and the call's number.
    by_call: FastMap<(usize, u64, u64), usize>,
    by_feed: FastMap<(usize, u64, u8), usize>,
    by_subscription: FastMap<u64, usize>,
    fault_names: Names<'e>,
    /// When a fault ended, or a node began or ended, last.
    disturbed: u64,
    world: World<'e>,
}

impl<'e> Reader<'e, '_> {
    fn on_event(&mut self, at: usize, event: &'e Event) {
        self.report.events += 1;
        let node = self.world.nodes.number(&event.node);
        let now = Moment { t: event.t, at, node };
        if event.t < self.world.end {
            self.form(
                now,
                "its time is before that of the event before it: merge the histories first",
            );
        }
        self.world.end = self.world.end.max(event.t);
        match &event.kind {
            Kind::Deliver { .. } | Kind::Gap { .. } | Kind::EpochEnded { .. } | Kind::Live { .. } => {
                self.on_item(now, &event.kind);
            }
            Kind::PublishCall { .. } | Kind::PublishAck { .. } | Kind::PublishFail { .. } => {
                self.on_publish(now, event.epoch, &event.kind);
            }
            Kind::SubscribeCall {
                sub,
                instance,
                patterns,
                ..
            } => self.on_subscribe(now, event.epoch, *sub, *instance, patterns),
            Kind::SubscribeOk { .. }
            | Kind::Confirmed { .. }
            | Kind::Resumed { .. }
            | Kind::Unsubscribe { .. }
            | Kind::StreamEnded { .. } => self.on_subscription(now, &event.kind),
            Kind::Start {} | Kind::Stop { .. } | Kind::Kill {} | Kind::Exit { .. } | Kind::Panicked { .. } => {
                self.on_life(now, event.epoch, &event.kind)
            }
            Kind::MemberUp { .. } | Kind::MemberDown { .. } | Kind::MemberLeft { .. } | Kind::View { .. } => {
                self.on_view(now, event.epoch, &event.kind);
            }
            Kind::FaultBegin { .. } | Kind::FaultEnd { .. } | Kind::Quiet {} => self.on_driver(now, &event.kind),
            Kind::Size { what, value, bound } => {
                self.report.sizes += 1;
                judge_size(now, &event.node, what, *value, *bound, self.findings);
            }
            Kind::Idle {
                what,
                before,
                after,
                slack,
            } => {
                self.report.idles += 1;
                judge_idle(now, &event.node, what, [*before, *after], *slack, self.findings);
            }
        }
    }

    fn on_item(&mut self, now: Moment, kind: &'e Kind) {
        let (sub, feed) = match kind {
            Kind::Deliver {
                sub,
                origin,
                origin_epoch,
                instance,
                ..
            }
            | Kind::Gap {
                sub,
                origin,
                origin_epoch,
                instance,
                ..
            }
            | Kind::EpochEnded {
                sub,
                origin,
                origin_epoch,
                instance,
                ..
            } => (*sub, Some((origin, *origin_epoch, *instance))),
            Kind::Live { sub, .. } => (*sub, None),
            _ => return,
        };
        let Some(subscription) = self.subscription(now, sub) else {
            return;
        };
        let ledger = feed.map(|(origin, epoch, instance)| {
            let origin = self.world.nodes.number(origin);
            self.ledger(origin, epoch, instance)
        });
        let items = &mut self.world.subscriptions[subscription].items;
        items.push(Item { at: now.at, ledger });
    }

    fn on_publish(&mut self, now: Moment, epoch: u64, kind: &'e Kind) {
        match kind {
            Kind::PublishCall {
                call,
                instance,
                topic,
                hash,
            } => {
                self.report.published += 1;
                let Some(life) = self.world.lives.find(now.node, epoch) else {
                    return self.form(now, "it publishes in a run that has not started");
                };
                let epoch = self.world.lives.get(life).epoch;
                let ledger = self.ledger(now.node, epoch, *instance);
                let topic = self.world.topics.number(topic);
                let index = self.calls.len();
                self.calls.push(Call {
                    ledger,
                    topic,
                    moment: now,
                    hash: *hash,
                    outcome: Outcome::Unknown,
                });
                if self.by_call.insert((now.node, epoch, *call), index).is_some() {
                    self.form(now, "its run has published under this call number before");
                }
            }
            Kind::PublishAck { call, seq } => {
                self.report.acked += 1;
                self.conclude(now, epoch, *call, Outcome::Acked { seq: *seq });
            }
            Kind::PublishFail { call, .. } => {
                self.report.refused += 1;
                self.conclude(now, epoch, *call, Outcome::Refused);
            }
            _ => {}
        }
    }

    fn conclude(&mut self, now: Moment, epoch: u64, call: u64, outcome: Outcome) {
        let life = self.world.lives.find(now.node, epoch);
        let epoch = life.map_or(epoch, |life| self.world.lives.get(life).epoch);
        match self.by_call.get(&(now.node, epoch, call)) {
            Some(index) => self.calls[*index].outcome = outcome,
            None => self.form(now, "its run made no such call"),
        }
    }

    fn on_subscribe(&mut self, now: Moment, epoch: u64, sub: u64, instance: Instance, patterns: &'e [Arc<str>]) {
        let patterns = match self.world.patterns.set(patterns.iter().map(|text| &**text)) {
            Ok(set) => set,
            Err(err) => return self.form(now, &format!("a pattern is wrong: {err}")),
        };
        self.world.subscriptions.push(Subscription {
            id: sub,
            node: now.node,
            life: self.world.lives.find(now.node, epoch),
            instance,
            patterns,
            accepted: None,
            confirmed: Vec::new(),
            of: None,
            closed: None,
            items: Vec::new(),
        });
        let index = self.world.subscriptions.len() - 1;
        if self.by_subscription.insert(sub, index).is_some() {
            self.form(now, "another subscription has this number");
        }
    }

    fn on_subscription(&mut self, now: Moment, kind: &'e Kind) {
        let (Kind::SubscribeOk { sub, .. }
        | Kind::Confirmed { sub, .. }
        | Kind::Resumed { sub, .. }
        | Kind::Unsubscribe { sub }
        | Kind::StreamEnded { sub }) = kind
        else {
            return;
        };
        let Some(index) = self.subscription(now, *sub) else {
            return;
        };
        match kind {
            Kind::SubscribeOk { unconfirmed, .. } => {
                self.report.subscriptions += 1;
                let view = self.world.subscriptions[index].life;
                let view = view.map(|life| &self.world.lives.get(life).view);
                let seen = view.filter(|view| view.told).map(|view| view.runs().to_vec());
                let accepted = Accepted {
                    moment: now,
                    unconfirmed: self.numbers(unconfirmed),
                    seen,
                };
                self.world.subscriptions[index].accepted = Some(accepted);
            }
            Kind::Confirmed { source, .. } => {
                let source = self.world.nodes.number(source);
                self.world.subscriptions[index].confirmed.push((source, now));
            }
            Kind::Resumed { of, .. } => {
                self.report.resumed += 1;
                if let Some(earlier) = self.subscription(now, *of) {
                    if earlier >= index {
                        return self.form(now, "it resumes a subscription that began later");
                    }
                    self.world.subscriptions[earlier].close(now);
                    self.world.subscriptions[index].of = Some(earlier);
                }
            }
            _ => self.world.subscriptions[index].close(now),
        }
    }

    fn on_life(&mut self, now: Moment, epoch: u64, kind: &'e Kind) {
        if matches!(kind, Kind::Start {}) {
            self.report.starts += 1;
            self.disturbed = now.t;
            if let Err(known) = self.world.lives.begin(now.node, epoch, now) {
                let name = self.world.nodes.name(now.node);
                let words = format!("{name} starts as run {epoch} after its run {known}: epochs must rise");
                self.findings.add(Invariant::I8, now.at, now.t, words);
            }
            return;
        }
        let Some(life) = self.world.lives.find(now.node, epoch) else {
            return self.form(now, "its run has not started");
        };
        match kind {
            Kind::Stop { unconfirmed } => {
                self.report.stops += 1;
                self.disturbed = now.t;
                let unconfirmed = self.numbers(unconfirmed);
                let view = &self.world.lives.get(life).view;
                let seen = view.told.then(|| view.nodes().collect());
                self.world.lives.end(life, now, How::Stopped { unconfirmed, seen });
            }
            Kind::Kill {} => {
                self.report.kills += 1;
                self.disturbed = now.t;
                self.world.lives.get_mut(life).killed = true;
                self.world.lives.end(life, now, How::Dead);
            }
            Kind::Exit { code } => {
                self.world.lives.get_mut(life).exit = Some((now.at, *code));
                self.world.lives.end(life, now, How::Dead);
            }
            Kind::Panicked { text } => {
                let name = self.world.nodes.name(now.node);
                let words = format!("{name} panicked: {text}");
                self.findings.add(Invariant::I14, now.at, now.t, words);
            }
            _ => {}
        }
    }

    fn on_view(&mut self, now: Moment, epoch: u64, kind: &'e Kind) {
        self.world.has_views = true;
        let Some(observer) = self.world.lives.find(now.node, epoch) else {
            return self.form(now, "its run has not started");
        };
        match kind {
            Kind::MemberUp { member, member_epoch } => {
                let member = self.world.nodes.number(member);
                self.world.lives.get_mut(observer).view.up(member, *member_epoch, now);
                self.seen_living(observer, member, *member_epoch, now.t);
            }
            Kind::MemberDown { member, member_epoch } => {
                self.report.downs += 1;
                let member = self.world.nodes.number(member);
                self.world.lives.get_mut(observer).view.down(member, *member_epoch, now);
                if let Some(life) = self.world.lives.find(member, *member_epoch)
                    && !self.world.lives.get(life).ended_by(now.t)
                {
                    self.world.downs.begin(observer, life, now);
                }
            }
            Kind::MemberLeft { member, member_epoch } => {
                let member = self.world.nodes.number(member);
                self.world.lives.get_mut(observer).view.down(member, *member_epoch, now);
            }
            Kind::View { members } => {
                let members: Vec<(usize, u64)> = self
                    .numbers(members)
                    .into_iter()
                    .filter(|member| *member != now.node)
                    .map(|member| {
                        let life = self.world.lives.find(member, 0);
                        (member, life.map_or(0, |life| self.world.lives.get(life).epoch))
                    })
                    .collect();
                self.world.lives.get_mut(observer).view.set(&members, now);
                for (member, epoch) in members {
                    self.seen_living(observer, member, epoch, now.t);
                }
            }
            _ => {}
        }
    }

    fn seen_living(&mut self, observer: usize, member: usize, epoch: u64, t: u64) {
        if let Some(life) = self.world.lives.find(member, epoch) {
            self.world.downs.end(observer, life, t);
        }
    }

    fn on_driver(&mut self, now: Moment, kind: &'e Kind) {
        match kind {
            Kind::FaultBegin { fault, nodes } => {
                self.report.faults += 1;
                let (fault, nodes) = (self.fault_names.number(fault), self.sorted_numbers(nodes));
                self.world.faults.begin(fault, nodes, now.t);
            }
            Kind::FaultEnd { fault, nodes } => {
                self.disturbed = now.t;
                let (fault, nodes) = (self.fault_names.number(fault), self.sorted_numbers(nodes));
                if !self.world.faults.end(fault, &nodes, now.t) {
                    self.form(now, "no such fault goes on");
                }
            }
            _ => {
                self.report.quiets += 1;
                self.world.quiet = Some(now);
                if self.rules.liveness && self.world.has_views {
                    let checked = judge_views(&self.world, self.rules, now, self.disturbed, self.findings);
                    self.report.views_agreed += checked;
                }
            }
        }
    }

    fn ledger(&mut self, node: usize, epoch: u64, instance: Instance) -> usize {
        let World { ledgers, lives, .. } = &mut self.world;
        let key = (node, epoch, instance as u8);
        *self.by_feed.entry(key).or_insert_with(|| {
            ledgers.push(super::Ledger {
                node,
                epoch,
                instance,
                life: lives.find(node, epoch),
                messages: Vec::new(),
                unplaced: 0,
            });
            ledgers.len() - 1
        })
    }

    fn subscription(&mut self, now: Moment, sub: u64) -> Option<usize> {
        let known = self.by_subscription.get(&sub).copied();
        if known.is_none() {
            self.form(now, &format!("no subscribe_call has the number {sub}"));
        }
        known
    }

    fn numbers(&mut self, names: &'e [Arc<str>]) -> Vec<usize> {
        names.iter().map(|name| self.world.nodes.number(name)).collect()
    }

    fn sorted_numbers(&mut self, names: &'e [Arc<str>]) -> Vec<usize> {
        let mut numbers = self.numbers(names);
        numbers.sort_unstable();
        numbers
    }

    fn form(&mut self, now: Moment, words: &str) {
        let name = self.world.nodes.name(now.node);
        let words = format!("the history is wrong about {name}: {words}");
        self.findings.add(Invariant::Form, now.at, now.t, words);
    }
}
