//! The health of a client's session that has a name: told to the mesh, and heeded.
//!
//! A session with a name is a subscription of a store like those of emitters. While it is failed its deliveries wait in the
//! subscriptions' own bounded queues, while it is degraded they come a few a second, and they go on in their order where
//! they stood. Anybody may pause and resume it by telling of its health on the mesh.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bellwether::subscription_health::{Emission, EmissionWatch, HealthEvent, SubscriptionHealthTracker};
use bellwether::{Delivery, GapCause, Node, Topic};
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at};

/// Where the health of sessions is told if their clients name no store.
pub(crate) const STORE: &str = "gateway";

/// Longest name of a session or its store: both stand in one topic.
pub(crate) const MAX_NAME_BYTES: usize = 96;

/// Whether a text can be the name of a session or of a store: one level of a topic.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES && Topic::check(text).is_ok() && !text.contains(':') && !text.starts_with('$')
}

/// Resolves when the emission has changed, with the watch to go on with.
type Changed = Pin<Box<dyn Future<Output = (EmissionWatch, Emission)> + Send>>;

/// What a session says of itself when it is over: it is not known any more how it is. Not `proxy_stopped`, which is a failure
/// and pauses: another session of that name may have begun before the end of this one is noticed.
const RELEASED: &str = "proxy_released";

/// The health of one session. Dropped, it says that the session is over.
pub(crate) struct Session {
    health: SubscriptionHealthTracker,
    store: String,
    name: String,
    emission: Emission,
    changed: Changed,
    /// Between two deliveries while they are throttled.
    pace: Duration,
    /// While they are: until the next may go.
    wait: Option<Pin<Box<Sleep>>>,
    checks: Interval,
    /// What happened since the last check.
    delivered: bool,
    has_failed: bool,
}

impl Session {
    /// Begins, and says so.
    pub(crate) fn begin(node: &Node, store: String, name: String) -> Self {
        let health = node.subscription_health();
        let monitoring = node.health_monitoring();
        let watch = health.watch(&store, &name);
        let period = monitoring.check_interval;
        let mut checks = interval_at(Instant::now() + period, period);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let this = Self {
            emission: watch.last(),
            changed: changed(watch),
            health,
            store,
            name,
            pace: Duration::from_secs(1) / monitoring.throttle_per_second.get(),
            wait: None,
            checks,
            delivered: false,
            has_failed: false,
        };
        this.tell(HealthEvent::RegistrationSuccess);
        this
    }

    /// Whether the next delivery may go now; else the context is woken when it may.
    pub(crate) fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.poll_checks(context);
        while let Poll::Ready((watch, emission)) = self.changed.as_mut().poll(context) {
            self.emission = emission;
            self.changed = changed(watch);
            self.wait = None;
        }
        match (self.emission, &mut self.wait) {
            (Emission::On, _) => Poll::Ready(()),
            (Emission::Paused, _) => Poll::Pending,
            (Emission::Throttled, Some(wait)) => wait.as_mut().poll(context),
            (Emission::Throttled, None) => Poll::Ready(()),
        }
    }

    /// A delivery goes.
    pub(crate) fn on_delivery(&mut self, delivery: &Delivery) {
        let is_slow = |cause| matches!(cause, GapCause::SlowSubscriber | GapCause::Disconnected);
        match delivery {
            Delivery::Message(_) => self.delivered = true,
            // What was lost while we held it back is not the client's failure.
            Delivery::Gap(gap) if is_slow(gap.cause) && self.emission == Emission::On => {
                self.has_failed = true;
                self.tell(HealthEvent::EventDeliveryFailed);
            }
            _ => {}
        }
        if self.emission == Emission::Throttled {
            self.wait = Some(Box::pin(tokio::time::sleep(self.pace)));
        }
    }

    /// A client that reads is well: once per interval that is said, and whether it got something.
    fn poll_checks(&mut self, context: &mut Context<'_>) {
        while self.checks.poll_tick(context).is_ready() {
            // A heartbeat would end a pause that others have asked for.
            if self.emission == Emission::Paused {
                continue;
            }
            let has_recovered = self.delivered && !self.has_failed && self.emission != Emission::On;
            self.tell(match has_recovered {
                true => HealthEvent::EventDeliverySuccess,
                false => HealthEvent::PeriodicHeartbeat,
            });
            (self.delivered, self.has_failed) = (false, false);
        }
    }

    /// Of one that is not published it was said where it failed.
    fn tell(&self, event: HealthEvent) {
        let _ = self
            .health
            .report(&self.store, &self.name, event, || json!({"target": "gateway"}));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tell(HealthEvent::from_name(RELEASED));
    }
}

fn changed(mut watch: EmissionWatch) -> Changed {
    Box::pin(async move {
        let emission = watch.changed().await;
        (watch, emission)
    })
}
