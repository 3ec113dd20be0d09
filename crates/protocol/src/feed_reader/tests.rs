use super::*;
use crate::frame_buffer::FrameBuffer;
use crate::outgoing_feed::OutgoingFeed;
use bellwether_broker::{Delivery, InstanceSettings};
use bellwether_message::{Draft, Epoch, NodeId, Topic};

const INSTANCE: Instance = Instance::Alerts;
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NEW: &str = "fedcba9876543210fedcba9876543210";

fn ring_of(secrets: &[&str]) -> Arc<KeyRing> {
    Arc::new(KeyRing::new("c", secrets).unwrap())
}

fn ring() -> Arc<KeyRing> {
    ring_of(&[SECRET])
}

fn broker(node: &str, ring: &KeyRing) -> Broker {
    let source = Source {
        node: NodeId::new(node).unwrap(),
        epoch: Epoch(1),
    };
    Broker::new(
        "c",
        source,
        Some(ring),
        &Instance::ALL.map(InstanceSettings::default_for),
    )
}

/// A stream of three messages from a to b in one chunk, `harm` done to it on the way; what b's subscription is told.
fn received(harm: impl FnOnce(&mut [u8])) -> (Vec<String>, Result<bool, ReceiveError>) {
    let (taken, _, told) = taken_at_once(|chunks| {
        let mut stream = chunks.concat();
        harm(&mut stream);
        *chunks = vec![stream.into()];
    });
    (told, taken)
}

fn change(stream: &mut [u8], what: &[u8]) {
    let at = stream.windows(what.len()).position(|window| window == what).unwrap();
    stream[at] ^= 1;
}

#[test]
fn an_unharmed_stream_is_delivered() {
    let (told, taken) = received(|_| {});
    assert_eq!(told, ["one", "two", "three"]);
    assert!(taken.unwrap(), "the pattern was confirmed");
}

#[test]
fn a_message_that_fails_verification_is_a_gap_and_the_rest_comes() {
    let (told, taken) = received(|stream| change(stream, b"two"));
    assert_eq!(told, ["one", "gap 2-2 unverified", "three"]);
    taken.unwrap();
}

#[test]
fn a_mark_that_fails_verification_ends_the_stream() {
    // The first frame confirms the pattern.
    let (told, taken) = received(|stream| stream[3] ^= 1);
    assert_eq!(told, [] as [&str; 0]);
    assert!(matches!(taken, Err(ReceiveError::Unverified(_))), "{taken:?}");
}

/// b takes the confirmation of its pattern and three messages, each in a chunk of its own and made other by
/// `harm`, all at once. What came of them; the next seq that b asks for; what its subscription is told.
fn taken_at_once(harm: impl FnOnce(&mut Vec<Bytes>)) -> (Result<bool, ReceiveError>, u64, Vec<String>) {
    let ring = ring();
    let (a, b) = (broker("a", &ring), broker("b", &ring));
    let pattern = Pattern::new("t").unwrap();
    let mut subscription = b.subscribe(INSTANCE, [pattern.clone()]).unwrap();
    let slot = b.attach(a.source().clone(), true);
    let mut outgoing = OutgoingFeed::new(INSTANCE, 1, 0);
    outgoing.want_only(vec![(pattern, 1, 1)], 0);
    let mut frames = FrameBuffer::default();
    let mut next_chunk = || {
        outgoing.fill(&a, &mut frames).unwrap();
        frames.take_whole()
    };
    let mut chunks = vec![next_chunk()];
    for text in ["one", "two", "three"] {
        let draft = Draft::new(Topic::new("t").unwrap(), "e").text(text);
        a.publish(INSTANCE, &draft).unwrap();
        chunks.push(next_chunk());
    }
    harm(&mut chunks);
    let mut feed = IncomingFeed::from_start();
    let sealer = a.sealer(INSTANCE);
    let header = sealer.header().unwrap();
    let mut reader = FeedReader::begin(header, 1, ("c", &ring), (a.source(), slot), &mut feed).unwrap();
    let taken = reader.take(chunks, &mut feed, &b);
    let told = std::iter::from_fn(|| subscription.try_next()).map(|delivery| match delivery {
        Delivery::Message(envelope) => String::from_utf8(envelope.payload().to_vec()).unwrap(),
        Delivery::Gap(gap) => format!("gap {}-{} {}", gap.first, gap.last, gap.cause),
        other => panic!("{other:?}"),
    });
    let told: Vec<String> = told.collect();
    assert_eq!(
        b.counters(INSTANCE).dropped(DropReason::Unverified).value() > 0,
        taken.is_ok() && format!("{told:?}").contains("unverified"),
    );
    (taken, feed.next(), told)
}

#[test]
fn chunks_taken_at_once_are_one_stream() {
    let (taken, next, told) = taken_at_once(|chunks| {
        let stream = chunks.concat();
        *chunks = stream.chunks(7).map(Bytes::copy_from_slice).collect();
    });
    assert!(taken.unwrap(), "the pattern was confirmed");
    assert_eq!((next, told.join(" ")), (4, "one two three".to_owned()));
}

#[test]
fn an_error_ends_the_stream_after_what_came_before_it_and_before_what_comes_after() {
    // No such kind; longer than any frame; a message that was already received.
    let malformed = Bytes::from_static(&[1, 2]);
    let too_long = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
    type Bad = fn(&[Bytes], Bytes) -> Bytes;
    let places: [Bad; 2] = [|_, bad| bad, |rest, bad| [&bad[..], &rest[0]].concat().into()];
    for place in places {
        for what in ["malformed", "too long", "again"] {
            let (taken, next, told) = taken_at_once(|chunks| {
                let bad = match what {
                    "malformed" => malformed.clone(),
                    "too long" => too_long.clone(),
                    _ => chunks[1].clone(),
                };
                let bad = place(&chunks[2..], bad);
                chunks.insert(2, bad);
            });
            let is_the_first_error = match what {
                "malformed" => matches!(taken, Err(ReceiveError::Frame(FrameError::Malformed))),
                "too long" => matches!(taken, Err(ReceiveError::Frame(FrameError::TooLong))),
                _ => matches!(taken, Err(ReceiveError::Order(_))),
            };
            assert!(is_the_first_error, "{what}: {taken:?}");
            assert_eq!((next, told), (2, vec!["one".to_owned()]), "{what}");
        }
    }
}

#[test]
fn what_a_queue_group_has_chosen_this_node_for_comes_once_over_a_cut_too() {
    let ring = ring();
    let (a, b) = (broker("a", &ring), broker("b", &ring));
    let (queue, plain) = (Pattern::new("$queue:w:t").unwrap(), Pattern::new("t").unwrap());
    let mut worker = b.subscribe(INSTANCE, [queue.clone()]).unwrap();
    let mut all = b.subscribe(INSTANCE, [plain.clone()]).unwrap();
    let slot = b.attach(a.source().clone(), true);
    let mut feed = IncomingFeed::from_start();
    let sealer = a.sealer(INSTANCE);
    let header = sealer.header().unwrap();
    let publish = |texts: &[&str]| {
        for text in texts {
            let draft = Draft::new(Topic::new("t").unwrap(), "e").text(*text);
            a.publish(INSTANCE, &draft).unwrap();
        }
    };
    // Nobody has joined yet: this one is chosen for nobody.
    publish(&["0"]);
    let mut link = |want_plain: bool, texts: [&str; 2], cut: bool| {
        let next = feed.next();
        let mut outgoing = OutgoingFeed::new(INSTANCE, next, a.head(INSTANCE));
        outgoing.sit(a.queue_seat(INSTANCE, b.source().clone()));
        let mut wants = vec![(queue.clone(), 1, 1)];
        wants.extend(want_plain.then(|| (plain.clone(), 2, 1)));
        outgoing.want_only(wants, a.head(INSTANCE));
        publish(&texts);
        let mut frames = FrameBuffer::default();
        outgoing.fill(&a, &mut frames).unwrap();
        let mut stream = frames.take_whole();
        if cut {
            // The last message does not arrive.
            stream.truncate(stream.len() - 5);
        }
        let keys = ("c", &ring);
        let mut reader = FeedReader::begin(header, outgoing_start(next), keys, (a.source(), slot), &mut feed).unwrap();
        reader.take([stream], &mut feed, &b).unwrap();
    };
    link(true, ["1", "2"], true);
    // While no link is there the group has nobody to choose.
    publish(&["3"]);
    link(true, ["4", "5"], false);
    assert_eq!(texts(&mut all), ["0", "1", "2", "3", "4", "5"]);
    drop(all);
    link(false, ["6", "7"], false);
    assert_eq!(texts(&mut worker), ["1", "2", "4", "5", "6", "7"]);
}

fn outgoing_start(next: u64) -> u64 {
    next.max(1)
}

fn texts(subscription: &mut bellwether_broker::Subscription) -> Vec<String> {
    let all = std::iter::from_fn(|| subscription.try_next()).map(|delivery| match delivery {
        Delivery::Message(envelope) => String::from_utf8(envelope.payload().to_vec()).unwrap(),
        other => panic!("{other:?}"),
    });
    all.collect()
}

/// What a sends b is signed by an old key, then by a new one, while messages wait and marks pass.
#[test]
fn a_stream_goes_on_under_another_key_and_nothing_is_lost() {
    let (old, both, promoted, new) = (
        ring(),
        ring_of(&[SECRET, NEW]),
        ring_of(&[NEW, SECRET]),
        ring_of(&[NEW]),
    );
    let (a, b) = (broker("a", &old), broker("b", &old));
    let plain = Pattern::new("t").unwrap();
    let mut all = b.subscribe(INSTANCE, [plain.clone()]).unwrap();
    let slot = b.attach(a.source().clone(), true);
    let publish = |text: &str| {
        let draft = Draft::new(Topic::new("t").unwrap(), "e").text(text);
        a.publish(INSTANCE, &draft).unwrap();
    };
    let mut outgoing = OutgoingFeed::new(INSTANCE, 1, 0);
    outgoing.want_only(vec![(plain.clone(), 1, 1)], 0);
    let mut feed = IncomingFeed::from_start();
    let sealer = outgoing.sealer(&a).clone();
    let header = sealer.header().unwrap();
    let mut reader = FeedReader::begin(header, 1, ("c", &old), (a.source(), slot), &mut feed).unwrap();
    let mut send = |reader: &mut FeedReader, feed: &mut IncomingFeed| {
        let mut frames = FrameBuffer::default();
        outgoing.fill(&a, &mut frames).unwrap();
        let stream = frames.take_whole();
        reader.take(stream.chunks(9).map(Bytes::copy_from_slice), feed, &b)
    };
    publish("before");
    send(&mut reader, &mut feed).unwrap();
    // Published under the old key, sent after the new one signs.
    publish("between");
    a.replace_ring(&both);
    a.replace_ring(&promoted);
    publish("after");
    reader.replace_ring(both.clone()).unwrap();
    send(&mut reader, &mut feed).unwrap();
    // From now on the old key is of no use, and need not be there.
    reader.replace_ring(new.clone()).unwrap();
    publish("removed");
    send(&mut reader, &mut feed).unwrap();
    assert_eq!(texts(&mut all), ["before", "between", "after", "removed"]);
    // A peer that was away takes all of it with the new key alone, and is never shown the old.
    let c = broker("c", &new);
    let mut away = c.subscribe(INSTANCE, [plain.clone()]).unwrap();
    let slot = c.attach(a.source().clone(), true);
    let mut outgoing = OutgoingFeed::new(INSTANCE, 1, a.head(INSTANCE));
    outgoing.want_only(vec![(plain, 1, 1)], a.head(INSTANCE));
    let mut feed = IncomingFeed::from_start();
    let sealer = outgoing.sealer(&a).clone();
    let header = sealer.header().unwrap();
    let mut reader = FeedReader::begin(header, 1, ("c", &new), (a.source(), slot), &mut feed).unwrap();
    let mut frames = FrameBuffer::default();
    outgoing.fill(&a, &mut frames).unwrap();
    reader.take([frames.take_whole()], &mut feed, &c).unwrap();
    assert_eq!(texts(&mut away), ["before", "between", "after", "removed"]);
}

#[test]
fn a_key_that_is_not_in_the_ring_ends_the_stream() {
    let (old, promoted) = (ring(), ring_of(&[NEW, SECRET]));
    let (a, b) = (broker("a", &old), broker("b", &old));
    let slot = b.attach(a.source().clone(), true);
    let mut feed = IncomingFeed::from_start();
    let mut outgoing = OutgoingFeed::new(INSTANCE, 1, 0);
    outgoing.want_only(Vec::new(), 0);
    let sealer = outgoing.sealer(&a).clone();
    let header = sealer.header().unwrap();
    let mut reader = FeedReader::begin(header, 1, ("c", &old), (a.source(), slot), &mut feed).unwrap();
    // b has removed the key that a signs with.
    let removed = reader.replace_ring(ring_of(&[NEW]));
    assert!(matches!(removed, Err(ReceiveError::KeyRemoved)), "{removed:?}");
    // a signs with a key that b does not have.
    reader.replace_ring(old).unwrap();
    a.replace_ring(&promoted);
    let mut frames = FrameBuffer::default();
    outgoing.fill(&a, &mut frames).unwrap();
    let taken = reader.take([frames.take_whole()], &mut feed, &b);
    let unknown = promoted.ids().next().unwrap();
    assert!(
        matches!(taken, Err(ReceiveError::UnknownKey(key)) if key == unknown),
        "{taken:?}"
    );
    // A stream that begins with it is refused alike.
    let sealer = outgoing.sealer(&a).clone();
    let header = sealer.header().unwrap();
    let begun = FeedReader::begin(
        header,
        1,
        ("c", &ring()),
        (a.source(), slot),
        &mut IncomingFeed::from_start(),
    );
    assert!(matches!(begun, Err(ReceiveError::UnknownKey(key)) if key == unknown));
}

#[test]
fn a_mark_of_a_queue_group_must_name_one() {
    let ring = ring();
    let (a, b) = (broker("a", &ring), broker("b", &ring));
    let slot = b.attach(a.source().clone(), true);
    for queue in ["t", "", "$queue:w", "$queue::t"] {
        let mut feed = IncomingFeed::from_start();
        let sealer = a.sealer(INSTANCE);
        let header = sealer.header().unwrap();
        let mut reader = FeedReader::begin(header, 1, ("c", &ring), (a.source(), slot), &mut feed).unwrap();
        let mut frames = FrameBuffer::default();
        frames.put_mark(&a.sealer(INSTANCE).seal_mark(&Mark::Queue { queue }).unwrap());
        let taken = reader.take([frames.take_whole()], &mut feed, &b);
        assert!(matches!(taken, Err(ReceiveError::Order(_))), "{queue:?}: {taken:?}");
    }
}
