//! Memory for messages that are made one after the other.

use bytes::{Bytes, BytesMut};

/// What neighbours share: whoever holds one message of a segment holds all of its bytes.
pub(crate) const SEGMENT_BYTES: usize = 16 * 1024;
/// Messages from this size on have memory of their own.
pub(crate) const ALONE_BYTES: usize = SEGMENT_BYTES / 4;

/// Writes bodies side by side into pieces of 16 KiB, so that a message needs no allocation of its own.
#[derive(Debug, Default)]
pub struct Segment {
    free: BytesMut,
    /// Bytes of this piece that were given out.
    used: usize,
}

impl Segment {
    /// Where to write the next `bytes` bytes.
    pub(crate) fn room_for(&mut self, bytes: usize) -> &mut BytesMut {
        if self.free.capacity() < bytes {
            self.free = BytesMut::with_capacity(SEGMENT_BYTES.max(bytes));
            self.used = 0;
        }
        &mut self.free
    }

    /// Gives out what was written, and says where in its piece it begins.
    pub(crate) fn take(&mut self) -> (Bytes, u32) {
        let at = self.used as u32;
        let body = self.free.split().freeze();
        self.used += body.len();
        (body, at)
    }
}
