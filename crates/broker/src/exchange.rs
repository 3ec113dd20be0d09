//! One instance of one node: where messages of that instance enter, are numbered, kept and routed.

mod state;

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{
    Batch, Draft, DraftError, Envelope, Instance, KeyRing, MessageId, Pattern, SealError, Sealer, Source, Timestamp,
    WallClock,
};

use self::state::{State, note_filling};
use crate::backlog::BatchTail;
use crate::counters::{Counters, DropReason};
use crate::delivery::{Delivery, EpochEnded, Gap, GapCause};
use crate::gates::Gate;
use crate::group::{CLOSED, Group};
use crate::interest::SharedInterest;
use crate::position::{Arrived, Position};
use crate::queue::{Chosen, Queue};
use crate::ring::{CursorId, spared};
use crate::room::Room;
use crate::routes::TopicCount;
use crate::settings::InstanceSettings;
use crate::signal::Signal;
use crate::source_slot::SourceSlot;

/// Where a read of a feed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedRead {
    /// Seq of the oldest message still kept; one above [`head`](Self::head) if none is.
    pub oldest: u64,
    /// Seq of the newest message; 0 if there was none yet.
    pub head: u64,
}

/// One instance. Lock order: state, then a group, then the interest.
#[derive(Debug)]
pub(crate) struct Exchange {
    instance: Instance,
    /// That of the settings: asked for by every publisher, before the lock.
    max_payload_bytes: AtomicUsize,
    source: Arc<Source>,
    /// Read by publishers outside of the lock; replaced when the key ring is.
    sealer: ArcSwap<Sealer>,
    counters: Counters,
    interest: Arc<SharedInterest>,
    clock: WallClock,
    state: Mutex<State>,
}

impl Exchange {
    pub(crate) fn new(
        instance: Instance,
        settings: InstanceSettings,
        sealer: Sealer,
        interest: Arc<SharedInterest>,
        clock: WallClock,
    ) -> Self {
        let source = sealer.source().clone();
        let state = Mutex::new(State::new(source.clone(), settings));
        Self {
            instance,
            max_payload_bytes: AtomicUsize::new(settings.max_payload_bytes),
            source,
            sealer: ArcSwap::from_pointee(sealer),
            counters: Counters::default(),
            interest,
            clock,
            state,
        }
    }

    pub(crate) fn instance(&self) -> Instance {
        self.instance
    }

    pub(crate) fn settings(&self) -> InstanceSettings {
        self.lock().settings
    }

    pub(crate) fn max_payload_bytes(&self) -> usize {
        self.max_payload_bytes.load(Ordering::Relaxed)
    }

    /// Holds and accepts as much as these settings say. What no longer fits goes at once, the oldest first, and whoever had
    /// not read it is told, as when a queue overflows.
    pub(crate) fn change(&self, settings: InstanceSettings, now: Duration) {
        let (mut wake, mut lost) = (Vec::new(), 0);
        {
            let mut locked = self.lock();
            let state = &mut *locked;
            self.max_payload_bytes
                .store(settings.max_payload_bytes, Ordering::Relaxed);
            state.settings = settings;
            state.backlog.expire(now, &settings);
            state.backlog.keep_within(&settings);
            let groups: Vec<_> = state.all_groups().cloned().collect();
            for group in groups {
                let mut inner = group.lock();
                lost += inner.ring.change(&settings, self.instance, &mut wake);
                note_filling(&mut state.filling, &group, &mut inner);
            }
        }
        self.count_lost(lost);
        wake.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn sealer(&self) -> Arc<Sealer> {
        self.sealer.load_full()
    }

    /// From now on the first key of this ring signs. A message that is being published may still be signed by the one
    /// before. Wakes the links: they tell the peers, also where nothing is published.
    pub(crate) fn replace_ring(&self, ring: &KeyRing) {
        let sealer = self.sealer.load();
        if sealer.key() == ring.ids().next() {
            return;
        }
        self.sealer.store(Arc::new(sealer.with_ring(ring)));
        let signals = self.lock().signals.clone();
        let raised = signals.iter().filter(|signal| signal.raise());
        raised.for_each(|signal| signal.notify());
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// So many messages were handed out together, this one the first of them.
    pub(crate) fn count_delivered(&self, first: Option<&Envelope>, messages: u64) {
        self.counters.delivered.add(messages);
        if let Some(envelope) = first {
            let age = (self.clock)()
                .as_millis()
                .saturating_sub(envelope.timestamp().as_millis());
            self.counters.latency.observe(u64::try_from(age).unwrap_or(0), messages);
        }
    }

    /// Numbers, seals, keeps and routes a message. Never blocks beyond the instance's lock.
    pub(crate) fn publish(&self, draft: &Draft, now: Duration, time: Timestamp) -> Result<MessageId, PublishError> {
        let published = self.try_publish(draft, now, time);
        match &published {
            Ok(_) => self.counters.published.add(1),
            Err(_) => self.counters.dropped(DropReason::Refused).add(1),
        }
        published
    }

    fn try_publish(&self, draft: &Draft, now: Duration, time: Timestamp) -> Result<MessageId, PublishError> {
        draft.check(self.max_payload_bytes())?;
        // One sealer from here to the end: what it absorbs no other can finish.
        let sealer: Guard<Arc<Sealer>> = self.sealer.load();
        let absorbed = sealer.absorb(&draft.payload);
        let (mut wake, mut notify) = (Vec::new(), Vec::new());
        let seq = {
            let mut locked = self.lock();
            let state = &mut *locked;
            if state.closed {
                return Err(PublishError::Closed);
            }
            let signed = (&**sealer, absorbed);
            let seq = state
                .backlog
                .publish(signed, draft, (now, time), &state.settings)
                .map_err(|source: SealError| PublishError::Seal { source })?;
            let topic = draft.topic.as_str().as_bytes();
            let route = state.routes.to(topic, 1, &state.matcher, &state.queue_matcher);
            if !(route.groups.is_empty() && route.queues.is_empty())
                && let Some(envelope) = state.backlog.newest(&mut state.segment)
            {
                let mut lost = 0;
                let mut push = |group: &Arc<Group>| {
                    let mut inner = group.lock();
                    let message = Delivery::Message(envelope.clone());
                    lost += inner.ring.push(message, self.instance, &mut wake);
                    note_filling(&mut state.filling, group, &mut inner);
                };
                route.groups.iter().for_each(&mut push);
                for queue in &route.queues {
                    match state.queues.get_mut(queue).and_then(Queue::choose) {
                        Some(Chosen::Here(worker)) => {
                            push(worker);
                            if is_planted(Planted::QueueChoosesTwo)
                                && let Some(peer) = state.queues.get(queue).and_then(Queue::any_peer)
                            {
                                state.choices.add(seq, queue.clone(), peer.clone(), 0);
                            }
                        }
                        Some(Chosen::There(peer)) => {
                            let oldest = state.backlog.first_seq().unwrap_or(seq);
                            state.choices.add(seq, queue.clone(), peer.clone(), oldest);
                        }
                        None => {}
                    }
                }
                self.count_lost(lost);
            }
            notify.extend(state.signals.iter().filter(|signal| signal.raise()).cloned());
            seq
        };
        wake.into_iter().for_each(Waker::wake);
        notify.iter().for_each(|signal| signal.notify());
        Ok(MessageId {
            instance: self.instance,
            node: self.source.node.clone(),
            epoch: self.source.epoch,
            seq,
        })
    }

    /// Routes verified messages of another source, in feed order. `chosen`: for which of them, by place, this node was
    /// chosen by which queue group.
    pub(crate) fn deliver(&self, slot: SourceSlot, batch: &Batch, chosen: &[(usize, Pattern)]) {
        let (mut wake, mut lost) = (Vec::new(), 0);
        {
            let mut locked = self.lock();
            let state = &mut *locked;
            for (places, topic) in batch.runs() {
                let route = state
                    .routes
                    .to(topic, places.len(), &state.matcher, &state.queue_matcher);
                for group in &route.groups {
                    let mut inner = group.lock();
                    lost += inner.push_batch(slot, batch, places.clone(), self.instance, &mut wake);
                    note_filling(&mut state.filling, group, &mut inner);
                }
            }
            for (place, queue) in chosen {
                if let Some(worker) = state.queues.get_mut(queue).and_then(Queue::choose_worker) {
                    let mut inner = worker.lock();
                    lost += inner.push_batch(slot, batch, *place..*place + 1, self.instance, &mut wake);
                    note_filling(&mut state.filling, worker, &mut inner);
                }
            }
            state.arrive(slot, batch.last_seq());
            state.newest_cost = batch.cost_at(batch.len().saturating_sub(1));
        }
        self.counters.received.add(batch.len() as u64);
        self.count_lost(lost);
        wake.into_iter().for_each(Waker::wake);
    }

    /// Tells every group that may have wanted them that messages of another source will not come.
    pub(crate) fn deliver_gap(&self, slot: SourceSlot, gap: &Gap) {
        let mut wake = Vec::new();
        let mut missed = 0u64;
        {
            let mut state = self.lock();
            for group in state.all_groups() {
                missed = missed.saturating_add(group.lock().push_gap(slot, gap, &mut wake));
            }
            state.arrive(slot, gap.last);
        }
        match gap.cause {
            // Counted where it was found, wanted or not.
            GapCause::Unverified => {}
            GapCause::BacklogOverrun => self.counters.dropped(DropReason::BacklogOverrun).add(missed),
            _ => self.counters.dropped(DropReason::LinkOverrun).add(missed),
        }
        wake.into_iter().for_each(Waker::wake);
    }

    /// Tells every group that heard the source that its feed has ended.
    pub(crate) fn deliver_end(&self, slot: SourceSlot, ended: &EpochEnded) {
        let mut wake = Vec::new();
        for group in self.lock().all_groups() {
            group
                .lock()
                .push_if_open(slot, Delivery::EpochEnded(ended.clone()), self.instance, &mut wake);
        }
        wake.into_iter().for_each(Waker::wake);
    }

    fn count_lost(&self, lost: u64) {
        if lost > 0 {
            self.counters.dropped(DropReason::SlowSubscriber).add(lost);
        }
    }

    /// Adds a cursor to the group of these patterns (sorted, without doubles), made if there is none.
    ///
    /// Also says how far each feed had come when the cursor was added: the cursor gets what comes after.
    pub(crate) fn subscribe(
        &self,
        patterns: Box<[Pattern]>,
    ) -> Result<(Arc<Group>, CursorId, Vec<Arrived>), SubscribeError> {
        let subscribed = self.try_subscribe(patterns)?;
        self.interest.announce();
        Ok(subscribed)
    }

    fn try_subscribe(&self, patterns: Box<[Pattern]>) -> Result<(Arc<Group>, CursorId, Vec<Arrived>), SubscribeError> {
        let mut state = self.lock();
        if state.closed {
            return Err(SubscribeError::Closed);
        }
        if patterns.len() > 1 && patterns.iter().any(|pattern| pattern.queue().is_some()) {
            return Err(SubscribeError::QueueNotAlone);
        }
        let known = state.groups.get(&patterns).cloned();
        let group = match known {
            Some(group) => group,
            None => state.add_group(self.instance, patterns, &self.interest)?,
        };
        let id = group.lock().ring.add_cursor();
        let own = Arrived {
            source: self.source.clone(),
            seq: state.backlog.head(),
        };
        let arrived = std::iter::once(own).chain(state.arrived.iter().flatten().cloned());
        Ok((group, id, arrived.collect()))
    }

    /// From where a cursor of the group, added when the feeds had come so far, receives each feed.
    pub(crate) fn positions(&self, group: &Group, since: &[Arrived]) -> Vec<Position> {
        let state = self.lock();
        let inner = group.lock();
        let before = |source: &Arc<Source>| {
            since
                .iter()
                .find(|known| known.source == *source)
                .map(|known| known.seq)
        };
        let own = &self.source;
        let own = Position {
            source: own.clone(),
            live_from: before(own).map(|seq| seq + 1),
        };
        let others = state.arrived.iter().enumerate().filter_map(|(slot, arrived)| {
            let arrived = arrived.as_ref()?;
            let gate = inner.live_from(SourceSlot(slot));
            let after = before(&arrived.source).unwrap_or(0) + 1;
            Some(Position {
                source: arrived.source.clone(),
                live_from: (gate != CLOSED).then(|| gate.max(after)),
            })
        });
        std::iter::once(own).chain(others).collect()
    }

    /// Whether what is published on the topic now fits into the queue of every subscription that reads.
    pub(crate) fn has_room(&self, topic: &str, now: Duration) -> bool {
        let mut locked = self.lock();
        let state = &mut *locked;
        let route = state
            .routes
            .to(topic.as_bytes(), 0, &state.matcher, &state.queue_matcher);
        route.groups.iter().all(|group| group.lock().ring.room(now) != Some(0))
    }

    /// How many more messages fit into the queue of every subscription that reads, and whether that is all there ever is.
    pub(crate) fn room(&self, now: Duration) -> Room {
        let mut state = self.lock();
        let by_bytes = spared(state.settings.queue_bytes) / state.newest_cost.max(1);
        let all = spared(state.settings.queue_messages).min(by_bytes);
        let filling = state
            .still_filling()
            .filter_map(|group| group.lock().ring.room(now))
            .min();
        Room {
            messages: filling.map_or(all, |room| room.min(all)),
            is_all: filling.is_none(),
        }
    }

    /// How far the slowest subscription that reads has come, if it has left half of its queue unread.
    pub(crate) fn crowded_at(&self) -> Option<u64> {
        let mut state = self.lock();
        state
            .still_filling()
            .filter_map(|group| group.lock().ring.crowded_at())
            .min()
    }

    /// Gives a slot to a source.
    pub(crate) fn open_slot(&self, slot: SourceSlot, source: Arc<Source>) {
        let mut state = self.lock();
        if state.arrived.len() <= slot.0 {
            state.arrived.resize(slot.0 + 1, None);
        }
        if let Some(arrived) = state.arrived.get_mut(slot.0) {
            *arrived = Some(Arrived { source, seq: 0 });
        }
    }

    /// Removes a cursor, and the group with its last one.
    pub(crate) fn unsubscribe(&self, group: &Arc<Group>, id: CursorId) {
        {
            let mut state = self.lock();
            let last = group.lock().ring.remove_cursor(id);
            if last {
                state.remove_group(self.instance, group, &self.interest);
            }
        }
        self.interest.announce();
    }

    /// A source confirms: from `live_from` on it sends everything that matches the pattern, as added by version
    /// `added` of the interest. Ignored if that entry is no longer in the set. True if something changed.
    pub(crate) fn open(&self, slot: SourceSlot, pattern: &Pattern, added: u64, live_from: u64) -> bool {
        let mut state = self.lock();
        let Some(gates) = state
            .gates
            .get_mut(pattern)
            .filter(|gates| gates.added == added || is_planted(Planted::StaleConfirmation))
        else {
            return false;
        };
        *gates.at(slot) = Gate {
            live_from,
            confirmed: true,
        };
        let groups = gates.groups.clone();
        groups.iter().for_each(|group| state.refresh_group(group, slot));
        true
    }

    /// The source is new, and nothing it ever published was seen here: all patterns want it from its first message.
    pub(crate) fn open_from_start(&self, slot: SourceSlot) {
        let mut state = self.lock();
        state.gates.values_mut().for_each(|gates| {
            *gates.at(slot) = Gate {
                live_from: 1,
                confirmed: false,
            }
        });
        state.refresh_all(slot);
    }

    /// Forgets the source.
    pub(crate) fn close_slot(&self, slot: SourceSlot) {
        let mut state = self.lock();
        if let Some(arrived) = state.arrived.get_mut(slot.0) {
            *arrived = None;
        }
        state
            .gates
            .values_mut()
            .for_each(|gates| *gates.at(slot) = Gate::default());
        state.refresh_all(slot);
    }

    /// From which seq the source was asked to send the pattern's messages, if it was told or has confirmed one.
    pub(crate) fn live_from(&self, slot: SourceSlot, pattern: &Pattern) -> Option<u64> {
        let state = self.lock();
        let gate = state.gates.get(pattern)?.of(slot);
        (gate.live_from != CLOSED).then_some(gate.live_from)
    }

    /// Whether the source has confirmed every one of the patterns.
    pub(crate) fn is_confirmed(&self, slot: SourceSlot, patterns: &[Pattern]) -> bool {
        let state = self.lock();
        let is_confirmed = |pattern| state.gates.get(pattern).is_some_and(|gates| gates.of(slot).confirmed);
        patterns.iter().all(is_confirmed)
    }

    /// Seq of the newest message of this node's feed; 0 if there was none yet.
    pub(crate) fn head(&self) -> u64 {
        self.lock().backlog.head()
    }

    /// Copies messages of this node's feed from `seq` on into `out`: up to `max` of them.
    pub(crate) fn read_feed(&self, seq: u64, max: usize, out: &mut Vec<Envelope>) -> FeedRead {
        let mut state = self.lock();
        out.extend(state.backlog.starting_at(seq).take(max));
        state.feed_read()
    }

    /// The same, by batches: up to `max` of them.
    pub(crate) fn read_batches(&self, seq: u64, max: usize, out: &mut Vec<BatchTail>) -> FeedRead {
        let mut state = self.lock();
        out.extend(state.backlog.batches_from(seq).take(max));
        state.feed_read()
    }

    pub(crate) fn expire(&self, now: Duration) {
        let mut locked = self.lock();
        let state = &mut *locked;
        state.backlog.expire(now, &state.settings);
    }

    pub(crate) fn backlog_size(&self) -> (usize, usize) {
        let state = self.lock();
        (state.backlog.len(), state.backlog.bytes())
    }

    pub(crate) fn refuse_publishes(&self) {
        self.lock().closed = true;
    }

    pub(crate) fn end_subscriptions(&self) {
        let mut wake = Vec::new();
        {
            let mut state = self.lock();
            state.closed = true;
            state.all_groups().for_each(|group| group.lock().ring.close(&mut wake));
        }
        wake.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn subscriptions(&self) -> Vec<SubscriptionInfo> {
        let state = self.lock();
        let mut all = Vec::new();
        for group in state.all_groups() {
            let inner = group.lock();
            all.extend(inner.ring.cursors().map(|id| {
                let (queue_messages, queue_bytes) = inner.ring.waiting(id);
                SubscriptionInfo {
                    instance: self.instance,
                    patterns: group.patterns.to_vec(),
                    queue_messages,
                    queue_bytes,
                }
            }));
        }
        all
    }

    /// How much waits for all subscriptions together.
    pub(crate) fn queues(&self) -> Queues {
        let state = self.lock();
        let mut queues = Queues::default();
        for group in state.all_groups() {
            let inner = group.lock();
            for id in inner.ring.cursors() {
                let (messages, bytes) = inner.ring.waiting(id);
                queues.subscriptions += 1;
                queues.messages += messages;
                queues.deepest = queues.deepest.max(messages);
                let full = percent(messages, state.settings.queue_messages);
                let full = full.max(percent(bytes, state.settings.queue_bytes));
                queues.fullest_percent = queues.fullest_percent.max(full);
            }
        }
        queues
    }

    /// Whether the source has confirmed everything that is wanted of the instance; one without a slot has confirmed
    /// nothing.
    pub(crate) fn has_confirmed_all(&self, slot: Option<SourceSlot>) -> bool {
        let state = self.lock();
        let mut gates = state.gates.values();
        gates.all(|gates| slot.is_some_and(|slot| gates.of(slot).confirmed))
    }

    /// The topics with the most messages, those first.
    pub(crate) fn busiest_topics(&self, most: usize) -> Vec<TopicCount> {
        self.lock().routes.busiest(most)
    }

    /// Whether a subscription here, or a queue group anywhere, wants what is published on the topic.
    pub(crate) fn is_wanted(&self, topic: &str) -> bool {
        let mut locked = self.lock();
        let state = &mut *locked;
        let route = state
            .routes
            .to(topic.as_bytes(), 0, &state.matcher, &state.queue_matcher);
        !(route.groups.is_empty() && route.queues.is_empty())
    }

    pub(crate) fn join_queue(&self, queue: &Pattern, seat: u64, peer: &Arc<Source>) -> u64 {
        let mut state = self.lock();
        state.queue_mut(queue).add_seat(seat, peer.clone());
        state.backlog.head()
    }

    pub(crate) fn leave_queue(&self, queue: &Pattern, seat: u64) {
        self.lock().change_queue(queue, |queue| queue.remove_seat(seat));
    }

    pub(crate) fn leave_queues(&self, seat: u64) {
        let mut state = self.lock();
        let all: Vec<Pattern> = state.queues.keys().cloned().collect();
        all.iter()
            .for_each(|queue| state.change_queue(queue, |queue| queue.remove_seat(seat)));
    }

    pub(crate) fn chosen(&self, peer: &Source, seqs: RangeInclusive<u64>, out: &mut Vec<(u64, Pattern)>) {
        self.lock().choices.of(peer, seqs, out);
    }

    pub(crate) fn add_signal(&self, signal: Arc<Signal>) {
        self.lock().signals.push(signal);
    }

    pub(crate) fn remove_signal(&self, signal: &Arc<Signal>) {
        self.lock().signals.retain(|known| !Arc::ptr_eq(known, signal));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A subscription as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionInfo {
    /// Its instance.
    pub instance: Instance,
    /// Its patterns.
    pub patterns: Vec<Pattern>,
    /// Items that wait to be read.
    pub queue_messages: usize,
    /// Their bytes.
    pub queue_bytes: usize,
}

/// How much waits for the subscriptions of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queues {
    /// How many subscriptions there are.
    pub subscriptions: usize,
    /// Messages that wait in all their queues.
    pub messages: usize,
    /// Messages that wait in the longest.
    pub deepest: usize,
    /// How full the fullest is, of its messages or of its bytes, whichever is more: 0 to 100.
    pub fullest_percent: usize,
}

/// One message may be larger than a whole queue's bytes: it is full then.
fn percent(part: usize, of: usize) -> usize {
    (part.saturating_mul(100) / of.max(1)).min(100)
}

/// Why a message was not published. Nothing was, and no number was used up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// It breaks a bound.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// It cannot be sealed.
    #[error("the message cannot be sealed")]
    Seal {
        /// Why.
        source: SealError,
    },
    /// The node is stopping.
    #[error("the node is stopping and accepts no more messages")]
    Closed,
}

/// Why there is no subscription.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// No pattern was given.
    #[error("no pattern was given")]
    NoPattern,
    /// A pattern of a queue group stands beside others.
    #[error("a pattern of a queue group must be the only one of its subscription: subscribe once for each")]
    QueueNotAlone,
    /// A queue group is to begin with what is past.
    #[error("a queue group begins with what is published now; only other subscriptions can ask for what was before")]
    QueueReplay,
    /// The node has as many distinct patterns as it may.
    #[error("this node already has {} distinct patterns; use wildcards", crate::MAX_PATTERNS)]
    TooManyPatterns,
    /// The node is stopping.
    #[error("the node is stopping and accepts no more subscriptions")]
    Closed,
}
