//! Runs seeds of the simulated mesh and judges each: `simulate --seeds 20000`.

mod arguments;
mod batch;
mod planted;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use bellwether_history::Writer;
use bellwether_simulation::{Run, cluster_keys};

use self::arguments::{Arguments, Task};
use self::batch::Batch;

/// A run of fewer seeds need not reach every marker.
const MARKED_FROM: u64 = 2_000;
/// Violations of one seed that are printed.
const SHOWN: usize = 8;

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    match arguments.task {
        Task::Help => {
            println!("{}", arguments::USAGE);
            Ok(ExitCode::SUCCESS)
        }
        Task::One { seed, events } => run_one(seed, events.as_deref()),
        Task::Planted { seeds } => planted::find_all(seeds),
        Task::Many { from, seeds } => run_many(from, seeds, arguments.threads),
    }
}

fn run_many(from: u64, seeds: u64, threads: usize) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let batch = Batch::run(from, seeds, threads);
    let took = began.elapsed().as_secs_f64();
    print!("{}{}{}", batch.tally, batch.report, batch.markers);
    println!(
        "{seeds} seeds from {from} in {took:.1} s on {threads} threads: {:.0} seeds/s, {} failed",
        seeds as f64 / took,
        batch.failed.len()
    );
    let mut is_good = batch.failed.is_empty();
    for (nth, (seed, failure)) in batch.failed.iter().enumerate() {
        if nth < SHOWN {
            println!("\nseed {seed} failed:\n{}", first_lines(failure));
            println!("again: {} --seed {seed} --events FILE", program());
        } else {
            println!("seed {seed} failed: {}", failure.lines().next().unwrap_or_default());
        }
    }
    if seeds >= MARKED_FROM {
        for marker in batch.markers.missing() {
            println!("never reached: {}", marker.words());
            is_good = false;
        }
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_one(seed: u64, events: Option<&Path>) -> anyhow::Result<ExitCode> {
    let run = Run::new(seed, &cluster_keys());
    if let Some(path) = events {
        write_events(&run, path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("seed {seed}: {}", run.plan());
    match run.judge() {
        Ok(report) => {
            print!("{}{report}", run.tally);
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            println!("{}", first_lines(&failure.to_string()));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn write_events(run: &Run, path: &Path) -> std::io::Result<()> {
    // A writer appends: what an earlier run left is not part of this one.
    std::fs::File::create(path)?;
    let mut writer = Writer::append_to(path)?;
    run.events.iter().try_for_each(|event| writer.append(event))?;
    writer.flush()
}

fn first_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().take(SHOWN).collect();
    lines.join("\n")
}

fn program() -> String {
    "cargo run --profile simulation -p bellwether-simulation --".to_owned()
}
