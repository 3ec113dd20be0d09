//! Measures the steps of a message's path, one at a time, so that a regression is found where it happens.
//!
//! `cargo bench -p bellwether-message -p bellwether-broker -p bellwether-protocol` runs all of them; `-- sign` after it
//! only those whose name has the word. Each line reads per message: nanoseconds, messages (`elem`) per second, and
//! below them allocations. What was measured last time is kept in `target/criterion`, and the change is printed.

mod meter;
mod watch;

pub mod sample;

pub use self::meter::Meter;
pub use self::watch::Watch;
