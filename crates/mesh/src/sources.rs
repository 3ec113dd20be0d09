//! The sources whose feeds come here: how far each has come, whichever link carries it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_broker::{Broker, EpochEnded, SourceSlot};
use bellwether_message::{Epoch, Instance, NodeId, Source};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::lane::Lane;
use crate::protocol::close::Close;
use crate::protocol::incoming_feed::IncomingFeed;

/// Nodes whose feeds are remembered; beyond it, one that is long gone is forgotten.
const REMEMBERED: usize = 1024;

/// All sources other than this node.
#[derive(Debug)]
pub(crate) struct Sources {
    broker: Broker,
    table: Mutex<HashMap<NodeId, Arc<Upstream>>>,
    /// Counts confirmations: wakes whoever waits for a subscription to be live.
    confirmations: watch::Sender<u64>,
}

/// One source. Lives as long as its epoch, over any number of links.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) source: Arc<Source>,
    pub(crate) slot: SourceSlot,
    feeds: [Mutex<IncomingFeed>; Instance::COUNT],
    /// The number of the link that may deliver; frames of an older one are void.
    link: AtomicU64,
    session: Mutex<CancellationToken>,
    /// Whether subscriptions were told that it is gone. It may come back all the same, after a long partition; then
    /// its feeds go on where they stopped.
    told_gone: AtomicBool,
    /// The connection that carries each lane now: a newer one of the same link replaces it.
    lanes: Mutex<[CancellationToken; Lane::ALL.len()]>,
    /// Something was received that is not acknowledged yet.
    pub(crate) ack_due: Notify,
}

impl Sources {
    pub(crate) fn new(broker: Broker) -> Self {
        Self {
            broker,
            table: Mutex::default(),
            confirmations: watch::Sender::new(0),
        }
    }

    /// A new link of a source: its frames count from now on, and an older link's do not. A newer run ends the older.
    ///
    /// With `from_start`, a source not known before is read from its first message.
    pub(crate) fn accept_link(
        &self,
        source: &Source,
        link: u64,
        from_start: bool,
    ) -> Result<(Arc<Upstream>, CancellationToken), Close> {
        let mut table = self.lock();
        let known = table.get(&source.node).cloned();
        let upstream = match known {
            Some(known) if known.source.epoch > source.epoch => return Err(Close::StaleEpoch),
            Some(known) if known.source.epoch == source.epoch => known,
            other => {
                if let Some(older) = other {
                    self.finish(&older);
                }
                let source = Arc::new(source.clone());
                let slot = self.broker.attach(source.clone(), from_start);
                let feed = if from_start {
                    IncomingFeed::from_start()
                } else {
                    IncomingFeed::default()
                };
                let upstream = Arc::new(Upstream {
                    source: source.clone(),
                    slot,
                    feeds: std::array::from_fn(|_| Mutex::new(feed.clone())),
                    link: AtomicU64::new(0),
                    session: Mutex::default(),
                    told_gone: AtomicBool::new(false),
                    lanes: Mutex::default(),
                    ack_due: Notify::new(),
                });
                if table.len() >= REMEMBERED {
                    self.forget_one(&mut table);
                }
                table.insert(source.node.clone(), upstream.clone());
                upstream
            }
        };
        if upstream.link.fetch_max(link, Ordering::AcqRel) >= link {
            return Err(Close::Replaced);
        }
        let session = CancellationToken::new();
        upstream.told_gone.store(false, Ordering::Release);
        std::mem::replace(&mut *upstream.session(), session.clone()).cancel();
        Ok((upstream, session))
    }

    /// A further lane of the link that is up.
    pub(crate) fn accept_lane(
        &self,
        source: &Source,
        link: u64,
        lane: Lane,
    ) -> Result<(Arc<Upstream>, CancellationToken), Close> {
        let upstream = self
            .lock()
            .get(&source.node)
            .cloned()
            .filter(|known| *known.source == *source);
        let upstream = upstream.filter(|known| known.is_current(link)).ok_or(Close::Replaced)?;
        let token = upstream.session().child_token();
        let mut lanes = upstream.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = lanes.get_mut(lane as usize) {
            std::mem::replace(slot, token.clone()).cancel();
        }
        drop(lanes);
        Ok((upstream, token))
    }

    /// The highest run of a node that ever linked to this one.
    pub(crate) fn known_epoch(&self, node: &NodeId) -> Option<Epoch> {
        self.lock().get(node).map(|upstream| upstream.source.epoch)
    }

    /// The run has been silent for so long that it is taken for gone. How far its feeds came is remembered.
    pub(crate) fn expire(&self, source: &Source) {
        let upstream = self
            .lock()
            .get(&source.node)
            .filter(|known| *known.source == *source)
            .cloned();
        if let Some(upstream) = upstream {
            self.tell_gone(&upstream);
        }
    }

    /// The run is over: its feeds end, and what was not told to have ended may have lost its tail.
    pub(crate) fn end(&self, source: &Source) {
        let mut table = self.lock();
        if let Some(upstream) = table
            .get(&source.node)
            .filter(|known| *known.source == *source)
            .cloned()
        {
            table.remove(&source.node);
            self.finish(&upstream);
        }
    }

    fn finish(&self, upstream: &Upstream) {
        upstream.link.store(u64::MAX, Ordering::Release);
        upstream.session().cancel();
        self.tell_gone(upstream);
        self.broker.detach(upstream.slot);
        self.confirmed();
    }

    fn tell_gone(&self, upstream: &Upstream) {
        if upstream.told_gone.swap(true, Ordering::AcqRel) {
            return;
        }
        for instance in Instance::ALL {
            let feed = upstream.feed(instance);
            if !feed.has_ended() {
                let (source, last_seq) = (upstream.source.clone(), feed.seen());
                let ended = EpochEnded {
                    source,
                    instance,
                    last_seq,
                    tail_unknown: true,
                };
                self.broker.deliver_end(upstream.slot, &ended);
            }
        }
    }

    fn forget_one(&self, table: &mut HashMap<NodeId, Arc<Upstream>>) {
        let gone = table
            .values()
            .find(|upstream| upstream.told_gone.load(Ordering::Acquire))
            .cloned();
        if let Some(gone) = gone {
            table.remove(&gone.source.node);
            self.finish(&gone);
        }
    }

    /// The slot of a node's present run, if any of its links was ever up.
    pub(crate) fn slot(&self, node: &NodeId) -> Option<SourceSlot> {
        self.lock().get(node).map(|upstream| upstream.slot)
    }

    /// Something was confirmed, or a source has gone.
    pub(crate) fn confirmed(&self) {
        self.confirmations.send_modify(|count| *count += 1);
    }

    pub(crate) fn confirmations(&self) -> watch::Receiver<u64> {
        self.confirmations.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, Arc<Upstream>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstream {
    /// Whether frames of this link still count. Ask while holding the feed they are for.
    pub(crate) fn is_current(&self, link: u64) -> bool {
        self.link.load(Ordering::Acquire) == link
    }

    #[expect(clippy::indexing_slicing, reason = "one feed per instance, indexed by the instance")]
    pub(crate) fn feed(&self, instance: Instance) -> MutexGuard<'_, IncomingFeed> {
        self.feeds[instance.index()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Per instance the next seq to ask for.
    pub(crate) fn next(&self) -> Vec<u64> {
        Instance::ALL
            .into_iter()
            .map(|instance| self.feed(instance).next())
            .collect()
    }

    fn session(&self) -> MutexGuard<'_, CancellationToken> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
