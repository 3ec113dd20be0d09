//! Messages of one feed that were received together and share their memory.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::planted::{Planted, is_planted};
use crate::record::Record;
use crate::segment::SEGMENT_BYTES;
use crate::{Envelope, Source, Verified};

/// Messages of one feed, in order, in one piece of memory: what one of them costs to hold is shared by all. Cheap to
/// clone; never empty.
#[derive(Clone)]
pub struct Batch(Arc<Inner>);

struct Inner {
    source: Arc<Source>,
    bodies: Bytes,
    records: Vec<Record>,
}

impl Batch {
    /// Copies these messages, all of one feed; `None` if there are none.
    pub fn copied(envelopes: &[Envelope]) -> Option<Self> {
        let mut builder = BatchBuilder::new(envelopes.first()?.source().clone());
        for envelope in envelopes {
            builder.push(Verified(*envelope.record()), envelope.body());
        }
        builder.finish()
    }

    /// How many messages it has.
    pub fn len(&self) -> usize {
        self.0.records.len()
    }

    /// Whether it has none; one that was received has.
    pub fn is_empty(&self) -> bool {
        self.0.records.is_empty()
    }

    /// Its messages, in the order of their feed.
    pub fn envelopes(&self) -> impl DoubleEndedIterator<Item = Envelope> + ExactSizeIterator {
        self.range(0..self.len())
    }

    /// Some of its messages.
    ///
    /// # Panics
    /// The iterator does where there is no such message.
    pub fn range(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Envelope> + ExactSizeIterator {
        range.map(|index| Envelope::in_batch(self.clone(), index as u32))
    }

    /// Where its messages were published, in their order, as bytes.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let topic = move |record: &Record| record.topic(record.body(&self.0.bodies));
        self.0.records.iter().map(topic)
    }

    /// The number of its last message; 0 if it has none.
    pub fn last_seq(&self) -> u64 {
        self.0.records.last().map_or(0, |record| record.seq)
    }

    pub(crate) fn record(&self, index: u32) -> &Record {
        const NONE: &str = "an envelope's place is one of its batch's";
        self.0.records.get(index as usize).expect(NONE)
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.0.source
    }

    pub(crate) fn bodies(&self) -> &Bytes {
        &self.0.bodies
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.envelopes()).finish()
    }
}

/// Collects verified messages of one feed.
#[derive(Debug)]
pub struct BatchBuilder {
    source: Arc<Source>,
    bodies: Vec<u8>,
    records: Vec<Record>,
    /// Bytes of the last batch: what the next will need.
    usual: (usize, usize),
}

impl BatchBuilder {
    /// For messages of this source.
    pub fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            bodies: Vec::new(),
            records: Vec::new(),
            usual: (0, 0),
        }
    }

    /// Adds a message: copies its body.
    pub fn push(&mut self, verified: Verified, body: &[u8]) {
        if self.records.is_empty() {
            let (bodies, records) = self.usual;
            self.bodies.reserve_exact(bodies);
            self.records.reserve_exact(records);
        }
        let mut record = verified.0;
        record.at = self.bodies.len() as u32;
        self.bodies.extend_from_slice(body);
        self.records.push(record);
    }

    /// Whether no message more should share its memory: whoever holds one of them holds all.
    pub fn is_full(&self) -> bool {
        self.bodies.len() >= SEGMENT_BYTES
    }

    /// What was collected, if anything.
    pub fn finish(&mut self) -> Option<Batch> {
        if self.records.is_empty() {
            return None;
        }
        self.usual = (self.bodies.len(), self.records.len());
        if is_planted(Planted::SwappedInBatch) {
            self.records.reverse();
        }
        Some(Batch(Arc::new(Inner {
            source: self.source.clone(),
            bodies: std::mem::take(&mut self.bodies).into(),
            records: std::mem::take(&mut self.records),
        })))
    }
}
