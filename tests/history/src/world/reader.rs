//! Reads a history into a world, in the order of its events.
//!
//! Judges what one event shows with what came before: levels, panics, epochs, views at `quiet`. What came to
//! subscribers is only gathered here.

mod living;
mod publishing;
mod subscribing;

use std::sync::Arc;

use bellwether_message::Instance;

use super::World;
use super::moment::{Clock, Moment};
use super::names::{FastMap, Names};
use super::settle::{Call, settle};
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
        is_restless: false,
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
    /// Whether anything of that kind, or the begin of a fault, came after the last `quiet`.
    is_restless: bool,
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

    fn on_driver(&mut self, now: Moment, kind: &'e Kind) {
        match kind {
            Kind::FaultBegin { fault, nodes } => {
                self.report.faults += 1;
                self.is_restless = true;
                let (fault, nodes) = (self.fault_names.number(fault), self.sorted_numbers(nodes));
                self.world.faults.begin(fault, nodes, now.t);
            }
            Kind::FaultEnd { fault, nodes } => {
                self.disturb(now);
                let (fault, nodes) = (self.fault_names.number(fault), self.sorted_numbers(nodes));
                if !self.world.faults.end(fault, &nodes, now.t) {
                    self.form(now, "no such fault goes on");
                }
            }
            _ => {
                self.report.quiets += 1;
                // A second one after nothing but probes says how long the run went on.
                if self.world.quiet.is_none() || self.is_restless {
                    self.world.quiet = Some(now);
                }
                self.is_restless = false;
                if self.rules.liveness && self.world.has_views {
                    let checked = judge_views(&self.world, self.rules, now, self.disturbed, self.findings);
                    self.report.views_agreed += checked;
                }
            }
        }
    }

    fn disturb(&mut self, now: Moment) {
        self.disturbed = now.t;
        self.is_restless = true;
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
