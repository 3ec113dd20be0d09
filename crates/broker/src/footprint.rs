//! How much memory a queue keeps alive beyond what its items are counted for.

use std::collections::VecDeque;

use bellwether_message::Segment;

use crate::delivery::Delivery;

/// Memory that a queue may keep alive beyond its items: messages share pieces of 16 KiB with their neighbours in the feed,
/// and a queue that gets few of them would otherwise hold many times what it is bounded to.
const SURPLUS_BYTES: usize = 1024 * 1024;

/// Watches what is put into one queue, and moves items to memory of the queue's own when they keep too much alive.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    /// The piece of memory that the newest item lies in.
    newest: usize,
    /// Bytes of all pieces that items lie in, and of the items themselves, since everything was moved.
    pieces: usize,
    items: usize,
    /// Items put in since.
    unmoved: usize,
    own: Segment,
}

impl Footprint {
    /// Messages that count for so many bytes and lie in this piece of memory were added to the end of the queue.
    pub(crate) fn add(&mut self, messages: usize, cost: usize, (piece, bytes): (usize, usize)) {
        if piece != self.newest {
            self.newest = piece;
            self.pieces += bytes;
        }
        self.items += cost;
        self.unmoved += messages;
    }

    /// Whether the queue keeps too much alive.
    pub(crate) fn is_excessive(&self) -> bool {
        self.pieces > self.items + SURPLUS_BYTES
    }

    /// Moves what was added since the last time, as far as it is still in the queue.
    pub(crate) fn shrink(&mut self, queue: &mut VecDeque<Delivery>) {
        let skip = queue.len().saturating_sub(self.unmoved);
        for item in queue.range_mut(skip..) {
            if let Delivery::Message(envelope) = item {
                *envelope = envelope.moved_to(&mut self.own);
            }
        }
        self.clear();
    }

    /// The queue is empty.
    pub(crate) fn clear(&mut self) {
        (self.newest, self.pieces, self.items, self.unmoved) = (0, 0, 0, 0);
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

    #[test]
    fn few_messages_of_many_pieces_are_moved_and_all_of_one_are_not() {
        let (mut queue, mut footprint) = (VecDeque::new(), Footprint::default());
        for _ in 0..100 {
            let whole = batch(100);
            assert!(whole.len() == 100);
            for envelope in whole.envelopes() {
                footprint.add(1, envelope.cost(), envelope.memory());
                queue.push_back(Delivery::Message(envelope));
            }
        }
        assert!(!footprint.is_excessive());

        queue.clear();
        footprint.clear();
        let mut pieces = Vec::new();
        while !footprint.is_excessive() {
            let one = batch(100).envelopes().next_back().unwrap();
            pieces.push(one.memory());
            footprint.add(1, one.cost(), one.memory());
            queue.push_back(Delivery::Message(one));
        }
        let bytes: usize = pieces.iter().map(|(_, bytes)| bytes).sum();
        assert!((SURPLUS_BYTES..SURPLUS_BYTES * 2).contains(&bytes), "{bytes}");
        footprint.shrink(&mut queue);
        assert!(!footprint.is_excessive());
        let mut moved: Vec<usize> = queue
            .iter()
            .map(|item| match item {
                Delivery::Message(envelope) => {
                    assert_eq!((envelope.seq(), envelope.payload()), (100, &[7; 100][..]));
                    envelope.memory().0
                }
                other => panic!("{other:?}"),
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
