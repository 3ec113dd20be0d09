//! What waits to be written to one client.
//!
//! Pieces of memory that are written one after the other; each holds whole messages, so that what is not yet begun can be
//! left out when the client is given up.

use std::collections::VecDeque;

/// A piece takes no further message from here on. About what one call to the system takes.
const PIECE_BYTES: usize = 64 * 1024;
/// A piece that has grown beyond this is not used again.
const MAX_SPARE_BYTES: usize = 4 * PIECE_BYTES;

#[derive(Debug, Default)]
pub(crate) struct Pending {
    pieces: VecDeque<Vec<u8>>,
    /// What of the first has been written.
    written: usize,
    bytes: usize,
    spare: Vec<u8>,
}

impl Pending {
    /// Adds one whole message.
    pub(crate) fn add<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        if self.pieces.back().is_none_or(|piece| piece.len() >= PIECE_BYTES) {
            self.pieces.push_back(std::mem::take(&mut self.spare));
        }
        let Some(piece) = self.pieces.back_mut() else {
            return write(&mut Vec::new());
        };
        let before = piece.len();
        let result = write(piece);
        self.bytes = (self.bytes + piece.len()).saturating_sub(before);
        result
    }

    /// What is written next; empty if nothing waits.
    pub(crate) fn front(&self) -> &[u8] {
        let piece = self.pieces.front().map(Vec::as_slice).unwrap_or_default();
        piece.get(self.written..).unwrap_or_default()
    }

    /// So many bytes of it were.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.written += bytes;
        self.bytes = self.bytes.saturating_sub(bytes);
        if self.front().is_empty()
            && let Some(mut piece) = self.pieces.pop_front()
        {
            self.written = 0;
            if piece.capacity() <= MAX_SPARE_BYTES && piece.capacity() > self.spare.capacity() {
                piece.clear();
                self.spare = piece;
            }
        }
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Leaves out what no byte was written of, as far as it lies in further pieces.
    pub(crate) fn give_up(&mut self) {
        self.pieces.truncate(1);
        self.bytes = self.front().len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(pending: &mut Pending, most: usize) -> Vec<u8> {
        let taken = pending.front()[..most.min(pending.front().len())].to_vec();
        pending.advance(taken.len());
        taken
    }

    #[test]
    fn what_was_added_comes_out_in_its_order() {
        let mut pending = Pending::default();
        let mut expected = Vec::new();
        for number in 0..5000_u32 {
            let text = format!("message {number} {}\r\n", "x".repeat((number % 97) as usize));
            pending.add(|out| out.extend_from_slice(text.as_bytes()));
            expected.extend_from_slice(text.as_bytes());
        }
        assert_eq!(pending.bytes(), expected.len());
        let mut written = Vec::new();
        while !pending.is_empty() {
            written.extend(take(&mut pending, 1000));
        }
        assert_eq!(written, expected);
        assert_eq!(pending.bytes(), 0);
    }

    #[test]
    fn who_is_given_up_still_gets_whole_messages() {
        let mut pending = Pending::default();
        for _ in 0..10 {
            pending.add(|out| out.extend_from_slice(&[b'x'; PIECE_BYTES]));
        }
        take(&mut pending, 10);
        pending.give_up();
        pending.add(|out| out.extend_from_slice(b"end"));
        assert_eq!(pending.bytes(), PIECE_BYTES - 10 + 3);
        assert_eq!(take(&mut pending, usize::MAX).len(), PIECE_BYTES - 10);
        assert_eq!(take(&mut pending, usize::MAX), b"end");
        assert!(pending.is_empty());
    }

    #[test]
    fn nothing_waits_of_a_message_that_wrote_nothing() {
        let mut pending = Pending::default();
        pending.add(|_| ());
        assert!(pending.is_empty());
        assert!(pending.front().is_empty());
        pending.advance(0);
        pending.add(|out| out.push(b'x'));
        assert_eq!(pending.front(), b"x");
    }
}
