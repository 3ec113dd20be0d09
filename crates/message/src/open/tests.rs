use std::ops::Range;

use super::*;
use crate::{Batch, BatchBuilder, ContentType, Draft, Epoch, NodeId, Sealer, Timestamp, Topic};

/// A feed, and who receives it.
struct Feed {
    sealer: Sealer,
    opener: Opener,
}

impl Feed {
    fn new() -> Self {
        let ring = KeyRing::new("test", ["0123456789abcdef0123456789abcdef"]).unwrap();
        let source = Arc::new(Source {
            node: NodeId::new("a").unwrap(),
            epoch: Epoch(7),
        });
        let sealer = Sealer::new("test", Some(&ring), source, Instance::Events);
        let opener = Opener::new(Some(&ring), "test", sealer.header().unwrap()).unwrap();
        Self { sealer, opener }
    }

    fn seal(&self, topic: &str, seq: u64) -> Envelope {
        self.seal_draft(&draft(topic), seq)
    }

    fn seal_draft(&self, draft: &Draft, seq: u64) -> Envelope {
        let time = Timestamp::from_millis(1_000);
        self.sealer.seal_one(draft, seq, time).unwrap()
    }

    /// Seals a message and opens it; its topic, as its receiver finds it.
    fn topic_of(&mut self, topic: &str, seq: u64) -> Result<String, VerifyError> {
        let sent = self.seal(topic, seq);
        let verified = self.opener.open(sent.body())?;
        assert_eq!(verified.seq(), seq);
        let got = self.opener.envelope(verified, sent.body());
        assert_eq!((got.seq(), got.payload()), (seq, sent.payload()));
        assert_eq!(got.head(), sent.head());
        Ok(got.topic().to_owned())
    }

    fn push(&mut self, draft: &Draft, seq: u64, batch: &mut BatchBuilder) {
        let sent = self.seal_draft(draft, seq);
        let verified = self.opener.open(sent.body()).unwrap();
        batch.push(verified, sent.body());
    }

    /// What a member could sign that wrote its heads itself.
    fn sign(&self, payload: &[u8], head: &[u8]) -> Vec<u8> {
        let head_len = u16::try_from(head.len()).unwrap().to_le_bytes();
        let mut body = [payload, head].concat();
        let trailer = trailer(payload.len(), head_len, FrameKind::Message);
        let code = self.opener.mac.finish(&body, trailer);
        body.extend_from_slice(&head_len);
        body.extend_from_slice(&code[..TAG_BYTES]);
        body
    }
}

/// Without ids: what follows seq and time in its head may come again.
fn draft(topic: &str) -> Draft {
    Draft::new(Topic::new(topic).unwrap(), "e").json(r#"{"n":1}"#)
}

/// The encoded head of a message.
fn head_of(envelope: &Envelope) -> &[u8] {
    let record = envelope.record();
    let at = record.payload_len as usize;
    &envelope.body()[at..at + usize::from(record.head_len)]
}

fn runs(batch: &Batch) -> Vec<(Range<usize>, &str)> {
    let runs = batch.runs();
    runs.map(|(places, topic)| (places, std::str::from_utf8(topic).unwrap()))
        .collect()
}

#[test]
fn seq_0_is_refused_right_after_the_same_tail() {
    let mut feed = Feed::new();
    feed.topic_of("a", 1).unwrap();
    assert_eq!(feed.topic_of("a", 0), Err(VerifyError::InvalidFormat));
    assert_eq!(feed.topic_of("a", 0), Err(VerifyError::InvalidFormat), "and again");
    assert_eq!(feed.topic_of("a", 2).unwrap(), "a", "a seq makes it a message");
}

#[test]
fn seq_0_is_refused_when_its_tail_was_seen_before_another() {
    let mut feed = Feed::new();
    feed.topic_of("a", 1).unwrap();
    feed.topic_of("b", 2).unwrap();
    assert_eq!(feed.topic_of("a", 0), Err(VerifyError::InvalidFormat));
    assert_eq!(feed.topic_of("b", 0), Err(VerifyError::InvalidFormat));
    assert_eq!(feed.topic_of("a", 3).unwrap(), "a");
}

#[test]
fn topics_that_take_turns_stay_apart() {
    let mut feed = Feed::new();
    for seq in 1..=8 {
        let topic = ["a", "a:longer:one"][seq as usize % 2];
        assert_eq!(feed.topic_of(topic, seq).unwrap(), topic);
    }
}

#[test]
fn a_repeated_topic_is_found_behind_a_seq_of_any_length() {
    let mut feed = Feed::new();
    for seq in [1, 250, 251, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX, 2] {
        assert_eq!(feed.topic_of("a:b", seq).unwrap(), "a:b", "seq {seq}");
    }
}

#[test]
fn a_known_tail_and_a_byte_more_is_refused() {
    let mut feed = Feed::new();
    let (first, second) = (feed.seal("a", 1), feed.seal("a", 2));
    let head = head_of(&second).to_vec();
    feed.opener.open(first.body()).unwrap();
    assert_eq!(
        feed.sign(second.payload(), &head),
        second.body(),
        "signed as it should be"
    );
    for byte in [0, 1, u8::MAX] {
        let longer = feed.sign(second.payload(), &[&head[..], &[byte]].concat());
        assert_eq!(feed.opener.open(&longer).unwrap_err(), VerifyError::InvalidFormat);
        assert_eq!(
            feed.opener.open(&longer).unwrap_err(),
            VerifyError::InvalidFormat,
            "and again"
        );
    }
    let shorter = feed.sign(second.payload(), &head[..head.len() - 1]);
    assert_eq!(feed.opener.open(&shorter).unwrap_err(), VerifyError::InvalidFormat);
    feed.opener.open(second.body()).unwrap();
}

#[test]
fn a_head_of_seq_and_time_only_is_refused() {
    let mut feed = Feed::new();
    let front = feed.sign(b"", &[1, 0]);
    assert_eq!(feed.opener.open(&front).unwrap_err(), VerifyError::InvalidFormat);
    feed.topic_of("a", 1).unwrap();
    assert_eq!(feed.opener.open(&front).unwrap_err(), VerifyError::InvalidFormat);
}

#[test]
fn more_tails_than_are_remembered_still_open() {
    let mut feed = Feed::new();
    let mut most = 0;
    for round in 0..2 {
        for n in 0..KNOWN_TAILS as u64 + 10 {
            let topic = format!("t:{n}");
            let seq = round * 10_000 + n + 1;
            assert_eq!(feed.topic_of(&topic, seq).unwrap(), topic);
            most = most.max(feed.opener.known_tails.len());
        }
    }
    assert_eq!(most, KNOWN_TAILS);
    assert_eq!(feed.topic_of("t:0", 0), Err(VerifyError::InvalidFormat));
}

#[test]
fn only_short_tails_without_ids_are_remembered() {
    let mut feed = Feed::new();
    let mut long = draft("a");
    long.content_type = ContentType::Other("t".repeat(100).into());
    long.event = "e".repeat(128).into();
    let known = |feed: &mut Feed, draft: &Draft, seq| {
        let sent = feed.seal_draft(draft, seq);
        feed.opener.open(sent.body()).unwrap();
        feed.opener.known_tails.len()
    };
    let tail_len = |feed: &Feed, draft: &Draft| {
        let sent = feed.seal_draft(draft, 1);
        head_of(&sent).len() - Head::decode_front(head_of(&sent)).unwrap().1
    };
    let missing = KNOWN_TAIL_BYTES - tail_len(&feed, &long);
    long.topic = Topic::new(&"a".repeat(1 + missing)).unwrap();
    assert_eq!(tail_len(&feed, &long), KNOWN_TAIL_BYTES);
    assert_eq!(known(&mut feed, &long, 1), 1, "the longest that is");
    long.topic = Topic::new(&"a".repeat(2 + missing)).unwrap();
    assert_eq!(known(&mut feed, &long, 2), 1, "a byte more");
    assert_eq!(known(&mut feed, &draft("a").correlation_id("c"), 3), 1);
    assert_eq!(known(&mut feed, &draft("a").causation_id("c"), 4), 1);
    assert_eq!(known(&mut feed, &draft("a"), 5), 2);
}

#[test]
fn a_batch_that_begins_with_the_topic_of_the_one_before_has_its_own_runs() {
    let mut feed = Feed::new();
    let mut builder = BatchBuilder::new(feed.sealer.source().clone());
    for seq in 1..=2 {
        feed.push(&draft("a"), seq, &mut builder);
    }
    let first = builder.finish().unwrap();
    assert_eq!(runs(&first), [(0..2, "a")]);
    for (seq, topic) in (3..).zip(["a", "a", "b", "a", "a"]) {
        feed.push(&draft(topic), seq, &mut builder);
    }
    let second = builder.finish().unwrap();
    assert_eq!(runs(&second), [(0..2, "a"), (2..3, "b"), (3..5, "a")]);
    assert_eq!((second.first_seq(), second.last_seq(), second.len()), (3, 7, 5));
    feed.push(&draft("a"), 8, &mut builder);
    assert_eq!(runs(&builder.finish().unwrap()), [(0..1, "a")]);
    assert!(builder.finish().is_none());
}

#[test]
fn a_run_goes_on_where_only_the_event_changes() {
    let mut feed = Feed::new();
    let mut builder = BatchBuilder::new(feed.sealer.source().clone());
    let mut other = draft("a");
    other.event = "other".into();
    for (seq, draft) in (1..).zip([&draft("a"), &other, &other, &draft("b")]) {
        feed.push(draft, seq, &mut builder);
    }
    assert_eq!(runs(&builder.finish().unwrap()), [(0..3, "a"), (3..4, "b")]);
}
