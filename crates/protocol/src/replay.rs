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
mod tests;
