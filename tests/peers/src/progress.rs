//! How far the subscribers are, as the publisher knows it.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use tokio::sync::Notify;

use crate::arguments::PROCESSES;
use crate::bus::Inbox;
use crate::payload::Payload;

/// Of a subscriber that has not answered yet.
const NEVER: u64 = u64::MAX;

/// The inbox of the publisher.
#[derive(Debug)]
pub(crate) struct Progress {
    /// How many messages each subscriber has received, or [`NEVER`]. The publisher's own place is not among them.
    received: [AtomicU64; PROCESSES - 1],
    moved: Notify,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            received: [const { AtomicU64::new(NEVER) }; PROCESSES - 1],
            moved: Notify::new(),
        }
    }

    pub(crate) fn has_heard_all(&self) -> bool {
        self.received().all(|received| received != NEVER)
    }

    /// What all subscribers have received.
    pub(crate) fn slowest(&self) -> u64 {
        self.received()
            .map(|received| if received == NEVER { 0 } else { received })
            .min()
            .unwrap_or_default()
    }

    /// Returns when an answer has come since the last time it returned.
    pub(crate) async fn moved(&self) {
        self.moved.notified().await;
    }

    fn received(&self) -> impl Iterator<Item = u64> {
        // It only grows, so an old value costs the publisher a moment and nothing else.
        self.received.iter().map(|received| received.load(Ordering::Relaxed))
    }
}

impl Inbox for Progress {
    fn take(&self, payload: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let answer = Payload::read(payload).context("an answer without a number")?;
        let index = usize::from(answer.sender).checked_sub(1);
        let received = index.and_then(|index| self.received.get(index));
        let received = received.context("an answer from nobody that was asked")?;
        received.store(answer.number, Ordering::Relaxed);
        self.moved.notify_one();
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Kind;

    fn answer(sender: u8, number: u64) -> Vec<u8> {
        let payload = Payload {
            number,
            published_ns: 0,
            kind: Kind::Message,
            sender,
        };
        payload.to_bytes(0)
    }

    #[test]
    fn the_slower_subscriber_counts() {
        let progress = Progress::new();
        assert_eq!((progress.has_heard_all(), progress.slowest()), (false, 0));
        progress.take(&answer(1, 9)).expect("of a subscriber");
        assert_eq!((progress.has_heard_all(), progress.slowest()), (false, 0));
        progress.take(&answer(2, 7)).expect("of a subscriber");
        assert_eq!((progress.has_heard_all(), progress.slowest()), (true, 7));
    }

    #[test]
    fn others_have_no_say() {
        for sender in [0, 3] {
            assert!(Progress::new().take(&answer(sender, 1)).is_err());
        }
    }
}
