//! Many seeds, on several threads.

use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_history::Report;
use bellwether_simulation::{Markers, Run, Tally, cluster_keys};

/// What came of many seeds.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) tally: Tally,
    pub(crate) report: Report,
    pub(crate) markers: Markers,
    /// The seeds that failed, with the reason, by seed.
    pub(crate) failed: Vec<(u64, String)>,
}

impl Batch {
    /// Runs `seeds` seeds from `from` on.
    pub(crate) fn run(from: u64, seeds: u64, threads: usize) -> Self {
        let next = AtomicU64::new(from);
        let mut all = Self::default();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| Self::work(&next, from.saturating_add(seeds))))
                .collect();
            for worker in workers {
                match worker.join() {
                    Ok(batch) => all.add(batch),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        all.failed.sort_unstable();
        all
    }

    fn work(next: &AtomicU64, end: u64) -> Self {
        let keys = cluster_keys();
        let mut batch = Self::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return batch;
            }
            let run = Run::new(seed, &keys);
            batch.tally += &run.tally;
            batch.markers.add(&run.markers);
            match run.judge() {
                Ok(report) => batch.report += &report,
                Err(failure) => batch.failed.push((seed, format!("{}: {failure}", failure.name()))),
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.tally += &other.tally;
        self.report += &other.report;
        self.markers.add(&other.markers);
        self.failed.extend(other.failed);
    }
}
