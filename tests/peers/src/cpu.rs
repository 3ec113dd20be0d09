//! CPU time of other programs.

use std::fs::read_to_string;

use anyhow::Context;
use rustix::param::clock_ticks_per_second;

/// User time in `/proc/<pid>/stat`, counted from the field after the program's name; system time follows.
const USER_FIELD: usize = 11;

/// The CPU time that all threads of a process have used, user and system together, in nanoseconds. Linux gives it in
/// ticks of 10 ms.
pub(crate) fn of(process: u32) -> anyhow::Result<u64> {
    let stat = read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = ticks(&stat).with_context(|| format!("no CPU time in {stat:?}"))?;
    Ok(ticks * (1_000_000_000 / clock_ticks_per_second()))
}

fn ticks(stat: &str) -> Option<u64> {
    // The name may hold spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(USER_FIELD);
    let mut time = || times.next()?.parse::<u64>().ok();
    Some(time()? + time()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_come_after_the_name() {
        let stat = "7 (a) (b) S 1 7 7 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 9 0 77 12 5";
        assert_eq!(ticks(stat), Some(281));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_a_time() {
        assert!(of(std::process::id()).is_ok());
    }
}
