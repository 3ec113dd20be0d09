//! The pools of a node.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bellwether_monitor::emission::Emission;

use super::core::{Core, value};

/// Pools that a node may have at once: each has tasks, and tells of itself.
pub const MAX_POOLS: usize = 1_024;

/// The pools that run on a node; at most [`MAX_POOLS`].
#[derive(Debug, Default)]
pub(crate) struct EmitterPools {
    pools: Mutex<Vec<Weak<Core>>>,
    numbers: AtomicU64,
}

/// What all pools of a store on this node did, and do.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct StoreTotals {
    pub(super) events_per_second: f64,
    pub(super) total_events: u64,
    pub(super) active_subscriptions: u64,
}

/// Why a pool has no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    Taken,
    Full,
}

impl EmitterPools {
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives a pool its place, unless another emits to the same topic: that would double its events.
    pub(super) fn add(&self, core: &Arc<Core>) -> Result<(), NoPlace> {
        let mut pools = self.lock();
        pools.retain(|pool| pool.strong_count() > 0);
        if pools
            .iter()
            .any(|pool| pool.upgrade().is_some_and(|it| it.topic == core.topic))
        {
            return Err(NoPlace::Taken);
        }
        if pools.len() >= MAX_POOLS {
            return Err(NoPlace::Full);
        }
        pools.push(Arc::downgrade(core));
        Ok(())
    }

    pub(super) fn remove(&self, core: &Core) {
        self.lock()
            .retain(|pool| pool.upgrade().is_some_and(|it| it.number != core.number));
    }

    /// All of them, by topic.
    pub(super) fn all(&self) -> Vec<Arc<Core>> {
        let mut pools: Vec<Arc<Core>> = self.lock().iter().filter_map(Weak::upgrade).collect();
        pools.sort_by(|one, other| one.topic.cmp(&other.topic));
        pools
    }

    /// Ends all of them at once: the node stops.
    pub(crate) fn end_all(&self) {
        for pool in self.all() {
            pool.end("the node has stopped", true, false);
        }
    }

    /// What all pools of the store of this one do, if it is this one that speaks for them: the oldest does.
    pub(super) fn totals(&self, core: &Core) -> Option<StoreTotals> {
        let of_store = self
            .all()
            .into_iter()
            .filter(|pool| pool.settings.store == core.settings.store);
        let pools: Vec<Arc<Core>> = of_store.collect();
        let first = pools.iter().map(|pool| pool.number).min()?;
        if first != core.number {
            return None;
        }
        let mut totals = StoreTotals::default();
        for pool in &pools {
            totals.total_events = totals.total_events.saturating_add(value(&pool.counts.delivered));
            totals.events_per_second += value(&pool.counts.pace) as f64 / 1_000.0;
            if *pool.emission.borrow() != Emission::Paused {
                totals.active_subscriptions += 1;
            }
        }
        Some(totals)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Core>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
