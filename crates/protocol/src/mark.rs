//! Marks: what a data stream says about its feed, in its place between the messages.

use bellwether_message::codec::{BorrowDecode, Encode};

/// Signed like a message; its kind is part of what is signed, so neither passes for the other.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
#[bincode(crate = "bellwether_message::codec::bincode")]
pub enum Mark<'a> {
    /// From here on everything that matches a pattern will come.
    Live {
        /// The pattern.
        pattern: &'a str,
        /// The version of the interest that asked for it.
        added: u64,
        /// From this seq on.
        from: u64,
    },
    /// These seqs are gone from the backlog.
    Gap {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
        /// Whether they went before this link was up, or because it is too slow.
        resumed: bool,
    },
    /// Nothing more matched: not loss. Sent now and then, so that a resume need not go far back.
    Skipped {
        /// Up to this seq.
        through: u64,
    },
    /// The source stops.
    EpochEnded {
        /// Its last seq.
        last: u64,
    },
    /// The receiver is chosen for the next message by a queue group.
    Queue {
        /// The group.
        queue: &'a str,
    },
    /// What follows is signed by another key. This mark is signed by the one before.
    Key {
        /// Its id.
        key: [u8; 8],
    },
}
