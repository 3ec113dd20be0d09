//! Memory for messages that are made one after the other.

use std::sync::Arc;

use bytes::BytesMut;

use crate::record::Record;
use crate::{Envelope, Source};

/// What neighbours share: whoever holds one message of a segment holds all of its bytes.
pub(crate) const SEGMENT_BYTES: usize = 16 * 1024;
/// Messages from this size on have memory of their own.
pub(crate) const ALONE_BYTES: usize = SEGMENT_BYTES / 4;

/// Writes bodies side by side into pieces of 16 KiB, so that a message needs no memory of its own.
#[derive(Debug, Default)]
pub struct Segment {
    free: BytesMut,
    /// Bytes of this piece that were given out.
    used: usize,
}

impl Segment {
    /// A message whose body is copied here.
    pub(crate) fn envelope(&mut self, source: Arc<Source>, record: Record, body: &[u8]) -> Envelope {
        if self.free.capacity() < body.len() {
            self.free = BytesMut::with_capacity(SEGMENT_BYTES.max(body.len()));
            self.used = 0;
        }
        let at = self.used as u32;
        self.free.extend_from_slice(body);
        self.used += body.len();
        Envelope::alone(source, self.free.split().freeze(), Record { at, ..record })
    }
}
