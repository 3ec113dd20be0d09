//! The ledger: what was published, and which nodes have received it.

use std::collections::BTreeMap;
use std::fmt;

use bellwether::{Epoch, Instance, MessageId, NodeId};

/// Keeps account of messages that every one of some nodes must receive once, in the order of their feed.
#[derive(Debug)]
pub(super) struct Ledger {
    receivers: usize,
    published: u64,
    delivered: u64,
    /// Deliveries that came twice or out of order.
    disordered: u64,
    /// Messages that not every node has received yet, with how many have.
    outstanding: BTreeMap<MessageId, usize>,
    /// The last seq that each receiver got of each feed.
    last: BTreeMap<(usize, Instance, NodeId, Epoch), u64>,
}

impl Ledger {
    pub(super) fn new(receivers: usize) -> Self {
        Self {
            receivers,
            published: 0,
            delivered: 0,
            disordered: 0,
            outstanding: BTreeMap::new(),
            last: BTreeMap::new(),
        }
    }

    pub(super) fn on_published(&mut self, id: MessageId) {
        self.published += 1;
        self.outstanding.insert(id, 0);
    }

    /// The receiver at this place got it. Messages that were not entered as published are left out of account.
    pub(super) fn on_delivered(&mut self, receiver: usize, id: &MessageId) {
        let feed = (receiver, id.instance, id.node.clone(), id.epoch);
        let last = self.last.entry(feed).or_default();
        if id.seq <= *last {
            self.disordered += 1;
            return;
        }
        *last = id.seq;
        let Some(received) = self.outstanding.get_mut(id) else {
            return;
        };
        self.delivered += 1;
        *received += 1;
        if *received == self.receivers {
            self.outstanding.remove(id);
        }
    }

    /// Deliveries that have not come.
    pub(super) fn missing(&self) -> usize {
        self.outstanding
            .values()
            .map(|received| self.receivers - received)
            .sum()
    }

    /// Whether everything came everywhere, once and in order.
    pub(super) fn is_clean(&self) -> bool {
        self.outstanding.is_empty() && self.disordered == 0
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} published, {} delivered, {} missing",
            self.published,
            self.delivered,
            self.missing()
        )?;
        if self.disordered > 0 {
            write!(f, ", {} twice or out of order", self.disordered)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(seq: u64) -> MessageId {
        MessageId {
            instance: Instance::Events,
            node: NodeId::new("a").unwrap(),
            epoch: Epoch(7),
            seq,
        }
    }

    #[test]
    fn what_not_everyone_has_is_missing() {
        let mut ledger = Ledger::new(2);
        ledger.on_published(id(1));
        ledger.on_published(id(2));
        ledger.on_delivered(0, &id(1));
        ledger.on_delivered(1, &id(1));
        ledger.on_delivered(0, &id(2));
        assert_eq!(ledger.to_string(), "2 published, 3 delivered, 1 missing");
        assert!(!ledger.is_clean());
        ledger.on_delivered(1, &id(2));
        assert!(ledger.is_clean());
    }

    #[test]
    fn what_comes_twice_or_late_is_noticed() {
        let mut ledger = Ledger::new(1);
        for seq in [1, 2] {
            ledger.on_published(id(seq));
        }
        for seq in [2, 1, 2] {
            ledger.on_delivered(0, &id(seq));
        }
        assert_eq!(
            ledger.to_string(),
            "2 published, 1 delivered, 1 missing, 2 twice or out of order"
        );
        assert!(!ledger.is_clean());
    }
}
