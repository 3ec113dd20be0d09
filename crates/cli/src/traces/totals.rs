//! What became of the spans of this process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Shared by those who bring spans and by the thread that exports them.
#[derive(Debug, Default)]
pub(super) struct Totals {
    waiting: AtomicU64,
    exported: AtomicU64,
    /// Found no room, or were not taken by the collector.
    lost: AtomicU64,
    /// Why the last request failed, in words.
    trouble: Mutex<Option<String>>,
}

impl Totals {
    /// Takes a place among at most `room` that wait; without one the span is lost.
    pub(super) fn enter(&self, room: u64) -> bool {
        let next = |waiting: u64| (waiting < room).then_some(waiting + 1);
        let entered = self
            .waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next)
            .is_ok();
        if !entered {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    /// So many no longer wait.
    pub(super) fn leave(&self, spans: u64) {
        self.waiting.fetch_sub(spans, Ordering::AcqRel);
    }

    pub(super) fn add_exported(&self, spans: u64) {
        self.exported.fetch_add(spans, Ordering::Relaxed);
    }

    pub(super) fn add_lost(&self, spans: u64) {
        self.lost.fetch_add(spans, Ordering::Relaxed);
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire)
    }

    pub(super) fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn set_trouble(&self, words: String) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
    }

    pub(super) fn take_trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_wait_than_there_is_room_for_and_the_rest_is_counted() {
        let totals = Totals::default();
        let entered = (0..5).filter(|_| totals.enter(3)).count();
        assert_eq!((entered, totals.waiting(), totals.lost()), (3, 3, 2));
        totals.leave(2);
        assert!(totals.enter(3));
        assert_eq!((totals.waiting(), totals.lost()), (2, 2));
    }
}
