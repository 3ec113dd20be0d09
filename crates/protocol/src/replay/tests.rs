use bellwether_broker::InstanceSettings;
use bellwether_message::{Draft, Epoch, NodeId, Topic};

use super::*;

const INSTANCE: Instance = Instance::Events;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + second * 1000)
}

thread_local! {
    static SECOND: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}

/// Ten messages, one a second, alternating between the topics `a` and `b`; the backlog holds `kept`.
fn broker(kept: usize) -> (Broker, KeyRing) {
    let ring = KeyRing::new("c", ["0123456789abcdef0123456789abcdef"]).unwrap();
    let mut settings = Instance::ALL.map(InstanceSettings::default_for);
    settings[INSTANCE.index()].backlog_messages = kept;
    let source = Source {
        node: NodeId::new("a").unwrap(),
        epoch: Epoch(7),
    };
    let broker = Broker::with_clock("c", source, Some(&ring), &settings, || at(SECOND.get()));
    for n in 1..=10 {
        SECOND.set(n);
        let topic = if n % 2 == 0 { "b" } else { "a" };
        let draft = Draft::new(Topic::new(topic).unwrap(), "e").text("x");
        broker.publish(INSTANCE, &draft).unwrap();
    }
    (broker, ring)
}

/// What arrives at the other end, the stream cut into pieces; and how far it looked.
fn replay(kept: usize, patterns: &[&str], start: ReplayStart, through: u64) -> (Vec<String>, u64) {
    let (broker, ring) = broker(kept);
    let request = ReplayRequest {
        instance: INSTANCE.index() as u8,
        epoch: 7,
        patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        start,
        through,
    };
    let mut writer = ReplayWriter::new(&broker, &request).unwrap();
    let header = writer.header().unwrap().clone();
    let mut reader = ReplayReader::begin(&header, writer.start(), ("c", &ring), broker.source(), INSTANCE).unwrap();
    let mut out = VecDeque::new();
    let mut stream = BytesMut::new();
    while writer.fill(&broker, &mut stream).unwrap() {}
    for piece in stream.chunks(7) {
        assert!(!reader.is_complete());
        reader.take(Bytes::copy_from_slice(piece), &mut out).unwrap();
    }
    assert!(reader.is_complete());
    let patterns: Vec<Pattern> = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
    let mut own = VecDeque::new();
    let mut cursor = ReplayCursor::new(&broker, INSTANCE, &patterns, start, through);
    while cursor.read_deliveries(&broker, &mut own) {}
    assert_eq!(words(&own), words(&out), "the own feed is read alike");
    (words(&out), reader.seen())
}

fn words(deliveries: &VecDeque<Delivery>) -> Vec<String> {
    let word = |delivery: &Delivery| match delivery {
        Delivery::Message(envelope) => envelope.seq().to_string(),
        Delivery::Gap(gap) => format!("gap {}-{} {}", gap.first, gap.last, gap.cause),
        other => panic!("{other:?}"),
    };
    deliveries.iter().map(word).collect()
}

#[test]
fn a_part_of_a_feed_is_replayed_in_order_and_what_is_gone_is_told() {
    let all = u64::MAX;
    assert_eq!(
        replay(99, &["a"], ReplayStart::Seq(4), 7),
        (vec!["5".into(), "7".into()], 7)
    );
    assert_eq!(replay(99, &["b"], ReplayStart::Seq(9), all), (vec!["10".into()], 10));
    assert_eq!(replay(99, &["b"], ReplayStart::Seq(11), all), (vec![], 10));
    assert_eq!(
        replay(3, &["*"], ReplayStart::Seq(4), 9),
        (vec!["gap 4-7 backlog_overrun".into(), "8".into(), "9".into()], 9)
    );
    assert_eq!(
        replay(3, &["*"], ReplayStart::Seq(2), 5),
        (vec!["gap 2-5 backlog_overrun".into()], 5),
        "all that is wanted is gone"
    );
}

#[test]
fn the_last_few_are_the_last_that_match() {
    let all = u64::MAX;
    assert_eq!(
        replay(99, &["a"], ReplayStart::Last(2), all),
        (vec!["7".into(), "9".into()], 10)
    );
    assert_eq!(replay(99, &["a"], ReplayStart::Last(0), all), (vec![], 10));
    assert_eq!(replay(3, &["a"], ReplayStart::Last(9), all), (vec!["9".into()], 10));
    assert_eq!(replay(99, &["none"], ReplayStart::Last(9), all), (vec![], 10));
}

#[test]
fn a_time_is_the_first_message_that_is_not_older() {
    let from = |second| ReplayStart::Time(at(second).as_millis());
    let all = u64::MAX;
    assert_eq!(replay(99, &["a"], from(8), all), (vec!["9".into()], 10));
    assert_eq!(replay(99, &["*"], from(99), all), (vec![], 10));
    assert_eq!(
        replay(3, &["a"], from(9), all),
        (vec!["9".into()], 10),
        "what is older is not missed"
    );
    assert_eq!(
        replay(2, &["*"], from(3), all),
        (vec!["gap 1-8 backlog_overrun".into(), "9".into(), "10".into()], 10)
    );
}

#[test]
fn what_a_removed_key_has_signed_is_replayed_under_the_one_that_signs_now() {
    let (broker, old) = broker(99);
    let new = KeyRing::new("c", ["fedcba9876543210fedcba9876543210"]).unwrap();
    broker.replace_ring(&new);
    let draft = Draft::new(Topic::new("a").unwrap(), "e").text("x");
    broker.publish(INSTANCE, &draft).unwrap();
    let request = ReplayRequest {
        instance: INSTANCE.index() as u8,
        epoch: 7,
        patterns: vec!["*".into()],
        start: ReplayStart::Seq(9),
        through: u64::MAX,
    };
    let mut writer = ReplayWriter::new(&broker, &request).unwrap();
    // Replaced while the answer is under way: that goes on as it was announced.
    broker.replace_ring(&old);
    let header = writer.header().unwrap().clone();
    let mut reader = ReplayReader::begin(&header, writer.start(), ("c", &new), broker.source(), INSTANCE).unwrap();
    let (mut out, mut stream) = (VecDeque::new(), BytesMut::new());
    while writer.fill(&broker, &mut stream).unwrap() {}
    reader.take(stream.freeze(), &mut out).unwrap();
    assert!(reader.is_complete());
    assert_eq!(words(&out), ["9", "10", "11"]);
}

#[test]
fn another_run_does_not_answer() {
    let (broker, _) = broker(9);
    let request = ReplayRequest {
        instance: 0,
        epoch: 8,
        patterns: vec!["*".into()],
        start: ReplayStart::Seq(1),
        through: 9,
    };
    assert!(ReplayWriter::new(&broker, &request).is_none());
}
