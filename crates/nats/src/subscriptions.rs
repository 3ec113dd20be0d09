//! The subscriptions of one client, by what it calls them.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Waker;

use bellwether::Subscription;
use bellwether_access::Permit;

use crate::message::SubjectMemory;
use crate::ready::{Bell, Key, Ready};
use crate::subject_pattern::SubjectPattern;

/// All subscriptions of one client.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    by_sid: HashMap<Box<[u8]>, u64, foldhash::fast::RandomState>,
    entries: HashMap<u64, Entry, foldhash::fast::RandomState>,
    next: u64,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) sid: Box<[u8]>,
    pub(crate) pattern: SubjectPattern,
    pub(crate) count: Count,
    /// One per instance that it speaks of, or per pattern of a queue group.
    pub(crate) parts: Vec<Part>,
    _permit: Permit,
}

/// What it is in one instance.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) subscription: Subscription,
    pub(crate) bell: Arc<Bell>,
    pub(crate) waker: Waker,
    pub(crate) subject: SubjectMemory,
}

/// How many messages a subscription has had, and may have in all.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count {
    delivered: u64,
    max: Option<u64>,
}

impl Subscriptions {
    pub(crate) fn has(&self, sid: &[u8]) -> bool {
        self.by_sid.contains_key(sid)
    }

    /// Adds one; each of its parts is looked at soon.
    pub(crate) fn add(
        &mut self,
        sid: &[u8],
        pattern: SubjectPattern,
        parts: Vec<Subscription>,
        permit: Permit,
        ready: &Arc<Ready>,
    ) {
        let subscription = self.next;
        self.next += 1;
        let part = |(part, node_subscription)| {
            let bell = ready.bell(Key { subscription, part });
            Part {
                subscription: node_subscription,
                waker: Waker::from(bell.clone()),
                bell,
                subject: SubjectMemory::default(),
            }
        };
        let entry = Entry {
            sid: sid.into(),
            pattern,
            count: Count::default(),
            parts: parts.into_iter().enumerate().map(part).collect(),
            _permit: permit,
        };
        self.by_sid.insert(sid.into(), subscription);
        self.entries.insert(subscription, entry);
    }

    /// Takes out those that may not go on.
    pub(crate) fn take_unless(&mut self, may_go_on: impl Fn(&Subscription) -> bool) -> Vec<Entry> {
        let over = |entry: &Entry| !entry.parts.iter().any(|part| may_go_on(&part.subscription));
        let ended: Vec<Entry> = self
            .entries
            .extract_if(|_, entry| over(entry))
            .map(|(_, entry)| entry)
            .collect();
        for entry in &ended {
            self.by_sid.remove(&entry.sid);
        }
        ended
    }

    pub(crate) fn entry(&mut self, subscription: u64) -> Option<&mut Entry> {
        self.entries.get_mut(&subscription)
    }

    /// Ends one: at once, or when it has had so many messages since it began.
    pub(crate) fn end(&mut self, sid: &[u8], max: Option<u64>) {
        let Some(subscription) = self.by_sid.get(sid).copied() else {
            return;
        };
        let max = max.filter(|max| *max > 0);
        let goes_on = match (self.entries.get_mut(&subscription), max) {
            (Some(entry), Some(max)) => entry.count.limit(max),
            _ => false,
        };
        if !goes_on {
            self.remove(subscription);
        }
    }

    pub(crate) fn remove(&mut self, subscription: u64) {
        if let Some(entry) = self.entries.remove(&subscription) {
            self.by_sid.remove(&entry.sid);
        }
    }

    /// One that a message on a subject is for.
    pub(crate) fn matching(&mut self, subject: &[u8]) -> Option<u64> {
        let matching = |(_, entry): &(&u64, &Entry)| entry.pattern.matches(subject);
        self.entries
            .iter()
            .find(matching)
            .map(|(subscription, _)| *subscription)
    }

    /// The subject that most messages came for.
    pub(crate) fn busiest(&self) -> Option<&str> {
        let busiest = self.entries.values().max_by_key(|entry| entry.count.delivered);
        busiest.map(|entry| entry.pattern.as_str())
    }
}

impl Count {
    /// One more. False: it was the last.
    pub(crate) fn deliver(&mut self) -> bool {
        self.delivered += 1;
        self.goes_on()
    }

    /// From now on there may be so many in all. False: there were.
    fn limit(&mut self, max: u64) -> bool {
        self.max = Some(max);
        self.goes_on()
    }

    fn goes_on(self) -> bool {
        self.max.is_none_or(|max| self.delivered < max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_from_the_beginning_of_the_subscription() {
        let mut count = Count::default();
        assert!(count.deliver() && count.deliver());
        assert!(count.limit(4));
        assert!(count.deliver());
        assert!(!count.deliver());
        let mut late = Count::default();
        late.deliver();
        late.deliver();
        assert!(!late.limit(2));
        assert!(
            !Count {
                delivered: 3,
                max: None
            }
            .limit(1)
        );
    }
}
