//! What a node concludes from what it sees: the rules of monitoring.
//!
//! Pure and synchronous: no sockets, no tasks, no clock; time is passed in as the [`Duration`](std::time::Duration)
//! since some fixed moment, and what is to be done is returned. Nothing here publishes.

pub mod cluster_watch;

pub mod bus_rules;
pub mod resources;
pub mod threshold;

pub mod alert_book;
