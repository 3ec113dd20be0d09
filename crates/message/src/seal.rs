//! Sealing and opening: one encoding and one signature per message, at its origin.
//!
//! ```text
//! body = payload ‖ head ‖ head length (u16 LE) ‖ tag (16 bytes, absent when unsigned)
//! tag  = first 16 bytes of HMAC-SHA256(key, block ‖ payload ‖ head ‖ trailer)
//! trailer = payload length (u32 LE) ‖ head length (u16 LE) ‖ frame kind (u8)
//! ```
//!
//! `block` stands for cluster, key id, node, epoch, instance and format version ([`StreamHeader`]). The payload comes
//! first so that a publisher copies and absorbs it before it takes the feed's lock; the lengths come last and make
//! the concatenation unambiguous. Every field of a message is covered.

use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::codec::{self, CodecError};
use crate::draft::MAX_PAYLOAD_BYTES;
use crate::head::MAX_HEAD_BYTES;
use crate::{Draft, Envelope, Head, Instance, KeyRing, Source, StreamHeader, Timestamp};

/// Bytes of HMAC-SHA256 that travel: 128 bits, as TLS uses for its own tags.
pub const TAG_BYTES: usize = 16;
/// Bytes of the head's length.
const HEAD_LEN_BYTES: usize = 2;
/// Bodies below this size get memory of their own when received.
const COPIED_BYTES: usize = 16 * 1024;
/// Largest body a receiver accepts, whatever its own publish limit.
pub const MAX_BODY_BYTES: usize = MAX_PAYLOAD_BYTES + 8 * 1024;

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
    signing: Option<(StreamHeader, Hmac<Sha256>)>,
}

/// A payload already copied and absorbed into the signature, waiting for its number.
#[derive(Debug)]
pub struct Absorbed {
    body: Vec<u8>,
    payload_len: usize,
    mac: Option<Hmac<Sha256>>,
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
            mac.update(&header.block());
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

    /// The writer of the feed.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The part of sealing that needs no number: copies the payload and absorbs it. Call it outside any lock.
    pub fn absorb(&self, payload: &[u8]) -> Absorbed {
        // A head is rarely longer than this; a longer one costs one reallocation.
        const USUAL_HEAD: usize = 96;
        let mut body = Vec::with_capacity(payload.len() + USUAL_HEAD + HEAD_LEN_BYTES + TAG_BYTES);
        body.extend_from_slice(payload);
        let mac = self.signing.as_ref().map(|(_, mac)| {
            let mut mac = mac.clone();
            mac.update(payload);
            mac
        });
        Absorbed {
            body,
            payload_len: payload.len(),
            mac,
        }
    }

    /// The rest: encodes the head with the message's number and signs.
    ///
    /// # Errors
    /// [`SealError`] if the head exceeds [`MAX_HEAD_BYTES`]; a checked draft's does not.
    pub fn seal(&self, absorbed: Absorbed, draft: &Draft, seq: u64, time: Timestamp) -> Result<Envelope, SealError> {
        let head = Head::new(draft, seq, self.source.epoch, time);
        let (body, payload_len, head_len) = finish(absorbed, &head, FrameKind::Message)?;
        let signed = self.signing.is_some();
        // The draft was checked before it got its number.
        let accept = |_: &Head<'_>| true;
        Envelope::from_body(
            self.source.clone(),
            self.instance,
            body,
            payload_len,
            head_len,
            signed,
            accept,
        )
        .ok_or(SealError::HeadTooLong { bytes: head_len })
    }

    /// Seals a mark.
    ///
    /// # Errors
    /// [`SealError`] if the mark's encoding exceeds [`MAX_HEAD_BYTES`].
    pub fn seal_mark<M: codec::Encode>(&self, mark: &M) -> Result<Bytes, SealError> {
        Ok(finish(self.absorb(&[]), mark, FrameKind::Mark)?.0)
    }
}

fn finish<H: codec::Encode>(absorbed: Absorbed, head: &H, kind: FrameKind) -> Result<(Bytes, usize, usize), SealError> {
    let Absorbed {
        mut body,
        payload_len,
        mac,
    } = absorbed;
    codec::encode_into(head, &mut body)?;
    let head_len = body.len() - payload_len;
    let Ok(head_len_bytes) = u16::try_from(head_len).map(u16::to_le_bytes) else {
        return Err(SealError::HeadTooLong { bytes: head_len });
    };
    if head_len > MAX_HEAD_BYTES {
        return Err(SealError::HeadTooLong { bytes: head_len });
    }
    let mac = mac.map(|mut mac| {
        mac.update(body.get(payload_len..).unwrap_or_default());
        mac.update(&trailer(payload_len, head_len_bytes, kind));
        mac.finalize().into_bytes()
    });
    body.extend_from_slice(&head_len_bytes);
    if let Some(tag) = mac {
        body.extend(tag.iter().take(TAG_BYTES));
    }
    Ok((Bytes::from(body), payload_len, head_len))
}

fn trailer(payload_len: usize, head_len: [u8; 2], kind: FrameKind) -> [u8; 7] {
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

/// Verifies the frames of one stream. One per announced header.
#[derive(Debug)]
pub struct Opener {
    source: Arc<Source>,
    instance: Instance,
    mac: Hmac<Sha256>,
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
        mac.update(&header.block());
        Ok(Self {
            source: Arc::new(header.source.clone()),
            instance: header.instance,
            mac,
        })
    }

    /// The writer of the feed.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Verifies a message's body and opens it. The signature is checked before anything is decoded.
    ///
    /// # Errors
    /// [`VerifyError`]; the body must not be used.
    pub fn open(&self, body: Bytes) -> Result<Envelope, VerifyError> {
        let (payload_len, head_len) = self.verify(&body, FrameKind::Message)?;
        // A slice keeps the whole receive buffer alive (up to 64 KiB); unread, small ones would cost many times what
        // they are counted for.
        let body = if body.len() < COPIED_BYTES {
            Bytes::copy_from_slice(&body)
        } else {
            body
        };
        let (source, accept) = (self.source.clone(), |head: &Head<'_>| head.is_in_bounds());
        Envelope::from_body(source, self.instance, body, payload_len, head_len, true, accept)
            .ok_or(VerifyError::InvalidFormat)
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
        let mut mac = self.mac.clone();
        // Payload and head lie side by side, in the order they were absorbed in.
        mac.update(content);
        mac.update(&trailer(payload_len, *head_len_bytes, kind));
        mac.verify_truncated_left(tag)
            .map_err(|_| VerifyError::InvalidSignature)?;
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
