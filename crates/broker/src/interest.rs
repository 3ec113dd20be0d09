//! What this node has subscribers for, as a versioned set that can be watched.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Instance, Pattern};
use tokio::sync::watch;

/// Most distinct patterns of one node over all instances; a further one is refused. Peers hold as many for us.
pub const MAX_PATTERNS: usize = 131_072;
/// Changes remembered for watchers; one that is further behind gets the whole set.
const LOG: usize = 1024;

/// The patterns with at least one subscription. Every change raises the version by one.
#[derive(Debug, Default)]
pub struct Interest {
    version: u64,
    entries: BTreeMap<(Instance, Pattern), Held>,
    log: VecDeque<Change>,
}

#[derive(Debug)]
struct Held {
    added: u64,
    /// Groups that need it.
    holders: usize,
}

/// The interest as the ten instances share it, with a version to wait for.
#[derive(Debug, Default)]
pub(crate) struct SharedInterest {
    interest: Mutex<Interest>,
    version: watch::Sender<u64>,
}

impl SharedInterest {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Interest> {
        self.interest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Wakes who waits for a version, if there is a newer one.
    pub(crate) fn announce(&self) {
        let version = self.lock().version();
        self.version.send_if_modified(|known| {
            let newer = version > *known;
            *known = version.max(*known);
            newer
        });
    }
}

/// A pattern of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterestEntry {
    /// Where it matches.
    pub instance: Instance,
    /// What it matches.
    pub pattern: Pattern,
    /// The version that added it: a pattern removed and added again is another entry.
    pub added: u64,
}

/// One change of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The version it led to.
    pub version: u64,
    /// The pattern it was about.
    pub entry: InterestEntry,
    /// Whether it was added or removed.
    pub added: bool,
}

/// What has changed since a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterestUpdate {
    /// These changes, oldest first.
    Changes(Vec<Change>),
    /// Too much to tell: the whole set.
    Whole(Vec<InterestEntry>),
}

impl Interest {
    /// The version of the set as it is now; 0 is the empty set at the start.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// All patterns.
    pub fn entries(&self) -> impl Iterator<Item = InterestEntry> {
        self.entries.iter().map(|((instance, pattern), held)| InterestEntry {
            instance: *instance,
            pattern: pattern.clone(),
            added: held.added,
        })
    }

    /// What has changed since `version`.
    pub fn since(&self, version: u64) -> InterestUpdate {
        let oldest = self.log.front().map_or(self.version + 1, |change| change.version);
        if version + 1 < oldest {
            return InterestUpdate::Whole(self.entries().collect());
        }
        InterestUpdate::Changes(
            self.log
                .iter()
                .filter(|change| change.version > version)
                .cloned()
                .collect(),
        )
    }

    /// The version that added a pattern, if it is in the set.
    pub(crate) fn added(&self, instance: Instance, pattern: &Pattern) -> Option<u64> {
        // A tuple key cannot be looked up by parts without a clone; this is no hot path.
        self.entries.get(&(instance, pattern.clone())).map(|held| held.added)
    }

    /// Whether these patterns, without doubles, can be added.
    pub(crate) fn has_room_for(&self, instance: Instance, patterns: &[Pattern]) -> bool {
        let new = patterns
            .iter()
            .filter(|pattern| self.added(instance, pattern).is_none())
            .count();
        self.entries.len() + new <= MAX_PATTERNS
    }

    /// One more group needs the pattern.
    pub(crate) fn hold(&mut self, instance: Instance, pattern: &Pattern) {
        let next = self.version + 1;
        let held = self.entries.entry((instance, pattern.clone())).or_insert(Held {
            added: next,
            holders: 0,
        });
        held.holders += 1;
        if held.holders == 1 {
            self.changed(instance, pattern, next, true);
        }
    }

    /// One group less needs the pattern.
    pub(crate) fn release(&mut self, instance: Instance, pattern: &Pattern) {
        let key = (instance, pattern.clone());
        let Some(held) = self.entries.get_mut(&key) else { return };
        held.holders -= 1;
        if held.holders == 0 || is_planted(Planted::PatternTakenFromOthers) {
            let added = held.added;
            self.entries.remove(&key);
            self.changed(instance, pattern, added, false);
        }
    }

    fn changed(&mut self, instance: Instance, pattern: &Pattern, entry_added: u64, added: bool) {
        self.version += 1;
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        let entry = InterestEntry {
            instance,
            pattern: pattern.clone(),
            added: entry_added,
        };
        self.log.push_back(Change {
            version: self.version,
            entry,
            added,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    #[test]
    fn only_the_first_holder_and_the_last_change_the_set() {
        let mut interest = Interest::default();
        interest.hold(Instance::Alerts, &pattern("a"));
        interest.hold(Instance::Alerts, &pattern("a"));
        assert_eq!(interest.version(), 1);
        interest.release(Instance::Alerts, &pattern("a"));
        assert_eq!(interest.version(), 1);
        interest.release(Instance::Alerts, &pattern("a"));
        assert_eq!((interest.version(), interest.entries().count()), (2, 0));
    }

    #[test]
    fn a_pattern_added_again_is_another_entry() {
        let mut interest = Interest::default();
        interest.hold(Instance::Alerts, &pattern("a"));
        interest.release(Instance::Alerts, &pattern("a"));
        interest.hold(Instance::Alerts, &pattern("a"));
        assert_eq!(interest.added(Instance::Alerts, &pattern("a")), Some(3));
        let InterestUpdate::Changes(changes) = interest.since(1) else {
            panic!()
        };
        assert_eq!(
            changes
                .iter()
                .map(|change| (change.version, change.added, change.entry.added))
                .collect::<Vec<_>>(),
            [(2, false, 1), (3, true, 3)]
        );
    }

    #[test]
    fn a_watcher_far_behind_gets_the_whole_set() {
        let mut interest = Interest::default();
        for n in 0..=LOG {
            interest.hold(Instance::Logging, &pattern(&format!("t{n}")));
        }
        assert!(matches!(interest.since(0), InterestUpdate::Whole(entries) if entries.len() == LOG + 1));
        assert!(matches!(interest.since(1), InterestUpdate::Changes(changes) if changes.len() == LOG));
        assert!(matches!(interest.since(interest.version()), InterestUpdate::Changes(changes) if changes.is_empty()));
    }
}
