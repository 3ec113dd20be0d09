//! Rules: what the producer of a history promises, and how strict the checker is.

use std::time::Duration;

/// What the checker may take for granted. The [default](Self::default) is for a simulation, whose one clock is exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How far the clocks of two nodes may be apart. With zero the order of the events is the order of what happened.
    /// Events of one node are always in order. Default: zero.
    pub clock_tolerance: Duration,
    /// Whether subscriptions get the feed of a node that starts later from its first message. Default: yes.
    pub new_sources_from_start: bool,
    /// Whether every message of every feed has its `publish_call` in the history, so that what is told of seqs that
    /// nobody published is a lie. Default: yes; no where nodes publish by themselves.
    pub complete_feeds: bool,
    /// Whether I12 is judged: equal views at `quiet` and the probes after it. Default: yes.
    pub liveness: bool,
    /// How long after the last fault, start or end of a node all views must be equal. Default: 10 s.
    pub view_within: Duration,
    /// How long after its publish each probe must have been heard by all. Default: 2 s.
    pub probe_within: Duration,
    /// How long a healthy member may be taken for down. Default: 10 s.
    pub false_down_limit: Duration,
    /// For how long after its end a fault still excuses downs, and how long before its own end a node is no longer
    /// taken for healthy. Default: 5 s.
    pub fault_grace: Duration,
    /// How long before `quiet` a node must have died for its end to be told though no newer run of it came.
    /// Default: `None`, only a newer run makes it due.
    pub gone_after: Option<Duration>,
    /// Whether a run without any fault must be without gaps and without false downs. Default: yes.
    pub calm: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            clock_tolerance: Duration::ZERO,
            new_sources_from_start: true,
            complete_feeds: true,
            liveness: true,
            view_within: Duration::from_secs(10),
            probe_within: Duration::from_secs(2),
            false_down_limit: Duration::from_secs(10),
            fault_grace: Duration::from_secs(5),
            gone_after: None,
            calm: true,
        }
    }
}

/// The unit of a history.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
