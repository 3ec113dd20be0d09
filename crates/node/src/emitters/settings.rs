//! What an emitter pool is to do.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use bellwether_catalogue::topics::StoreSubscription;
use bellwether_monitor::breaker::BreakerSettings;
use bellwether_monitor::emission::EmissionSettings;

use super::Subscriber;
use crate::node::Node;

/// How often a subscription's health is told, as the health of subscriptions is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// As often as the original's telemetry.
const METRICS_INTERVAL: Duration = Duration::from_secs(30);
/// A function that has not returned for so long hangs.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// What an emitter pool emits, to whom, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EmitterSettings {
    /// The store; one level of a topic, and not `cluster`.
    pub store: String,
    /// What chooses the events.
    pub subscription: StoreSubscription,
    /// The subscription's name in its store, 1 to 240 bytes; its health is told under it.
    pub name: String,
    /// Which events: `$all` or `$` and the stream's id; a type; or a JSON object of what the record, or its data, must
    /// say.
    pub selector: String,
    /// Workers. Default 1, at most [`MAX_WORKERS`](super::MAX_WORKERS). The events of a stream keep their order with any
    /// number of them.
    pub pool_size: NonZeroUsize,
    /// Who gets the events. Default none: they are published on `events`, for everybody who listens.
    pub subscriber: Option<Subscriber>,
    /// Whether events wait, or go slowly, as the subscription's health says. Default yes. Failed deliveries are tried
    /// again after a while in any case.
    pub health_aware: bool,
    /// How much waits, and how fast it goes when it is throttled; shared out among the workers. When it is full the oldest
    /// events go, counted, logged and told.
    pub emission: EmissionSettings,
    /// When deliveries are given up for a while. Default after 5 failures in a row, for 60 s; one event tries after that.
    pub breaker: BreakerSettings,
    /// How often successes, and what else has piled up, are told. Default 5 s, at least 10 ms.
    pub check_interval: Duration,
    /// How often figures are told. Default 30 s, at least 10 ms; none: never.
    pub metrics_interval: Option<Duration>,
    /// A function that has not returned for so long has failed; the event is given to it again. Default 30 s.
    pub delivery_timeout: Duration,
    /// An event that was tried so often is given up, counted as lost and told. Default none: it is tried until it is
    /// delivered, and what comes after it waits, so that the order holds.
    pub max_attempts: Option<NonZeroU32>,
    /// The number of the last event of each stream that was emitted before, by another pool: it and those before it are
    /// skipped. At most [`MAX_STREAMS`](super::MAX_STREAMS). Default empty.
    ///
    /// For a change of leader: the new one reads the streams from an event or two before where the old one stopped, and
    /// emits them all; what the old one's [`positions`](super::EmitterPool::positions) (or a subscriber, where the old one
    /// is gone) say was emitted does not come twice. An event that was in the hands of a function when the old one stopped
    /// is not among them, and comes again.
    pub start_after: HashMap<String, u64>,
}

impl EmitterSettings {
    /// A pool of one worker that publishes on `events`, with the defaults above. [`Node::emitter_settings`] has those that
    /// the node is configured with.
    pub fn new(
        store: impl Into<String>,
        subscription: StoreSubscription,
        name: impl Into<String>,
        selector: impl Into<String>,
    ) -> Self {
        Self {
            store: store.into(),
            subscription,
            name: name.into(),
            selector: selector.into(),
            pool_size: NonZeroUsize::MIN,
            subscriber: None,
            health_aware: true,
            emission: EmissionSettings::default(),
            breaker: BreakerSettings::default(),
            check_interval: CHECK_INTERVAL,
            metrics_interval: Some(METRICS_INTERVAL),
            delivery_timeout: DELIVERY_TIMEOUT,
            max_attempts: None,
            start_after: HashMap::new(),
        }
    }

    /// The same with a subscriber of its own.
    #[must_use]
    pub fn subscriber(mut self, subscriber: impl Into<Subscriber>) -> Self {
        self.subscriber = Some(subscriber.into());
        self
    }

    /// What one of the workers may hold, and how fast.
    pub(super) fn share(&self) -> EmissionSettings {
        let workers = self.pool_size.get();
        let per_second = usize::try_from(self.emission.throttle_per_second.get()).unwrap_or(usize::MAX) / workers;
        EmissionSettings {
            throttle_per_second: u32::try_from(per_second)
                .ok()
                .and_then(NonZeroU32::new)
                .unwrap_or(NonZeroU32::MIN),
            max_messages: NonZeroUsize::new(self.emission.max_messages.get() / workers).unwrap_or(NonZeroUsize::MIN),
            max_bytes: self.emission.max_bytes / workers,
        }
    }
}

impl Node {
    /// A pool of one worker that publishes on `events`, as this node is configured (`[health_monitoring]`): when its breaker
    /// opens and for how long, how fast events go when they are throttled, and how often successes are told.
    pub fn emitter_settings(
        &self,
        store: impl Into<String>,
        subscription: StoreSubscription,
        name: impl Into<String>,
        selector: impl Into<String>,
    ) -> EmitterSettings {
        let monitoring = self.health_monitoring();
        let mut settings = EmitterSettings::new(store, subscription, name, selector);
        settings.breaker = monitoring.breaker();
        settings.emission.throttle_per_second = monitoring.throttle_per_second;
        settings.check_interval = monitoring.check_interval;
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_shared_out_among_the_workers() {
        let mut settings = EmitterSettings::new("main", StoreSubscription::ByStream, "a", "$all");
        assert_eq!(settings.share(), settings.emission);
        settings.pool_size = NonZeroUsize::new(4).unwrap();
        let share = settings.share();
        assert_eq!(share.throttle_per_second.get(), 2);
        assert_eq!(share.max_messages.get(), 4_096);
        assert_eq!(share.max_bytes, 4 * 1024 * 1024);
        settings.pool_size = NonZeroUsize::new(64).unwrap();
        settings.emission.max_messages = NonZeroUsize::MIN;
        assert_eq!(
            (
                settings.share().throttle_per_second.get(),
                settings.share().max_messages.get()
            ),
            (1, 1)
        );
    }
}
