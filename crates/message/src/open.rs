//! Opening: the signature of what was received is checked before anything is decoded.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;

use crate::codec;
use crate::draft::MAX_PAYLOAD_BYTES;
use crate::mac::{self, Mac, TAG_BYTES};
use crate::record::{HEAD_LEN_BYTES, Record};
use crate::seal::{FrameKind, trailer};
use crate::{Envelope, Head, Instance, KeyRing, Source, StreamHeader};

/// Largest body a receiver accepts, whatever its own publish limit.
pub const MAX_BODY_BYTES: usize = MAX_PAYLOAD_BYTES + 8 * 1024;

/// What follows seq and time in a head is mostly what it was in an earlier message of the feed. So many of these are
/// remembered as checked, up to so many bytes each; when full, all are forgotten.
const KNOWN_TAILS: usize = 1_024;
const KNOWN_TAIL_BYTES: usize = 256;

/// Verifies the frames of one stream. One per announced header.
#[derive(Debug)]
pub struct Opener {
    source: Arc<Source>,
    instance: Instance,
    mac: Mac,
    known_tails: HashSet<Box<[u8]>, RandomState>,
    /// That of the message before: nearly always the next one's.
    last_tail: Vec<u8>,
}

/// Says that a body is a message of the feed, and where its parts lie.
#[derive(Debug, Clone, Copy)]
pub struct Verified {
    pub(crate) record: Record,
    /// Whether its topic is that of the message that was verified before it.
    pub(crate) repeats_topic: bool,
}

impl Verified {
    /// Its number in the feed.
    pub fn seq(&self) -> u64 {
        self.record.seq
    }
}

impl Opener {
    /// An opener for a stream that announced `header`.
    ///
    /// # Errors
    /// [`VerifyError::NoSecretConfigured`] without a ring, [`VerifyError::InvalidSignature`] if the announced key is
    /// not in it or the header is another cluster's.
    pub fn new(ring: Option<&KeyRing>, cluster: &str, header: &StreamHeader) -> Result<Self, VerifyError> {
        let ring = ring.ok_or(VerifyError::NoSecretConfigured)?;
        if header.cluster != cluster {
            return Err(VerifyError::InvalidSignature);
        }
        let mut mac = ring.verifying(header.key).ok_or(VerifyError::InvalidSignature)?;
        mac.absorb(&header.block());
        Ok(Self {
            source: Arc::new(header.source.clone()),
            instance: header.instance,
            mac,
            known_tails: HashSet::default(),
            last_tail: Vec::new(),
        })
    }

    /// The writer of the feed.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Verifies a message's body. The signature is checked before anything is decoded.
    ///
    /// # Errors
    /// [`VerifyError`]; the body must not be used.
    pub fn open(&mut self, body: &[u8]) -> Result<Verified, VerifyError> {
        let (payload_len, head_len) = self.verify(body, FrameKind::Message)?;
        let head = body
            .get(payload_len..payload_len + head_len)
            .ok_or(VerifyError::InvalidFormat)?;
        let (seq, tail_at) = Head::decode_front(head).map_err(|_| VerifyError::InvalidFormat)?;
        let tail = head.get(tail_at..).unwrap_or_default();
        // A tail begins with the topic, and its length in one byte.
        let topic_len = tail.first().copied().ok_or(VerifyError::InvalidFormat)?;
        let repeats_topic = seq > 0 && self.last_tail == tail;
        if !repeats_topic {
            if seq == 0 || !self.known_tails.contains(tail) {
                let head = Head::decode(head).ok();
                let head = head.filter(|head| head.is_in_bounds() && head.topic.len() == usize::from(topic_len));
                self.remember(tail, &head.ok_or(VerifyError::InvalidFormat)?);
            }
            self.last_tail.clear();
            self.last_tail.extend_from_slice(tail);
        }
        let record = Record {
            seq,
            at: 0,
            framing: 0,
            payload_len: u32::try_from(payload_len).map_err(|_| VerifyError::InvalidFormat)?,
            head_len: u16::try_from(head_len).map_err(|_| VerifyError::InvalidFormat)?,
            topic_at: u16::try_from(tail_at + 1).map_err(|_| VerifyError::InvalidFormat)?,
            topic_len,
            instance: self.instance,
            signed: true,
        };
        Ok(Verified { record, repeats_topic })
    }

    /// The message whose `body` was verified, in memory of its own.
    pub fn envelope(&self, verified: Verified, body: &[u8]) -> Envelope {
        Envelope::alone(self.source.clone(), Bytes::copy_from_slice(body), verified.record)
    }

    fn remember(&mut self, tail: &[u8], head: &Head<'_>) {
        // Ids are new with each message: such a tail does not come again.
        let has_ids = head.correlation_id.is_some() || head.causation_id.is_some() || head.reply_to().is_some();
        if tail.len() > KNOWN_TAIL_BYTES || has_ids {
            return;
        }
        if self.known_tails.len() >= KNOWN_TAILS {
            self.known_tails.clear();
        }
        self.known_tails.insert(tail.into());
    }

    /// Verifies a mark's body and decodes it.
    ///
    /// # Errors
    /// [`VerifyError`]; the body must not be used.
    pub fn open_mark<'a, M: codec::BorrowDecode<'a, ()>>(&self, body: &'a [u8]) -> Result<M, VerifyError> {
        let (payload_len, head_len) = self.verify(body, FrameKind::Mark)?;
        let head = body
            .get(payload_len..payload_len + head_len)
            .ok_or(VerifyError::InvalidFormat)?;
        codec::decode(head).map_err(|_| VerifyError::InvalidFormat)
    }

    /// Checks lengths and signature; gives the lengths of payload and head.
    fn verify(&self, body: &[u8], kind: FrameKind) -> Result<(usize, usize), VerifyError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(VerifyError::InvalidFormat);
        }
        let (rest, tag) = body
            .split_last_chunk::<TAG_BYTES>()
            .ok_or(VerifyError::UnsecuredMessageRejected)?;
        let (content, head_len_bytes) = rest
            .split_last_chunk::<HEAD_LEN_BYTES>()
            .ok_or(VerifyError::InvalidFormat)?;
        let head_len = usize::from(u16::from_le_bytes(*head_len_bytes));
        let payload_len = content.len().checked_sub(head_len).ok_or(VerifyError::InvalidFormat)?;
        // Payload and head lie side by side, in the order they were absorbed in.
        let code = self.mac.finish(content, trailer(payload_len, *head_len_bytes, kind));
        if !mac::begins_with(&code, tag) {
            return Err(VerifyError::InvalidSignature);
        }
        Ok((payload_len, head_len))
    }
}

/// Why a received message is not delivered. The words are the original's (catalogue, section d).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum VerifyError {
    /// The tag does not fit the bytes, or its key is not in the ring.
    #[error("invalid_signature")]
    InvalidSignature,
    /// A signed message, but this node has no secret to verify it with.
    #[error("no_secret_configured")]
    NoSecretConfigured,
    /// A message without a signature where a secret is configured.
    #[error("unsecured_message_rejected")]
    UnsecuredMessageRejected,
    /// Not a message at all, or one that breaks a bound.
    #[error("invalid_format")]
    InvalidFormat,
}

#[cfg(test)]
mod tests;
