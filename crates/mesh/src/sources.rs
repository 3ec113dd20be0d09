//! The sources whose feeds come here, with what carries each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_broker::{Broker, SourceSlot};
use bellwether_message::{Epoch, KeyId, NodeId, Source};
use bellwether_protocol::floods::Floods;
use bellwether_protocol::lane::Lane;
use bellwether_protocol::upstream::{self, Carrier, LinkRefused, PastRun, Upstreams};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// One source, with the connections that carry its feeds.
pub(crate) type Upstream = upstream::Upstream<Carrying>;

/// All sources other than this node.
#[derive(Debug)]
pub(crate) struct Sources {
    upstreams: Upstreams<Carrying>,
    /// Counts confirmations: wakes whoever waits for a subscription to be live.
    confirmations: watch::Sender<u64>,
}

/// The connections that carry a source's feeds.
#[derive(Debug, Default)]
pub(crate) struct Carrying {
    session: Mutex<CancellationToken>,
    /// The connection that carries each lane now: a newer one of the same link replaces it.
    lanes: Mutex<[CancellationToken; Lane::ALL.len()]>,
    /// The keys of its node, as it has told on the link that is up.
    keys: Mutex<Option<Vec<KeyId>>>,
    /// Something was received that is not acknowledged yet.
    pub(crate) ack_due: Notify,
}

impl Carrier for Carrying {
    fn over(&self) {
        self.session().cancel();
    }
}

impl Carrying {
    /// The ids of its node's keys, the signing one first; `None` while its link is not up.
    pub(crate) fn keys(&self) -> Option<Vec<KeyId>> {
        self.lock_keys().clone()
    }

    /// Its node has told its keys, or its link has gone.
    pub(crate) fn set_keys(&self, keys: Option<Vec<KeyId>>) {
        *self.lock_keys() = keys;
    }

    fn lock_keys(&self) -> MutexGuard<'_, Option<Vec<KeyId>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self) -> MutexGuard<'_, CancellationToken> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sources {
    pub(crate) fn new(broker: Broker) -> Self {
        Self {
            upstreams: Upstreams::new(broker),
            confirmations: watch::Sender::new(0),
        }
    }

    /// A new link of a source, whose connections end with the token. See [`Upstreams::accept_link`].
    pub(crate) fn accept_link(
        &self,
        source: &Source,
        link: u64,
        from_start: bool,
    ) -> Result<(Arc<Upstream>, CancellationToken), LinkRefused> {
        let before = self.known_epoch(&source.node);
        let upstream = self.upstreams.accept_link(source, link, from_start)?;
        if before.is_some_and(|before| before < source.epoch) {
            self.confirmed();
        }
        let session = CancellationToken::new();
        std::mem::replace(&mut *upstream.carrier.session(), session.clone()).cancel();
        Ok((upstream, session))
    }

    /// A further lane of the link that is up.
    pub(crate) fn accept_lane(
        &self,
        source: &Source,
        link: u64,
        lane: Lane,
    ) -> Result<(Arc<Upstream>, CancellationToken), LinkRefused> {
        let upstream = self.upstreams.of_link(source, link)?;
        let token = upstream.carrier.session().child_token();
        let mut lanes = upstream.carrier.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = lanes.get_mut(lane as usize) {
            std::mem::replace(slot, token.clone()).cancel();
        }
        drop(lanes);
        Ok((upstream, token))
    }

    /// The highest run of a node that ever linked to this one.
    pub(crate) fn known_epoch(&self, node: &NodeId) -> Option<Epoch> {
        self.upstreams.known_epoch(node)
    }

    /// The run has been silent for so long that it is taken for gone.
    pub(crate) fn expire(&self, source: &Source) {
        self.upstreams.expire(source);
    }

    /// The run is over.
    pub(crate) fn end(&self, source: &Source) {
        self.upstreams.end(source);
        self.confirmed();
    }

    /// The slot of a node's present run, if any of its links was ever up.
    pub(crate) fn slot(&self, node: &NodeId) -> Option<SourceSlot> {
        self.upstreams.of(node).map(|upstream| upstream.slot)
    }

    /// All present runs, by node id.
    pub(crate) fn all(&self) -> Vec<Arc<Upstream>> {
        self.upstreams.all()
    }

    /// The last run of each node that is over, by node id.
    pub(crate) fn past(&self) -> Vec<PastRun> {
        self.upstreams.past()
    }

    /// How many sources there are.
    pub(crate) fn count(&self) -> usize {
        self.upstreams.count()
    }

    /// Which of them flood.
    pub(crate) fn floods(&self) -> &Arc<Floods> {
        self.upstreams.floods()
    }

    /// Something was confirmed, or a source has gone.
    pub(crate) fn confirmed(&self) {
        self.confirmations.send_modify(|count| *count += 1);
    }

    pub(crate) fn confirmations(&self) -> watch::Receiver<u64> {
        self.confirmations.subscribe()
    }
}
