//! What of the subscription health lives as long as the node.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bellwether_message::Timestamp;
use bellwether_monitor::emission::Emission;
use bellwether_monitor::subscription_health::{
    HealthChange, HealthSettings, Observation, ObserveError, StoreSummary, SubscriptionHealth,
};
use tokio::sync::watch;

use super::circuit_breaker::Breakers;
use super::history::{History, PastChange};

/// The rules with their state, the last changes, and who waits for a change.
#[derive(Debug)]
pub(crate) struct HealthShell {
    health: Mutex<SubscriptionHealth>,
    history: Mutex<History>,
    settings: watch::Sender<HealthSettings>,
    /// Rises when the emission to any subscription has changed. One number for all: whoever waits looks again, and
    /// nothing is kept for each.
    emissions: watch::Sender<u64>,
    pub(super) breakers: Breakers,
}

impl HealthShell {
    pub(crate) fn new(settings: HealthSettings) -> Self {
        Self {
            health: Mutex::new(SubscriptionHealth::new(settings, Duration::ZERO)),
            history: Mutex::default(),
            settings: watch::Sender::new(settings),
            emissions: watch::Sender::new(0),
            breakers: Breakers::default(),
        }
    }

    /// Looks at what is known.
    pub(super) fn read<T>(&self, look: impl FnOnce(&SubscriptionHealth) -> T) -> T {
        look(&self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes in an event. Returns the change of state, and whether the emission has changed.
    pub(super) fn observe(
        &self,
        told: Observation<'_>,
        now: Duration,
    ) -> Result<(Option<HealthChange>, Option<Emission>), ObserveError> {
        let (store, subscription, at) = (told.store, told.subscription, told.at);
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let before = health.emission(store, subscription);
        let change = health.observe(told, now)?;
        let emission = health.emission(store, subscription);
        drop(health);
        if let Some(change) = &change {
            self.remember(at, change);
        }
        let changed = (emission != before).then_some(emission);
        if changed.is_some() {
            self.wake();
        }
        Ok((change, changed))
    }

    /// Time has passed. Returns who has fallen silent, and the summaries that are due.
    pub(super) fn tick(&self, at: Timestamp, now: Duration) -> (Vec<HealthChange>, Vec<StoreSummary>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let checked = health.tick(now);
        let summaries = health.due_summaries(now);
        drop(health);
        for change in &checked.changes {
            self.remember(at, change);
        }
        if !checked.changes.is_empty() || !checked.expired.is_empty() {
            self.wake();
        }
        (checked.changes, summaries)
    }

    /// Forgets everything: what the nodes still keep is learned again.
    pub(crate) fn begin_anew(&self, now: Duration) {
        let fresh = SubscriptionHealth::new(self.settings(), now);
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        *self.history.lock().unwrap_or_else(PoisonError::into_inner) = History::default();
        self.wake();
    }

    pub(super) fn history(&self, store: Option<&str>) -> Vec<PastChange> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.of(store)
    }

    pub(super) fn settings(&self) -> HealthSettings {
        *self.settings.borrow()
    }

    pub(crate) fn configure(&self, settings: HealthSettings) {
        self.settings.send_replace(settings);
    }

    pub(super) fn watch_settings(&self) -> watch::Receiver<HealthSettings> {
        self.settings.subscribe()
    }

    pub(super) fn watch_emissions(&self) -> watch::Receiver<u64> {
        self.emissions.subscribe()
    }

    fn remember(&self, at: Timestamp, change: &HealthChange) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.push(PastChange::new(at, change));
    }

    fn wake(&self) {
        self.emissions.send_modify(|version| *version = version.wrapping_add(1));
    }
}
