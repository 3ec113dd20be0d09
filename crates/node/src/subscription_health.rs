//! The health of the stores' subscriptions: what is told of them in the mesh, kept on every node.
//!
//! While the integration is switched on, a node listens to what is told of subscriptions on `health`, judges it by the
//! rules of [`bellwether_monitor::subscription_health`], and sums up every store on `health_summary:{store}`: one node
//! does that for the whole mesh. Switched off, nothing is known and every subscription gets its events.

pub mod circuit_breaker;
mod copies;
mod duty;
mod emission_watch;
mod history;
mod state;
mod tracking;

use std::fmt;
use std::sync::Arc;

use bellwether_catalogue::families::raw::SubscriptionHealth as Told;
pub use bellwether_monitor::breaker::{BreakerSettings, BreakerState, BreakerStatistics, Permit};
pub use bellwether_monitor::emission::{Emission, EmissionSettings};
pub use bellwether_monitor::subscription_health::{
    HealthEvent, HealthSettings, HealthState, StoreSummary, SubscriptionRecord,
};

pub use self::emission_watch::EmissionWatch;
pub use self::history::{HISTORY, PastChange};
pub(crate) use self::state::HealthShell;
pub(crate) use self::tracking::spawn;
use crate::integration::{Details, HealthMonitoring, Outcome};
use crate::node::Node;

/// What a node knows of the stores' subscriptions, and the way to tell more. Cheap to clone.
///
/// ```
/// # fn run(node: bellwether::Node) {
/// let health = node.subscription_health();
/// let _ = health.report("main", "billing", "registration_success", || serde_json::json!({"attempts": 1}));
/// assert!(health.record("main", "shipping").is_none());
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SubscriptionHealthTracker {
    node: Node,
}

impl Node {
    /// What the health of subscriptions is watched by, and what protects them.
    pub fn health_monitoring(&self) -> HealthMonitoring {
        self.integration_state().settings().health_monitoring
    }

    /// The health of the stores' subscriptions.
    pub fn subscription_health(&self) -> SubscriptionHealthTracker {
        SubscriptionHealthTracker { node: self.clone() }
    }
}

impl SubscriptionHealthTracker {
    /// What is known of one subscription; none if nothing was told of it for five minutes.
    pub fn record(&self, store: &str, subscription: &str) -> Option<SubscriptionRecord> {
        self.state().read(|health| health.record(store, subscription))
    }

    /// The names of the subscriptions of a store of which something is known, in order.
    pub fn names(&self, store: &str) -> Vec<Arc<str>> {
        self.state().read(|health| health.names(store))
    }

    /// How many subscriptions of a store are in which state; none if nothing is known of any.
    pub fn summary(&self, store: &str) -> Option<StoreSummary> {
        self.state().read(|health| health.summary(store))
    }

    /// The stores of whose subscriptions something is known, in order.
    pub fn stores(&self) -> Vec<Arc<str>> {
        self.state().read(|health| health.stores())
    }

    /// The last changes of state, the oldest first: at most [`HISTORY`], of one store if one is named.
    pub fn history(&self, store: Option<&str>) -> Vec<PastChange> {
        self.state().history(store)
    }

    /// Whether events are to go to a subscription. To one of which nothing is known they are.
    pub fn emission(&self, store: &str, subscription: &str) -> Emission {
        self.state().read(|health| health.emission(store, subscription))
    }

    /// The same, for whoever wants to hear when it becomes another.
    pub fn watch(&self, store: &str, subscription: &str) -> EmissionWatch {
        EmissionWatch::new(self.node.clone(), store, subscription)
    }

    /// Tells the mesh what became of a subscription, once, on `subscription_health:{store}:{subscription}`: one of the
    /// words of [`HealthEvent`], or any other. Does nothing while the integration is switched off.
    ///
    /// # Errors
    /// [`PublishTypedError`](crate::PublishTypedError), which is also logged and counted; nothing was published.
    pub fn report(&self, store: &str, subscription: &str, event: impl fmt::Display, metadata: impl Details) -> Outcome {
        self.node.integration().publish(|| {
            let told = Told::new(store, subscription, event.to_string().as_str());
            told.metadata(metadata.object())
        })
    }

    /// From now on subscriptions are judged by these settings. What was known is forgotten, and learned again from what
    /// the nodes still keep.
    pub fn configure(&self, settings: HealthSettings) {
        self.state().configure(settings);
    }

    /// What they are judged by.
    pub fn settings(&self) -> HealthSettings {
        self.state().settings()
    }

    fn state(&self) -> &HealthShell {
        self.node.health_shell()
    }
}
