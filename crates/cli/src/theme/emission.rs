//! Which subscriptions are emitted to, as far as their health events tell.

use std::collections::HashMap;

/// Subscriptions whose emission is remembered. When full all are forgotten: the next event of each is then told once
/// more as a change.
const MAX_SUBSCRIPTIONS: usize = 4096;
/// Subscriptions with longer names are not remembered, and each of their events is told as a change.
const MAX_NAME_BYTES: usize = 512;

/// Remembers whether emission is on, per store and subscription.
#[derive(Debug, Default)]
pub(super) struct Emission {
    is_on: HashMap<(String, String), bool>,
}

/// What an emitter makes of a health event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Healthy,
    /// Failed or degraded.
    Unhealthy,
    /// Says nothing about emission, but emitters go on with it.
    Unknown,
}

impl Reading {
    fn of(event_type: &str) -> Self {
        match event_type {
            "registration_success" | "circuit_breaker_closed" | "event_delivery_success" => Self::Healthy,
            "registration_failed" | "proxy_crashed" | "circuit_breaker_opened" => Self::Unhealthy,
            _ => Self::Unknown,
        }
    }
}

impl Emission {
    /// Takes a health event in. Whether emission is on now, if that is news: it was otherwise before, or nothing was
    /// known of this subscription.
    pub(super) fn on_event(&mut self, store: &str, subscription: &str, event_type: &str) -> Option<bool> {
        let key = (store.to_owned(), subscription.to_owned());
        let was_on = self.is_on.get(&key).copied();
        let is_on = match Reading::of(event_type) {
            Reading::Healthy => true,
            Reading::Unhealthy => false,
            Reading::Unknown if was_on == Some(false) => true,
            Reading::Unknown => return None,
        };
        if was_on == Some(is_on) {
            return None;
        }
        self.remember(key, is_on);
        Some(is_on)
    }

    fn remember(&mut self, key: (String, String), is_on: bool) {
        if key.0.len() + key.1.len() > MAX_NAME_BYTES {
            return;
        }
        if self.is_on.len() >= MAX_SUBSCRIPTIONS && !self.is_on.contains_key(&key) {
            self.is_on.clear();
        }
        self.is_on.insert(key, is_on);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_news() {
        let mut emission = Emission::default();
        for (event_type, news) in [
            ("registration_started", None),
            ("registration_success", Some(true)),
            ("event_delivery_success", None),
            ("event_delivery_failed", None),
            ("registration_failed", Some(false)),
            ("proxy_crashed", None),
            ("circuit_breaker_opened", None),
            ("circuit_breaker_closed", Some(true)),
            ("circuit_breaker_opened", Some(false)),
            ("periodic_heartbeat", Some(true)),
            ("proxy_crashed", Some(false)),
            ("something_else", Some(true)),
        ] {
            assert_eq!(emission.on_event("main", "orders", event_type), news, "{event_type}");
        }
    }

    #[test]
    fn each_subscription_of_each_store_stands_for_itself() {
        let mut emission = Emission::default();
        for (store, subscription) in [("main", "orders"), ("main", "bills"), ("other", "orders")] {
            assert_eq!(emission.on_event(store, subscription, "proxy_crashed"), Some(false));
            assert_eq!(emission.on_event(store, subscription, "proxy_crashed"), None);
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut emission = Emission::default();
        for number in 0..3 * MAX_SUBSCRIPTIONS {
            emission.on_event("main", &number.to_string(), "proxy_crashed");
            assert!(emission.is_on.len() <= MAX_SUBSCRIPTIONS);
        }
        let long = "x".repeat(MAX_NAME_BYTES);
        let before = emission.is_on.len();
        assert_eq!(emission.on_event("main", &long, "proxy_crashed"), Some(false));
        assert_eq!(emission.is_on.len(), before);
    }
}
