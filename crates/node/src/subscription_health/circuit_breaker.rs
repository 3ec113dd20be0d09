//! Circuit breakers of a program, told to the mesh.
//!
//! The rules are those of [`bellwether_monitor::breaker`]. Each change of state is published on `health`,
//! `circuit_breaker_status:{service}`; one that guards a store's subscription also tells it of that subscription, so that
//! its events wait.

mod registry;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_catalogue::level;
use bellwether_message::Topic;
use bellwether_monitor::breaker::{
    BreakerEvent, BreakerSettings, BreakerState, BreakerStatistics, CircuitBreaker, Permit,
};
use serde_json::json;

pub(super) use self::registry::Breakers;
pub use self::registry::MAX_BREAKERS;
use crate::node::Node;

/// What a breaker is for, and when it opens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerOptions {
    /// When it opens, and for how long.
    pub settings: BreakerSettings,
    /// The subscription of a store that it guards: store and name. Default none.
    pub guards: Option<(String, String)>,
}

impl BreakerOptions {
    /// A breaker that opens by these settings and guards no subscription. [`Node::breaker_options`] has those that the node is
    /// configured with.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, guards: None }
    }

    /// The breaker of a store's subscription: it is told as `circuit_breaker_opened` and `circuit_breaker_closed`.
    #[must_use]
    pub fn guards(mut self, store: impl Into<String>, subscription: impl Into<String>) -> Self {
        self.guards = Some((store.into(), subscription.into()));
        self
    }
}

/// A circuit breaker of this node. Cheap to clone; all handles of one service are the same breaker.
///
/// ```
/// # use bellwether::subscription_health::circuit_breaker::CallError;
/// # async fn fetch() -> Result<u32, std::io::Error> { Ok(7) }
/// # async fn run(node: bellwether::Node) {
/// let breaker = node.circuit_breaker("exchange_rates", node.breaker_options());
/// match breaker.call(fetch).await {
///     Ok(rate) => println!("{rate}"),
///     Err(CallError::Refused { retry_in }) => println!("not tried; again in {retry_in:?}"),
///     Err(CallError::Failed(err)) => println!("{err}"),
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BreakerHandle {
    node: Node,
    breaker: Arc<Breaker>,
}

/// One breaker. Knows no node: the node knows it.
#[derive(Debug)]
struct Breaker {
    service: String,
    guards: Option<(String, String)>,
    rules: Mutex<CircuitBreaker>,
}

/// A breaker as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerInfo {
    /// What it guards the calls of.
    pub service: String,
    /// The subscription of a store that it guards.
    pub guards: Option<(String, String)>,
    /// Its state.
    pub state: BreakerState,
    /// What it has counted; its times are of [`Node`]'s own clock, since the node started.
    pub statistics: BreakerStatistics,
}

/// Why a call through a breaker has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError<E> {
    /// It was not tried.
    Refused {
        /// When to ask again, from now.
        retry_in: std::time::Duration,
    },
    /// It failed.
    Failed(E),
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { retry_in } => {
                write!(
                    f,
                    "not tried: too much failed; a call may try in {} ms",
                    retry_in.as_millis()
                )
            }
            Self::Failed(err) => err.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for CallError<E> {}

impl Node {
    /// The circuit breaker of a service, made if there is none yet; the options of the first call stay.
    ///
    /// A node keeps [`MAX_BREAKERS`], also those that nobody holds: a breaker that is open stays so. For one more, the
    /// oldest that nobody holds goes; if all are held, the new one works but is not listed, and is not found again.
    pub fn circuit_breaker(&self, service: &str, options: BreakerOptions) -> BreakerHandle {
        BreakerHandle {
            node: self.clone(),
            breaker: self.health_shell().breakers.of(service, options),
        }
    }

    /// A breaker as this node is configured to have them (`[health_monitoring]`), which guards no subscription.
    pub fn breaker_options(&self) -> BreakerOptions {
        BreakerOptions::new(self.health_monitoring().breaker())
    }

    /// This node's circuit breakers, by service.
    pub fn circuit_breakers(&self) -> Vec<BreakerInfo> {
        let breakers = self.health_shell().breakers.all();
        breakers.iter().map(|breaker| breaker.info()).collect()
    }
}

impl BreakerHandle {
    /// Asks whether to call. Tell the outcome of each call that was permitted.
    pub fn permit(&self) -> Permit {
        let mut rules = self.breaker.rules();
        let (permit, event) = rules.permit(self.node.uptime());
        self.tell(&rules, event);
        permit
    }

    /// A call has succeeded.
    pub fn success(&self) {
        let mut rules = self.breaker.rules();
        let event = rules.on_success(self.node.uptime());
        self.tell(&rules, event);
    }

    /// A call has failed.
    pub fn failure(&self) {
        let mut rules = self.breaker.rules();
        let event = rules.on_failure(self.node.uptime());
        self.tell(&rules, event);
    }

    /// Closes it by hand.
    pub fn reset(&self) {
        let mut rules = self.breaker.rules();
        let event = rules.reset();
        self.tell(&rules, event);
    }

    /// Calls if it may, and tells itself the outcome. Cancelled, no outcome is told: if it was the probe, another may
    /// follow after the time for which the breaker is open.
    ///
    /// # Errors
    /// [`CallError`]: refused, or what the call returned.
    pub async fn call<T, E, F>(&self, call: impl FnOnce() -> F) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        if let Permit::Refused { retry_in } = self.permit() {
            return Err(CallError::Refused { retry_in });
        }
        match call().await {
            Ok(result) => {
                self.success();
                Ok(result)
            }
            Err(err) => {
                self.failure();
                Err(CallError::Failed(err))
            }
        }
    }

    /// Its state. It is open until somebody asks to call after the time is over.
    pub fn state(&self) -> BreakerState {
        self.breaker.rules().state()
    }

    /// What it has counted.
    pub fn statistics(&self) -> BreakerStatistics {
        self.breaker.rules().statistics()
    }

    /// What it guards the calls of.
    pub fn service(&self) -> &str {
        &self.breaker.service
    }

    /// The node forgets it; handles go on.
    pub(crate) fn forget(&self) {
        self.node.health_shell().breakers.forget(&self.breaker);
    }

    /// Tells the mesh of a change. Under the breaker's lock, so that changes are told in their order; publishing never
    /// waits and never calls back.
    fn tell(&self, rules: &CircuitBreaker, event: Option<BreakerEvent>) {
        let Some(event) = event else { return };
        let service = self.service();
        let status = match rules.state() {
            BreakerState::Closed => "healthy",
            BreakerState::HalfOpen => "degraded",
            BreakerState::Open => "unhealthy",
        };
        match event {
            BreakerEvent::Opened => tracing::warn!(service, "a circuit breaker opens"),
            _ => tracing::info!(service, state = rules.state().name(), "a circuit breaker changes"),
        }
        if let Ok(topic) = Topic::new(&format!("circuit_breaker_status:{}", level(service))) {
            let integration = self.node.integration().on_topic(topic);
            let _ = integration.broadcast_health_update(service, status, || {
                json!({
                    "state": rules.state(), "event": event.name(), "statistics": figures(&rules.statistics()),
                })
            });
        }
        // A probe is no news for the subscription: it stays paused.
        if let (Some((store, subscription)), BreakerEvent::Opened | BreakerEvent::Closed) =
            (&self.breaker.guards, event)
        {
            let health = self.node.subscription_health();
            let failures = rules.statistics().consecutive_failures;
            let _ = health.report(
                store,
                subscription,
                event.name(),
                || json!({"service": service, "reason": format!("{failures} failures in a row")}),
            );
        }
    }
}

impl Breaker {
    fn rules(&self) -> MutexGuard<'_, CircuitBreaker> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn info(&self) -> BreakerInfo {
        let rules = self.rules();
        BreakerInfo {
            service: self.service.clone(),
            guards: self.guards.clone(),
            state: rules.state(),
            statistics: rules.statistics(),
        }
    }
}

fn figures(statistics: &BreakerStatistics) -> serde_json::Value {
    json!({
        "total": statistics.total, "successful": statistics.successful, "failed": statistics.failed,
        "refused": statistics.refused, "trips": statistics.trips,
        "consecutive_failures": statistics.consecutive_failures,
    })
}
