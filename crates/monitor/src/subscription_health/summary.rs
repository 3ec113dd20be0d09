//! The subscriptions of a store, counted.

use serde::{Deserialize, Serialize};

use super::HealthState;

/// How many subscriptions of a store are in which state.
///
/// In JSON under the names that the original sends and also under those that its consumers read: `store`,
/// `healthy_subscriptions`, `unhealthy_subscriptions` (degraded and failed ones).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written")]
pub struct StoreSummary {
    /// The store.
    pub store_id: String,
    /// All that are watched: the sum of the others.
    pub total_subscriptions: u64,
    /// Healthy ones.
    pub healthy: u64,
    /// Degraded ones.
    pub degraded: u64,
    /// Failed ones.
    pub failed: u64,
    /// Those about to begin.
    pub registering: u64,
    /// Those of which nothing is known.
    pub unknown: u64,
}

impl StoreSummary {
    pub(super) fn new(store: &str, states: impl Iterator<Item = HealthState>) -> Self {
        let mut summary = Self {
            store_id: store.to_owned(),
            ..Self::default()
        };
        for state in states {
            summary.total_subscriptions += 1;
            *summary.count_mut(state) += 1;
        }
        summary
    }

    /// How many are degraded or failed. Those that are registering or unknown are neither healthy nor unhealthy.
    pub fn unhealthy(&self) -> u64 {
        self.degraded.saturating_add(self.failed)
    }

    fn count_mut(&mut self, state: HealthState) -> &mut u64 {
        match state {
            HealthState::Healthy => &mut self.healthy,
            HealthState::Degraded => &mut self.degraded,
            HealthState::Failed => &mut self.failed,
            HealthState::Registering => &mut self.registering,
            HealthState::Unknown => &mut self.unknown,
        }
    }
}

#[derive(Serialize)]
struct Written {
    store_id: String,
    store: String,
    total_subscriptions: u64,
    healthy: u64,
    degraded: u64,
    failed: u64,
    registering: u64,
    unknown: u64,
    healthy_subscriptions: u64,
    unhealthy_subscriptions: u64,
}

impl From<StoreSummary> for Written {
    fn from(summary: StoreSummary) -> Self {
        Self {
            store: summary.store_id.clone(),
            total_subscriptions: summary.total_subscriptions,
            healthy: summary.healthy,
            degraded: summary.degraded,
            failed: summary.failed,
            registering: summary.registering,
            unknown: summary.unknown,
            healthy_subscriptions: summary.healthy,
            unhealthy_subscriptions: summary.unhealthy(),
            store_id: summary.store_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_has_the_names_that_are_sent_and_those_that_are_read() {
        let of = |state, count| std::iter::repeat_n(state, count);
        let states = of(HealthState::Healthy, 1)
            .chain(of(HealthState::Degraded, 2))
            .chain(of(HealthState::Failed, 3))
            .chain(of(HealthState::Registering, 4))
            .chain(of(HealthState::Unknown, 5));
        let summary = StoreSummary::new("orders", states);
        let written = serde_json::to_value(&summary).unwrap();
        let expected = json!({
            "store_id": "orders", "store": "orders", "total_subscriptions": 15,
            "healthy": 1, "degraded": 2, "failed": 3, "registering": 4, "unknown": 5,
            "healthy_subscriptions": 1, "unhealthy_subscriptions": 5,
        });
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_value::<StoreSummary>(written).unwrap(), summary);
    }
}
