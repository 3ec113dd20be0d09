//! The ten instances of one node.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_message::{
    Batch, Draft, Envelope, Instance, KeyRing, MessageId, Pattern, Sealer, Source, Timestamp, WallClock,
};
use tokio::sync::watch;

use crate::backlog::BatchTail;
use crate::counters::Counters;
use crate::delivery::{EpochEnded, Gap};
use crate::exchange::{Exchange, FeedRead, PublishError, Queues, SubscribeError, SubscriptionInfo};
use crate::feed_watch::FeedWatch;
use crate::interest::{Interest, SharedInterest};
use crate::queue_seat::QueueSeat;
use crate::room::Room;
use crate::routes::TopicCount;
use crate::settings::InstanceSettings;
use crate::source_slot::SourceSlot;
use crate::subscription::Subscription;

/// Ten isolated instances: each has its own lock, numbering, backlog, patterns and queues. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: Arc<Source>,
    exchanges: [Arc<Exchange>; Instance::COUNT],
    interest: Arc<SharedInterest>,
    /// Which slots are taken.
    slots: Mutex<Vec<bool>>,
    /// Numbers the seats that were ever given.
    seats: AtomicU64,
    now_ms: AtomicU64,
    clock: WallClock,
}

impl Broker {
    /// A broker for the run `source` of a node. Without a key ring its messages are unsigned and must stay here.
    pub fn new(
        cluster: &str,
        source: Source,
        ring: Option<&KeyRing>,
        settings: &[InstanceSettings; Instance::COUNT],
    ) -> Self {
        Self::with_clock(cluster, source, ring, settings, Timestamp::now)
    }

    /// The same, with another wall clock: for simulations.
    pub fn with_clock(
        cluster: &str,
        source: Source,
        ring: Option<&KeyRing>,
        settings: &[InstanceSettings; Instance::COUNT],
        clock: WallClock,
    ) -> Self {
        let source = Arc::new(source);
        let interest = Arc::<SharedInterest>::default();
        let exchanges = Instance::ALL.map(|instance| {
            let sealer = Sealer::new(cluster, ring, source.clone(), instance);
            let settings = settings
                .get(instance.index())
                .copied()
                .unwrap_or_else(|| InstanceSettings::default_for(instance));
            Arc::new(Exchange::new(instance, settings, sealer, interest.clone(), clock))
        });
        Self {
            inner: Arc::new(Inner {
                source,
                exchanges,
                interest,
                slots: Mutex::default(),
                seats: AtomicU64::new(0),
                now_ms: AtomicU64::new(0),
                clock,
            }),
        }
    }

    /// Publishes from any thread. Never blocks on a subscriber or a peer, never panics.
    ///
    /// When it returns, the message is in this node's memory, in order, and on its way to local subscriptions and
    /// every interested peer.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published and no number was used up.
    pub fn publish(&self, instance: Instance, draft: &Draft) -> Result<MessageId, PublishError> {
        self.exchange(instance).publish(draft, self.now(), (self.inner.clock)())
    }

    /// Subscribes to what matches any of `patterns` in `instance`, from now on. A message that several of them match
    /// is delivered once. Peers learn of it through the [interest](Self::interest).
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub fn subscribe(
        &self,
        instance: Instance,
        patterns: impl IntoIterator<Item = Pattern>,
    ) -> Result<Subscription, SubscribeError> {
        let mut patterns: Vec<Pattern> = patterns.into_iter().collect();
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.is_empty() {
            return Err(SubscribeError::NoPattern);
        }
        let exchange = self.exchange(instance).clone();
        let (group, cursor, since) = exchange.subscribe(patterns.into())?;
        Ok(Subscription::new(exchange, group, cursor, since))
    }

    /// What this node has subscriptions for. Hold it briefly: subscribing waits for it.
    pub fn interest(&self) -> MutexGuard<'_, Interest> {
        self.inner.interest.lock()
    }

    /// The interest's version, to be woken when it changes.
    pub fn interest_version(&self) -> watch::Receiver<u64> {
        self.inner.interest.watch()
    }

    /// Gives another source a place in the tables, so that its messages can be delivered. With `from_start`, present
    /// subscriptions want it from its first message.
    pub fn attach(&self, source: Arc<Source>, from_start: bool) -> SourceSlot {
        let mut slots = self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let free = slots.iter().position(|taken| !taken).unwrap_or(slots.len());
        match slots.get_mut(free) {
            Some(place) => *place = true,
            None => slots.push(true),
        }
        let slot = SourceSlot(free);
        let exchanges = &self.inner.exchanges;
        exchanges
            .iter()
            .for_each(|exchange| exchange.open_slot(slot, source.clone()));
        if from_start {
            self.inner
                .exchanges
                .iter()
                .for_each(|exchange| exchange.open_from_start(slot));
        }
        slot
    }

    /// Forgets a source. Its slot may be given to another.
    pub fn detach(&self, slot: SourceSlot) {
        self.inner
            .exchanges
            .iter()
            .for_each(|exchange| exchange.close_slot(slot));
        let mut slots = self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = slots.get_mut(slot.0) {
            *place = false;
        }
    }

    /// Delivers verified messages of another source, in feed order, to the subscriptions that want them.
    pub fn deliver(&self, slot: SourceSlot, instance: Instance, batch: &Batch) {
        self.exchange(instance).deliver(slot, batch, &[]);
    }

    /// The same where the source has chosen this node for some of the messages: by place in the batch, the queue group
    /// of which a subscription gets it.
    pub fn deliver_chosen(&self, slot: SourceSlot, instance: Instance, batch: &Batch, chosen: &[(usize, Pattern)]) {
        self.exchange(instance).deliver(slot, batch, chosen);
    }

    /// A seat for a link to `peer` in the queue groups of this node's feed.
    pub fn queue_seat(&self, instance: Instance, peer: Arc<Source>) -> QueueSeat {
        let number = self.inner.seats.fetch_add(1, Ordering::Relaxed);
        QueueSeat::new(self.exchange(instance).clone(), peer, number)
    }

    /// Whether a subscription of this node, or a queue group of the mesh, wants what is published on the topic.
    pub fn is_wanted(&self, instance: Instance, topic: &str) -> bool {
        self.exchange(instance).is_wanted(topic)
    }

    /// Tells subscriptions that messages of another source will not come. `gap.count` is recomputed for each as an
    /// upper bound.
    pub fn deliver_gap(&self, slot: SourceSlot, gap: &Gap) {
        self.exchange(gap.instance).deliver_gap(slot, gap);
    }

    /// Tells subscriptions that another source's feed has ended.
    pub fn deliver_end(&self, slot: SourceSlot, ended: &EpochEnded) {
        self.exchange(ended.instance).deliver_end(slot, ended);
    }

    /// A source confirms that from `live_from` on it sends everything that matches the pattern, as version `added` of
    /// the interest announced it. False if that entry is gone.
    pub fn open(&self, slot: SourceSlot, instance: Instance, pattern: &Pattern, added: u64, live_from: u64) -> bool {
        self.exchange(instance).open(slot, pattern, added, live_from)
    }

    /// From which seq the source was asked to send, or confirmed to send, the pattern's messages.
    pub fn live_from(&self, slot: SourceSlot, instance: Instance, pattern: &Pattern) -> Option<u64> {
        self.exchange(instance).live_from(slot, pattern)
    }

    /// Whether the source has confirmed every one of the patterns.
    pub fn is_confirmed(&self, slot: SourceSlot, instance: Instance, patterns: &[Pattern]) -> bool {
        self.exchange(instance).is_confirmed(slot, patterns)
    }

    /// Seq of the newest message of this node's own feed; 0 if there was none yet.
    pub fn head(&self, instance: Instance) -> u64 {
        self.exchange(instance).head()
    }

    /// Copies up to `max` messages of this node's own feed into `out`, from `seq` on.
    pub fn read_feed(&self, instance: Instance, seq: u64, max: usize, out: &mut Vec<Envelope>) -> FeedRead {
        self.exchange(instance).read_feed(seq, max, out)
    }

    /// The same by batches, up to `max` of them: only the newest, as long as it is small, is copied.
    pub fn read_batches(&self, instance: Instance, seq: u64, max: usize, out: &mut Vec<BatchTail>) -> FeedRead {
        self.exchange(instance).read_batches(seq, max, out)
    }

    /// Whether a message published on the topic now fits into the queue of every local subscription that reads. One
    /// that has left its queue untouched for a second, or has lost messages already, does not count. `now` is any clock
    /// that only rises, the same at each call.
    pub fn has_room(&self, instance: Instance, topic: &str, now: Duration) -> bool {
        self.exchange(instance).has_room(topic, now)
    }

    /// How many more messages fit into the queue of every local subscription of the instance that reads.
    pub fn room(&self, instance: Instance, now: Duration) -> Room {
        self.exchange(instance).room(now)
    }

    /// How far the slowest local subscription that reads has come, if it has left half of its queue unread: a number that
    /// rises while it reads.
    pub fn crowded_at(&self, instance: Instance) -> Option<u64> {
        self.exchange(instance).crowded_at()
    }

    /// Watches this node's own feed of an instance.
    pub fn watch_feed(&self, instance: Instance) -> FeedWatch {
        FeedWatch::new(self.exchange(instance).clone())
    }

    /// What seals this node's feed of an instance now.
    pub fn sealer(&self, instance: Instance) -> Arc<Sealer> {
        self.exchange(instance).sealer()
    }

    /// From now on the first key of another ring signs. What was published before stays as it is in the backlog, and is
    /// [signed anew](Sealer::sign_anew) for whoever reads it from there. A broker without a ring stays without.
    pub fn replace_ring(&self, ring: &KeyRing) {
        let exchanges = &self.inner.exchanges;
        exchanges.iter().for_each(|exchange| exchange.replace_ring(ring));
    }

    /// The bounds of an instance, as they are now.
    pub fn settings(&self, instance: Instance) -> InstanceSettings {
        self.exchange(instance).settings()
    }

    /// The largest payload that an instance accepts now. Costs less than its [settings](Self::settings).
    pub fn max_payload_bytes(&self, instance: Instance) -> usize {
        self.exchange(instance).max_payload_bytes()
    }

    /// Has an instance hold and accept as much as these settings say, from the next message on. What is there and no longer
    /// fits goes at once: peers and subscriptions that had not read it get their gaps, and by
    /// [`Overflow::Disconnect`](crate::Overflow) such a subscription ends.
    pub fn change_settings(&self, instance: Instance, settings: InstanceSettings) {
        self.exchange(instance).change(settings, self.now());
    }

    /// The running totals of an instance.
    pub fn counters(&self, instance: Instance) -> &Counters {
        self.exchange(instance).counters()
    }

    /// Messages and bytes in the backlog of an instance.
    pub fn backlog_size(&self, instance: Instance) -> (usize, usize) {
        self.exchange(instance).backlog_size()
    }

    /// The subscriptions of an instance with their queues.
    pub fn subscriptions(&self, instance: Instance) -> Vec<SubscriptionInfo> {
        self.exchange(instance).subscriptions()
    }

    /// How much waits for the subscriptions of an instance. Costs less than to [list](Self::subscriptions) them.
    pub fn queues(&self, instance: Instance) -> Queues {
        self.exchange(instance).queues()
    }

    /// The topics of an instance with the most messages, published here or received, those first. Counted since the node
    /// started, or since it knew 131,072 of them and began anew. Holds up publishers while it looks at all of them, some
    /// nanoseconds each.
    pub fn busiest_topics(&self, instance: Instance, most: usize) -> Vec<TopicCount> {
        self.exchange(instance).busiest_topics(most)
    }

    /// Whether the source has confirmed everything that this node's subscriptions want of the instance. One without a
    /// slot, which was never heard, has confirmed nothing; that is enough where nothing is wanted.
    pub fn has_confirmed_all(&self, slot: Option<SourceSlot>, instance: Instance) -> bool {
        self.exchange(instance).has_confirmed_all(slot)
    }

    /// This node's run.
    pub fn source(&self) -> &Arc<Source> {
        &self.inner.source
    }

    /// Tells the broker how long it has been running: what is too old goes. Call it about once a second.
    pub fn tick(&self, now: Duration) {
        self.inner
            .now_ms
            .store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.inner.exchanges.iter().for_each(|exchange| exchange.expire(now));
    }

    /// From now on every publish is refused; what was accepted is still delivered.
    pub fn refuse_publishes(&self) {
        self.inner
            .exchanges
            .iter()
            .for_each(|exchange| exchange.refuse_publishes());
    }

    /// Ends all subscriptions: each hands out what waits for it and then ends.
    pub fn end_subscriptions(&self) {
        self.inner
            .exchanges
            .iter()
            .for_each(|exchange| exchange.end_subscriptions());
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.inner.now_ms.load(Ordering::Relaxed))
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "one exchange per instance, indexed by the instance"
    )]
    fn exchange(&self, instance: Instance) -> &Arc<Exchange> {
        &self.inner.exchanges[instance.index()]
    }
}

#[cfg(test)]
mod tests;
