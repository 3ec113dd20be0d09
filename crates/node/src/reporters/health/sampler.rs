//! Looks at the host: how much of its CPU, memory and disk is used.

use std::path::{Path, PathBuf};

use bellwether_monitor::resources::ResourceSample;
use sysinfo::System;

/// What one look at the host saw. What it could not see is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// Percent of all CPUs since the look before.
    pub(super) cpu_usage: Option<f64>,
    /// Bytes of memory.
    pub(super) memory: Option<Size>,
    /// Bytes of the file system that the node writes to.
    pub(super) disk: Option<Size>,
    /// The average load of the last minute.
    pub(super) load_avg: Option<f64>,
    /// How long the look took, in milliseconds.
    pub(super) took_ms: u64,
}

/// How much there is, and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) total: u64,
    pub(super) used: u64,
}

impl Size {
    fn new(total: u64, available: u64) -> Option<Self> {
        (total > 0).then(|| Self {
            total,
            used: total.saturating_sub(available),
        })
    }

    fn percent(self) -> f64 {
        hundredths(self.used as f64 * 100.0 / self.total as f64)
    }
}

impl Sample {
    /// Percent.
    pub(super) fn memory_usage(&self) -> Option<f64> {
        self.memory.map(Size::percent)
    }

    /// Percent.
    pub(super) fn disk_usage(&self) -> Option<f64> {
        self.disk.map(Size::percent)
    }

    /// What is used, in percent. The load has no limit that fits every host.
    pub(super) fn shares(&self) -> ResourceSample {
        ResourceSample {
            cpu: self.cpu_usage,
            memory: self.memory_usage(),
            disk: self.disk_usage(),
            load: None,
        }
    }
}

/// Looks at the host again and again.
#[derive(Debug)]
pub(super) struct Sampler {
    /// None on a host that it does not know.
    system: Option<System>,
    directory: PathBuf,
}

impl Sampler {
    /// Looks at the file system of this folder. CPU usage is counted from now on.
    pub(super) fn new(directory: &Path) -> Self {
        let mut system = System::new().ok();
        if let Some(system) = &mut system {
            system.refresh_cpu_usage();
        }
        Self {
            system,
            directory: directory.to_owned(),
        }
    }

    /// Blocks while the system answers.
    pub(super) fn sample(&mut self) -> Sample {
        let began = std::time::Instant::now();
        let system = self.system.as_mut();
        let seen = system.map(|system| {
            system.refresh_cpu_usage();
            system.refresh_memory();
            let cpu = (!system.cpus().is_empty()).then(|| hundredths(f64::from(system.global_cpu_usage())));
            (cpu, Size::new(system.total_memory(), system.available_memory()))
        });
        let (cpu_usage, memory) = seen.unwrap_or_default();
        let load = System::load_average().ok().map(|load| load.one);
        Sample {
            cpu_usage,
            memory,
            disk: disk(&self.directory),
            load_avg: load.filter(|load| load.is_finite()),
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The file system of the folder, or of the nearest one above it that there is.
fn disk(directory: &Path) -> Option<Size> {
    let there = directory.ancestors().find(|folder| folder.exists())?;
    let found = rustix::fs::statvfs(there).ok()?;
    // What only root may use counts as used.
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Size::new(bytes(found.f_blocks), bytes(found.f_bavail))
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_this_host_are_percents() {
        let sample = Sampler::new(Path::new("/nonexistent/folder")).sample();
        let shares = sample.shares();
        for share in [shares.cpu, shares.memory, shares.disk] {
            assert!((0.0..=100.0).contains(&share.unwrap()), "{shares:?}");
        }
        assert!(sample.load_avg.is_some());
    }

    #[test]
    fn a_share_is_what_is_not_available() {
        let size = Size::new(1000, 250).unwrap();
        assert_eq!((size.used, size.percent()), (750, 75.0));
        assert_eq!(Size::new(0, 0), None, "nothing to divide by");
        assert_eq!(Size::new(3, 9).unwrap().used, 0);
    }
}
