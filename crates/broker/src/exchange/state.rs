//! What an instance holds under its lock: the backlog, and the subscriptions by what they match.

use std::collections::HashMap;
use std::sync::Arc;

use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Instance, Pattern, Segment, Source};

use super::{FeedRead, SubscribeError};
use crate::backlog::Backlog;
use crate::gates::Gates;
use crate::group::{self, CLOSED, Group};
use crate::interest::SharedInterest;
use crate::matcher::Matcher;
use crate::position::Arrived;
use crate::queue::{Choices, Queue};
use crate::routes::Routes;
use crate::settings::InstanceSettings;
use crate::signal::Signal;
use crate::source_slot::SourceSlot;

#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: InstanceSettings,
    pub(super) backlog: Backlog,
    /// Memory for messages that queues of this node get before their batch is closed.
    pub(super) segment: Segment,
    pub(super) groups: HashMap<Box<[Pattern]>, Arc<Group>>,
    pub(super) matcher: Matcher<Vec<Arc<Group>>>,
    /// Queue groups with somebody in them, here or at a peer.
    pub(super) queues: HashMap<Pattern, Queue>,
    pub(super) queue_matcher: Matcher<Vec<Pattern>>,
    pub(super) choices: Choices,
    pub(super) routes: Routes,
    pub(super) gates: HashMap<Pattern, Gates>,
    pub(super) signals: Vec<Arc<Signal>>,
    /// Groups whose queues are filling up, and perhaps some that no longer are: the only ones that are asked for room.
    pub(super) filling: Vec<Arc<Group>>,
    /// What the newest message of another source counts against a queue's bytes.
    pub(super) newest_cost: usize,
    /// By slot: which source has it, and the last of its seqs that arrived here.
    pub(super) arrived: Vec<Option<Arrived>>,
    pub(super) closed: bool,
}

/// Something was added to the group's queue.
pub(super) fn note_filling(filling: &mut Vec<Arc<Group>>, group: &Arc<Group>, inner: &mut group::Inner) {
    if inner.begins_to_fill() {
        filling.push(group.clone());
    }
}

impl State {
    pub(super) fn new(source: Arc<Source>, settings: InstanceSettings) -> Self {
        Self {
            settings,
            backlog: Backlog::new(source),
            segment: Segment::default(),
            groups: HashMap::new(),
            matcher: Matcher::default(),
            queues: HashMap::new(),
            queue_matcher: Matcher::default(),
            choices: Choices::default(),
            routes: Routes::default(),
            gates: HashMap::new(),
            signals: Vec::new(),
            filling: Vec::new(),
            newest_cost: 0,
            arrived: Vec::new(),
            closed: false,
        }
    }

    pub(super) fn feed_read(&self) -> FeedRead {
        let head = self.backlog.head();
        FeedRead {
            oldest: self.backlog.first_seq().unwrap_or(head + 1),
            head,
        }
    }

    /// The groups whose queues are filling up.
    pub(super) fn still_filling(&mut self) -> impl Iterator<Item = &Arc<Group>> {
        self.filling.retain(|group| group.lock().still_fills());
        self.filling.iter()
    }

    pub(super) fn arrive(&mut self, slot: SourceSlot, seq: u64) {
        if let Some(arrived) = self.arrived.get_mut(slot.0).and_then(Option::as_mut) {
            arrived.seq = seq;
        }
    }

    pub(super) fn add_group(
        &mut self,
        instance: Instance,
        patterns: Box<[Pattern]>,
        interest: &SharedInterest,
    ) -> Result<Arc<Group>, SubscribeError> {
        let group = Arc::new(Group::new(patterns.clone(), &self.settings));
        let queue = queue_of(&patterns);
        {
            let mut interest = interest.lock();
            if !interest.has_room_for(instance, &patterns) {
                return Err(SubscribeError::TooManyPatterns);
            }
            for pattern in &patterns {
                interest.hold(instance, pattern);
                let added = interest.added(instance, pattern).unwrap_or_default();
                self.gates
                    .entry(pattern.clone())
                    .or_insert_with(|| Gates::new(added))
                    .groups
                    .push(group.clone());
            }
        }
        let routed = if is_planted(Planted::SecondPatternForgotten) {
            1
        } else {
            patterns.len()
        };
        match &queue {
            Some(queue) => self.queue_mut(queue).add_worker(group.clone()),
            None => {
                for pattern in patterns.iter().take(routed) {
                    self.matcher.entry(pattern).push(group.clone());
                }
            }
        }
        // Sources that no pattern of the group knows are closed to it, as they are to a new one.
        let known = |pattern| self.gates.get(pattern).map_or(0, Gates::slots);
        let slots = patterns.iter().map(known).max().unwrap_or(0);
        if queue.is_none() {
            self.groups.insert(patterns, group.clone());
        }
        self.routes.forget();
        (0..slots).for_each(|slot| self.refresh_group(&group, SourceSlot(slot)));
        Ok(group)
    }

    pub(super) fn remove_group(&mut self, instance: Instance, group: &Arc<Group>, interest: &SharedInterest) {
        let queue = queue_of(&group.patterns);
        match &queue {
            Some(queue) => self.change_queue(queue, |queue| queue.remove_worker(group)),
            None => drop(self.groups.remove(&group.patterns)),
        }
        self.filling.retain(|known| !Arc::ptr_eq(known, group));
        self.routes.forget();
        let mut interest = interest.lock();
        for pattern in &group.patterns {
            if queue.is_none() {
                let groups = self.matcher.entry(pattern);
                groups.retain(|known| !Arc::ptr_eq(known, group));
                if groups.is_empty() {
                    self.matcher.remove(pattern);
                }
            }
            if let Some(gates) = self.gates.get_mut(pattern) {
                gates.groups.retain(|known| !Arc::ptr_eq(known, group));
                if gates.groups.is_empty() {
                    self.gates.remove(pattern);
                }
            }
            interest.release(instance, pattern);
        }
    }

    /// The groups of every subscription.
    pub(super) fn all_groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        let workers = self.queues.values().flat_map(Queue::workers);
        self.groups.values().chain(workers)
    }

    /// The queue group, made if there is none.
    pub(super) fn queue_mut(&mut self, pattern: &Pattern) -> &mut Queue {
        if !self.queues.contains_key(pattern) {
            self.queue_matcher.entry(pattern).push(pattern.clone());
            self.routes.forget();
        }
        self.queues.entry(pattern.clone()).or_default()
    }

    /// Changes a queue group, and lets it go if nobody is left in it.
    pub(super) fn change_queue(&mut self, pattern: &Pattern, change: impl FnOnce(&mut Queue)) {
        let Some(queue) = self.queues.get_mut(pattern) else {
            return;
        };
        change(queue);
        if !queue.is_empty() {
            return;
        }
        self.queues.remove(pattern);
        let alike = self.queue_matcher.entry(pattern);
        alike.retain(|known| known != pattern);
        if alike.is_empty() {
            self.queue_matcher.remove(pattern);
        }
        self.routes.forget();
    }

    pub(super) fn refresh_all(&self, slot: SourceSlot) {
        self.all_groups().for_each(|group| self.refresh_group(group, slot));
    }

    /// A group is live from where the last of its patterns is.
    pub(super) fn refresh_group(&self, group: &Group, slot: SourceSlot) {
        let live_from = |pattern| self.gates.get(pattern).map_or(CLOSED, |gates| gates.of(slot).live_from);
        let from = group.patterns.iter().map(live_from).max();
        group.lock().set_live_from(slot, from.unwrap_or(CLOSED));
    }
}

/// The queue group that a subscription with these patterns belongs to: then it has no other pattern.
fn queue_of(patterns: &[Pattern]) -> Option<Pattern> {
    patterns.first().filter(|pattern| pattern.queue().is_some()).cloned()
}
