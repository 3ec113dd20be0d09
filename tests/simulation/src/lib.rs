//! The mesh, simulated: many nodes in one thread, from a seed, without sockets, tasks or clocks.
//!
//! Brokers, rosters, feeds and interest are the real ones; the network, gossip and the order of things are drawn. What
//! publishers and subscribers see is written as a history and judged by `bellwether-history`. The same seed gives the
//! same history, byte for byte.
//!
//! Start reading at [`Run`], then `world.rs`.

mod plan;
mod random;
mod run;

mod disruption;
mod fault;
mod time;
mod world;

mod close;
mod network;
mod transport;

mod admission;
mod gossip;
mod inbound;
mod membership;
mod outbound;
mod process;
mod session;

mod levels;
mod reading;
mod words;
mod workload;

mod marker;
mod tally;

pub use self::marker::{Marker, Markers};
pub use self::run::{ClusterKeys, Failure, Run, cluster_keys};
pub use self::tally::Tally;
