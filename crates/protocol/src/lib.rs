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
//!
//! A crate of its own, so that what it may not touch it cannot reach, and so that a simulation runs these very rules
//! without the network. It is the mesh's inside: nothing else builds on it.

// What arrives from elsewhere must never panic this process.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::string_slice))]

pub mod acks;
pub mod backoff;
pub mod conflict;
pub mod control;
pub mod feed_reader;
pub mod floods;
pub mod frame;
pub mod frame_buffer;
pub mod incoming_feed;
pub mod interest;
pub mod lane;
pub mod mark;
pub mod member;
pub mod outgoing_feed;
pub mod replay;
pub mod roster;
pub mod upstream;
pub mod window;

#[cfg(test)]
mod race;
