//! The clock by which every door measures what a client may take.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The time since somebody first asked. One for the whole process, because the rates of a principal are those of all its
/// connections, whatever the door.
pub fn uptime() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
}
