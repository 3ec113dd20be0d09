//! Messages of one feed that follow each other and share their memory.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::piece::Piece;
use crate::record::Record;
use crate::segment::{ALONE_BYTES, SEGMENT_BYTES, Segment};
use crate::{Envelope, KeyId, Source, Verified};

/// Messages of one feed, in order, in one piece of memory: what one of them costs to hold is shared by all. Cheap to
/// clone; never empty.
///
/// At their origin they lie there framed, as they travel to a peer that wants every one of them.
#[derive(Clone)]
pub struct Batch(Arc<Inner>);

struct Inner {
    source: Arc<Source>,
    /// The key that signed them, at their origin.
    key: Option<KeyId>,
    memory: Bytes,
    records: Vec<Record>,
    /// Where a message's topic is not that of the message before.
    turns: Vec<u32>,
    /// Bytes of all of that.
    allocated: usize,
}

impl Batch {
    /// Copies these messages, all of one feed; `None` if there are none.
    pub fn copied(envelopes: &[Envelope]) -> Option<Self> {
        let mut builder = BatchBuilder::new(envelopes.first()?.source().clone());
        for envelope in envelopes {
            let verified = Verified {
                record: *envelope.record(),
                repeats_topic: false,
            };
            builder.push(verified, envelope.body());
        }
        builder.finish()
    }

    /// How many messages it has.
    pub fn len(&self) -> usize {
        self.0.records.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.records.is_empty()
    }

    /// Its messages, in the order of their feed.
    pub fn envelopes(&self) -> impl DoubleEndedIterator<Item = Envelope> + ExactSizeIterator {
        self.clone().range(0..self.len())
    }

    /// Some of its messages, by their place in it. Where there is none, so is nothing.
    pub fn range(self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Envelope> + ExactSizeIterator {
        // A batch holds at most so many bytes and one message more.
        let end = range.end.min(self.len());
        (range.start.min(end)..end).map(move |place| Envelope::in_batch(self.clone(), place as u32))
    }

    /// Messages in a row that were published on one topic: their places, and the topic as bytes.
    pub fn runs(&self) -> impl Iterator<Item = (Range<usize>, &[u8])> {
        let ends = self.0.turns.iter().skip(1).map(|turn| *turn as usize);
        let ends = ends.chain([self.len()]);
        self.0.turns.iter().zip(ends).map(|(begin, end)| {
            let topic = self.record(*begin).topic(self.body_at(*begin as usize));
            (*begin as usize..end, topic)
        })
    }

    /// The number of its first message.
    pub fn first_seq(&self) -> u64 {
        self.0.records.first().map_or(0, |record| record.seq)
    }

    /// The number of its last message.
    pub fn last_seq(&self) -> u64 {
        self.0.records.last().map_or(0, |record| record.seq)
    }

    /// The exact bytes of a message that travel and were signed; none where there is no such message.
    pub fn body_at(&self, place: usize) -> &[u8] {
        let record = self.0.records.get(place);
        record.map_or(&[], |record| record.body(&self.0.memory))
    }

    /// The number of a message; 0 where there is none.
    pub fn seq_at(&self, place: usize) -> u64 {
        self.0.records.get(place).map_or(0, |record| record.seq)
    }

    /// The key that signed all of them, where this is their origin; `None` if they are unsigned.
    pub fn key(&self) -> Option<KeyId> {
        self.0.key
    }

    /// The same messages, from a place on, with other signatures. `sign` is given a message's record and its body.
    pub(crate) fn signed_anew(
        &self,
        from: usize,
        key: Option<KeyId>,
        sign: impl Fn(&Record, &mut [u8]),
    ) -> Option<Self> {
        let records = self.0.records.get(from..)?;
        let begin = records.first()?.frame_at();
        let mut copy = BatchBuilder::new(self.0.source.clone());
        copy.key = key;
        copy.memory = self.0.memory.get(begin..).unwrap_or_default().to_vec();
        for record in records {
            let at = record.at - begin as u32;
            let record = Record { at, ..*record };
            sign(&record, record.body_mut(&mut copy.memory));
            copy.add(record);
        }
        copy.finish()
    }

    /// The piece of memory that its messages share.
    pub fn piece(&self) -> Piece {
        Piece {
            begin: self.0.memory.as_ptr() as usize,
            bytes: self.0.allocated,
        }
    }

    /// What a message counts against limits in bytes.
    pub fn cost_at(&self, place: usize) -> usize {
        self.0.records.get(place).map_or(0, Record::cost)
    }

    /// The frames of some of its messages, if it was made at their origin, each as the next after the one before.
    pub fn frames(&self, range: Range<usize>) -> Bytes {
        let places = self.0.records.get(range).unwrap_or_default();
        match (places.first(), places.last()) {
            (Some(first), Some(last)) => {
                let end = last.at as usize + last.body_len();
                self.0.memory.slice(first.frame_at()..end)
            }
            _ => Bytes::new(),
        }
    }

    pub(crate) fn record(&self, place: u32) -> &Record {
        const NONE: &str = "an envelope's place is one of its batch's";
        self.0.records.get(place as usize).expect(NONE)
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.0.source
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.envelopes()).finish()
    }
}

/// Collects messages of one feed, in order.
#[derive(Debug)]
pub struct BatchBuilder {
    source: Arc<Source>,
    /// The key that signed what was collected.
    pub(crate) key: Option<KeyId>,
    memory: Vec<u8>,
    records: Vec<Record>,
    turns: Vec<u32>,
    /// Bytes and messages of the last batch: what the next will need.
    usual: (usize, usize),
}

impl BatchBuilder {
    /// For messages of this source.
    pub fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            key: None,
            memory: Vec::new(),
            records: Vec::new(),
            turns: Vec::new(),
            usual: (0, 0),
        }
    }

    /// Adds a message: copies its body. Messages are added in the order they were verified in.
    pub fn push(&mut self, verified: Verified, body: &[u8]) {
        self.begin();
        let at = self.memory.len() as u32;
        self.memory.extend_from_slice(body);
        let record = Record {
            at,
            framing: 0,
            ..verified.record
        };
        if verified.repeats_topic && !self.records.is_empty() {
            self.records.push(record);
        } else {
            self.add(record);
        }
    }

    /// Whether no message more should share its memory: whoever holds one of them holds all.
    pub fn is_full(&self) -> bool {
        self.memory.len() >= SEGMENT_BYTES
    }

    /// Whether a body is so large that it must not share its memory with others: what is collected should be finished before
    /// it is added, and after.
    pub fn is_alone(body: &[u8]) -> bool {
        body.len() >= ALONE_BYTES
    }

    /// Whether a message that is signed by this key may be added: all of a batch are signed by one.
    pub fn is_signed_by(&self, key: Option<KeyId>) -> bool {
        self.key == key || self.records.is_empty()
    }

    /// Bytes of its memory.
    pub fn bytes(&self) -> usize {
        self.memory.len()
    }

    /// Whether nothing was collected.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many messages were collected.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// What was collected, if anything.
    pub fn finish(&mut self) -> Option<Batch> {
        if self.records.is_empty() {
            return None;
        }
        self.usual = (self.memory.len(), self.records.len());
        let mut memory = std::mem::take(&mut self.memory);
        let mut records = std::mem::take(&mut self.records);
        let turns = std::mem::take(&mut self.turns);
        // What the last batch needed may be far more than this one has.
        if memory.len() < memory.capacity() / 2 {
            memory.shrink_to_fit();
            records.shrink_to_fit();
        }
        let allocated = memory.capacity()
            + records.capacity() * size_of::<Record>()
            + turns.capacity() * size_of::<u32>()
            + size_of::<Inner>();
        Some(Batch(Arc::new(Inner {
            source: self.source.clone(),
            key: self.key,
            memory: memory.into(),
            records,
            turns,
            allocated,
        })))
    }

    /// A copy of what was collected, from a place on; `None` if there is nothing.
    pub fn copy_from(&self, place: usize) -> Option<Batch> {
        let records = self.records.get(place..)?;
        let begin = records.first().map(Record::frame_at)?;
        let mut copy = Self::new(self.source.clone());
        copy.key = self.key;
        copy.records.reserve_exact(records.len());
        copy.memory = self.memory.get(begin..).unwrap_or_default().to_vec();
        for record in records {
            let at = record.at - begin as u32;
            copy.add(Record { at, ..*record });
        }
        copy.finish()
    }

    /// The newest message, in other memory.
    pub fn copy_newest(&self, segment: &mut Segment) -> Option<Envelope> {
        let record = self.records.last()?;
        let body = record.body(&self.memory);
        Some(segment.envelope(self.source.clone(), *record, body))
    }

    /// Where the next message is written, at the end; [`add`](Self::add) must follow.
    pub(crate) fn begin(&mut self) -> &mut Vec<u8> {
        if self.records.is_empty() {
            let (bytes, messages) = self.usual;
            // A batch ends with the message that fills it.
            self.memory.reserve_exact(match bytes {
                SEGMENT_BYTES.. => SEGMENT_BYTES + ALONE_BYTES,
                bytes => bytes,
            });
            self.records.reserve(messages);
        }
        &mut self.memory
    }

    /// The same for a message whose payload is written already, in memory of its own: that is taken, if nothing was
    /// collected, or copied. Says where it begins.
    pub(crate) fn begin_with(&mut self, memory: Vec<u8>) -> (&mut Vec<u8>, usize) {
        let begin = self.memory.len();
        if self.records.is_empty() {
            self.memory = memory;
        } else {
            self.memory.extend_from_slice(&memory);
        }
        (&mut self.memory, begin)
    }

    /// Adds the message that was written.
    pub(crate) fn add(&mut self, record: Record) {
        let topic = record.topic(record.body(&self.memory));
        let before = self.records.last();
        if before.is_none_or(|before| before.topic(before.body(&self.memory)) != topic) {
            self.turns.push(self.records.len() as u32);
        }
        self.records.push(record);
    }
}
