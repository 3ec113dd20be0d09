//! Replay: what a feed's backlog still holds, asked for by one subscription.
//!
//! On a stream of its own the asker says [`ReplayRequest`]; the source answers with the feed in the form of a data stream
//! (`frame`): messages that match, gaps for what is gone, and last a [`Mark::Skipped`] that says how far it looked.

use std::collections::VecDeque;
use std::sync::Arc;

use bellwether_broker::matcher::Matcher;
use bellwether_broker::{Broker, Delivery, Gap, GapCause};
use bellwether_message::codec::{Decode, Encode};
use bellwether_message::{
    Envelope, Instance, KeyRing, Opener, Pattern, SealError, Sealer, Source, StreamHeader, Timestamp,
};
use bytes::{Bytes, BytesMut};

use crate::feed_reader::{Opened, ReceiveError, open_message};
use crate::frame::{Frame, FrameParser, put_mark, put_message};
use crate::incoming_feed::{IncomingFeed, OrderError};
use crate::mark::Mark;

/// Most messages that `last` may ask for.
pub const MAX_LAST: u32 = 65_536;
/// Messages looked at under one lock of the backlog.
const READ_MESSAGES: usize = 256;
/// Messages looked at before others have their turn.
const FILL_MESSAGES: u64 = 8_192;
/// Bytes copied into one buffer before it is handed on.
const BATCH_BYTES: usize = 64 * 1024;

/// Asks for a part of one feed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub struct ReplayRequest {
    /// The feed's instance.
    pub instance: u8,
    /// The run that is asked; another has other feeds.
    pub epoch: u64,
    /// What is wanted.
    pub patterns: Vec<String>,
    /// Where to begin.
    pub start: ReplayStart,
    /// The last seq that is wanted, if the feed has come so far.
    pub through: u64,
}

/// Where a replay begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub enum ReplayStart {
    /// At this seq.
    Seq(u64),
    /// At the last so many that match, at most [`MAX_LAST`].
    Last(u32),
    /// At the first message that is not older, in milliseconds since 1970 by the source's clock.
    Time(i64),
}

/// One item of a replay.
#[derive(Debug)]
enum Replayed {
    Message(Envelope),
    Gap { first: u64, last: u64 },
}

/// A cursor over this node's own backlog, for one replay.
#[derive(Debug)]
pub struct ReplayCursor {
    instance: Instance,
    matcher: Matcher<()>,
    next: u64,
    through: u64,
    /// What must still be found before the first message is handed out.
    seeking: Option<Seeking>,
    scratch: Vec<Envelope>,
}

#[derive(Debug)]
enum Seeking {
    Last { count: usize, found: VecDeque<u64> },
    Time(Timestamp),
}

impl ReplayCursor {
    /// A cursor that looks no further than what is published now.
    pub fn new(broker: &Broker, instance: Instance, patterns: &[Pattern], start: ReplayStart, through: u64) -> Self {
        let mut matcher = Matcher::default();
        patterns.iter().for_each(|pattern| *matcher.entry(pattern) = ());
        let (next, seeking) = match start {
            ReplayStart::Seq(seq) => (seq.max(1), None),
            ReplayStart::Last(count) => {
                let (count, found) = (count.min(MAX_LAST) as usize, VecDeque::new());
                (1, Some(Seeking::Last { count, found }))
            }
            ReplayStart::Time(ms) => (1, Some(Seeking::Time(Timestamp::from_millis(ms)))),
        };
        Self {
            instance,
            matcher,
            next,
            through: through.min(broker.head(instance)),
            seeking,
            scratch: Vec::new(),
        }
    }

    /// The next seq it looks at: everything before was handed out, or does not match, or is gone.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Hands out what comes next, a limited number of messages. False: that was all.
    fn read(&mut self, broker: &Broker, mut out: impl FnMut(Replayed) -> bool) -> bool {
        let stop_at = self.next.saturating_add(FILL_MESSAGES);
        while self.next <= self.through && self.next < stop_at {
            let mut envelopes = std::mem::take(&mut self.scratch);
            let read = broker.read_feed(self.instance, self.next, READ_MESSAGES, &mut envelopes);
            if read.oldest > self.next {
                let (first, last) = (self.next, self.through.min(read.oldest - 1));
                self.next = last + 1;
                // Who asked for the last few, or for a time that is still there, does not miss what is older.
                let is_missed = match &self.seeking {
                    None => true,
                    Some(Seeking::Last { .. }) => false,
                    Some(Seeking::Time(from)) => envelopes.first().is_none_or(|oldest| oldest.timestamp() >= *from),
                };
                if is_missed && first <= last {
                    out(Replayed::Gap { first, last });
                }
            }
            let mut is_full = false;
            for envelope in envelopes.drain(..) {
                if envelope.seq() > self.through || is_full {
                    break;
                }
                self.next = envelope.seq() + 1;
                if self.is_due(&envelope) {
                    is_full = !out(Replayed::Message(envelope));
                }
            }
            self.scratch = envelopes;
            self.scratch.clear();
            if is_full {
                return true;
            }
            self.found_last();
        }
        self.next <= self.through
    }

    fn is_due(&mut self, envelope: &Envelope) -> bool {
        let mut matches = false;
        self.matcher.for_each_match(envelope.topic(), |()| matches = true);
        match &mut self.seeking {
            None => matches,
            Some(Seeking::Time(from)) => {
                let begins = envelope.timestamp() >= *from;
                if begins {
                    self.seeking = None;
                }
                begins && matches
            }
            Some(Seeking::Last { count, found }) => {
                if matches && *count > 0 {
                    if found.len() == *count {
                        found.pop_front();
                    }
                    found.push_back(envelope.seq());
                }
                false
            }
        }
    }

    /// All was looked at for the last few: goes back to the first of them.
    fn found_last(&mut self) {
        if self.next > self.through
            && let Some(Seeking::Last { found, .. }) = &self.seeking
        {
            self.next = found.front().copied().unwrap_or(self.next);
            self.seeking = None;
        }
    }

    /// Hands out what comes next of this node's own feed. False: that was all.
    pub fn read_deliveries(&mut self, broker: &Broker, out: &mut VecDeque<Delivery>) -> bool {
        let (source, instance) = (broker.source().clone(), self.instance);
        let mut bytes = 0;
        self.read(broker, |replayed| {
            out.push_back(match replayed {
                Replayed::Message(envelope) => {
                    bytes += envelope.cost();
                    Delivery::Message(envelope)
                }
                Replayed::Gap { first, last } => Delivery::Gap(Gap::up_to(
                    source.clone(),
                    instance,
                    first,
                    last,
                    GapCause::BacklogOverrun,
                )),
            });
            bytes < BATCH_BYTES
        })
    }
}

/// Answers a request.
#[derive(Debug)]
pub struct ReplayWriter {
    cursor: ReplayCursor,
    /// Signs all of the answer, whichever key has signed a message before or signs now.
    sealer: Arc<Sealer>,
    told: u64,
}

impl ReplayWriter {
    /// An answer; `None` if the request is not in order, or another run is asked.
    pub fn new(broker: &Broker, request: &ReplayRequest) -> Option<Self> {
        let instance = Instance::from_index(request.instance)?;
        let patterns: Vec<Pattern> = request
            .patterns
            .iter()
            .map(|pattern| Pattern::new(pattern))
            .collect::<Result<_, _>>()
            .ok()?;
        let is_asked = request.epoch == broker.source().epoch.0;
        let cursor = ReplayCursor::new(broker, instance, &patterns, request.start, request.through);
        is_asked.then(|| Self {
            told: cursor.next() - 1,
            sealer: broker.sealer(instance),
            cursor,
        })
    }

    /// What the stream announces; `None` when unsigned.
    pub fn header(&self) -> Option<&StreamHeader> {
        self.sealer.header()
    }

    /// The first seq the stream speaks of.
    pub fn start(&self) -> u64 {
        self.told + 1
    }

    /// Appends frames. False: the last one is there.
    ///
    /// # Errors
    /// If a mark cannot be sealed.
    pub fn fill(&mut self, broker: &Broker, out: &mut BytesMut) -> Result<bool, SealError> {
        let (sealer, told, mut failed) = (&self.sealer, &mut self.told, None);
        let more = self.cursor.read(broker, |replayed| {
            match replayed {
                Replayed::Message(envelope) => {
                    put_message(envelope.seq() - *told, &sealer.body_of(&envelope), out);
                    *told = envelope.seq();
                }
                Replayed::Gap { first, last } => {
                    let gap = Mark::Gap {
                        first,
                        last,
                        resumed: true,
                    };
                    match sealer.seal_mark(&gap) {
                        Ok(mark) => put_mark(&mark, out),
                        Err(err) => failed = Some(err),
                    }
                    *told = last;
                }
            }
            out.len() < BATCH_BYTES
        });
        if let Some(err) = failed {
            return Err(err);
        }
        if !more {
            let through = self.cursor.next().saturating_sub(1).max(self.told);
            put_mark(&sealer.seal_mark(&Mark::Skipped { through })?, out);
        }
        Ok(more)
    }
}

/// Reads the answer to a request.
pub struct ReplayReader {
    source: Arc<Source>,
    instance: Instance,
    opener: Opener,
    parser: FrameParser,
    feed: IncomingFeed,
    is_complete: bool,
}

impl ReplayReader {
    /// An answer that announced itself with `header`, which the authenticated peer `source` must have written, and begins
    /// at seq `start`.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn begin(
        header: &StreamHeader,
        start: u64,
        (cluster, ring): (&str, &KeyRing),
        source: &Arc<Source>,
        instance: Instance,
    ) -> Result<Self, ReceiveError> {
        if header.source != **source || header.instance != instance {
            return Err(ReceiveError::Header);
        }
        let mut feed = IncomingFeed::default();
        feed.on_start(start)?;
        Ok(Self {
            source: source.clone(),
            instance,
            opener: Opener::new(Some(ring), cluster, header).map_err(ReceiveError::Unverified)?,
            parser: FrameParser::default(),
            feed,
            is_complete: false,
        })
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    /// [`ReceiveError`]; what was read before is in `out`.
    pub fn take(&mut self, chunk: Bytes, out: &mut VecDeque<Delivery>) -> Result<(), ReceiveError> {
        let gap =
            |first, last, cause| Delivery::Gap(Gap::up_to(self.source.clone(), self.instance, first, last, cause));
        self.parser.push(chunk);
        while let Some(frame) = self.parser.next_frame()? {
            if self.is_complete {
                return Err(OrderError.into());
            }
            match frame {
                Frame::Message { delta, body } => match open_message(&mut self.opener, &mut self.feed, delta, body)? {
                    Opened::Message(verified) => out.push_back(Delivery::Message(self.opener.envelope(verified, body))),
                    Opened::Unverified { seq } => out.push_back(gap(seq, seq, GapCause::Unverified)),
                },
                Frame::Mark { body } => match self.opener.open_mark(body).map_err(ReceiveError::Unverified)? {
                    Mark::Gap { first, last, .. } => {
                        self.feed.on_gap(first, last)?;
                        out.push_back(gap(first, last, GapCause::BacklogOverrun));
                    }
                    Mark::Skipped { through } => {
                        self.feed.on_skipped(through)?;
                        self.is_complete = true;
                    }
                    Mark::Live { .. } | Mark::EpochEnded { .. } | Mark::Queue { .. } | Mark::Key { .. } => {
                        return Err(OrderError.into());
                    }
                },
            }
        }
        Ok(())
    }

    /// The last seq that was accounted for.
    pub fn seen(&self) -> u64 {
        self.feed.seen()
    }

    /// Whether the answer has come to its end.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

#[cfg(test)]
mod tests {
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
}
