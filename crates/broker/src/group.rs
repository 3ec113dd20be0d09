//! Subscriptions with equal patterns: one ring, and from where each source reaches it.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Batch, Instance, Pattern};

use crate::InstanceSettings;
use crate::delivery::{Delivery, Gap};
use crate::ring::Ring;
use crate::source_slot::SourceSlot;

/// A seq that no message has: the gate is closed.
pub(crate) const CLOSED: u64 = u64::MAX;

/// The subscriptions of one instance that have the same patterns.
///
/// A group takes messages of another source only from the seq at which that source confirmed to send it everything
/// that matches: before that it would see some and miss others.
#[derive(Debug)]
pub(crate) struct Group {
    /// Sorted, without doubles.
    pub(crate) patterns: Box<[Pattern]>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) ring: Ring,
    /// By source slot; a slot beyond the end is closed.
    live_from: Vec<u64>,
    /// Whether it is listed among those that are filling up.
    is_filling: bool,
}

impl Group {
    pub(crate) fn new(patterns: Box<[Pattern]>, settings: &InstanceSettings) -> Self {
        let ring = Ring::new(settings);
        Self {
            patterns,
            inner: Mutex::new(Inner {
                ring,
                live_from: Vec::new(),
                is_filling: false,
            }),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    pub(crate) fn set_live_from(&mut self, slot: SourceSlot, seq: u64) {
        if self.live_from.len() <= slot.0 {
            self.live_from.resize(slot.0 + 1, CLOSED);
        }
        if let Some(from) = self.live_from.get_mut(slot.0) {
            *from = seq;
        }
    }

    /// Whether the queue is filling up and was not listed as such yet; then it is from now on.
    pub(crate) fn begins_to_fill(&mut self) -> bool {
        let begins = !self.is_filling && self.ring.is_filling();
        self.is_filling |= begins;
        begins
    }

    /// Whether the queue is still filling up; if not, it is no longer listed.
    pub(crate) fn still_fills(&mut self) -> bool {
        self.is_filling = self.ring.is_filling();
        self.is_filling
    }

    pub(crate) fn live_from(&self, slot: SourceSlot) -> u64 {
        self.live_from.get(slot.0).copied().unwrap_or(CLOSED)
    }

    /// Messages of another source, from where the gate is open. Returns how many deliveries the ring lost.
    pub(crate) fn push_batch(
        &mut self,
        slot: SourceSlot,
        batch: &Batch,
        mut places: Range<usize>,
        instance: Instance,
        wake: &mut Vec<Waker>,
    ) -> u64 {
        let from = self.live_from(slot);
        if batch.last_seq() < from {
            return 0;
        }
        while !places.is_empty() && batch.seq_at(places.start) < from {
            places.start += 1;
        }
        self.ring.push_batch(batch, places, instance, wake)
    }

    /// What will not come of another source. Returns how many messages may have matched here, at most.
    pub(crate) fn push_gap(&mut self, slot: SourceSlot, gap: &Gap, wake: &mut Vec<Waker>) -> u64 {
        let first = (gap.first - u64::from(gap.first > 1 && is_planted(Planted::GapTooWide))).max(self.live_from(slot));
        if first > gap.last {
            return 0;
        }
        let count = gap.last - first + 1;
        self.ring.push(
            Delivery::Gap(Gap {
                first,
                count,
                exact: false,
                ..gap.clone()
            }),
            gap.instance,
            wake,
        );
        count
    }

    /// Something about the source that groups with an open gate are told.
    pub(crate) fn push_if_open(&mut self, slot: SourceSlot, item: Delivery, instance: Instance, wake: &mut Vec<Waker>) {
        if self.live_from(slot) != CLOSED {
            self.ring.push(item, instance, wake);
        }
    }
}
