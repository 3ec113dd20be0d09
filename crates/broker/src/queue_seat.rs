//! A link's seat in the queue groups of this node's feed.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bellwether_message::{Pattern, Source};

use crate::exchange::Exchange;

/// What a link takes part by in the queue groups of one instance. Dropped, its peer is chosen no more; what it was chosen
/// for before stays until the backlog loses it, for the peer's next link to find.
#[derive(Debug)]
pub struct QueueSeat {
    exchange: Arc<Exchange>,
    peer: Arc<Source>,
    number: u64,
}

impl QueueSeat {
    pub(crate) fn new(exchange: Arc<Exchange>, peer: Arc<Source>, number: u64) -> Self {
        Self { exchange, peer, number }
    }

    /// The peer has subscriptions of the queue group; returns the newest seq: it may be chosen for those after it.
    pub fn join(&self, queue: &Pattern) -> u64 {
        self.exchange.join_queue(queue, self.number, &self.peer)
    }

    /// It has none any more.
    pub fn leave(&self, queue: &Pattern) {
        self.exchange.leave_queue(queue, self.number);
    }

    /// What the peer was chosen for among these seqs: appends the seq and the queue group, in the feed's order.
    pub fn chosen(&self, seqs: RangeInclusive<u64>, out: &mut Vec<(u64, Pattern)>) {
        self.exchange.chosen(&self.peer, seqs, out);
    }
}

impl Drop for QueueSeat {
    fn drop(&mut self) {
        self.exchange.leave_queues(self.number);
    }
}
