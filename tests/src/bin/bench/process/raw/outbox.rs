//! What waits to be written to one subscriber.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

/// Handed to QUIC at once.
const BATCH: usize = 64 * 1024;

/// Filled by any thread, emptied by the task that writes.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    batches: Mutex<Batches>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Batches {
    full: VecDeque<Bytes>,
    open: BytesMut,
}

impl Outbox {
    /// Copies a frame to the end, and wakes the writer if it may sleep.
    pub(super) fn push(&self, frame: &[u8]) {
        let was_empty = {
            let mut batches = self.lock();
            let was_empty = batches.open.is_empty() && batches.full.is_empty();
            batches.push(frame);
            was_empty
        };
        if was_empty {
            self.filled.notify_one();
        }
    }

    /// The oldest batch, and whether there is more; waits for one. Cancel safe.
    pub(super) async fn next(&self) -> (Bytes, bool) {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.filled.notified().await;
        }
    }

    fn try_next(&self) -> Option<(Bytes, bool)> {
        let mut batches = self.lock();
        let batch = batches.pop()?;
        Some((batch, !batches.open.is_empty() || !batches.full.is_empty()))
    }

    fn lock(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batches {
    fn push(&mut self, frame: &[u8]) {
        if self.open.len() + frame.len() > BATCH {
            self.full.push_back(self.open.split().freeze());
        }
        if self.open.capacity() - self.open.len() < frame.len() {
            self.open.reserve(BATCH);
        }
        self.open.extend_from_slice(frame);
    }

    fn pop(&mut self) -> Option<Bytes> {
        match self.full.pop_front() {
            Some(batch) => Some(batch),
            None if self.open.is_empty() => None,
            None => Some(self.open.split().freeze()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_leave_in_order_and_in_batches() {
        let outbox = Outbox::default();
        let frames: Vec<[u8; 1000]> = (0..200).map(|number| [number; 1000]).collect();
        frames.iter().for_each(|frame| outbox.push(frame));
        let batches: Vec<(Bytes, bool)> = std::iter::from_fn(|| outbox.try_next()).collect();
        assert_eq!(
            batches
                .iter()
                .map(|(batch, more)| (batch.len(), *more))
                .collect::<Vec<_>>(),
            [(65_000, true), (65_000, true), (65_000, true), (5_000, false)]
        );
        let sent: Vec<u8> = batches.iter().flat_map(|(batch, _)| batch.to_vec()).collect();
        assert_eq!(sent, frames.concat());
    }
}
