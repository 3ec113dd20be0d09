//! Emitters: turn the subscriptions of an event store into messages, or hand them to one subscriber.
//!
//! A program that embeds a node and has a store starts a pool per subscription, where its leader is, and gives the pool
//! every event of the store. The pool chooses those that the subscription is for, and publishes each on `events`,
//! `{store}:{sub_topic}`, as a batch of one; or hands it to the subscription's own [`Subscriber`].
//!
//! - The events of one stream come in the order in which they were given: one stream always has the same worker.
//! - What goes wrong stays with its subscription. While its [health](crate::subscription_health) is bad its events wait,
//!   bounded, or go slowly; other subscriptions of the store do not notice.
//! - A subscriber that fails gets the event again, ever more rarely, and five failures in a row open a circuit breaker.
//!   What is lost because no more may wait is counted, logged and told.
//!
//! Events are the program's own work, so they are emitted whether or not the integration is switched on. What a pool tells
//! of itself (lifecycle, health, figures) goes through the integration; and while that is off no health is known, so that
//! only a pool's own breaker holds its events back.
//!
//! ```no_run
//! # use bellwether::emitters::{EmitterPool, EventRecord, StoreSubscription};
//! # async fn run(node: bellwether::Node) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = node.emitter_settings("main", StoreSubscription::ByEventType, "billing", "paid:v1");
//! let pool = EmitterPool::start(&node, settings)?;
//! pool.emit(EventRecord::new("orders", 0, "e-1", "paid:v1", serde_json::json!({"amount": 7})));
//! pool.stop("the leader moves").await;
//! # Ok(())
//! # }
//! ```

mod core;
mod keeper;
mod lane;
mod news;
mod positions;
mod registry;
mod selector;
mod settings;
mod start;
mod subscriber;
mod told;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

pub use bellwether_catalogue::EventRecord;
pub use bellwether_catalogue::topics::StoreSubscription;
use bellwether_catalogue::topics::store_topic;
use bellwether_monitor::breaker::BreakerState;
use bellwether_monitor::emission::Emission;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use self::core::{Core, value};
pub use self::positions::MAX_STREAMS;
pub(crate) use self::registry::EmitterPools;
pub use self::registry::MAX_POOLS;
use self::registry::NoPlace;
use self::selector::Selector;
pub use self::selector::SelectorError;
pub use self::settings::EmitterSettings;
pub use self::start::StartPoolError;
pub use self::subscriber::Subscriber;
use crate::node::Node;
use crate::subscription_health::circuit_breaker::BreakerOptions;

/// Workers of a pool: more than any machine has use for.
pub const MAX_WORKERS: usize = 64;

/// The emitters of one subscription of a store.
///
/// Dropped, it ends as if it were [stopped](Self::stop), without anybody who waits for it. Stop it before its node: a node
/// that stops takes its tasks with it, and what they hold.
#[derive(Debug)]
pub struct EmitterPool {
    core: Arc<Core>,
    ended: watch::Receiver<Option<PoolEnd>>,
}

/// What became of an event that a pool was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an event may have been lost"]
pub enum Emitted {
    /// It is not for this subscription.
    NotMatched,
    /// It was emitted before this pool began, by [`start_after`](EmitterSettings::start_after).
    Skipped,
    /// It is on its way.
    Taken,
    /// It waits, as the subscription's health is bad.
    Held,
    /// It was taken or waits; so many older ones had to go for it, and are lost.
    Displaced {
        /// How many.
        lost: u64,
    },
    /// The pool has been stopped, or its subscriber is gone.
    Stopped,
}

impl Emitted {
    /// Whether the pool has it.
    pub fn is_taken(self) -> bool {
        matches!(self, Self::Taken | Self::Held | Self::Displaced { .. })
    }
}

/// How a pool ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolEnd {
    /// Why.
    pub reason: String,
    /// Events delivered since it began.
    pub delivered: u64,
    /// Events lost since it began, those that were still waiting at the end among them. One that a function had begun to
    /// handle is counted as lost if its outcome was not heard.
    pub lost: u64,
}

/// A pool as an operator sees it; totals since it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolInfo {
    /// Its store.
    pub store: String,
    /// Its subscription's name.
    pub subscription: String,
    /// Where its events go on `events`.
    pub topic: String,
    /// Who gets them: `topic`, `channel` or `function`.
    pub subscriber: &'static str,
    /// Its workers.
    pub workers: usize,
    /// Events that matched and were taken.
    pub matched: u64,
    /// Events delivered.
    pub delivered: u64,
    /// Attempts to deliver that failed.
    pub failed: u64,
    /// Events lost.
    pub lost: u64,
    /// Events that wait; those in the hands of a worker are not among them.
    pub waiting: u64,
    /// How events go.
    pub emission: Emission,
    /// The state of its breaker.
    pub breaker: BreakerState,
}

impl Node {
    /// The emitter pools that run on this node, by topic.
    pub fn emitter_pools(&self) -> Vec<PoolInfo> {
        self.emitter_state().all().iter().map(|core| info(core)).collect()
    }
}

impl EmitterPool {
    /// Starts a pool. Its tasks run on the tokio runtime this is called on.
    ///
    /// # Errors
    /// [`StartPoolError`]; nothing is left running.
    pub fn start(node: &Node, settings: EmitterSettings) -> Result<Self, StartPoolError> {
        start::check(&settings)?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(StartPoolError::NoRuntime);
        }
        let selector = Selector::new(settings.subscription, &settings.selector)?;
        let sub_topic = settings.subscription.sub_topic(&settings.name, &settings.selector);
        let topic = store_topic(&settings.store, &sub_topic)?;
        let options = BreakerOptions::new(settings.breaker).guards(&*settings.store, &*settings.name);
        let state = node.emitter_state();
        let number = state.number();
        let service = format!("emitter:{topic}");
        let breaker = node.circuit_breaker(&service, options);
        let core = Arc::new(Core::new(
            node.clone(),
            settings,
            selector,
            sub_topic,
            topic,
            number,
            breaker,
        ));
        match state.add(&core) {
            Ok(()) => {}
            // The breaker is that of the pool that runs.
            Err(NoPlace::Taken) => {
                return Err(StartPoolError::AlreadyRunning {
                    topic: core.topic.to_string(),
                });
            }
            Err(NoPlace::Full) => {
                core.breaker.forget();
                return Err(StartPoolError::TooMany);
            }
        }
        told::pool_started(&core);
        let (alive, workers) = mpsc::channel(1);
        for index in 0..core.lanes.len() {
            let worker = worker::run(core.clone(), index, alive.clone());
            node.supervisor().spawn("emitter worker", worker);
        }
        let (end, ended) = watch::channel(None);
        node.supervisor()
            .spawn("emitter pool", keeper::run(core.clone(), workers, end));
        Ok(Self { core, ended })
    }

    /// Gives the pool an event. From any thread; never blocks. What the record leaves out is filled in.
    pub fn emit(&self, record: EventRecord) -> Emitted {
        self.core.emit(record)
    }

    /// Exchanges who gets the events; none: whoever listens to the topic. No event is lost or doubled by it: one that waits
    /// goes to the new one, also if the old one has failed with it or has no room for it; one that a function has begun to
    /// handle stays with it until it has returned. The old one is dropped once nobody needs it any more.
    pub fn swap(&self, subscriber: impl Into<Option<Subscriber>>) {
        self.core.swap(subscriber.into());
    }

    /// Stops it: no more events are taken, and those that wait have 5 s to go, as their subscription's health allows; what
    /// is left then is lost, and counted. Returns how it ended; if it had ended before, how it did then. Cancelled, it
    /// stops all the same.
    pub async fn stop(self, reason: &str) -> PoolEnd {
        self.core.begin_stop(reason);
        self.ended().await
    }

    /// Waits until it has ended, by itself or because its node stops. Cancel safe.
    pub async fn ended(&self) -> PoolEnd {
        let mut ended = self.ended.clone();
        let end = match ended.wait_for(Option::is_some).await {
            Ok(end) => end.clone(),
            Err(_) => None,
        };
        end.unwrap_or_else(|| PoolEnd {
            reason: "the node has stopped".to_owned(),
            delivered: value(&self.core.counts.delivered),
            lost: value(&self.core.counts.lost).saturating_add(self.core.held()),
        })
    }

    /// The number of the last event of each stream that was delivered, [`start_after`](EmitterSettings::start_after)
    /// included: for the pool that goes on where this one stops. Of the first [`MAX_STREAMS`] streams.
    pub fn positions(&self) -> HashMap<String, u64> {
        let positions = self.core.positions.lock();
        positions.unwrap_or_else(PoisonError::into_inner).all()
    }

    /// How it stands.
    pub fn info(&self) -> PoolInfo {
        info(&self.core)
    }
}

impl Drop for EmitterPool {
    fn drop(&mut self) {
        self.core.begin_stop("it was dropped");
    }
}

fn info(core: &Core) -> PoolInfo {
    PoolInfo {
        store: core.settings.store.clone(),
        subscription: core.settings.name.clone(),
        topic: core.topic.to_string(),
        subscriber: core.subscriber.borrow().as_ref().map_or("topic", Subscriber::name),
        workers: core.lanes.len(),
        matched: value(&core.counts.matched),
        delivered: value(&core.counts.delivered),
        failed: value(&core.counts.failed),
        lost: value(&core.counts.lost),
        waiting: core.held(),
        emission: *core.emission.borrow(),
        breaker: core.breaker.state(),
    }
}
