//! Sealing and opening: one encoding and one signature per message, at its origin.
//!
//! ```text
//! body = payload ‖ head ‖ head length (u16 LE) ‖ tag (16 bytes, absent when unsigned)
//! tag  = first 16 bytes of HMAC-SHA256(key, block ‖ payload ‖ head ‖ trailer)
//! trailer = payload length (u32 LE) ‖ head length (u16 LE) ‖ frame kind (u8)
//! ```
//!
//! `block` stands for cluster, key id, node, epoch, instance and format version ([`StreamHeader`]). The payload comes
//! first so that a publisher absorbs it, and copies a large one, before it takes the feed's lock; the lengths come last and make
//! the concatenation unambiguous. Every field of a message is covered.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{BufMut, Bytes};

use crate::codec::{self, CodecError};
use crate::head::MAX_HEAD_BYTES;
use crate::leb128;
use crate::mac::{Mac, TAG_BYTES};
use crate::record::{HEAD_LEN_BYTES, Record};
use crate::segment::ALONE_BYTES;
use crate::{Batch, BatchBuilder, Draft, Envelope, Head, Instance, KeyId, KeyRing, Source, StreamHeader, Timestamp};

/// What a frame holds. Part of what is signed: a frame of one kind never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// A message.
    Message = 0,
    /// A mark: something about the feed itself, in its place in the order.
    Mark = 1,
}

/// Numbers come from the caller; this signs. One per feed.
#[derive(Debug, Clone)]
pub struct Sealer {
    source: Arc<Source>,
    instance: Instance,
    signing: Option<(StreamHeader, Mac)>,
}

/// A payload that the signature has absorbed as far as it goes without its message's number.
#[derive(Debug)]
pub struct Absorbed {
    mac: Option<Mac>,
    /// Bytes of the payload that the signature has absorbed.
    bytes: usize,
    /// Memory of its own, if it is too large to share some.
    memory: Option<Vec<u8>>,
}

impl Absorbed {
    /// Whether its message has memory of its own: it is copied once more unless it is the first of its batch.
    pub fn is_alone(&self) -> bool {
        self.memory.is_some()
    }
}

impl Sealer {
    /// A sealer for the feed of (`source`, `instance`). Without a ring its envelopes are unsigned.
    pub fn new(cluster: &str, ring: Option<&KeyRing>, source: Arc<Source>, instance: Instance) -> Self {
        let signing = ring.and_then(KeyRing::signing).map(|(key, mut mac)| {
            let header = StreamHeader {
                cluster: cluster.to_owned(),
                key,
                source: Source::clone(&source),
                instance,
            };
            mac.absorb(&header.block());
            (header, mac)
        });
        Self {
            source,
            instance,
            signing,
        }
    }

    /// What a stream that carries this feed announces; `None` when unsigned.
    pub fn header(&self) -> Option<&StreamHeader> {
        self.signing.as_ref().map(|(header, _)| header)
    }

    /// The key that signs; `None` when unsigned.
    pub fn key(&self) -> Option<KeyId> {
        self.header().map(|header| header.key)
    }

    /// The writer of the feed.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// A sealer for the same feed that signs with the first key of another ring. An unsigned feed stays unsigned.
    #[must_use]
    pub fn with_ring(&self, ring: &KeyRing) -> Self {
        match self.header() {
            Some(header) => Self::new(&header.cluster, Some(ring), self.source.clone(), self.instance),
            None => self.clone(),
        }
    }

    /// Messages of this feed as this sealer would have sealed them, from a place of the batch on; `None` if there are
    /// none. For those that were signed by another key before the ring was replaced: who receives them may no longer
    /// have that one.
    pub fn sign_anew(&self, batch: &Batch, from: usize) -> Option<Batch> {
        batch.signed_anew(from, self.key(), |record, body| self.sign_body(record, body))
    }

    /// The body of one message of this feed, as this sealer would have sealed it.
    pub fn body_of<'a>(&self, envelope: &'a Envelope) -> Cow<'a, [u8]> {
        if envelope.key() == self.key() {
            return Cow::Borrowed(envelope.body());
        }
        let mut body = envelope.body().to_vec();
        self.sign_body(envelope.record(), &mut body);
        Cow::Owned(body)
    }

    fn sign_body(&self, record: &Record, body: &mut [u8]) {
        let signing = self.signing.as_ref().filter(|_| record.signed);
        let (Some((_, mac)), Some((rest, tag))) = (signing, body.split_last_chunk_mut::<TAG_BYTES>()) else {
            return;
        };
        let content = rest
            .get(..rest.len().saturating_sub(HEAD_LEN_BYTES))
            .unwrap_or_default();
        let head_len = record.head_len.to_le_bytes();
        let code = mac.finish(
            content,
            trailer(record.payload_len as usize, head_len, FrameKind::Message),
        );
        if let Some(begin) = code.first_chunk() {
            *tag = *begin;
        }
    }

    /// The part of sealing that needs no number. Call it outside any lock.
    pub fn absorb(&self, payload: &[u8]) -> Absorbed {
        let mut mac = self.signing.as_ref().map(|(_, mac)| *mac);
        let bytes = mac.as_mut().map_or(0, |mac| mac.absorb(payload));
        let memory = (payload.len() >= ALONE_BYTES).then(|| {
            let mut memory =
                Vec::with_capacity(FRAMING_BYTES + payload.len() + USUAL_HEAD_BYTES + HEAD_LEN_BYTES + TAG_BYTES);
            memory.extend_from_slice(&[0; FRAMING_BYTES]);
            memory.extend_from_slice(payload);
            memory
        });
        Absorbed { mac, bytes, memory }
    }

    /// The rest: encodes the head with the message's number, signs, and adds the message to `batch`, framed as the next
    /// after the one before. `absorbed` is what [`absorb`](Self::absorb) made of the draft's payload; the batch must be
    /// [one of this key](BatchBuilder::is_signed_by). Returns what the message counts against limits in bytes.
    ///
    /// # Errors
    /// [`SealError`] if the head exceeds [`MAX_HEAD_BYTES`]; a checked draft's does not. The batch is as it was.
    pub fn seal(
        &self,
        absorbed: Absorbed,
        draft: &Draft,
        seq: u64,
        time: Timestamp,
        batch: &mut BatchBuilder,
    ) -> Result<usize, SealError> {
        let head = Head::new(draft, seq, self.source.epoch, time);
        let mut scratch = [0; USUAL_HEAD_BYTES];
        let mut long = Vec::new();
        let encoded = encode_head(&head, &mut scratch, &mut long)?;
        let too_long = || SealError::HeadTooLong { bytes: encoded.len() };
        let mut record = Record {
            seq,
            at: 0,
            framing: 0,
            payload_len: u32::try_from(draft.payload.len()).map_err(|_| too_long())?,
            head_len: u16::try_from(encoded.len()).map_err(|_| too_long())?,
            topic_at: u16::try_from(head.topic_at()).map_err(|_| too_long())?,
            topic_len: u8::try_from(head.topic.len()).map_err(|_| too_long())?,
            instance: self.instance,
            signed: self.signing.is_some(),
        };
        let framing = Framing::of(record.body_len());
        record.framing = framing.len;
        let memory = match absorbed.memory {
            Some(memory) => {
                let (memory, begin) = batch.begin_with(memory);
                let at = begin + FRAMING_BYTES;
                record.at = at as u32;
                if let Some(place) = memory.get_mut(at - usize::from(framing.len)..at) {
                    place.copy_from_slice(framing.bytes());
                }
                memory
            }
            None => {
                let memory = batch.begin();
                memory.extend_from_slice(framing.bytes());
                record.at = memory.len() as u32;
                memory.extend_from_slice(&draft.payload);
                memory
            }
        };
        let signature = (absorbed.mac, record.at as usize + absorbed.bytes);
        finish(signature, draft.payload.len(), encoded, FrameKind::Message, memory);
        batch.key = self.key();
        batch.add(record);
        Ok(record.cost())
    }

    /// Seals a message that is the only one of its batch.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn seal_one(&self, draft: &Draft, seq: u64, time: Timestamp) -> Result<Envelope, SealError> {
        let mut batch = BatchBuilder::new(self.source.clone());
        self.seal(self.absorb(&draft.payload), draft, seq, time, &mut batch)?;
        let batch = batch.finish().expect("a message was added");
        Ok(Envelope::in_batch(batch, 0))
    }

    /// Seals a mark.
    ///
    /// # Errors
    /// [`SealError`] if the mark's encoding exceeds [`MAX_HEAD_BYTES`].
    pub fn seal_mark<M: codec::Encode>(&self, mark: &M) -> Result<Bytes, SealError> {
        let mut scratch = [0; USUAL_HEAD_BYTES];
        let mut long = Vec::new();
        let encoded = encode_head(mark, &mut scratch, &mut long)?;
        let mut body = Vec::with_capacity(encoded.len() + HEAD_LEN_BYTES + TAG_BYTES);
        let mac = self.signing.as_ref().map(|(_, mac)| *mac);
        finish((mac, 0), 0, encoded, FrameKind::Mark, &mut body);
        Ok(body.into())
    }
}

/// Nearly every head is shorter; a longer one costs an allocation.
const USUAL_HEAD_BYTES: usize = 192;

/// Encodes a head into `usual` if it fits there, else into `long`.
fn encode_head<'a, H: codec::Encode>(
    head: &H,
    usual: &'a mut [u8; USUAL_HEAD_BYTES],
    long: &'a mut Vec<u8>,
) -> Result<&'a [u8], SealError> {
    if let Some(len) = codec::encode_to(head, usual) {
        return Ok(usual.get(..len).unwrap_or_default());
    }
    codec::encode_into(head, long)?;
    match long.len() {
        0..=MAX_HEAD_BYTES => Ok(long),
        bytes => Err(SealError::HeadTooLong { bytes }),
    }
}

/// What stands before a message's body on the wire where nothing before it was passed over: the length of what follows,
/// the kind, and the distance to the message before, which is one.
struct Framing {
    bytes: [u8; FRAMING_BYTES],
    len: u8,
}

/// Most bytes of it: a length of [`crate::MAX_BODY_BYTES`] has four.
const FRAMING_BYTES: usize = 6;

impl Framing {
    fn of(body_len: usize) -> Self {
        let mut bytes = [0; FRAMING_BYTES];
        let mut rest = &mut bytes[..];
        leb128::put(body_len as u64 + 2, &mut rest);
        rest.put_slice(&[FrameKind::Message as u8, 1]);
        let len = (FRAMING_BYTES - rest.len()) as u8;
        Self { bytes, len }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Appends what follows the payload to `body`, where the signature has absorbed all before `absorbed`.
fn finish((mac, absorbed): (Option<Mac>, usize), payload_len: usize, head: &[u8], kind: FrameKind, body: &mut Vec<u8>) {
    body.extend_from_slice(head);
    // At most `MAX_HEAD_BYTES`, which two bytes hold.
    let head_len = (head.len() as u16).to_le_bytes();
    let code = mac.map(|mac| {
        mac.finish(
            body.get(absorbed..).unwrap_or_default(),
            trailer(payload_len, head_len, kind),
        )
    });
    body.extend_from_slice(&head_len);
    if let Some(tag) = code.as_ref().and_then(|code| code.get(..TAG_BYTES)) {
        body.extend_from_slice(tag);
    }
}

pub(crate) fn trailer(payload_len: usize, head_len: [u8; 2], kind: FrameKind) -> [u8; 7] {
    // Payloads are bounded far below u32::MAX, so the low four bytes are the length.
    let [p0, p1, p2, p3, ..] = (payload_len as u64).to_le_bytes();
    let [h0, h1] = head_len;
    [p0, p1, p2, p3, h0, h1, kind as u8]
}

/// Why a message could not be sealed. Nothing was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Its head is too long.
    #[error("the message's head has {bytes} bytes; at most {MAX_HEAD_BYTES} are allowed")]
    HeadTooLong {
        /// Its size.
        bytes: usize,
    },
    /// Its head cannot be encoded.
    #[error("the message's head cannot be encoded")]
    Codec(#[from] CodecError),
}

#[cfg(test)]
mod tests;
