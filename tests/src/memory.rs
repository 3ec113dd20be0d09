//! Memory that a process has in use.

use std::fs::read_to_string;

const PAGE_BYTES: u64 = 4096;

/// Resident bytes. Linux only, as are the faults of the scenarios.
pub fn resident(pid: u32) -> u64 {
    let statm = read_to_string(format!("/proc/{pid}/statm")).expect("Linux says how much memory is in use");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second figure is the resident pages") * PAGE_BYTES
}
