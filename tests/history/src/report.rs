//! Reports: what a run that kept everything consisted of.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;

macro_rules! report {
    ($($(#[doc = $doc:literal])+ $field:ident,)+) => {
        /// What happened in a run, so that a test can assert that the run was not empty of what it is about.
        ///
        /// Reports add up over many runs.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Report {
            $($(#[doc = $doc])+ pub $field: u64,)+
            /// Gaps that were told, by cause.
            pub gaps: BTreeMap<Arc<str>, u64>,
        }

        impl AddAssign<&Self> for Report {
            fn add_assign(&mut self, other: &Self) {
                $(self.$field += other.$field;)+
                for (cause, count) in &other.gaps {
                    *self.gaps.entry(cause.clone()).or_default() += count;
                }
            }
        }

        /// One line per figure that is not zero.
        impl fmt::Display for Report {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(if self.$field != 0 {
                    writeln!(f, "{:>12}  {}", self.$field, stringify!($field).replace('_', " "))?;
                })+
                for (cause, count) in &self.gaps {
                    writeln!(f, "{count:>12}  gaps: {cause}")?;
                }
                Ok(())
            }
        }
    };
}

report! {
    /// Events in the history.
    events,
    /// Runs of nodes that began.
    starts,
    /// Runs that stopped cleanly.
    stops,
    /// Runs that were killed.
    kills,
    /// Faults that began.
    faults,
    /// Publishes that were tried.
    published,
    /// Publishes that were acknowledged.
    acked,
    /// Publishes that were refused.
    refused,
    /// Subscribe calls that returned.
    subscriptions,
    /// Subscriptions that went on for an earlier one.
    resumed,
    /// Messages that subscribers got before a `live` said so.
    replayed,
    /// Messages that came.
    delivered,
    /// Messages that gaps told of, exact or not.
    told_missing,
    /// Feeds that were told to have ended cleanly.
    clean_ends,
    /// Feeds that were told to have ended with an unknown tail.
    unknown_ends,
    /// Pairs of a message and a subscription that had to get it or be told.
    due,
    /// Of those, the ones that came.
    due_delivered,
    /// Of those, the ones in a gap.
    due_in_gaps,
    /// Messages of dead runs beyond what came: not due, and nobody can know.
    beyond_tail,
    /// Members that a node took for down.
    downs,
    /// Of those, the ones that were healthy.
    false_downs,
    /// Views that were compared at `quiet`.
    views_agreed,
    /// Pairs of a probe and a subscription that had to hear it.
    probes_due,
    /// Of those, the ones that did.
    probes_heard,
    /// Levels that were compared with their bounds.
    sizes,
    /// Levels that were compared with themselves before the load.
    idles,
    /// Whether the run came to rest: how often `quiet` was written.
    quiets,
}
