//! The process, by the names that collectors know from other programs.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use bellwether::{ProcessFigures, Timestamp};

use super::exposition::Exposition;

pub(super) fn write_process(out: &mut Exposition) -> fmt::Result {
    let process = ProcessFigures::now();
    out.single(
        "process_cpu_seconds_total",
        "counter",
        "Time of processors used, in seconds.",
        process.cpu.as_secs_f64(),
    )?;
    for (name, help, value) in [
        (
            "process_resident_memory_bytes",
            "Memory that the process has now.",
            process.resident_bytes,
        ),
        (
            "process_open_fds",
            "Files and sockets that it has open.",
            process.open_files,
        ),
        ("process_max_fds", "How many it may have open.", process.max_open_files),
        ("process_threads", "Threads that it has.", process.threads),
    ] {
        if let Some(value) = value {
            out.single(name, "gauge", help, value)?;
        }
    }
    if let Some(running) = process.running {
        out.single(
            "process_start_time_seconds",
            "gauge",
            "When it started, in seconds since 1970.",
            started(running),
        )?;
    }
    Ok(())
}

/// Computed once: it would move a little with every look at two clocks.
fn started(running: Duration) -> f64 {
    static STARTED: OnceLock<f64> = OnceLock::new();
    *STARTED.get_or_init(|| Timestamp::now().as_millis() as f64 / 1000.0 - running.as_secs_f64())
}
