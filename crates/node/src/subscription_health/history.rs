//! The last changes of state.

use std::collections::VecDeque;

use bellwether_message::Timestamp;
use bellwether_monitor::subscription_health::{HealthChange, HealthEvent, HealthState};
use serde::Serialize;

/// Changes that are kept, over all stores; then the oldest goes. An hour of a mesh that has trouble, and less than a MiB.
pub const HISTORY: usize = 1_024;

/// A change of a subscription's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PastChange {
    /// When it was told, by the clock of who told it; of a silence, when this node found it.
    pub at: Timestamp,
    /// The store.
    pub store: String,
    /// The subscription's name in it.
    pub subscription: String,
    /// The state before.
    pub from: HealthState,
    /// The state after.
    pub to: HealthState,
    /// What was told; null if it is the silence that says it.
    pub event: Option<HealthEvent>,
    /// The error that was told, or how long it was silent.
    pub reason: Option<String>,
}

impl PastChange {
    pub(super) fn new(at: Timestamp, change: &HealthChange) -> Self {
        Self {
            at,
            store: change.store.to_string(),
            subscription: change.subscription.to_string(),
            from: change.from,
            to: change.to,
            event: change.event.clone(),
            reason: change.reason.clone(),
        }
    }
}

/// The last [`HISTORY`] changes.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<PastChange>);

impl History {
    pub(super) fn push(&mut self, change: PastChange) {
        if self.0.len() >= HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(change);
    }

    /// Those of one store, or all, the oldest first.
    pub(super) fn of(&self, store: Option<&str>) -> Vec<PastChange> {
        let wanted = |change: &&PastChange| store.is_none_or(|store| store == change.store);
        self.0.iter().filter(wanted).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(store: &str, number: i64) -> PastChange {
        PastChange {
            at: Timestamp::from_millis(number),
            store: store.to_owned(),
            subscription: "a".to_owned(),
            from: HealthState::Unknown,
            to: HealthState::Healthy,
            event: None,
            reason: None,
        }
    }

    #[test]
    fn the_oldest_goes_and_stores_are_kept_apart() {
        let mut history = History::default();
        for number in 0..=i64::try_from(HISTORY).unwrap() {
            history.push(change(if number % 2 == 0 { "even" } else { "odd" }, number));
        }
        let all = history.of(None);
        assert_eq!((all.len(), all[0].at.as_millis()), (HISTORY, 1));
        assert_eq!(history.of(Some("odd")).len(), HISTORY / 2);
        assert!(
            history
                .of(Some("even"))
                .iter()
                .all(|change| change.at.as_millis() % 2 == 0)
        );
        assert!(history.of(Some("none")).is_empty());
    }
}
