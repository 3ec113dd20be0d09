//! The meter: runs steps and prints what one message costs in them.

use std::alloc::System;
use std::time::Duration;

use alloc_tracker::{Allocator, Session};
use criterion::{Criterion, Throughput};

use crate::Watch;

/// How long a step runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(300);
/// How long a step is measured for, unless `--measurement-time` says otherwise.
const MEASURED: Duration = Duration::from_secs(1);
/// Measurements of a step, unless `--sample-size` says otherwise.
const SAMPLES: usize = 30;

/// Counts for each thread; costs a few nanoseconds per allocation.
#[global_allocator]
static ALLOCATOR: Allocator<System> = Allocator::system();

/// Measures steps of a message's path.
pub struct Meter {
    criterion: Criterion,
    session: Session,
}

impl Meter {
    /// Runs the steps that the command line asks for: each of `nouns` measures its own.
    pub fn run(nouns: &[fn(&mut Self)]) {
        let criterion = Criterion::default()
            .warm_up_time(WARM_UP)
            .measurement_time(MEASURED)
            .sample_size(SAMPLES)
            .configure_from_args();
        let mut meter = Self {
            criterion,
            session: Session::new().no_stdout().no_file(),
        };
        nouns.iter().for_each(|measure| measure(&mut meter));
        meter.criterion.final_summary();
    }

    /// Measures a step in one of its cases. `set_up` gives a round of it, which is run again and again and tells the
    /// watch which of its work is the step; it runs only if the step was asked for.
    pub fn step<R: FnMut(&mut Watch)>(&mut self, step: &str, case: &str, set_up: impl FnOnce() -> R) {
        let mut set_up = Some(set_up);
        let mut round = None;
        let name = format!("{step}/{case}");
        let mut watch = Watch::new(self.session.operation(&name));
        let mut group = self.criterion.benchmark_group(step);
        group.throughput(Throughput::Elements(1));
        group.bench_function(case, |bencher| {
            if let Some(set_up) = set_up.take() {
                round = Some(set_up());
            }
            // Criterion counts in messages: a round may be many.
            bencher.iter_custom(|messages| {
                watch.reset();
                while watch.messages() < messages {
                    round.iter_mut().for_each(|round| round(&mut watch));
                }
                watch.time_for(messages)
            });
        });
        group.finish();
        drop(watch);
        self.print_allocations(&name);
    }

    fn print_allocations(&self, name: &str) {
        let report = self.session.to_report();
        let steps = report.operations().filter(|(known, _)| *known == name);
        // One that was not asked for has not run.
        for (_, step) in steps.filter(|(_, step)| step.total_iterations() > 0) {
            let messages = step.total_iterations() as f64;
            let (allocations, bytes) = (step.total_allocations_count(), step.total_bytes_allocated());
            println!(
                "                        allocations: {:.2} per message, {:.0} bytes",
                allocations as f64 / messages,
                bytes as f64 / messages
            );
        }
    }
}
