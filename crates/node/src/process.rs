//! What the process of a node takes of its host.

use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// The process that the node runs in, as it is now. In a program that embeds a node, the whole program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessFigures {
    /// Time of processors used since it started.
    pub cpu: Duration,
    /// Bytes of memory that it has now, swapped ones not counted; `None` where `/proc` does not say.
    pub resident_bytes: Option<u64>,
    /// Files, sockets and the like that it has open; `None` where `/proc` does not say.
    pub open_files: Option<u64>,
    /// How many it may have; `None`: as many as it likes.
    pub max_open_files: Option<u64>,
    /// Threads that it has; `None` where `/proc` does not say.
    pub threads: Option<u64>,
    /// For how long it has been running; `None` where `/proc` does not say.
    pub running: Option<Duration>,
}

impl ProcessFigures {
    /// Reads them: two small files and a folder of `/proc`, some microseconds.
    pub fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").ok();
        let stat = stat.as_deref();
        Self {
            cpu: read(ClockId::ProcessCPUTime),
            resident_bytes: resident_bytes(),
            // Reading the folder opens one more.
            open_files: std::fs::read_dir("/proc/self/fd")
                .ok()
                .map(|entries| (entries.count() as u64).saturating_sub(1)),
            max_open_files: getrlimit(Resource::Nofile).current,
            threads: stat.and_then(|stat| number(stat, 20)),
            running: stat.and_then(running),
        }
    }
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// A field of `/proc/self/stat`, as proc(5) numbers them from 1.
fn number(stat: &str, field: usize) -> Option<u64> {
    // The program's name, the second field, may hold spaces and brackets; behind it the third begins.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(field.checked_sub(3)?)?.parse().ok()
}

fn running(stat: &str) -> Option<Duration> {
    let ticks = number(stat, 22)?;
    let milliseconds = ticks.checked_mul(1000)? / rustix::param::clock_ticks_per_second();
    Some(read(ClockId::Boottime).saturating_sub(Duration::from_millis(milliseconds)))
}

fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(rustix::param::page_size() as u64)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_takes() {
        let before = ProcessFigures::now();
        let file = std::fs::File::open("/proc/self/statm").unwrap();
        let memory = vec![1_u8; 64 * 1024 * 1024];
        let after = ProcessFigures::now();
        assert!(after.cpu >= before.cpu && after.cpu > Duration::ZERO);
        let grown = after
            .resident_bytes
            .unwrap()
            .saturating_sub(before.resident_bytes.unwrap());
        assert!(grown > memory.len() as u64 / 2, "{grown}");
        let (running, passed) = (after.running.unwrap(), Duration::from_secs(3600));
        assert!(running >= before.running.unwrap() && running < passed, "{running:?}");
        assert!(after.threads.unwrap() >= 1);
        assert!(after.open_files.unwrap() > 2, "{file:?}");
        assert!(
            after
                .max_open_files
                .is_none_or(|most| most >= after.open_files.unwrap())
        );
    }
}
