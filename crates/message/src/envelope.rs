//! The envelope: one message as it travels and is delivered.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Head, Instance, MessageId, Source, Timestamp};

/// One published message, immutable and cheap to clone (one reference count).
///
/// It holds the very bytes that were signed. An envelope that exists was checked: its head decodes and, if it came
/// from another node, its signature was verified.
#[derive(Clone)]
pub struct Envelope(Arc<Inner>);

struct Inner {
    source: Arc<Source>,
    /// `payload ‖ head ‖ head length ‖ tag`, see [`crate::Sealer`].
    body: Bytes,
    seq: u64,
    payload_len: u32,
    head_len: u16,
    topic_at: u16,
    topic_len: u16,
    instance: Instance,
    signed: bool,
}

impl Envelope {
    /// Puts a checked body together; `None` if the head is not one, or `accept` refuses it.
    pub(crate) fn from_body(
        source: Arc<Source>,
        instance: Instance,
        body: Bytes,
        payload_len: usize,
        head_len: usize,
        signed: bool,
        accept: impl FnOnce(&Head<'_>) -> bool,
    ) -> Option<Self> {
        let head_bytes = body.get(payload_len..payload_len.checked_add(head_len)?)?;
        let head = Head::decode(head_bytes).ok().filter(accept)?;
        // The decoded topic borrows from the head, so the distance of the two is its offset.
        let topic_at = (head.topic.as_ptr() as usize).checked_sub(head_bytes.as_ptr() as usize)?;
        let (seq, topic_len) = (head.seq, head.topic.len());
        Some(Self(Arc::new(Inner {
            source,
            seq,
            payload_len: u32::try_from(payload_len).ok()?,
            head_len: u16::try_from(head_len).ok()?,
            topic_at: u16::try_from(topic_at).ok()?,
            topic_len: u16::try_from(topic_len).ok()?,
            instance,
            signed,
            body,
        })))
    }

    /// Who wrote it: node id and epoch.
    pub fn source(&self) -> &Arc<Source> {
        &self.0.source
    }

    /// The instance it was published in.
    pub fn instance(&self) -> Instance {
        self.0.instance
    }

    /// Its number in the feed of (source, instance), from 1.
    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    /// Its id: instance, node, epoch and seq.
    pub fn id(&self) -> MessageId {
        MessageId {
            instance: self.0.instance,
            node: self.0.source.node.clone(),
            epoch: self.0.source.epoch,
            seq: self.0.seq,
        }
    }

    /// Where it was published.
    pub fn topic(&self) -> &str {
        let at = self.0.payload_len as usize + usize::from(self.0.topic_at);
        let bytes = self
            .0
            .body
            .get(at..at + usize::from(self.0.topic_len))
            .unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// All fields of the head, decoded afresh (about 40 ns): keep the value when several are needed.
    pub fn head(&self) -> Head<'_> {
        let at = self.0.payload_len as usize;
        let bytes = self
            .0
            .body
            .get(at..at + usize::from(self.0.head_len))
            .unwrap_or_default();
        Head::decode(bytes).expect("a head is decoded once before its envelope exists")
    }

    /// The node where the event arose, as its publisher says; by default the publishing node.
    pub fn originating_node(&self) -> &str {
        self.head().originating_node.unwrap_or_else(|| self.reporting_node())
    }

    /// The node that put it into the mesh. Never taken from the publisher: the receiver checks it against the link.
    pub fn reporting_node(&self) -> &str {
        self.0.source.node.as_str()
    }

    /// When it was published, by the publishing node's clock. Information only: nothing is decided by it.
    pub fn timestamp(&self) -> Timestamp {
        self.head().timestamp(self.0.source.epoch)
    }

    /// The payload, sharing this envelope's memory.
    pub fn payload(&self) -> Bytes {
        self.0.body.slice(..self.0.payload_len as usize)
    }

    /// Whether it carries a signature. Unsigned messages never leave their node.
    pub fn is_signed(&self) -> bool {
        self.0.signed
    }

    /// The exact bytes that travel and were signed.
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// What it counts against limits in bytes: its body and its own record.
    pub fn cost(&self) -> usize {
        self.0.body.len() + size_of::<Inner>()
    }
}

impl fmt::Debug for Envelope {
    /// Never shows the payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id())
            .field("topic", &self.topic())
            .field("payload_bytes", &self.0.payload_len)
            .finish()
    }
}
