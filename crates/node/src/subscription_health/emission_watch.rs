//! Waiting until events go to a subscription in another way.

use std::sync::Arc;

use bellwether_monitor::emission::Emission;
use tokio::sync::watch;

use crate::node::Node;

/// Tells when the emission to one subscription changes. Costs nothing while it is not asked; changes that nobody waited
/// for are one.
#[derive(Debug)]
pub struct EmissionWatch {
    node: Node,
    store: Arc<str>,
    subscription: Arc<str>,
    version: watch::Receiver<u64>,
    seen: Emission,
}

impl EmissionWatch {
    pub(super) fn new(node: Node, store: &str, subscription: &str) -> Self {
        let version = node.health_shell().watch_emissions();
        let mut this = Self {
            node,
            store: store.into(),
            subscription: subscription.into(),
            version,
            seen: Emission::On,
        };
        this.seen = this.current();
        this
    }

    /// How events are to go now.
    pub fn current(&self) -> Emission {
        self.node
            .subscription_health()
            .emission(&self.store, &self.subscription)
    }

    /// How they were to go when this was made or returned last: begin with it, so that no change between is missed.
    pub fn last(&self) -> Emission {
        self.seen
    }

    /// Waits until events are to go in another way than when this was made or returned last. Cancel safe.
    pub async fn changed(&mut self) -> Emission {
        loop {
            // Before the look: a change after it is then seen by the wait.
            self.version.mark_unchanged();
            let now = self.current();
            if now != self.seen {
                self.seen = now;
                return now;
            }
            if self.version.changed().await.is_err() {
                // Unreachable: the node, which we hold, holds the sender.
                return std::future::pending().await;
            }
        }
    }
}
