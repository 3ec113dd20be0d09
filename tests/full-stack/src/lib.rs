//! Simulation S: whole nodes, with real quinn, chitchat and rustls, on a simulated network and a simulated clock.
//!
//! A seed decides everything: nodes, load, bounds, faults, and what happens to each datagram. The run's history is
//! judged by `bellwether-history`. The same seed gives the same history, event by event, in every process.

pub mod clock;
pub mod draw;
pub mod driver;
pub mod fault;
pub mod life;
pub mod marker;
pub mod net;
pub mod outcome;
pub mod plan;
pub mod publisher;
pub mod randomness;
pub mod record;
pub mod seeds;
pub mod simulation;
pub mod subscriber;
pub mod watcher;
pub mod world;
