//! Subscriptions: what was asked, what was promised, and what came.

use bellwether_message::Instance;

use super::moment::Moment;

/// One subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: u64,
    pub(crate) node: usize,
    /// The run of its node; `None` if the history knows none.
    pub(crate) life: Option<usize>,
    pub(crate) instance: Instance,
    /// The number of its set of patterns.
    pub(crate) patterns: usize,
    /// Whether it is a member of a queue group: of what matches it gets its share.
    pub(crate) is_in_queue: bool,
    pub(crate) accepted: Option<Accepted>,
    /// Sources that confirmed later.
    pub(crate) confirmed: Vec<(usize, Moment)>,
    /// The subscription that this one goes on for.
    pub(crate) of: Option<usize>,
    /// From when nothing is promised.
    pub(crate) closed: Option<Moment>,
    pub(crate) items: Vec<Item>,
}

/// That a subscribe call returned.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) moment: Moment,
    pub(crate) unconfirmed: Vec<usize>,
    /// The runs that its node saw then; `None` if it had told of none.
    pub(crate) seen: Option<Vec<(usize, u64)>>,
}

/// One thing that came, by the index of its event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) at: usize,
    /// The number of its feed; none for `live`.
    pub(crate) ledger: Option<usize>,
}

impl Subscription {
    /// Whether it was still open when the run of the mesh came to rest.
    pub(crate) fn is_open_at(&self, quiet: Moment) -> bool {
        self.closed.is_none_or(|closed| closed.at > quiet.at)
    }

    pub(crate) fn close(&mut self, moment: Moment) {
        let earlier = self.closed.filter(|closed| closed.at < moment.at);
        self.closed = Some(earlier.unwrap_or(moment));
    }
}
