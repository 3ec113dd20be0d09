//! What this node has published of late, so that it does not repeat itself.

use std::collections::HashMap;
use std::time::Duration;

use super::alert::{Severity, key_part};

/// Most keys whose last publication is remembered. When full, the one published longest ago is forgotten, and may be
/// published again too soon.
pub const MAX_KEYS: usize = 4_096;

/// The publishing side: equal alerts of one node are published once per window.
#[derive(Debug, Default)]
pub(super) struct Publications {
    last: HashMap<String, (Severity, Duration)>,
}

impl Publications {
    /// Whether an alert is to be published now; notes it if so.
    pub(super) fn admit(&mut self, key: &str, severity: Severity, window: Duration, now: Duration) -> bool {
        let key = key_part(key);
        let is_repeat = self
            .last
            .get(key)
            .is_some_and(|(last, at)| severity <= *last && now.saturating_sub(*at) < window);
        if is_repeat {
            return false;
        }
        if self.last.len() >= MAX_KEYS && !self.last.contains_key(key) {
            self.make_room(window, now);
        }
        self.last.insert(key.to_owned(), (severity, now));
        true
    }

    /// It is over: should it come again, that is news.
    pub(super) fn forget(&mut self, key: &str) {
        self.last.remove(key_part(key));
    }

    fn make_room(&mut self, window: Duration, now: Duration) {
        self.last.retain(|_, (_, at)| now.saturating_sub(*at) < window);
        if self.last.len() >= MAX_KEYS {
            let oldest = self.last.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.last.remove(&oldest);
            }
        }
    }
}
