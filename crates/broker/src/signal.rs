//! Wakes links when a feed has grown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwether_message::Instance;
use tokio::sync::Notify;

use crate::exchange::Exchange;

/// Raised when there is something new; cheap when already raised.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    notify: Notify,
}

impl Signal {
    /// Marks that there is something new; true if the waiter must be notified.
    pub(crate) fn raise(&self) -> bool {
        !self.raised.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn notify(&self) {
        self.notify.notify_one();
    }
}

/// Tells one reader that this node's feed of an instance has grown. Dropping it ends the watch.
#[derive(Debug)]
pub struct FeedWatch {
    signal: Arc<Signal>,
    exchange: Arc<Exchange>,
}

impl FeedWatch {
    pub(crate) fn new(exchange: Arc<Exchange>) -> Self {
        let signal = Arc::new(Signal::default());
        exchange.add_signal(signal.clone());
        Self { signal, exchange }
    }

    /// The instance that is watched.
    pub fn instance(&self) -> Instance {
        self.exchange.instance()
    }

    /// Call it before looking at the feed: what is published from now on wakes [`changed`](Self::changed).
    pub fn clear(&self) {
        self.signal.raised.store(false, Ordering::Release);
    }

    /// Wakes the waiter though nothing was published; for whoever changes what the reader is to do.
    pub fn wake(&self) {
        if self.signal.raise() {
            self.signal.notify();
        }
    }

    /// Waits until something was published since the last [`clear`](Self::clear). Cancel safe.
    pub async fn changed(&self) {
        while !self.signal.raised.load(Ordering::Acquire) {
            self.signal.notify.notified().await;
        }
    }
}

impl Drop for FeedWatch {
    fn drop(&mut self) {
        self.exchange.remove_signal(&self.signal);
    }
}
