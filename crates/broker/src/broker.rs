//! The ten instances of one node.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_message::{
    Draft, DraftError, Envelope, Instance, KeyRing, MessageId, Pattern, SealError, Sealer, Source, Timestamp,
};
use tokio::sync::watch;

use crate::counters::Counters;
use crate::delivery::{EpochEnded, Gap};
use crate::exchange::{Exchange, FeedRead, SourceSlot};
use crate::interest::Interest;
use crate::settings::InstanceSettings;
use crate::signal::FeedWatch;
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
    interest: Arc<Mutex<Interest>>,
    interest_version: Arc<watch::Sender<u64>>,
    slots: Mutex<Vec<Option<Arc<Source>>>>,
    now_ms: AtomicU64,
}

impl Broker {
    /// A broker for the run `source` of a node. Without a key ring its messages are unsigned and must stay here.
    pub fn new(
        cluster: &str,
        source: Source,
        ring: Option<&KeyRing>,
        settings: &[InstanceSettings; Instance::COUNT],
    ) -> Self {
        let source = Arc::new(source);
        let exchanges = Instance::ALL.map(|instance| {
            let sealer = Sealer::new(cluster, ring, source.clone(), instance);
            let settings = settings
                .get(instance.index())
                .copied()
                .unwrap_or_else(|| InstanceSettings::default_for(instance));
            Arc::new(Exchange::new(instance, settings, sealer))
        });
        Self {
            inner: Arc::new(Inner {
                source,
                exchanges,
                interest: Arc::default(),
                interest_version: Arc::new(watch::Sender::new(0)),
                slots: Mutex::default(),
                now_ms: AtomicU64::new(0),
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
        self.exchange(instance).publish(draft, self.now(), Timestamp::now())
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
        let (group, cursor) = exchange.subscribe(patterns.into(), &self.inner.interest)?;
        self.announce_interest();
        Ok(Subscription::new(self.clone(), exchange, group, cursor))
    }

    pub(crate) fn unsubscribed(
        &self,
        exchange: &Exchange,
        group: &Arc<crate::group::Group>,
        cursor: crate::ring::CursorId,
    ) {
        exchange.unsubscribe(group, cursor, &self.inner.interest);
        self.announce_interest();
    }

    fn announce_interest(&self) {
        let version = self.interest().version();
        self.inner.interest_version.send_if_modified(|known| {
            let newer = version > *known;
            *known = version.max(*known);
            newer
        });
    }

    /// What this node has subscriptions for. Hold it briefly: subscribing waits for it.
    pub fn interest(&self) -> MutexGuard<'_, Interest> {
        self.inner.interest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The interest's version, to be woken when it changes.
    pub fn interest_version(&self) -> watch::Receiver<u64> {
        self.inner.interest_version.subscribe()
    }

    /// Gives another source a place in the tables, so that its messages can be delivered. With `from_start`, present
    /// subscriptions want it from its first message.
    pub fn attach(&self, source: Arc<Source>, from_start: bool) -> SourceSlot {
        let mut slots = self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let free = slots.iter().position(Option::is_none).unwrap_or(slots.len());
        match slots.get_mut(free) {
            Some(slot) => *slot = Some(source),
            None => slots.push(Some(source)),
        }
        let slot = SourceSlot(free);
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
            *place = None;
        }
    }

    /// Delivers verified messages of another source, in feed order, to the subscriptions that want them.
    pub fn deliver(&self, slot: SourceSlot, instance: Instance, envelopes: &[Envelope]) {
        self.exchange(instance).deliver(slot, envelopes);
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

    /// Copies up to `max` messages of this node's own feed into `out`, from `seq` on.
    pub fn read_feed(&self, instance: Instance, seq: u64, max: usize, out: &mut Vec<Envelope>) -> FeedRead {
        self.exchange(instance).read_feed(seq, max, out)
    }

    /// Watches this node's own feed of an instance.
    pub fn watch_feed(&self, instance: Instance) -> FeedWatch {
        FeedWatch::new(self.exchange(instance).clone())
    }

    /// The sealer of this node's feed of an instance.
    pub fn sealer(&self, instance: Instance) -> &Sealer {
        self.exchange(instance).sealer()
    }

    /// The bounds of an instance.
    pub fn settings(&self, instance: Instance) -> &InstanceSettings {
        self.exchange(instance).settings()
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
    /// The node has as many distinct patterns as it may.
    #[error("this node already has {} distinct patterns; use wildcards", crate::MAX_PATTERNS)]
    TooManyPatterns,
    /// The node is stopping.
    #[error("the node is stopping and accepts no more subscriptions")]
    Closed,
}

#[cfg(test)]
mod tests;
