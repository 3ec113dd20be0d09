//! A piece of memory that messages share.

/// Told by the address where it begins; who holds one message in it holds all of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The address of its first byte.
    pub begin: usize,
    /// Its bytes, and what the batch that owns it has allocated beside it.
    pub bytes: usize,
}
