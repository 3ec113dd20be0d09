//! Sources other than this node.

/// A source other than this node, by the place it has in the broker's tables. Valid until detached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceSlot(pub(crate) usize);
