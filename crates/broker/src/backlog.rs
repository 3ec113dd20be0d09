//! The retained tail of one feed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{
    Absorbed, Batch, BatchBuilder, Draft, Envelope, SealError, Sealer, Segment, Source, Timestamp,
};

use crate::InstanceSettings;

/// An open batch that is smaller is copied for whoever reads it, and stays open: closed one by one, messages that come
/// seldom would cost several times what they are counted for.
const COPIED_BYTES: usize = 4 * 1024;

/// The newest messages of a feed, bounded in messages, bytes and age; the oldest go first.
///
/// They lie in batches of up to 16 KiB, framed for peers that want all of them; the newest batch is open until it is
/// full, or somebody reads it and it is large enough. Seqs are consecutive, so a seq gives a place. Time is what the
/// broker was last told, not a clock of its own.
#[derive(Debug)]
pub(crate) struct Backlog {
    kept: VecDeque<Kept>,
    open: BatchBuilder,
    /// When the messages of the open batch were published.
    open_at: Duration,
    /// Seq of the newest message; 0 if there was none yet.
    head: u64,
    len: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    batch: Batch,
    at: Duration,
}

/// Messages of a batch, from one of them on.
#[derive(Debug, Clone)]
pub struct BatchTail {
    /// The batch.
    pub batch: Batch,
    /// The place of the first message that is meant.
    pub from: usize,
}

impl Backlog {
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self {
            kept: VecDeque::new(),
            open: BatchBuilder::new(source),
            open_at: Duration::ZERO,
            head: 0,
            len: 0,
            bytes: 0,
        }
    }

    /// Seals the next message of the feed, keeps it, and evicts what the bounds no longer allow. The newest always stays.
    pub(crate) fn publish(
        &mut self,
        (sealer, absorbed): (&Sealer, Absorbed),
        draft: &Draft,
        (now, time): (Duration, Timestamp),
        settings: &InstanceSettings,
    ) -> Result<u64, SealError> {
        let is_alone = absorbed.is_alone();
        if self.open_at != now || is_alone || !self.open.is_signed_by(sealer.key()) {
            self.close();
        }
        let seq = self.head + 1;
        let cost = sealer.seal(absorbed, draft, seq, time, &mut self.open)?;
        self.open_at = now;
        self.head = seq;
        self.len += 1;
        self.bytes += cost;
        self.keep_within(settings);
        if is_alone || self.open.is_full() {
            self.close();
        }
        Ok(seq)
    }

    /// Evicts what the bounds in messages and bytes do not allow. The newest always stays.
    pub(crate) fn keep_within(&mut self, settings: &InstanceSettings) {
        while self.len > 1
            && !is_planted(Planted::BacklogUnbounded)
            && (self.len > settings.backlog_messages || self.bytes > settings.backlog_bytes)
        {
            self.evict();
        }
    }

    /// The newest message, for a queue on this node. Copied to `segment` as long as its batch is open.
    pub(crate) fn newest(&self, segment: &mut Segment) -> Option<Envelope> {
        match self.open.copy_newest(segment) {
            Some(newest) => Some(newest),
            None => self.kept.back()?.batch.envelopes().next_back(),
        }
    }

    /// Evicts what is older than the bound.
    pub(crate) fn expire(&mut self, now: Duration, settings: &InstanceSettings) {
        let is_old = |at: Duration| now.saturating_sub(at) > settings.backlog_age;
        if is_old(self.open_at) {
            self.close();
        }
        while self.kept.front().is_some_and(|kept| is_old(kept.at)) {
            self.evict();
        }
    }

    fn evict(&mut self) {
        if self.kept.is_empty() {
            self.close();
        }
        let oldest = self.oldest();
        let Some(Kept { batch, .. }) = self.kept.front() else {
            return;
        };
        self.bytes -= batch.cost_at(place(batch, oldest));
        self.len -= 1;
        if oldest >= batch.last_seq() {
            self.kept.pop_front();
        }
    }

    /// Lets the open batch be read.
    fn close(&mut self) {
        if let Some(batch) = self.open.finish() {
            let at = self.open_at;
            self.kept.push_back(Kept { batch, at });
        }
    }

    fn oldest(&self) -> u64 {
        self.head + 1 - self.len as u64
    }

    /// Seq of the newest message; 0 if there was none yet.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Seq of the oldest message kept, if any.
    pub(crate) fn first_seq(&self) -> Option<u64> {
        (self.len > 0).then(|| self.oldest())
    }

    /// The messages from `seq` on, oldest first, batch by batch.
    pub(crate) fn batches_from(&mut self, seq: u64) -> impl Iterator<Item = BatchTail> {
        let seq = seq.max(self.oldest());
        if self.open.bytes() >= COPIED_BYTES {
            self.close();
        }
        let open_first = self.head + 1 - self.open.len() as u64;
        let place_in_open = usize::try_from(seq.saturating_sub(open_first)).unwrap_or(usize::MAX);
        let copy = self.open.copy_from(place_in_open);
        let skip = self.kept.partition_point(|kept| kept.batch.last_seq() < seq);
        let kept = self.kept.range(skip..).map(move |kept| BatchTail {
            batch: kept.batch.clone(),
            from: place(&kept.batch, seq.max(kept.batch.first_seq())),
        });
        kept.chain(copy.map(|batch| BatchTail { batch, from: 0 }))
    }

    /// The messages from `seq` on, oldest first.
    pub(crate) fn starting_at(&mut self, seq: u64) -> impl Iterator<Item = Envelope> {
        self.batches_from(seq)
            .flat_map(|BatchTail { batch, from }| batch.range(from..usize::MAX))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Where a seq is in a batch that has it.
fn place(batch: &Batch, seq: u64) -> usize {
    usize::try_from(seq - batch.first_seq()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use bellwether_message::{ContentType, Epoch, Instance, NodeId, Topic};
    use proptest::prelude::*;

    use super::*;

    struct Feed {
        backlog: Backlog,
        sealer: Sealer,
    }

    impl Feed {
        fn new() -> Self {
            let source = Arc::new(Source {
                node: NodeId::new("a").unwrap(),
                epoch: Epoch(1),
            });
            Self {
                backlog: Backlog::new(source.clone()),
                sealer: Sealer::new("c", None, source, Instance::Events),
            }
        }

        fn publish(&mut self, bytes: usize, at: u64, settings: &InstanceSettings) {
            let draft = Draft::new(Topic::new("t").unwrap(), "e").payload(ContentType::Bytes, vec![0; bytes]);
            let absorbed = self.sealer.absorb(&draft.payload);
            let times = (Duration::from_secs(at), Timestamp::from_millis(0));
            self.backlog
                .publish((&self.sealer, absorbed), &draft, times, settings)
                .unwrap();
        }

        fn seqs(&mut self, from: u64) -> Vec<u64> {
            self.backlog.starting_at(from).map(|envelope| envelope.seq()).collect()
        }
    }

    fn settings(messages: usize, bytes: usize) -> InstanceSettings {
        InstanceSettings {
            backlog_messages: messages,
            backlog_bytes: bytes,
            backlog_age: Duration::from_secs(10),
            ..InstanceSettings::default_for(Instance::Events)
        }
    }

    #[test]
    fn the_oldest_go_when_messages_or_bytes_exceed_the_bound() {
        let mut feed = Feed::new();
        (1..=5).for_each(|_| feed.publish(100, 0, &settings(3, usize::MAX)));
        assert_eq!(feed.seqs(0), [3, 4, 5]);
        assert_eq!(feed.seqs(4), [4, 5]);
        assert_eq!(feed.seqs(6), [] as [u64; 0]);
        let two = feed.backlog.starting_at(5).next().unwrap().cost() * 2;
        feed.publish(100, 0, &settings(3, two));
        assert_eq!(feed.seqs(0), [5, 6]);
        assert_eq!(feed.backlog.bytes(), two);
        feed.publish(100, 0, &settings(3, 1));
        assert_eq!(feed.seqs(0), [7], "the newest stays whatever its size");
    }

    #[test]
    fn the_old_go_with_time() {
        let mut feed = Feed::new();
        let settings = settings(9, usize::MAX);
        feed.publish(100, 0, &settings);
        feed.publish(100, 5, &settings);
        feed.backlog.expire(Duration::from_secs(11), &settings);
        assert_eq!(feed.seqs(0), [2]);
        feed.backlog.expire(Duration::from_secs(16), &settings);
        assert_eq!(feed.backlog.len(), 0);
        assert_eq!(feed.backlog.bytes(), 0);
        feed.publish(100, 16, &settings);
        assert_eq!(feed.seqs(0), [3], "numbers go on");
    }

    #[test]
    fn messages_of_any_size_are_read_from_any_place_in_order() {
        let mut feed = Feed::new();
        let settings = settings(100, usize::MAX);
        for seq in 1..=300_u64 {
            // Large ones have a batch of their own, small ones share; a read closes what is open.
            feed.publish(if seq % 7 == 0 { 20_000 } else { 200 }, 0, &settings);
            if seq % 5 == 0 {
                let oldest = seq.saturating_sub(99).max(1);
                assert_eq!(feed.seqs(0), (oldest..=seq).collect::<Vec<u64>>());
                let middle = oldest.midpoint(seq);
                assert_eq!(feed.seqs(middle), (middle..=seq).collect::<Vec<u64>>());
            }
            let newest = feed.backlog.newest(&mut Segment::default()).unwrap();
            assert_eq!((newest.seq(), newest.topic()), (seq, "t"));
        }
        assert_eq!(feed.backlog.len(), 100);
        let bytes: usize = feed.backlog.starting_at(0).map(|envelope| envelope.cost()).sum();
        assert_eq!(feed.backlog.bytes(), bytes);
    }

    /// Bytes of small messages that share memory; of one that has its own; of one that fills most of a piece.
    const SIZES: [usize; 5] = [0, 200, 1_500, 5_000, 10_000];

    #[derive(Debug, Clone)]
    enum Step {
        /// So many of one size.
        Publish(usize, usize),
        /// So many seconds pass.
        Wait(u64),
        Expire,
        Read,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..SIZES.len(), 1..12usize).prop_map(|(size, times)| Step::Publish(size, times)),
            2 => (1..6u64).prop_map(Step::Wait),
            2 => Just(Step::Expire),
            2 => Just(Step::Read),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever the sizes are and whoever reads meanwhile: what is kept is the newest within the bounds, and it is
        /// read from any seq on.
        #[test]
        fn what_is_kept_is_the_newest_that_the_bounds_allow(
            steps in proptest::collection::vec(step(), 1..40),
            messages in 1..60usize,
            bytes in prop_oneof![Just(usize::MAX), 1..100_000usize],
        ) {
            let (mut feed, settings) = (Feed::new(), settings(messages, bytes));
            // Seq, bytes of the payload, cost, and second of each that is kept.
            let mut kept: VecDeque<(u64, usize, usize, u64)> = VecDeque::new();
            let (mut now, mut head) = (0, 0);
            for step in steps {
                match step {
                    Step::Publish(size, times) => for _ in 0..times {
                        head += 1;
                        feed.publish(SIZES[size], now, &settings);
                        let newest = feed.backlog.newest(&mut Segment::default()).unwrap();
                        prop_assert_eq!((newest.seq(), newest.payload().len()), (head, SIZES[size]));
                        kept.push_back((head, SIZES[size], newest.cost(), now));
                        let cost = |kept: &VecDeque<(u64, usize, usize, u64)>| kept.iter().map(|(_, _, cost, _)| cost).sum::<usize>();
                        while kept.len() > 1 && (kept.len() > messages || cost(&kept) > bytes) {
                            kept.pop_front();
                        }
                    },
                    Step::Wait(seconds) => now += seconds,
                    Step::Expire => {
                        feed.backlog.expire(Duration::from_secs(now), &settings);
                        kept.retain(|(.., at)| now - at <= 10);
                    }
                    Step::Read => for from in 0..=head + 1 {
                        let expected = kept.iter().filter(|(seq, ..)| *seq >= from);
                        let expected: Vec<_> = expected.map(|(seq, size, cost, _)| (*seq, *size, *cost)).collect();
                        let read = feed.backlog.starting_at(from).map(|envelope| (envelope.seq(), envelope.payload().len(), envelope.cost()));
                        prop_assert_eq!(read.collect::<Vec<_>>(), expected);
                    },
                }
                prop_assert_eq!(feed.backlog.len(), kept.len());
                prop_assert_eq!(feed.backlog.bytes(), kept.iter().map(|(_, _, cost, _)| cost).sum::<usize>());
                prop_assert_eq!(feed.backlog.first_seq(), kept.front().map(|(seq, ..)| *seq));
                prop_assert_eq!(feed.backlog.head(), head);
            }
        }
    }

    #[test]
    fn what_is_left_of_a_batch_goes_with_time() {
        let mut feed = Feed::new();
        let settings = settings(4, usize::MAX);
        // One batch, of which the bound leaves two; then another.
        (1..=4).for_each(|_| feed.publish(100, 0, &settings));
        (5..=6).for_each(|_| feed.publish(100, 5, &settings));
        assert_eq!(feed.seqs(0), [3, 4, 5, 6]);
        feed.backlog.expire(Duration::from_secs(10), &settings);
        assert_eq!(feed.seqs(0), [3, 4, 5, 6], "not yet");
        feed.backlog.expire(Duration::from_secs(11), &settings);
        assert_eq!(feed.seqs(0), [5, 6]);
        let bytes: usize = feed.backlog.starting_at(0).map(|envelope| envelope.cost()).sum();
        assert_eq!((feed.backlog.bytes(), feed.backlog.len()), (bytes, 2));
        feed.publish(100, 5, &settings);
        feed.backlog.expire(Duration::from_secs(16), &settings);
        assert_eq!((feed.backlog.bytes(), feed.backlog.len()), (0, 0));
        assert_eq!((feed.backlog.first_seq(), feed.backlog.head()), (None, 7));
    }
}
