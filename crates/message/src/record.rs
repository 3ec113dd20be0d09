//! Where the parts of one message lie, and what is read of it again and again.

use crate::mac::TAG_BYTES;
use crate::{Epoch, Head, Instance, Timestamp};

/// Bytes of the head's length.
pub(crate) const HEAD_LEN_BYTES: usize = 2;

/// The layout of a body, see [`crate::Sealer`], and the fields that delivery needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    /// Where the body begins in the memory that it shares with others.
    pub(crate) at: u32,
    /// Bytes of framing right before the body.
    pub(crate) framing: u8,
    pub(crate) payload_len: u32,
    pub(crate) head_len: u16,
    /// Where the topic begins in the head.
    pub(crate) topic_at: u16,
    pub(crate) topic_len: u8,
    pub(crate) instance: Instance,
    pub(crate) signed: bool,
}

/// What a message counts beside its body: its record, and its share of what holds it.
const RECORD_COST: usize = 96;

impl Record {
    /// What the message counts against limits in bytes.
    pub(crate) fn cost(&self) -> usize {
        self.body_len() + RECORD_COST
    }

    /// Where the message's frame begins, framing included.
    pub(crate) fn frame_at(&self) -> usize {
        (self.at as usize).saturating_sub(usize::from(self.framing))
    }

    pub(crate) fn body_len(&self) -> usize {
        let tag = if self.signed { TAG_BYTES } else { 0 };
        self.payload_len as usize + usize::from(self.head_len) + HEAD_LEN_BYTES + tag
    }

    pub(crate) fn topic<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        let at = self.payload_len as usize + usize::from(self.topic_at);
        body.get(at..at + usize::from(self.topic_len)).unwrap_or_default()
    }

    pub(crate) fn head<'a>(&self, body: &'a [u8]) -> Head<'a> {
        let at = self.payload_len as usize;
        let bytes = body.get(at..at + usize::from(self.head_len)).unwrap_or_default();
        Head::decode(bytes).expect("a head is encoded here or decoded once before its envelope exists")
    }

    /// Whether the head says headers, without decoding it: they are the last that it says, and end with a line break. Where
    /// there are none, a zero is last: nothing else is said, or a text without bytes.
    pub(crate) fn has_headers(&self, body: &[u8]) -> bool {
        let behind = self.payload_len as usize + usize::from(self.head_len);
        behind.checked_sub(1).and_then(|last| body.get(last)) == Some(&b'\n')
    }

    /// When it was published, without the rest of the head.
    pub(crate) fn time(&self, body: &[u8], epoch: Epoch) -> Timestamp {
        let at = self.payload_len as usize;
        let bytes = body.get(at..at + usize::from(self.head_len)).unwrap_or_default();
        Head::decode_time(bytes, epoch).expect("a head is encoded here or decoded once before its envelope exists")
    }

    pub(crate) fn payload<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(..self.payload_len as usize).unwrap_or_default()
    }

    /// The body out of the memory that it lies in.
    pub(crate) fn body<'a>(&self, memory: &'a [u8]) -> &'a [u8] {
        let at = self.at as usize;
        memory.get(at..at + self.body_len()).unwrap_or_default()
    }

    /// The same, to be written to.
    pub(crate) fn body_mut<'a>(&self, memory: &'a mut [u8]) -> &'a mut [u8] {
        let at = self.at as usize;
        memory.get_mut(at..at + self.body_len()).unwrap_or_default()
    }
}
