//! The invariants that a history can break.

use std::fmt;

/// What a history must keep, by the numbers of the reliability rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Invariant {
    /// The history contradicts itself: whoever wrote it is wrong, not the mesh.
    Form,
    /// What is delivered was published before, under that seq, unaltered, and matches.
    I1,
    /// Delivered seqs rise strictly per subscription and feed.
    I2,
    /// What matches a live subscription is delivered, or in a gap, or beyond an end whose tail is unknown; ends are told.
    I3,
    /// Gaps tell the truth.
    I4,
    /// What a node acknowledged that lived or stopped cleanly is not lost in an unknown tail.
    I5,
    /// After a subscribe returned with all confirmed, nothing that begins later is missing.
    I7,
    /// Epochs rise; what has ended stays ended.
    I8,
    /// Levels stay within their bounds and come back to idle.
    I11,
    /// After the last fault all see the same members, and all hear all.
    I12,
    /// A healthy member is not taken for dead for long.
    I13,
    /// Nothing panics, and no process ends by itself.
    I14,
}

impl Invariant {
    /// `I3`; `form` for [`Form`](Self::Form).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I5 => "I5",
            Self::I7 => "I7",
            Self::I8 => "I8",
            Self::I11 => "I11",
            Self::I12 => "I12",
            Self::I13 => "I13",
            Self::I14 => "I14",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
