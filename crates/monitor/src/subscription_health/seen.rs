//! Which messages were taken in already.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Keys remembered: copies of one event arrive within moments of each other. At most some 3 MiB; when full, the oldest
/// is forgotten.
const MAX_SEEN: usize = 8_192;

/// The keys of the last messages.
#[derive(Debug, Default)]
pub(super) struct SeenKeys {
    keys: HashSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl SeenKeys {
    /// Whether this key is new; it is remembered.
    pub(super) fn is_first(&mut self, key: &str) -> bool {
        if self.keys.contains(key) {
            return false;
        }
        if self.order.len() >= MAX_SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        let key: Arc<str> = key.into();
        self.order.push_back(key.clone());
        self.keys.insert(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_first_once_until_so_many_others_have_come() {
        let mut seen = SeenKeys::default();
        assert!(seen.is_first("a"));
        assert!(!seen.is_first("a"));
        for number in 1..MAX_SEEN {
            assert!(seen.is_first(&number.to_string()));
        }
        assert!(!seen.is_first("a"), "the last one that still has room");
        assert!(seen.is_first("one more"));
        assert!(seen.is_first("a"));
        assert_eq!(seen.keys.len(), MAX_SEEN);
        assert_eq!(seen.order.len(), MAX_SEEN);
    }
}
