//! What a history says happened, by noun: runs, feeds, subscriptions, faults. Read once, then judged.

mod downs;
mod faults;
mod ledger;
mod lives;
mod moment;
mod names;
mod patterns;
mod reader;
mod settle;
mod subscription;
mod view;

pub(crate) use self::downs::Downs;
pub(crate) use self::faults::Faults;
pub(crate) use self::ledger::{Ledger, Message};
pub(crate) use self::lives::{How, Lives};
pub(crate) use self::moment::{Clock, Moment};
pub(crate) use self::names::{FastMap, Names};
pub(crate) use self::patterns::Patterns;
pub(crate) use self::reader::read;
pub(crate) use self::subscription::{Item, Subscription};

use crate::event::Event;

/// A history in order. Everything is named by its index.
#[derive(Debug)]
pub(crate) struct World<'e> {
    pub(crate) events: &'e [Event],
    pub(crate) clock: Clock,
    pub(crate) nodes: Names<'e>,
    pub(crate) topics: Names<'e>,
    pub(crate) patterns: Patterns<'e>,
    pub(crate) lives: Lives,
    pub(crate) ledgers: Vec<Ledger>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) faults: Faults,
    pub(crate) downs: Downs,
    /// Whether any node told its view: where none did, all are taken to see all.
    pub(crate) has_views: bool,
    /// The last `quiet`, or the first of several between which nothing happened but probes.
    pub(crate) quiet: Option<Moment>,
    /// The time of the last event.
    pub(crate) end: u64,
}

impl World<'_> {
    /// `a/7 events`.
    pub(crate) fn feed_name(&self, ledger: usize) -> String {
        let ledger = &self.ledgers[ledger];
        format!("{}/{} {}", self.nodes.name(ledger.node), ledger.epoch, ledger.instance)
    }

    /// The node of a subscription, and the run; 0 if the history knows none.
    pub(crate) fn run_of(&self, subscription: &Subscription) -> (usize, u64) {
        let life = subscription.life.map(|life| self.lives.get(life));
        (subscription.node, life.map_or(0, |life| life.epoch))
    }

    /// `subscription 3 on b`.
    pub(crate) fn subscription_name(&self, subscription: &Subscription) -> String {
        format!(
            "subscription {} on {}",
            subscription.id,
            self.nodes.name(subscription.node)
        )
    }
}
