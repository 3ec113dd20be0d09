//! Clocks: one that all processes of this host share, and one that counts the CPU time of this process.

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

const NS_PER_S: u64 = 1_000_000_000;

/// Nanoseconds since some moment in the past, the same for all processes of this host.
pub fn now_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// Nanoseconds of CPU time that all threads of this process have used, user and system together.
pub fn cpu_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// Sleeps on this thread until [`now_ns`] says so, or a little longer.
pub fn sleep_until(at_ns: u64) {
    let at = Timespec {
        tv_sec: (at_ns / NS_PER_S).cast_signed(),
        tv_nsec: (at_ns % NS_PER_S).cast_signed(),
    };
    // A signal would end it early; then a message is sent early, and no message waits for another.
    let _ = clock_nanosleep_absolute(ClockId::Monotonic, &at);
}

fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec.cast_unsigned() * NS_PER_S + time.tv_nsec.cast_unsigned()
}
