//! Moments, and which of two came first.

use std::time::Duration;

use crate::rules::micros;

/// When and where an event happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) t: u64,
    /// The index of the event.
    pub(crate) at: usize,
    pub(crate) node: usize,
}

/// How well the clocks of nodes agree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) tolerance: u64,
}

impl Clock {
    pub(crate) fn new(tolerance: Duration) -> Self {
        Self {
            tolerance: micros(tolerance),
        }
    }

    /// Whether `one` came before `other` however far the clocks are apart.
    pub(crate) fn surely_before(self, one: Moment, other: Moment) -> bool {
        if self.tolerance == 0 || one.node == other.node {
            one.at < other.at
        } else {
            one.t.saturating_add(self.tolerance) < other.t
        }
    }
}
