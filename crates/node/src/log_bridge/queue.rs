//! Records that wait to be published.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::record::Record;

/// Records that wait: what a program logs while it starts, or in a second of the default rate.
pub(super) const MAX_RECORDS: usize = 1024;
/// Their bytes: as many as 256 of the largest.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Records in the order in which they were logged. At most [`MAX_RECORDS`] of [`MAX_BYTES`] in all; when it is full the
/// newest are left out and counted.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    records: VecDeque<Record>,
    bytes: usize,
    left_out: u64,
}

impl Queue {
    /// Whether a record is left out for want of room, before it is shown; it is counted then.
    pub(super) fn is_full(&self) -> bool {
        let mut inner = self.inner();
        let is_full = inner.records.len() >= MAX_RECORDS || inner.bytes >= MAX_BYTES;
        if is_full {
            inner.left_out = inner.left_out.saturating_add(1);
        }
        is_full
    }

    /// Adds a record. False: there was no room, and it was counted.
    pub(super) fn push(&self, record: Record) -> bool {
        let mut inner = self.inner();
        let bytes = inner.bytes.saturating_add(record.bytes);
        if inner.records.len() >= MAX_RECORDS || bytes > MAX_BYTES {
            inner.left_out = inner.left_out.saturating_add(1);
            return false;
        }
        inner.bytes = bytes;
        inner.records.push_back(record);
        true
    }

    /// Takes the oldest.
    pub(super) fn pop(&self) -> Option<Record> {
        let mut inner = self.inner();
        let record = inner.records.pop_front()?;
        inner.bytes = inner.bytes.saturating_sub(record.bytes);
        Some(record)
    }

    /// How many were left out since this was last asked.
    pub(super) fn left_out(&self) -> u64 {
        std::mem::take(&mut self.inner().left_out)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bellwether_monitor::log_level::LogLevel;
    use tokio::time::Instant;

    use super::*;

    fn record(line: u64, bytes: usize) -> Record {
        Record {
            at: Instant::now(),
            level: LogLevel::Info,
            module: String::new(),
            message: String::new(),
            function: None,
            line: Some(line),
            metadata: Default::default(),
            bytes,
        }
    }

    #[test]
    fn the_newest_are_left_out_when_there_are_too_many() {
        let queue = Queue::default();
        for line in 0..1024 {
            assert!(!queue.is_full());
            assert!(queue.push(record(line, 1)));
        }
        assert!(!queue.push(record(1024, 1)));
        assert!(queue.is_full());
        assert_eq!((queue.left_out(), queue.left_out()), (2, 0));
        assert_eq!(queue.pop().unwrap().line, Some(0));
        assert!(queue.push(record(1025, 1)));
        let rest: Vec<Option<u64>> = std::iter::from_fn(|| queue.pop()).map(|record| record.line).collect();
        assert_eq!((rest.len(), rest.last()), (1024, Some(&Some(1025))));
    }

    #[test]
    fn the_newest_are_left_out_when_they_are_too_large_together() {
        let queue = Queue::default();
        assert!(queue.push(record(0, MAX_BYTES - 10)));
        assert!(!queue.push(record(1, 11)));
        assert!(queue.push(record(2, 10)));
        assert!(queue.is_full());
        queue.pop();
        assert!(queue.push(record(3, 100)), "room is given back");
        assert_eq!(queue.left_out(), 2);
    }
}
