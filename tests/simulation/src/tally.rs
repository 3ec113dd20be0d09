//! Totals over runs.

use std::fmt;
use std::ops::AddAssign;

macro_rules! tally {
    ($($(#[doc = $doc:literal])+ $field:ident,)+) => {
        /// What happened, in numbers.
        #[derive(Debug, Clone, Default)]
        pub struct Tally {
            $($(#[doc = $doc])+ pub $field: u64,)+
        }

        impl AddAssign<&Self> for Tally {
            fn add_assign(&mut self, other: &Self) {
                $(self.$field += other.$field;)+
            }
        }

        impl fmt::Display for Tally {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "{:>12}  {}", self.$field, stringify!($field).replace('_', " "))?;)+
                Ok(())
            }
        }
    };
}

tally! {
    /// Seeds run.
    seeds,
    /// Seeds without any fault.
    calm_seeds,
    /// Steps taken.
    steps,
    /// Simulated seconds.
    seconds,
    /// Connections dialed.
    dials,
    /// Links that came up.
    links_up,
    /// Links that came up again to a run they had been up to.
    reconnects,
    /// Processes that began.
    starts,
    /// Processes that were killed.
    kills,
    /// Processes that stopped in good order.
    stops,
    /// Of those, the ones whose peers had confirmed everything.
    drained,
    /// Processes that could not go on: their name was another's.
    refused_processes,
    /// Drafts published.
    published,
    /// Messages delivered to subscriptions.
    delivered,
    /// Gaps: the subscription read too slowly.
    slow_subscriber_gaps,
    /// Gaps: the link was too slow.
    link_overrun_gaps,
    /// Gaps: the link was down for too long.
    backlog_overrun_gaps,
    /// Gaps of any other cause.
    other_gaps,
    /// Ends of feeds told cleanly.
    clean_ends,
    /// Ends of feeds with an unknown tail.
    unknown_ends,
    /// Members taken for down.
    downs,
}
