//! Runs seeds of simulation S, or replays one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use bellwether_full_stack::outcome::Outcome;
use bellwether_full_stack::plan::Plan;
use bellwether_full_stack::seeds;
use bellwether_full_stack::simulation::{Simulated, simulate};
use bellwether_history::Writer;
use clap::Parser;

/// So many seeds reach every marker; fewer need not.
const REACHES_ALL: u64 = 200;

/// Simulates whole meshes: real nodes, a simulated network, a simulated clock.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = REACHES_ALL, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1, conflicts_with = "seed")]
    from: u64,
    /// How many at a time.
    #[arg(long, default_value_t = 2, conflicts_with = "seed")]
    threads: usize,
    /// Replay this seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Write its history here, one event a line.
    #[arg(long, requires = "seed")]
    events: Option<PathBuf>,
    /// Write its packets here: microseconds, from, to, length, copies.
    #[arg(long, requires = "seed")]
    packets: Option<PathBuf>,
    /// Print its plan.
    #[arg(long, requires = "seed")]
    plan: bool,
    /// Print its outcome as JSON.
    #[arg(long, requires = "seed")]
    json: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => replay(seed, &arguments),
        None => run_many(&arguments),
    }
}

fn replay(seed: u64, arguments: &Arguments) -> Result<ExitCode> {
    if std::env::var_os("RUST_LOG").is_some() {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .init();
    }
    let plan = Plan::of(seed);
    if arguments.plan {
        println!("{plan:#?}");
    }
    let directory = tempfile::tempdir().context("no directory for the data of the nodes")?;
    let simulated = simulate(plan, directory.path(), arguments.packets.is_some())?;
    if let Some(path) = &arguments.events {
        write_events(path, &simulated)?;
    }
    if let Some(path) = &arguments.packets {
        fs::write(path, simulated.packets.lines()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let outcome = Outcome::of(&simulated);
    if arguments.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        println!("{outcome}");
        println!("packets' fingerprint {:016x}", simulated.packets.fingerprint());
        tell(seed, &outcome.violations);
    }
    Ok(exit_code(outcome.violations.is_empty()))
}

fn write_events(path: &Path, simulated: &Simulated) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    fs::write(path, "").with_context(failed)?;
    let mut writer = Writer::append_to(path).with_context(failed)?;
    for event in &simulated.events {
        writer.append(event).with_context(failed)?;
    }
    writer.flush().with_context(failed)
}

fn run_many(arguments: &Arguments) -> Result<ExitCode> {
    let program = std::env::current_exe().context("this program has no path")?;
    let range = arguments.from..arguments.from.saturating_add(arguments.seeds);
    let began = Instant::now();
    let outcome = seeds::run(&program, range, arguments.threads, tell);
    let took = began.elapsed();
    println!("{outcome}");
    let mut is_good = outcome.violations.is_empty();
    for (marker, count) in outcome.markers.all() {
        println!("  sometimes {count:>7}  {marker}");
        if count == 0 && outcome.seeds >= REACHES_ALL {
            println!("never reached in {} seeds: {marker}", outcome.seeds);
            is_good = false;
        }
    }
    let per_second = outcome.seeds as f64 / took.as_secs_f64();
    println!("{:.1} s, {per_second:.2} seeds a second", took.as_secs_f64());
    Ok(exit_code(is_good))
}

/// Tells what a seed did not keep, and how to see it again.
fn tell(seed: u64, violations: &[String]) {
    const SHOWN: usize = 5;
    if violations.is_empty() {
        return;
    }
    let mut text = format!("seed {seed} failed:\n");
    for violation in violations.iter().take(SHOWN) {
        text += &format!("  {violation}\n");
    }
    if violations.len() > SHOWN {
        text += &format!("  and {} more\n", violations.len() - SHOWN);
    }
    println!("{text}  replay: full-stack --seed {seed} --events seed-{seed}.jsonl");
}

fn exit_code(is_good: bool) -> ExitCode {
    match is_good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
