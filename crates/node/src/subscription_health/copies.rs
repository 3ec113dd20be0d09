//! Which messages are copies of one event.
//!
//! Publishers of the original may send an event to the subscription's topic and to the store's. The copies are equal
//! but for the topic; but so are two events that say the same. So the first on one topic and the first on the other are
//! one event, the second on both are another.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Payloads remembered: copies are published one after the other. When there is no room the oldest is forgotten, and a
/// copy that comes so late counts as an event of its own.
const REMEMBERED: usize = 1_024;

/// Tells copies from events.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// How often each payload came, by its hash: on topics of subscriptions, on topics of stores.
    times: HashMap<u64, (u64, u64)>,
    order: VecDeque<u64>,
}

impl Copies {
    /// Whether a message of this node with this payload is the copy of one that came on the other kind of topic.
    pub(super) fn is_copy(&mut self, is_on_store: bool, node: &str, payload: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        (node, payload).hash(&mut hasher);
        let (on_subscription, on_store) = self.times_of(hasher.finish());
        let (here, there) = match is_on_store {
            true => (on_store, on_subscription),
            false => (on_subscription, on_store),
        };
        *here = here.saturating_add(1);
        *here <= *there
    }

    fn times_of(&mut self, hash: u64) -> &mut (u64, u64) {
        if !self.times.contains_key(&hash) {
            if self.order.len() >= REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.times.remove(&oldest);
            }
            self.order.push_back(hash);
        }
        self.times.entry(hash).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_on_two_topics_are_one_and_equals_on_one_topic_are_two() {
        let mut copies = Copies::default();
        assert!(!copies.is_copy(true, "a", b"x"));
        assert!(copies.is_copy(false, "a", b"x"));
        assert!(!copies.is_copy(false, "a", b"x"));
        assert!(copies.is_copy(true, "a", b"x"));
        assert!(!copies.is_copy(true, "a", b"y"));
        assert!(!copies.is_copy(false, "b", b"y"), "of another node");
        for _ in 0..3 {
            assert!(!copies.is_copy(false, "a", b"z"));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_was_forgotten_is_no_copy() {
        let mut copies = Copies::default();
        for number in 0..3 * REMEMBERED {
            assert!(!copies.is_copy(true, "a", &number.to_le_bytes()));
        }
        assert_eq!((copies.times.len(), copies.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!copies.is_copy(false, "a", &0_usize.to_le_bytes()));
    }
}
