//! How much memory a queue keeps alive beyond what its items are counted for.

use std::collections::VecDeque;

use bellwether_message::{Piece, Segment};

use crate::delivery::Delivery;

/// Memory that a queue may keep alive beyond its items: messages share pieces of 16 KiB with their neighbours in the feed,
/// and a queue that gets few of them would otherwise hold many times what it is bounded to.
const SURPLUS_BYTES: usize = 1024 * 1024;

/// Watches what is put into one queue, and moves items to memory of the queue's own when they keep too much alive.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    /// Where the piece of memory begins that the newest message lies in.
    newest: usize,
    /// Bytes of the pieces that the last `unmoved` items lie in, beyond what these are counted for. Never below zero: what
    /// dense items have to spare leaves the queue with them.
    surplus: usize,
    /// Items put in since there was no surplus.
    unmoved: usize,
    own: Segment,
}

impl Footprint {
    /// Items that count for so many bytes, all in this piece of memory, were added to the end of the queue.
    pub(crate) fn add(&mut self, items: usize, cost: usize, piece: Piece) {
        if piece.begin != self.newest {
            self.newest = piece.begin;
            self.surplus += piece.bytes;
        }
        self.pay(items, cost);
    }

    /// Items that lie in no piece were added.
    pub(crate) fn pay(&mut self, items: usize, cost: usize) {
        self.unmoved += items;
        self.surplus = self.surplus.saturating_sub(cost);
        if self.surplus == 0 {
            self.unmoved = 0;
        }
    }

    /// Whether the queue keeps too much alive.
    pub(crate) fn is_excessive(&self) -> bool {
        self.surplus > SURPLUS_BYTES
    }

    /// Moves what was added since there was no surplus, as far as it is still in the queue.
    pub(crate) fn shrink(&mut self, queue: &mut VecDeque<Delivery>) {
        let skip = queue.len().saturating_sub(self.unmoved);
        for item in queue.range_mut(skip..) {
            if let Delivery::Message(envelope) = item {
                *envelope = envelope.moved_to(&mut self.own);
            }
        }
        self.clear();
    }

    /// The queue is empty, or nothing in it is to be moved.
    pub(crate) fn clear(&mut self) {
        (self.newest, self.surplus, self.unmoved) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwether_message::{
        Batch, ContentType, Draft, Envelope, Epoch, Instance, NodeId, Sealer, Source, Timestamp, Topic,
    };

    use super::*;

    fn batch(messages: u64) -> Batch {
        let source = Arc::new(Source {
            node: NodeId::new("a").unwrap(),
            epoch: Epoch(1),
        });
        let sealer = Sealer::new("c", None, source, Instance::Events);
        let draft = Draft::new(Topic::new("t").unwrap(), "e").payload(ContentType::Bytes, vec![7; 100]);
        let sealed = |seq| sealer.seal_one(&draft, seq, Timestamp::from_millis(0)).unwrap();
        let envelopes: Vec<Envelope> = (1..=messages).map(sealed).collect();
        Batch::copied(&envelopes).unwrap()
    }

    fn gap() -> Delivery {
        let source = batch(1).envelopes().next().unwrap().source().clone();
        let cause = crate::GapCause::LinkOverrun;
        Delivery::Gap(crate::Gap::up_to(source, Instance::Events, 1, 1, cause))
    }

    #[test]
    fn what_dense_messages_had_to_spare_is_no_credit_for_sparse_ones() {
        let mut footprint = Footprint::default();
        for _ in 0..1_000 {
            let whole = batch(100);
            whole
                .envelopes()
                .for_each(|envelope| footprint.add(1, envelope.cost(), envelope.piece()));
        }
        let mut alive = 0;
        while !footprint.is_excessive() {
            let one = batch(100).envelopes().next_back().unwrap();
            // The address of memory that was freed may come again: each piece stands for another.
            footprint.newest = 0;
            alive += one.piece().bytes;
            footprint.add(1, one.cost(), one.piece());
        }
        assert!(alive < SURPLUS_BYTES * 2, "{alive} bytes");
    }

    #[test]
    fn few_messages_of_many_pieces_are_moved_and_all_of_one_are_not() {
        let (mut queue, mut footprint) = (VecDeque::new(), Footprint::default());
        for _ in 0..100 {
            let whole = batch(100);
            assert!(whole.len() == 100);
            for envelope in whole.envelopes() {
                footprint.add(1, envelope.cost(), envelope.piece());
                queue.push_back(Delivery::Message(envelope));
            }
        }
        assert!(!footprint.is_excessive());

        queue.clear();
        footprint.clear();
        let mut pieces = Vec::new();
        while !footprint.is_excessive() {
            let one = batch(100).envelopes().next_back().unwrap();
            pieces.push(one.piece());
            footprint.add(1, one.cost(), one.piece());
            // What is no message lies between.
            footprint.pay(1, 0);
            queue.push_back(Delivery::Message(one));
            queue.push_back(gap());
        }
        let bytes: usize = pieces.iter().map(|piece| piece.bytes).sum();
        assert!((SURPLUS_BYTES..SURPLUS_BYTES * 2).contains(&bytes), "{bytes}");
        footprint.shrink(&mut queue);
        assert!(!footprint.is_excessive());
        let mut moved: Vec<usize> = queue
            .iter()
            .filter_map(|item| match item {
                Delivery::Message(envelope) => {
                    assert_eq!((envelope.seq(), envelope.payload()), (100, &[7; 100][..]));
                    Some(envelope.piece().begin)
                }
                _ => None,
            })
            .collect();
        moved.dedup();
        assert!(
            moved.len() <= 2 && pieces.len() > 50,
            "{} of {} pieces",
            moved.len(),
            pieces.len()
        );
    }
}
