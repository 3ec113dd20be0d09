//! Frames that are to be written to a stream next.

use bytes::{Bytes, BytesMut};

use crate::frame::{put_mark, put_message};

/// Shorter frames are copied: many small pieces cost QUIC more than copying them (six times as much at 128 B).
const COPIED_BYTES: usize = 1024;
/// Frames that are a smaller part of their piece of memory are copied too: until the peer has acknowledged them, they
/// keep all of it alive.
const SHARED_PART: usize = 4;

/// Frames in order, most of them shared with the backlog they come from, so that any number of peers costs no copy.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    pieces: Vec<Bytes>,
    /// The end, as far as it is copied.
    copied: BytesMut,
    len: usize,
}

impl FrameBuffer {
    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends what `put` writes.
    pub fn put(&mut self, put: impl FnOnce(&mut BytesMut)) {
        let before = self.copied.len();
        put(&mut self.copied);
        self.len += self.copied.len() - before;
    }

    /// Appends a mark.
    pub fn put_mark(&mut self, body: &[u8]) {
        self.put(|out| put_mark(body, out));
    }

    /// Appends a message that follows `delta` after the frame before it.
    pub fn put_message(&mut self, delta: u64, body: &[u8]) {
        self.put(|out| put_message(delta, body, out));
    }

    /// Appends whole frames, which lie in a piece of memory of so many bytes.
    pub fn put_frames(&mut self, frames: Bytes, piece_bytes: usize) {
        if frames.len() < COPIED_BYTES || frames.len() < piece_bytes / SHARED_PART {
            return self.put(|out| out.extend_from_slice(&frames));
        }
        self.close();
        self.len += frames.len();
        self.pieces.push(frames);
    }

    /// Empties it, in pieces; each of them not empty.
    pub fn take(&mut self) -> Vec<Bytes> {
        self.close();
        self.len = 0;
        std::mem::take(&mut self.pieces)
    }

    /// Empties it, in one piece.
    pub fn take_whole(&mut self) -> Bytes {
        self.take().concat().into()
    }

    fn close(&mut self) {
        if !self.copied.is_empty() {
            self.pieces.push(self.copied.split().freeze());
        }
    }
}
