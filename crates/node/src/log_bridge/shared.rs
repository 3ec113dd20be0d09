//! What the layer, the bridge and its tasks have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::attached::Attached;
use super::audible::Audible;
use super::judge::Judge;
use super::queue::Queue;
use super::settings::LogBridgeSettings;

/// The state of a bridge.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: LogBridgeSettings,
    pub(super) audible: Audible,
    pub(super) queue: Queue,
    /// Records were added to an attached bridge's queue.
    pub(super) filled: Notify,
    pub(super) counts: Counts,
    judge: Mutex<Judge>,
    attached: RwLock<Option<Arc<Attached>>>,
    /// One thread at a time publishes, so that records keep their order.
    publishing: Mutex<()>,
    started: Instant,
}

/// What became of the records so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) published: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) excluded: AtomicU64,
    pub(super) limited: AtomicU64,
    pub(super) queue_full: AtomicU64,
    pub(super) switched_off: AtomicU64,
}

/// What became of a bridge's records since it was made. A record that waits is not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LogBridgeCounts {
    /// They were published.
    pub published: u64,
    /// They were refused when they were to be published.
    pub failed: u64,
    /// A filter kept them out.
    pub excluded: u64,
    /// There were too many in a second.
    pub limited: u64,
    /// There was no room where they wait.
    pub queue_full: u64,
    /// The integration was switched off.
    pub switched_off: u64,
}

impl Counts {
    pub(super) fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> LogBridgeCounts {
        LogBridgeCounts {
            published: self.published.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            excluded: self.excluded.load(Ordering::Relaxed),
            limited: self.limited.load(Ordering::Relaxed),
            queue_full: self.queue_full.load(Ordering::Relaxed),
            switched_off: self.switched_off.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    pub(super) fn new(settings: LogBridgeSettings) -> Self {
        Self {
            audible: Audible::new(&settings),
            queue: Queue::default(),
            filled: Notify::new(),
            counts: Counts::default(),
            judge: Mutex::new(Judge::new(&settings)),
            attached: RwLock::new(None),
            publishing: Mutex::new(()),
            started: Instant::now(),
            settings,
        }
    }

    /// The clock of rates and summaries.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Held for as long as one record is judged.
    pub(super) fn judging(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publishing(&self) -> MutexGuard<'_, ()> {
        self.publishing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn attached(&self) -> Option<Arc<Attached>> {
        self.attached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// False: a running node is attached already.
    pub(super) fn attach(&self, attached: Arc<Attached>) -> bool {
        let mut place = self.attached.write().unwrap_or_else(PoisonError::into_inner);
        let is_free = place.is_none();
        if is_free {
            *place = Some(attached);
        }
        is_free
    }

    pub(super) fn detach(&self) {
        let mut place = self.attached.write().unwrap_or_else(PoisonError::into_inner);
        let before = place.take();
        // A node that goes may log, and that looks here.
        drop(place);
        drop(before);
    }
}
