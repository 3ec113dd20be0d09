//! Marks: what a data stream says about its feed, in its place between the messages.

use bellwether_message::codec::{BorrowDecode, Encode};

/// Signed like a message; its kind is part of what is signed, so neither passes for the other.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub(crate) enum Mark<'a> {
    /// From seq `from` on everything that matches the pattern will come, as version `added` of the interest asked.
    Live { pattern: &'a str, added: u64, from: u64 },
    /// These seqs are gone from the backlog.
    Gap { first: u64, last: u64 },
    /// Up to here nothing more matched: not loss. Sent now and then, so that a resume need not go far back.
    Skipped { through: u64 },
    /// The source stops; this was its last seq.
    EpochEnded { last: u64 },
}
