//! Gates: a message of another source passes to a pattern's groups from the seq at which that source sends all that match.

use std::sync::Arc;

use crate::group::{CLOSED, Group};
use crate::source_slot::SourceSlot;

/// From where each source sends a pattern's messages.
#[derive(Debug)]
pub(crate) struct Gates {
    /// The interest's version that added the pattern.
    pub(crate) added: u64,
    /// The groups that need the pattern.
    pub(crate) groups: Vec<Arc<Group>>,
    by_slot: Vec<Gate>,
}

/// From where one source does; closed until it was asked to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    pub(crate) live_from: u64,
    pub(crate) confirmed: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            live_from: CLOSED,
            confirmed: false,
        }
    }
}

impl Gates {
    /// The gates of a pattern that version `added` of the interest has added.
    pub(crate) fn new(added: u64) -> Self {
        Self {
            added,
            groups: Vec::new(),
            by_slot: Vec::new(),
        }
    }

    /// How many slots it knows of.
    pub(crate) fn slots(&self) -> usize {
        self.by_slot.len()
    }

    /// The gate of a source; closed if nothing is known of it.
    pub(crate) fn of(&self, slot: SourceSlot) -> Gate {
        self.by_slot.get(slot.0).copied().unwrap_or_default()
    }

    #[expect(clippy::indexing_slicing, reason = "resized to hold the slot one line above")]
    pub(crate) fn at(&mut self, slot: SourceSlot) -> &mut Gate {
        if self.by_slot.len() <= slot.0 {
            self.by_slot.resize(slot.0 + 1, Gate::default());
        }
        &mut self.by_slot[slot.0]
    }
}
