//! What links say to each other, and the rules behind it: no sockets, no tasks, no clocks.
//!
//! A link is one way: its dialer publishes, its acceptor receives. On the urgent lane the dialer opens a control
//! stream and says [`control::Hello`]; the acceptor answers with a welcome and its interest, and goes on telling
//! changes. Data travels on one unidirectional stream per instance, each on its instance's lane.
//!
//! Two rules make delivery exact. *Everything about a feed travels in the feed*: gaps, skips, ends, and the seq from
//! which a pattern is live ([`mark::Mark`]) stand in the data stream, in their place. *Whoever receives, remembers*: after
//! a cut the acceptor's welcome names the next seq of each feed and from where each pattern was live, so that
//! the dialer needs no memory of an earlier link.

pub(crate) mod backoff;
pub(crate) mod close;
pub(crate) mod conflict;
pub(crate) mod control;
pub(crate) mod frame;
pub(crate) mod incoming_feed;
pub(crate) mod mark;
pub(crate) mod outgoing_feed;
pub(crate) mod roster;

#[cfg(test)]
mod race;
