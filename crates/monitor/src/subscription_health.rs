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
//! | `periodic_heartbeat` | healthy; degraded while the breaker is open or the threshold of failures is reached |
//! | any other word | unknown |
//! | nothing, from one that sent heartbeats and has not failed | unknown |
//!
//! A heartbeat says that the proxy lives, not that it delivers: it takes a subscription whose deliveries failed out of
//! the pause, so that deliveries are tried at all, and the next failure fails it again.
//!
//! Keeps the state and tells changes. Never subscribes, publishes, or repairs.

mod change;
mod entry;
mod event;
mod observation;
mod seen;
mod settings;
mod state;
mod summary;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::entry::Entry;
use self::seen::SeenKeys;
use crate::emission::Emission;

pub use self::change::HealthChange;
pub use self::entry::SubscriptionRecord;
pub use self::event::HealthEvent;
pub use self::observation::{MAX_KEY_BYTES, MAX_NAME_BYTES, Observation, ObserveError};
pub use self::settings::HealthSettings;
pub use self::state::HealthState;
pub use self::summary::StoreSummary;

/// Subscriptions watched, over all stores: far more than one cluster has, at most some 25 MiB. When there is no room
/// for a new one, the one that has been silent for longest goes.
pub const MAX_SUBSCRIPTIONS: usize = 16_384;
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
        observation.check()?;
        if !self.settings.enabled || observation.key.is_some_and(|key| !self.seen.is_first(key)) {
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

#[cfg(test)]
mod tests;
