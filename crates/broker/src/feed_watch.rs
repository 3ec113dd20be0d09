//! Tells links when a feed has grown.

use std::sync::Arc;

use bellwether_message::Instance;

use crate::exchange::Exchange;
use crate::signal::Signal;

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
        self.signal.clear();
    }

    /// Wakes the waiter though nothing was published; for whoever changes what the reader is to do.
    pub fn wake(&self) {
        if self.signal.raise() {
            self.signal.notify();
        }
    }

    /// Waits until something was published since the last [`clear`](Self::clear). Cancel safe.
    pub async fn changed(&self) {
        self.signal.raised().await;
    }
}

impl Drop for FeedWatch {
    fn drop(&mut self) {
        self.exchange.remove_signal(&self.signal);
    }
}
