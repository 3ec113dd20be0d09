//! The envelope: one message as it travels and is delivered.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::batch::Batch;
use crate::piece::Piece;
use crate::record::Record;
use crate::segment::{SEGMENT_BYTES, Segment};
use crate::{Head, Instance, KeyId, MessageId, Source, Timestamp};

/// One published message, immutable and cheap to clone (one reference count).
///
/// It holds the very bytes that were signed. An envelope that exists was checked: its head decodes and, if it came
/// from another node, its signature was verified. It may share up to 24 KiB of memory with its neighbours in the feed:
/// who keeps a few of very many for long should copy what it needs of them.
#[derive(Clone)]
pub struct Envelope(Held);

#[derive(Clone)]
enum Held {
    Alone(Arc<Alone>),
    InBatch(Batch, u32),
}

struct Alone {
    source: Arc<Source>,
    /// `payload ‖ head ‖ head length ‖ tag`, see [`crate::Sealer`].
    body: Bytes,
    record: Record,
}

impl Envelope {
    pub(crate) fn alone(source: Arc<Source>, body: Bytes, record: Record) -> Self {
        Self(Held::Alone(Arc::new(Alone { source, body, record })))
    }

    pub(crate) fn in_batch(batch: Batch, index: u32) -> Self {
        Self(Held::InBatch(batch, index))
    }

    pub(crate) fn record(&self) -> &Record {
        match &self.0 {
            Held::Alone(alone) => &alone.record,
            Held::InBatch(batch, index) => batch.record(*index),
        }
    }

    /// Who wrote it: node id and epoch.
    pub fn source(&self) -> &Arc<Source> {
        match &self.0 {
            Held::Alone(alone) => &alone.source,
            Held::InBatch(batch, _) => batch.source(),
        }
    }

    /// The instance it was published in.
    pub fn instance(&self) -> Instance {
        self.record().instance
    }

    /// Its number in the feed of (source, instance), from 1.
    pub fn seq(&self) -> u64 {
        self.record().seq
    }

    /// Its id: instance, node, epoch and seq.
    pub fn id(&self) -> MessageId {
        let source = self.source();
        MessageId {
            instance: self.instance(),
            node: source.node.clone(),
            epoch: source.epoch,
            seq: self.seq(),
        }
    }

    /// Where it was published.
    pub fn topic(&self) -> &str {
        std::str::from_utf8(self.record().topic(self.body())).unwrap_or_default()
    }

    /// All fields of the head, decoded afresh (about 60 ns): keep the value when several are needed.
    pub fn head(&self) -> Head<'_> {
        self.record().head(self.body())
    }

    /// Whether it has headers, without decoding its head.
    pub fn has_headers(&self) -> bool {
        self.record().has_headers(self.body())
    }

    /// The node where the event arose, as its publisher says; by default the publishing node.
    pub fn originating_node(&self) -> &str {
        self.head().originating_node.unwrap_or_else(|| self.reporting_node())
    }

    /// The node that put it into the mesh. Never taken from the publisher: the receiver checks it against the link.
    pub fn reporting_node(&self) -> &str {
        self.source().node.as_str()
    }

    /// When it was published, by the publishing node's clock. Information only: nothing is decided by it.
    pub fn timestamp(&self) -> Timestamp {
        self.record().time(self.body(), self.source().epoch)
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        self.record().payload(self.body())
    }

    /// Whether it carries a signature. Unsigned messages never leave their node.
    pub fn is_signed(&self) -> bool {
        self.record().signed
    }

    /// The key that signed it, if it is read out of the backlog of its origin; elsewhere `None`.
    pub fn key(&self) -> Option<KeyId> {
        match &self.0 {
            Held::Alone(_) => None,
            Held::InBatch(batch, _) => batch.key(),
        }
    }

    /// The exact bytes that travel and were signed.
    pub fn body(&self) -> &[u8] {
        match &self.0 {
            Held::Alone(alone) => &alone.body,
            Held::InBatch(batch, index) => batch.body_at(*index as usize),
        }
    }

    /// What it counts against limits in bytes: its body and its own record.
    pub fn cost(&self) -> usize {
        self.record().cost()
    }

    /// The piece of memory that it lies in.
    pub fn piece(&self) -> Piece {
        match &self.0 {
            Held::Alone(alone) => Piece {
                begin: (alone.body.as_ptr() as usize).wrapping_sub(alone.record.at as usize),
                bytes: SEGMENT_BYTES.max(alone.body.len()),
            },
            Held::InBatch(batch, _) => batch.piece(),
        }
    }

    /// The same message in other memory, so that the one that it lies in can go.
    #[must_use]
    pub fn moved_to(&self, segment: &mut Segment) -> Self {
        segment.envelope(self.source().clone(), *self.record(), self.body())
    }
}

impl fmt::Debug for Envelope {
    /// Never shows the payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id())
            .field("topic", &self.topic())
            .field("payload_bytes", &self.record().payload_len)
            .finish()
    }
}
