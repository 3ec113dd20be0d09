//! Wakes a reader, cheaply when it is awake already.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Raised when there is something new; cheap when already raised.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    notify: Notify,
}

impl Signal {
    /// Marks that there is something new; true if the waiter must be notified.
    ///
    /// What is new must have been added under a lock that the waiter takes after clearing: then a mark that is still seen
    /// here is one that the waiter has yet to clear, or has cleared before it saw the addition.
    pub(crate) fn raise(&self) -> bool {
        // Most messages of a burst find it raised: a load costs nothing, a swap twenty cycles.
        !self.raised.load(Ordering::Acquire) && !self.raised.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn notify(&self) {
        self.notify.notify_one();
    }

    pub(crate) fn clear(&self) {
        self.raised.store(false, Ordering::Release);
    }

    /// Waits until it is raised.
    pub(crate) async fn raised(&self) {
        while !self.raised.load(Ordering::Acquire) {
            self.notify.notified().await;
        }
    }
}
