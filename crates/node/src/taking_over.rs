//! What a running node takes over of a configuration that has changed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_message::Instance;
use bellwether_monitor::threshold::ThresholdRule;

use crate::config::{Config, milliseconds};
use crate::node::Node;

impl Node {
    /// Takes over what differs between two configurations and needs no restart, as [`Config::changes`] tells: bounds of the
    /// instances, the drain time, what the node tells of itself and by what it raises alerts. What was switched or added
    /// while it ran, and is the same in both, stays as it is. Doors, permissions and the log are not the node's own.
    ///
    /// The newer one is to be [checked](Config::check).
    pub fn take_over(&self, older: &Config, newer: &Config) {
        self.set_drain_timeout(newer.drain_timeout);
        for (instance, (old, new)) in Instance::ALL
            .into_iter()
            .zip(older.instances.iter().zip(&newer.instances))
        {
            if old != new {
                self.broker().change_settings(instance, *new);
            }
        }
        let (old, new) = (&older.integration, &newer.integration);
        if old == new {
            return;
        }
        self.integration_state().change_settings(new.clone());
        if old.enabled != new.enabled {
            match new.enabled {
                true => self.integration().enable(),
                false => self.integration().disable(),
            }
        }
        if old.health_monitoring.rules() != new.health_monitoring.rules() {
            self.health_shell().configure(new.health_monitoring.rules());
        }
        if old.alerting != new.alerting {
            self.alerts_state().configure(&new.alerting);
        }
        self.take_over_thresholds(&old.thresholds, &new.thresholds);
    }

    /// Rules that somebody has added meanwhile stay, unless the newer list has one of that id.
    fn take_over_thresholds(&self, old: &[ThresholdRule], new: &[ThresholdRule]) {
        for rule in old.iter().filter(|rule| !new.iter().any(|other| other.id == rule.id)) {
            self.remove_threshold(&rule.id);
        }
        for rule in new.iter().filter(|rule| !old.contains(rule)) {
            if let Err(err) = self.add_threshold(rule.clone()) {
                tracing::warn!(threshold = rule.id, %err, "a threshold is not watched");
            }
        }
    }

    fn set_drain_timeout(&self, within: Duration) {
        self.drain_timeout_ms().store(milliseconds(within), Ordering::Relaxed);
    }
}
