use std::collections::HashMap;
use std::sync::Arc;

use bellwether_message::{ContentType, Draft, Envelope, Epoch, NodeId, Sealer, Source, Timestamp, Topic};
use proptest::prelude::*;

use super::*;

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

#[derive(Debug, Clone)]
enum Step {
    Push(u8),
    Read(prop::sample::Index),
    Join,
    Leave(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3u8).prop_map(Step::Push),
        3 => any::<prop::sample::Index>().prop_map(Step::Read),
        1 => Just(Step::Join),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Whatever readers do, each sees every item pushed after it joined exactly once, or in exactly one gap's count,
    /// in order; and the ring stays within its bound.
    #[test]
    fn every_reader_can_account_for_every_item(steps in proptest::collection::vec(step(), 1..200), bound in 1usize..6) {
        let mut ring = ring(bound, usize::MAX);
        let mut next: HashMap<u8, u64> = HashMap::new();
        // Per reader: per feed the last seq accounted for.
        let mut readers: Vec<(CursorId, HashMap<String, u64>)> = Vec::new();
        let check = |ring: &mut Ring, reader: &mut (CursorId, HashMap<String, u64>)| {
            for item in read(ring, reader.0) {
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
                Step::Push(feed) if !readers.is_empty() => {
                    let seq = next.entry(feed).or_insert(0);
                    *seq += 1;
                    ring.push(message(&format!("n{feed}"), *seq), INSTANCE, &mut Vec::new());
                }
                Step::Push(_) => {}
                Step::Read(index) if !readers.is_empty() => {
                    let index = index.index(readers.len());
                    check(&mut ring, &mut readers[index]);
                }
                Step::Read(_) => {}
                Step::Join => {
                    let seen = next.iter().map(|(feed, seq)| (format!("n{feed}"), *seq)).collect();
                    readers.push((ring.add_cursor(), seen));
                }
                Step::Leave(index) if !readers.is_empty() => {
                    let (id, _) = readers.swap_remove(index.index(readers.len()));
                    prop_assert_eq!(ring.remove_cursor(id), readers.is_empty());
                }
                Step::Leave(_) => {}
            }
            prop_assert!(ring.items.len() <= bound);
            prop_assert_eq!(ring.bytes, ring.items.iter().map(Delivery::cost).sum::<usize>());
        }
        for reader in &mut readers {
            check(&mut ring, reader);
            for (feed, seq) in &next {
                let seen = reader.1.get(&format!("n{feed}")).copied().unwrap_or(0);
                prop_assert_eq!(seen, *seq);
            }
        }
        prop_assert_eq!(ring.items.len(), 0);
    }
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
