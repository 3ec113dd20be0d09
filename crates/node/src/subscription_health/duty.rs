//! Which node sums up a store.
//!
//! The first of the members alive, by node id, does. A node further back cannot see whether those before it do their duty
//! (one may be switched off); it hears their summaries, and steps in when a store has had none for long enough.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Since when no summary was heard of a node that stands before this one, by store. Has the stores that are watched, so
/// it is bounded as they are.
#[derive(Debug, Default)]
pub(super) struct Duty {
    silent_since: BTreeMap<Arc<str>, Duration>,
}

impl Duty {
    /// A node that stands before this one has summed up the store.
    pub(super) fn heard(&mut self, store: &str, now: Duration) {
        if let Some(since) = self.silent_since.get_mut(store) {
            *since = now;
        }
    }

    /// Whether the summary of a store, which is due, is this node's to publish. `rank` is the number of members alive
    /// before it. Each further place waits one interval longer; half of one more, as nodes do not tick in step.
    pub(super) fn is_mine(&mut self, store: &str, rank: u32, interval: Duration, now: Duration) -> bool {
        let since = match self.silent_since.get(store) {
            Some(since) => *since,
            None => *self.silent_since.entry(store.into()).or_insert(now),
        };
        let patience = interval.saturating_mul(rank).saturating_add(interval / 2);
        rank == 0 || now.saturating_sub(since) >= patience
    }

    /// Forgets the stores that are no longer watched.
    pub(super) fn keep(&mut self, is_watched: impl Fn(&str) -> bool) {
        self.silent_since.retain(|store, _| is_watched(store));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_always_does_it() {
        let mut duty = Duty::default();
        for seconds in [0, 30, 60] {
            duty.heard("main", at(seconds));
            assert!(duty.is_mine("main", 0, INTERVAL, at(seconds)));
        }
    }

    #[test]
    fn the_next_steps_in_when_nobody_before_it_does_and_back_when_somebody_does() {
        let mut duty = Duty::default();
        assert!(!duty.is_mine("main", 1, INTERVAL, at(10)));
        duty.heard("main", at(20));
        assert!(
            !duty.is_mine("main", 1, INTERVAL, at(50)),
            "a tick is late, not missing"
        );
        assert!(!duty.is_mine("main", 1, INTERVAL, at(64)));
        assert!(duty.is_mine("main", 1, INTERVAL, at(65)));
        assert!(duty.is_mine("main", 1, INTERVAL, at(95)), "until somebody is heard");
        duty.heard("main", at(100));
        assert!(!duty.is_mine("main", 1, INTERVAL, at(125)));
    }

    #[test]
    fn whoever_stands_further_back_waits_longer() {
        let mut duty = Duty::default();
        assert!(!duty.is_mine("main", 2, INTERVAL, at(0)));
        assert!(!duty.is_mine("main", 2, INTERVAL, at(74)));
        assert!(duty.is_mine("main", 2, INTERVAL, at(75)));
    }

    #[test]
    fn stores_are_apart_and_forgotten() {
        let mut duty = Duty::default();
        assert!(!duty.is_mine("a", 1, INTERVAL, at(0)));
        assert!(!duty.is_mine("b", 1, INTERVAL, at(0)));
        duty.heard("a", at(40));
        assert!(!duty.is_mine("a", 1, INTERVAL, at(45)));
        assert!(duty.is_mine("b", 1, INTERVAL, at(45)));
        duty.keep(|store| store == "a");
        assert!(!duty.is_mine("b", 1, INTERVAL, at(46)), "new again");
        duty.heard("never seen", at(1));
        assert_eq!(duty.silent_since.len(), 2);
    }
}
