use std::collections::HashMap;
use std::sync::Arc;

use bellwether_message::{ContentType, Draft, Envelope, Epoch, NodeId, Sealer, Source, Timestamp, Topic};
use proptest::prelude::*;

use super::*;
use crate::EpochEnded;

const INSTANCE: Instance = Instance::Events;

fn message(node: &str, seq: u64) -> Delivery {
    let source = Arc::new(Source {
        node: NodeId::new(node).unwrap(),
        epoch: Epoch(1),
    });
    let sealer = Sealer::new("c", None, source, INSTANCE);
    let draft = Draft::new(Topic::new("t").unwrap(), "e").payload(ContentType::Bytes, vec![0; 10]);
    Delivery::Message(sealer.seal_one(&draft, seq, Timestamp::from_millis(0)).unwrap())
}

fn ring(queue_messages: usize, queue_bytes: usize) -> Ring {
    Ring::new(&InstanceSettings {
        queue_messages,
        queue_bytes,
        ..InstanceSettings::default_for(INSTANCE)
    })
}

fn read(ring: &mut Ring, id: CursorId) -> Vec<Delivery> {
    let mut out = VecDeque::new();
    ring.read(id, &mut out, None);
    out.into()
}

fn seq(delivery: &Delivery) -> u64 {
    match delivery {
        Delivery::Message(envelope) => Envelope::seq(envelope),
        other => panic!("not a message: {other:?}"),
    }
}

#[test]
fn a_slow_reader_gets_one_exact_gap_per_feed_and_a_fast_one_gets_everything() {
    let mut ring = ring(4, usize::MAX);
    let (slow, fast) = (ring.add_cursor(), ring.add_cursor());
    let mut seen = 0;
    for n in 1..=10 {
        ring.push(message("a", n), INSTANCE, &mut Vec::new());
        ring.push(message("b", n * 2), INSTANCE, &mut Vec::new());
        seen += read(&mut ring, fast).len();
    }
    assert_eq!(seen, 20);
    let got = read(&mut ring, slow);
    let [Delivery::Gap(a), Delivery::Gap(b), rest @ ..] = &got[..] else {
        panic!("{got:?}")
    };
    assert_eq!(
        (a.source.node.as_str(), a.first, a.last, a.count, a.exact),
        ("a", 1, 8, 8, true)
    );
    assert_eq!(
        (b.source.node.as_str(), b.first, b.last, b.count, b.exact),
        ("b", 2, 16, 8, true)
    );
    assert_eq!(rest.iter().map(seq).collect::<Vec<_>>(), [9, 18, 10, 20]);
    assert_eq!(ring.items.len(), 0, "what all have read is let go");
}

#[test]
fn bytes_bound_the_ring_but_one_item_always_stays() {
    let mut ring = ring(100, 1);
    let reader = ring.add_cursor();
    ring.push(message("a", 1), INSTANCE, &mut Vec::new());
    ring.push(message("a", 2), INSTANCE, &mut Vec::new());
    let got = read(&mut ring, reader);
    assert!(matches!(&got[0], Delivery::Gap(gap) if gap.first == 1 && gap.last == 1 && gap.count == 1));
    assert_eq!(seq(&got[1]), 2);
    assert_eq!(ring.bytes, 0);
}

#[test]
fn the_end_of_an_epoch_survives_an_overflow() {
    let mut ring = ring(1, usize::MAX);
    let reader = ring.add_cursor();
    let source = Arc::new(Source {
        node: NodeId::new("a").unwrap(),
        epoch: Epoch(1),
    });
    let ended = EpochEnded {
        source,
        instance: INSTANCE,
        last_seq: 1,
        tail_unknown: false,
    };
    ring.push(message("a", 1), INSTANCE, &mut Vec::new());
    ring.push(Delivery::EpochEnded(ended.clone()), INSTANCE, &mut Vec::new());
    ring.push(message("b", 1), INSTANCE, &mut Vec::new());
    let got = read(&mut ring, reader);
    assert!(matches!(&got[0], Delivery::Gap(gap) if gap.count == 1));
    assert!(matches!(&got[1], Delivery::EpochEnded(told) if *told == ended));
    assert_eq!(seq(&got[2]), 1);
}

#[test]
fn a_closed_ring_is_read_to_its_end() {
    let mut ring = ring(4, usize::MAX);
    let reader = ring.add_cursor();
    ring.push(message("a", 1), INSTANCE, &mut Vec::new());
    ring.close(&mut Vec::new());
    let mut out = VecDeque::new();
    assert_eq!(ring.read(reader, &mut out, None), Read::Some { messages: 1 });
    assert_eq!(ring.read(reader, &mut out, None), Read::Closed);
}

/// Messages of one feed, in one batch.
fn batch(node: &str, seqs: std::ops::RangeInclusive<u64>) -> Batch {
    let envelopes: Vec<Envelope> = seqs
        .map(|seq| match message(node, seq) {
            Delivery::Message(envelope) => envelope,
            other => panic!("not a message: {other:?}"),
        })
        .collect();
    Batch::copied(&envelopes).unwrap()
}

/// What a reader is told: of which feed, first and last seq, how many, and whether they are gone.
fn told(items: &[Delivery]) -> Vec<(String, u64, u64, u64, bool)> {
    let told = items.iter().map(|item| match item {
        Delivery::Message(envelope) => {
            let (node, seq) = (envelope.reporting_node(), envelope.seq());
            (node.to_owned(), seq, seq, 1, false)
        }
        Delivery::Gap(gap) => (gap.source.node.to_string(), gap.first, gap.last, gap.count, true),
        other => panic!("not pushed: {other:?}"),
    });
    told.collect()
}

#[derive(Debug, Clone)]
enum Step {
    Push(u8),
    /// So many messages of a batch that has some more before and after them.
    PushBatch(u8, u64, u64),
    Read(prop::sample::Index),
    Join,
    Leave(prop::sample::Index),
    Stop(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3u8).prop_map(Step::Push),
        3 => (0..3u8, 0..12u64, 0..3u64).prop_map(|(feed, messages, more)| Step::PushBatch(feed, messages, more)),
        3 => any::<prop::sample::Index>().prop_map(Step::Read),
        1 => Just(Step::Join),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        1 => any::<prop::sample::Index>().prop_map(Step::Stop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Whatever readers do, each sees every item pushed after it joined exactly once, or in exactly one gap's count,
    /// in order; the ring stays within its bounds; and a batch is what its messages are one by one.
    #[test]
    fn every_reader_can_account_for_every_item(
        steps in proptest::collection::vec(step(), 1..200),
        bound in 1usize..6,
        max_bytes in prop_oneof![Just(usize::MAX), 1usize..1_000],
    ) {
        // The second gets one by one what the first gets in batches.
        let mut ring = [ring(bound, max_bytes), ring(bound, max_bytes)];
        let mut next: HashMap<u8, u64> = HashMap::new();
        // Per reader: per feed the last seq accounted for.
        let mut readers: Vec<(CursorId, HashMap<String, u64>)> = Vec::new();
        let mut stopped: Vec<CursorId> = Vec::new();
        let check = |[ring, single]: &mut [Ring; 2], reader: &mut (CursorId, HashMap<String, u64>)| {
            let items = read(ring, reader.0);
            assert_eq!(told(&items), told(&read(single, reader.0)));
            for item in items {
                match item {
                    Delivery::Message(envelope) => {
                        let last = reader.1.entry(envelope.reporting_node().to_owned()).or_insert(0);
                        assert_eq!(envelope.seq(), *last + 1);
                        *last += 1;
                    }
                    Delivery::Gap(gap) => {
                        let last = reader.1.entry(gap.source.node.to_string()).or_insert(0);
                        assert_eq!(gap.first, *last + 1);
                        assert_eq!(gap.count, gap.last - gap.first + 1);
                        *last = gap.last;
                    }
                    Delivery::EpochEnded(_) | Delivery::Live(_) => unreachable!(),
                }
            }
        };
        for step in steps {
            match step {
                Step::Push(feed) => {
                    let seq = next.entry(feed).or_insert(0);
                    *seq += 1;
                    let lost = ring.each_mut().map(|ring| ring.push(message(&format!("n{feed}"), *seq), INSTANCE, &mut Vec::new()));
                    prop_assert_eq!(lost[0], lost[1]);
                }
                Step::PushBatch(feed, messages, more) => {
                    let node = format!("n{feed}");
                    let seq = next.entry(feed).or_insert(0);
                    let before = more.min(*seq);
                    let batch = batch(&node, *seq + 1 - before..=*seq + messages + more + 1);
                    let places = before as usize..(before + messages) as usize;
                    let [ring, single] = &mut ring;
                    let lost = ring.push_batch(&batch, places, INSTANCE, &mut Vec::new());
                    let one_by_one = (*seq + 1..=*seq + messages).map(|seq| single.push(message(&node, seq), INSTANCE, &mut Vec::new()));
                    prop_assert_eq!(lost, one_by_one.sum::<u64>());
                    *seq += messages;
                }
                Step::Read(index) if !readers.is_empty() => {
                    let index = index.index(readers.len());
                    check(&mut ring, &mut readers[index]);
                }
                Step::Join => {
                    let seen = next.iter().map(|(feed, seq)| (format!("n{feed}"), *seq)).collect();
                    let [id, same] = ring.each_mut().map(Ring::add_cursor);
                    prop_assert_eq!(id, same);
                    readers.push((id, seen));
                }
                Step::Leave(index) if readers.len() + stopped.len() > 0 => {
                    let index = index.index(readers.len() + stopped.len());
                    let id = if index < readers.len() {
                        readers.swap_remove(index).0
                    } else {
                        stopped.swap_remove(index - readers.len())
                    };
                    let was_last = readers.len() + stopped.len() == 0;
                    prop_assert_eq!(ring.each_mut().map(|ring| ring.remove_cursor(id)), [was_last; 2]);
                }
                Step::Stop(index) if !readers.is_empty() => {
                    let (id, _) = readers.swap_remove(index.index(readers.len()));
                    ring.iter_mut().for_each(|ring| ring.stop(id));
                    stopped.push(id);
                }
                Step::Read(_) | Step::Leave(_) | Step::Stop(_) => {}
            }
            let [ring, single] = &ring;
            prop_assert!(ring.items.len() <= bound);
            prop_assert!(ring.items.len() <= 1 || ring.bytes <= max_bytes);
            prop_assert_eq!(ring.bytes, ring.items.iter().map(Delivery::cost).sum::<usize>());
            prop_assert_eq!((ring.start, ring.end(), ring.bytes), (single.start, single.end(), single.bytes));
            prop_assert!(!readers.is_empty() || ring.items.is_empty(), "nobody reads");
        }
        for reader in &mut readers {
            check(&mut ring, reader);
            for (feed, seq) in &next {
                let seen = reader.1.get(&format!("n{feed}")).copied().unwrap_or(0);
                prop_assert_eq!(seen, *seq);
            }
        }
        prop_assert_eq!(ring[0].items.len(), 0);
    }
}

#[test]
fn a_batch_passes_by_when_all_cursors_have_stopped() {
    let mut ring = ring(4, usize::MAX);
    let stopped = ring.add_cursor();
    ring.push_batch(&batch("a", 1..=3), 0..3, INSTANCE, &mut Vec::new());
    ring.stop(stopped);
    let lost = ring.push_batch(&batch("a", 4..=13), 0..10, INSTANCE, &mut Vec::new());
    assert_eq!((lost, ring.items.len(), ring.bytes), (0, 0, 0), "nobody has lost it");
    assert_eq!(ring.end(), 13, "its places are taken");
    let reader = ring.add_cursor();
    ring.push_batch(&batch("a", 14..=15), 1..2, INSTANCE, &mut Vec::new());
    assert_eq!(read(&mut ring, reader).iter().map(seq).collect::<Vec<_>>(), [15]);
    assert_eq!(ring.items.len(), 0, "what all have read goes");
}

#[test]
fn a_part_of_a_batch_that_is_empty_wakes_nobody() {
    let mut ring = ring(4, usize::MAX);
    let reader = ring.add_cursor();
    let mut out = VecDeque::new();
    assert_eq!(ring.read(reader, &mut out, Some(Waker::noop())), Read::Pending);
    let (batch, mut wake) = (batch("a", 1..=2), Vec::new());
    assert_eq!(ring.push_batch(&batch, 1..1, INSTANCE, &mut wake), 0);
    assert_eq!(wake.len(), 0);
    assert_eq!(ring.push_batch(&batch, 0..2, INSTANCE, &mut wake), 0);
    assert_eq!(wake.len(), 1);
    assert_eq!(ring.read(reader, &mut out, None), Read::Some { messages: 2 });
}

#[test]
fn by_the_other_policy_a_slow_reader_is_told_what_it_missed_and_ends() {
    let mut ring = Ring::new(&InstanceSettings {
        queue_messages: 2,
        overflow: Overflow::Disconnect,
        ..InstanceSettings::default_for(INSTANCE)
    });
    let (slow, fast) = (ring.add_cursor(), ring.add_cursor());
    for seq in 1..=3 {
        ring.push(message("a", seq), INSTANCE, &mut Vec::new());
        assert_eq!(read(&mut ring, fast).len(), 1);
    }
    let told = read(&mut ring, slow);
    assert!(
        matches!(&told[..], [Delivery::Gap(gap)] if gap.cause == GapCause::Disconnected && (gap.first, gap.last, gap.count) == (1, 1, 1)),
        "{told:?}"
    );
    assert_eq!(ring.read(slow, &mut VecDeque::new(), None), Read::Closed);
    ring.push(message("a", 4), INSTANCE, &mut Vec::new());
    assert_eq!(ring.read(slow, &mut VecDeque::new(), None), Read::Closed);
    assert_eq!(read(&mut ring, fast).iter().map(seq).collect::<Vec<_>>(), [4]);
    assert!(!ring.remove_cursor(slow));
    ring.push(message("a", 5), INSTANCE, &mut Vec::new());
    assert_eq!(read(&mut ring, fast).iter().map(seq).collect::<Vec<_>>(), [5]);
    assert_eq!(ring.items.len(), 0, "what all have read goes");
}

#[test]
fn room_is_that_of_the_slowest_reader_that_still_moves() {
    let mut ring = ring(8, usize::MAX);
    let second = Duration::from_secs(1);
    assert_eq!(ring.room(second), None, "nobody reads");
    let (slow, fast) = (ring.add_cursor(), ring.add_cursor());
    assert_eq!(ring.room(second), None, "all is read");
    (1..=4).for_each(|seq| {
        ring.push(message("a", seq), INSTANCE, &mut Vec::new());
    });
    read(&mut ring, fast);
    assert_eq!(ring.room(second), Some(2), "four of six wait; two are spare");
    assert_eq!(ring.crowded_at(), Some(0));
    assert_eq!(ring.room(second * 2), None, "it has not moved for a second");
    read(&mut ring, slow);
    assert_eq!((ring.room(second * 2), ring.crowded_at()), (None, None));
    (5..=13).for_each(|seq| {
        ring.push(message("a", seq), INSTANCE, &mut Vec::new());
    });
    assert_eq!(
        ring.room(second * 3),
        None,
        "both have missed something: nothing can be saved for them"
    );
}

#[test]
fn a_cursor_that_stopped_keeps_nothing_and_holds_nobody_back() {
    let mut ring = ring(4, usize::MAX);
    let (stopped, reader) = (ring.add_cursor(), ring.add_cursor());
    ring.push(message("a", 1), INSTANCE, &mut Vec::new());
    ring.stop(stopped);
    ring.stop(stopped);
    assert_eq!(read(&mut ring, reader).len(), 1);
    assert_eq!(ring.items.len(), 0);
    for seq in 2..=9 {
        assert_eq!(
            ring.push(message("a", seq), INSTANCE, &mut Vec::new()),
            0,
            "nobody has lost it"
        );
        read(&mut ring, reader);
    }
    assert_eq!((ring.room(Duration::ZERO), ring.crowded_at()), (None, None));
    assert!(!ring.remove_cursor(reader));
    ring.push(message("a", 10), INSTANCE, &mut Vec::new());
    assert_eq!((ring.items.len(), ring.bytes), (0, 0));
    let reader = ring.add_cursor();
    ring.push(message("a", 11), INSTANCE, &mut Vec::new());
    assert_eq!(read(&mut ring, reader).iter().map(seq).collect::<Vec<_>>(), [11]);
    ring.remove_cursor(reader);
    assert!(ring.remove_cursor(stopped));
}
