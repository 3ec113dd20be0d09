//! Simulated time, in microseconds since the run began; and the wall clock that it gives.

use std::cell::Cell;
use std::time::Duration;

use bellwether_message::Timestamp;

/// A millisecond.
pub(crate) const MS: u64 = 1000;
/// A second.
pub(crate) const SECOND: u64 = 1000 * MS;
/// What the wall clock says when a run begins, in milliseconds.
pub(crate) const WALL_START: i64 = 1_700_000_000_000;

thread_local! {
    /// The wall clock of the run on this thread. A clock is a plain function, so its state is the thread's.
    static WALL: Cell<i64> = const { Cell::new(WALL_START) };
}

/// Sets the wall clock.
pub(crate) fn set_wall_clock(ms: i64) {
    WALL.set(ms);
}

/// Reads it.
pub(crate) fn wall_clock() -> Timestamp {
    Timestamp::from_millis(WALL.get())
}

/// A span as the protocol takes it.
pub(crate) fn duration(us: u64) -> Duration {
    Duration::from_micros(us)
}

/// A span of the protocol's.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
