//! The sources whose feeds come here: how far each has come, whichever link carries it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_broker::{Broker, EpochEnded, SourceSlot};
use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Epoch, Instance, NodeId, Source};

use crate::floods::Floods;
use crate::incoming_feed::IncomingFeed;

/// Nodes whose feeds are remembered; beyond it, one that is long gone is forgotten.
const REMEMBERED: usize = 1024;
/// The number of a link that no frame counts for: the run is over.
const OVER: u64 = u64::MAX;

/// What carries the feeds of a source: sockets and tasks beside the rules.
pub trait Carrier: Default {
    /// The run is over: whatever carries it ends.
    fn over(&self);
}

/// Nothing carries them: for simulations.
impl Carrier for () {
    fn over(&self) {}
}

/// One source. Lives as long as its epoch, over any number of links.
#[derive(Debug)]
pub struct Upstream<C> {
    /// The run.
    pub source: Arc<Source>,
    /// Its place in the broker.
    pub slot: SourceSlot,
    /// What carries it.
    pub carrier: C,
    feeds: [Mutex<IncomingFeed>; Instance::COUNT],
    /// The number of the link that may deliver; frames of an older one are void.
    link: AtomicU64,
    /// Whether subscriptions were told that it is gone. It may come back all the same, after a long partition; then
    /// its feeds go on where they stopped.
    told_gone: AtomicBool,
}

/// All sources other than this node.
#[derive(Debug)]
pub struct Upstreams<C> {
    broker: Broker,
    table: Mutex<HashMap<NodeId, Arc<Upstream<C>>>>,
    /// The run of each node before its present one, and how far its feeds came here: what a replay can no longer ask
    /// for is told as a gap. Bounded like the table.
    past: Mutex<HashMap<NodeId, PastRun>>,
    floods: Arc<Floods>,
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// Which.
    pub source: Arc<Source>,
    /// Per instance, the last seq of its feed that this node knows of.
    pub last: [u64; Instance::COUNT],
    /// Per instance, whether the run itself has said that this was its last.
    pub is_whole: [bool; Instance::COUNT],
}

/// Why a link cannot deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// A newer run of the node is known.
    #[error("a newer run is known")]
    Stale,
    /// A newer link of the same run has taken over.
    #[error("a newer link has taken over")]
    Replaced,
}

impl<C: Carrier> Upstreams<C> {
    /// No sources yet.
    pub fn new(broker: Broker) -> Self {
        Self {
            broker,
            table: Mutex::default(),
            past: Mutex::default(),
            floods: Arc::default(),
        }
    }

    /// A new link of a source: its frames count from now on, and an older link's do not. A newer run ends the older.
    ///
    /// With `from_start`, a source not known before is read from its first message. A newer run of a node that was
    /// known always is: it began after the older, whose subscribers wait for what it says.
    ///
    /// # Errors
    /// [`LinkRefused`].
    pub fn accept_link(&self, source: &Source, link: u64, from_start: bool) -> Result<Arc<Upstream<C>>, LinkRefused> {
        let mut table = self.lock();
        let known = table.get(&source.node).cloned();
        let upstream = match known {
            Some(known) if known.source.epoch > source.epoch => return Err(LinkRefused::Stale),
            Some(known) if known.source.epoch == source.epoch => known,
            other => {
                if let Some(older) = other {
                    self.finish(&older);
                }
                let past = self.lock_past().get(&source.node).map(|past| past.source.epoch);
                let is_restart = past.is_some_and(|past| past < source.epoch);
                let upstream = Arc::new(self.add(source, from_start || is_restart));
                if table.len() >= REMEMBERED {
                    self.forget_one(&mut table);
                }
                table.insert(source.node.clone(), upstream.clone());
                upstream
            }
        };
        if upstream.link.fetch_max(link, Ordering::AcqRel) >= link {
            return Err(LinkRefused::Replaced);
        }
        upstream.told_gone.store(false, Ordering::Release);
        Ok(upstream)
    }

    fn add(&self, source: &Source, from_start: bool) -> Upstream<C> {
        let source = Arc::new(source.clone());
        let slot = self.broker.attach(source.clone(), from_start);
        let feed = if from_start {
            IncomingFeed::from_start()
        } else {
            IncomingFeed::default()
        };
        Upstream {
            source,
            slot,
            carrier: C::default(),
            feeds: std::array::from_fn(|_| Mutex::new(feed.clone())),
            link: AtomicU64::new(0),
            told_gone: AtomicBool::new(false),
        }
    }

    /// The run that a present link, of this number, delivers.
    ///
    /// # Errors
    /// [`LinkRefused::Replaced`]: no such link is present.
    pub fn of_link(&self, source: &Source, link: u64) -> Result<Arc<Upstream<C>>, LinkRefused> {
        self.run(source)
            .filter(|known| known.is_current(link))
            .ok_or(LinkRefused::Replaced)
    }

    /// The highest run of a node that ever linked to this one.
    pub fn known_epoch(&self, node: &NodeId) -> Option<Epoch> {
        self.lock().get(node).map(|upstream| upstream.source.epoch)
    }

    /// The run has been silent for so long that it is taken for gone. How far its feeds came is remembered.
    pub fn expire(&self, source: &Source) {
        if let Some(upstream) = self.run(source) {
            self.tell_gone(&upstream);
        }
    }

    /// The run is over: its feeds end, and what was not told to have ended may have lost its tail.
    pub fn end(&self, source: &Source) {
        let Some(upstream) = self.run(source) else { return };
        self.lock().remove(&source.node);
        self.finish(&upstream);
    }

    /// A node's present run, if any of its links was ever up.
    pub fn of(&self, node: &NodeId) -> Option<Arc<Upstream<C>>> {
        self.lock().get(node).cloned()
    }

    /// How many nodes have a run that is not over.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Which of them flood.
    pub fn floods(&self) -> &Arc<Floods> {
        &self.floods
    }

    /// All present runs, by node id.
    pub fn all(&self) -> Vec<Arc<Upstream<C>>> {
        let mut all: Vec<_> = self.lock().values().cloned().collect();
        all.sort_unstable_by(|a, b| a.source.node.cmp(&b.source.node));
        all
    }

    /// The runs that are over, the last of each node, by node id.
    pub fn past(&self) -> Vec<PastRun> {
        let mut past: Vec<_> = self.lock_past().values().cloned().collect();
        past.sort_unstable_by(|a, b| a.source.node.cmp(&b.source.node));
        past
    }

    fn run(&self, source: &Source) -> Option<Arc<Upstream<C>>> {
        self.of(&source.node).filter(|known| *known.source == *source)
    }

    fn finish(&self, upstream: &Upstream<C>) {
        if is_planted(Planted::OldRunDelivers) {
            return self.tell_gone(upstream);
        }
        upstream.link.store(OVER, Ordering::Release);
        upstream.carrier.over();
        self.tell_gone(upstream);
        self.broker.detach(upstream.slot);
        let run = PastRun {
            source: upstream.source.clone(),
            last: Instance::ALL.map(|instance| upstream.feed(instance).seen()),
            is_whole: Instance::ALL.map(|instance| upstream.feed(instance).has_ended()),
        };
        let mut past = self.lock_past();
        if past.len() >= REMEMBERED && !past.contains_key(&run.source.node) {
            let oldest = past.values().map(|run| run.source.epoch).min();
            past.retain(|_, run| Some(run.source.epoch) != oldest);
        }
        past.insert(run.source.node.clone(), run);
    }

    fn tell_gone(&self, upstream: &Upstream<C>) {
        if is_planted(Planted::EndNotTold) || upstream.told_gone.swap(true, Ordering::AcqRel) {
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

    fn forget_one(&self, table: &mut HashMap<NodeId, Arc<Upstream<C>>>) {
        let gone = table
            .values()
            .find(|upstream| upstream.told_gone.load(Ordering::Acquire))
            .cloned();
        if let Some(gone) = gone {
            table.remove(&gone.source.node);
            self.finish(&gone);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, Arc<Upstream<C>>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_past(&self) -> MutexGuard<'_, HashMap<NodeId, PastRun>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Upstream<C> {
    /// Whether frames of this link still count. Ask while holding the feed they are for.
    pub fn is_current(&self, link: u64) -> bool {
        self.link.load(Ordering::Acquire) == link
    }

    /// How far a feed has come. Hold it briefly.
    #[expect(clippy::indexing_slicing, reason = "one feed per instance, indexed by the instance")]
    pub fn feed(&self, instance: Instance) -> MutexGuard<'_, IncomingFeed> {
        self.feeds[instance.index()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Per instance the next seq to ask for.
    pub fn next(&self) -> Vec<u64> {
        Instance::ALL
            .into_iter()
            .map(|instance| self.feed(instance).next())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use bellwether_broker::InstanceSettings;

    use super::*;

    fn source(node: &str, epoch: u64) -> Source {
        Source {
            node: NodeId::new(node).unwrap(),
            epoch: Epoch(epoch),
        }
    }

    #[test]
    fn a_newer_run_of_a_known_node_is_read_from_its_first_message_even_before_the_first_join() {
        let settings = Instance::ALL.map(InstanceSettings::default_for);
        let upstreams = Upstreams::<()>::new(Broker::new("c", source("b", 1), None, &settings));
        let first = upstreams.accept_link(&source("a", 1), 1, false).unwrap();
        assert_eq!(
            first.next(),
            [0; Instance::COUNT],
            "a stranger's past is not for this node"
        );
        let second = upstreams.accept_link(&source("a", 2), 1, false).unwrap();
        assert_eq!(second.next(), [1; Instance::COUNT]);
        upstreams.end(&source("a", 2));
        let third = upstreams.accept_link(&source("a", 3), 1, false).unwrap();
        assert_eq!(third.next(), [1; Instance::COUNT], "also after a stop in good order");
    }
}
