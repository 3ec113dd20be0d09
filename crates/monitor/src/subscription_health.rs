//! How the subscriptions of stores are: what their proxies tell, one state each.
//!
//! | what is told | state |
//! | --- | --- |
//! | `registration_started` | registering |
//! | `registration_success`, `proxy_started`, `circuit_breaker_closed` | healthy; failed deliveries are forgotten |
//! | `registration_failed`, `proxy_stopped`, `proxy_crashed` | failed |
//! | `circuit_breaker_opened`, `circuit_breaker_half_open` | degraded |
//! | `event_delivery_failed` | degraded; failed if it was, and at the threshold of failures without a success between |
//! | `event_delivery_success` | healthy; degraded while the breaker is open |
//! | `periodic_heartbeat` | healthy; degraded while the breaker is open, or while deliveries have failed up to the threshold |
//! | any other word | unknown |
//! | nothing, from one that sent heartbeats and has not failed | unknown |
//!
//! A heartbeat says that the proxy lives, not that it delivers: it takes a subscription whose deliveries failed out of
//! the pause, so that deliveries are tried at all, and the next failure fails it again.
//!
//! Keeps the state and tells changes. Never subscribes, publishes, or repairs.

mod entry;
mod event;
mod seen;
mod settings;
mod state;
mod summary;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_message::Timestamp;

use self::entry::Entry;
use self::seen::SeenKeys;
use crate::emission::Emission;
use crate::log_level::LogLevel;

pub use self::entry::SubscriptionRecord;
pub use self::event::HealthEvent;
pub use self::settings::HealthSettings;
pub use self::state::HealthState;
pub use self::summary::StoreSummary;

/// Subscriptions watched, over all stores: far more than one cluster has, at most some 20 MiB. When there is no room for
/// a new one, the one that has been silent for longest goes.
pub const MAX_SUBSCRIPTIONS: usize = 16_384;
/// Longest name of a store or a subscription: a topic with both has 240 bytes at most.
pub const MAX_NAME_BYTES: usize = 240;
/// Longest key of a message: an id has less.
pub const MAX_KEY_BYTES: usize = 320;

/// The health of many subscriptions, by store and name.
#[derive(Debug)]
pub struct SubscriptionHealth {
    settings: HealthSettings,
    stores: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Entry>>,
    /// Who was heard when, as numbers that rise with each event: the first has been silent for longest.
    heard: BTreeMap<u64, Key>,
    events: u64,
    seen: SeenKeys,
    evicted: u64,
    checked_at: Option<Duration>,
    summary_due: Duration,
}

/// Which subscription of which store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The store.
    pub store: Arc<str>,
    /// The subscription's name in it.
    pub subscription: Arc<str>,
}

/// One health event, as it came in.
#[derive(Debug, Clone)]
pub struct Observation<'a> {
    /// The store.
    pub store: &'a str,
    /// The subscription's name in it.
    pub subscription: &'a str,
    /// What is told.
    pub event: HealthEvent,
    /// What the event's metadata gives as error, crash reason, or reason; its beginning is kept.
    pub error: Option<&'a str>,
    /// When it was told, for people to read.
    pub at: Timestamp,
    /// What is equal for copies of one event that went to several topics: the second copy is not counted. None: it is
    /// counted in any case.
    pub key: Option<&'a str>,
}

/// A subscription's state has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthChange {
    /// The store.
    pub store: Arc<str>,
    /// The subscription's name in it.
    pub subscription: Arc<str>,
    /// The state before; unknown if it was never heard of.
    pub from: HealthState,
    /// The state now.
    pub to: HealthState,
    /// What it was that was told; none if it is the silence that says it.
    pub event: Option<HealthEvent>,
    /// The error that was told, or how long it has been silent.
    pub reason: Option<String>,
}

impl HealthChange {
    /// How loud to log it: a crash as an error, other bad news as warnings, the rest as information.
    pub fn level(&self) -> LogLevel {
        match (self.to, &self.event) {
            (HealthState::Failed, Some(HealthEvent::ProxyCrashed)) => LogLevel::Error,
            (HealthState::Failed | HealthState::Degraded, _) | (HealthState::Unknown, None) => LogLevel::Warn,
            _ => LogLevel::Info,
        }
    }
}

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Subscriptions that have fallen silent.
    pub changes: Vec<HealthChange>,
    /// Subscriptions that were silent for so long that they are forgotten.
    pub expired: Vec<Key>,
}

impl SubscriptionHealth {
    /// Nothing watched yet; the first summaries are due after one interval.
    pub fn new(settings: HealthSettings, now: Duration) -> Self {
        Self {
            settings,
            stores: BTreeMap::new(),
            heard: BTreeMap::new(),
            events: 0,
            seen: SeenKeys::default(),
            evicted: 0,
            checked_at: None,
            summary_due: now.saturating_add(settings.summary_interval),
        }
    }

    /// Takes in an event. Returns the change of state, if it is one. When switched off, does nothing.
    ///
    /// # Errors
    ///
    /// If a name is empty or too long, or the key too long; then nothing has changed.
    pub fn observe(
        &mut self,
        observation: Observation<'_>,
        now: Duration,
    ) -> Result<Option<HealthChange>, ObserveError> {
        check_name("store", observation.store)?;
        check_name("subscription", observation.subscription)?;
        if let Some(key) = observation.key {
            if key.len() > MAX_KEY_BYTES {
                return Err(ObserveError::KeyTooLong { bytes: key.len() });
            }
            if self.settings.enabled && !self.seen.is_first(key) {
                return Ok(None);
            }
        }
        if !self.settings.enabled {
            return Ok(None);
        }
        let key = self.hear(observation.store, observation.subscription);
        let threshold = self.settings.unhealthy_threshold;
        let Some(entry) = self.entry_mut(&key) else {
            return Ok(None);
        };
        let from = entry.status();
        entry.apply(&observation, threshold, now);
        Ok((from != entry.status()).then(|| HealthChange {
            from,
            to: entry.status(),
            event: entry.last_event().cloned(),
            reason: observation.error.map(entry::kept_error),
            store: key.store,
            subscription: key.subscription,
        }))
    }

    /// Time has passed. Looks once per check interval; to be called at least that often.
    pub fn tick(&mut self, now: Duration) -> Checked {
        let is_early = |at| now.saturating_sub(at) < self.settings.check_interval;
        if self.checked_at.is_some_and(is_early) {
            return Checked::default();
        }
        self.checked_at = Some(now);
        Checked {
            expired: self.expire(now),
            changes: self.find_silent(now),
        }
    }

    /// The summaries of all stores, once per summary interval; to be called often. Empty in between.
    pub fn due_summaries(&mut self, now: Duration) -> Vec<StoreSummary> {
        if now < self.summary_due {
            return Vec::new();
        }
        let next = self.summary_due.saturating_add(self.settings.summary_interval);
        // After a pause there is one summary, not one for each that was missed.
        self.summary_due = if next > now {
            next
        } else {
            now.saturating_add(self.settings.summary_interval)
        };
        self.summaries()
    }

    /// The summaries of all stores, by name, now.
    pub fn summaries(&self) -> Vec<StoreSummary> {
        let summary = |(store, entries): (&Arc<str>, &BTreeMap<_, Entry>)| {
            StoreSummary::new(store, entries.values().map(Entry::status))
        };
        self.stores.iter().map(summary).collect()
    }

    /// The summary of one store; none if no subscription of it is watched.
    pub fn summary(&self, store: &str) -> Option<StoreSummary> {
        let entries = self.stores.get(store)?;
        Some(StoreSummary::new(store, entries.values().map(Entry::status)))
    }

    /// What is known of one subscription; none if it is not watched.
    pub fn record(&self, store: &str, subscription: &str) -> Option<SubscriptionRecord> {
        self.stores.get(store)?.get(subscription)?.record(subscription)
    }

    /// Whether events are to be emitted to a subscription; to one that is not watched they are.
    pub fn emission(&self, store: &str, subscription: &str) -> Emission {
        let entry = self.stores.get(store).and_then(|entries| entries.get(subscription));
        entry.map_or(Emission::On, Entry::emission)
    }

    /// The names of the subscriptions of a store that are watched, in order.
    pub fn names(&self, store: &str) -> Vec<Arc<str>> {
        let entries = self.stores.get(store);
        entries
            .map(|entries| entries.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The names of the stores, in order.
    pub fn stores(&self) -> Vec<Arc<str>> {
        self.stores.keys().cloned().collect()
    }

    /// How many subscriptions are watched, over all stores.
    pub fn len(&self) -> usize {
        self.heard.len()
    }

    /// Whether no subscription is watched.
    pub fn is_empty(&self) -> bool {
        self.heard.is_empty()
    }

    /// How many subscriptions had to go because there were more than [`MAX_SUBSCRIPTIONS`].
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Makes it the one heard last, with a place among the watched.
    fn hear(&mut self, store: &str, subscription: &str) -> Key {
        self.events = self.events.saturating_add(1);
        let known = self
            .stores
            .get_mut(store)
            .and_then(|entries| entries.get_mut(subscription));
        let earlier = known.map(|entry| std::mem::replace(&mut entry.number, self.events));
        let key = match earlier.and_then(|number| self.heard.remove(&number)) {
            Some(key) => key,
            None => self.add(store, subscription),
        };
        self.heard.insert(self.events, key.clone());
        key
    }

    fn add(&mut self, store: &str, subscription: &str) -> Key {
        while self.heard.len() >= MAX_SUBSCRIPTIONS
            && let Some((_, silent)) = self.heard.pop_first()
        {
            self.forget(&silent);
            self.evicted = self.evicted.saturating_add(1);
        }
        let known = self.stores.get_key_value(store).map(|(store, _)| store.clone());
        let key = Key {
            store: known.unwrap_or_else(|| store.into()),
            subscription: subscription.into(),
        };
        let entries = self.stores.entry(key.store.clone()).or_default();
        entries.insert(key.subscription.clone(), Entry::new(self.events));
        key
    }

    fn forget(&mut self, key: &Key) {
        if let Some(entries) = self.stores.get_mut(&key.store) {
            entries.remove(&key.subscription);
            if entries.is_empty() {
                self.stores.remove(&key.store);
            }
        }
    }

    fn entry_mut(&mut self, key: &Key) -> Option<&mut Entry> {
        self.stores.get_mut(&key.store)?.get_mut(&key.subscription)
    }

    fn expire(&mut self, now: Duration) -> Vec<Key> {
        let mut expired = Vec::new();
        while let Some(first) = self.heard.first_entry() {
            let key = first.get();
            let entry = self
                .stores
                .get(&key.store)
                .and_then(|entries| entries.get(&key.subscription));
            if entry.is_some_and(|entry| entry.silent_for(now) < self.settings.expire_after) {
                break;
            }
            let key = first.remove();
            self.forget(&key);
            expired.push(key);
        }
        expired
    }

    fn find_silent(&mut self, now: Duration) -> Vec<HealthChange> {
        let Some(limit) = self.settings.silence() else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        for (store, entries) in &mut self.stores {
            for (subscription, entry) in entries {
                if let Some(from) = entry.fall_silent(limit, now) {
                    changes.push(HealthChange {
                        store: store.clone(),
                        subscription: subscription.clone(),
                        from,
                        to: entry.status(),
                        event: None,
                        reason: Some(format!("silent for {} s", entry.silent_for(now).as_secs())),
                    });
                }
            }
        }
        changes
    }
}

/// Why an event was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObserveError {
    /// A name is empty.
    #[error("the name of the {what} is empty: it must have 1 to {MAX_NAME_BYTES} bytes")]
    NameEmpty {
        /// Whose name: store or subscription.
        what: &'static str,
    },
    /// A name is too long.
    #[error("the name of the {what} has {bytes} bytes: it must have 1 to {MAX_NAME_BYTES}")]
    NameTooLong {
        /// Whose name: store or subscription.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The key of the message is too long.
    #[error("the key of the message has {bytes} bytes: it must have at most {MAX_KEY_BYTES}")]
    KeyTooLong {
        /// Its length.
        bytes: usize,
    },
}

fn check_name(what: &'static str, name: &str) -> Result<(), ObserveError> {
    match name.len() {
        0 => Err(ObserveError::NameEmpty { what }),
        1..=MAX_NAME_BYTES => Ok(()),
        bytes => Err(ObserveError::NameTooLong { what, bytes }),
    }
}

#[cfg(test)]
mod tests;
