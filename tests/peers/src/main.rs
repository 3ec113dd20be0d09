//! The benchmark of the mesh beside its peers: the same workload on Bellwether, Zenoh and NATS. Prints Markdown and JSON
//! lines; `scripts/bench peers` builds and runs it.
//!
//! Started again by itself with a hidden command, it is one of the processes that are measured ([`process`]).

mod arguments;
mod bellwether_servers;
mod bus;
mod certificate;
mod child;
mod command;
mod cpu;
mod ledger;
mod nats_servers;
mod pass;
mod payload;
mod process;
mod progress;
mod publisher;
mod results;
mod servers;
mod system;
mod trio;
mod version;
mod workload;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use bellwether_tests::benchmark::{Machine, Report, StatusLine};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Duration;

use self::arguments::{Arguments, Role};
use self::results::Results;
use self::system::System;
use self::trio::Trio;
use self::workload::Workload;

/// Published before each flood, so that routes, buffers and congestion windows have grown.
const WARM_UP: Duration = Duration::from_millis(500);

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let outcome = match &arguments.role {
        Some(Role::Process(place)) => process::run(place),
        Some(Role::Server { program, arguments }) => become_server(program, arguments),
        None => measure(&arguments),
    };
    outcome.context("the benchmark failed")
}

/// Never returns unless it fails.
fn become_server(program: &Path, arguments: &[String]) -> anyhow::Result<()> {
    process::die_with_parent()?;
    Err(Command::new(program).args(arguments).exec().into())
}

fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let systems = systems(&arguments.only);
    if systems.is_empty() {
        bail!("nothing is left to measure");
    }
    // Processes that it starts die with the thread that started them: it is this one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("{}", Machine::this());
    println!(
        "Each figure is the median of {} passes, with the lowest and the highest.\n",
        arguments.passes
    );
    println!("{}", runtime.block_on(unless_stopped(passes(arguments, &systems)))?);
    Ok(())
}

/// Those that are wanted, or all, as far as they are here.
fn systems(only: &[System]) -> Vec<System> {
    let wanted = |system: &System| only.is_empty() || only.contains(system);
    let mut systems: Vec<System> = System::value_variants().iter().copied().filter(wanted).collect();
    if systems.contains(&System::BellwetherNats) && bellwether_servers::program().is_none() {
        eprintln!("Bellwether's NATS clients are skipped: BENCHMARKED_PROGRAM does not name the program");
        systems.retain(|system| *system != System::BellwetherNats);
    }
    if systems.contains(&System::Nats) && nats_servers::program().is_none() {
        eprintln!("NATS is skipped: nats-server is not installed; `apt-get install nats-server` brings it");
        systems.retain(|system| *system != System::Nats);
    }
    systems
}

/// Takes turns, so that what else happens on the machine happens to all systems alike.
async fn passes(arguments: &Arguments, systems: &[System]) -> anyhow::Result<Report> {
    let duration = Duration::from_millis(arguments.pass_ms);
    let (mut results, status) = (Results::default(), StatusLine::on_stderr());
    for pass in 1..=arguments.passes {
        for system in systems {
            let say = |what: &str| status.say(format_args!("pass {pass} of {}: {system}, {what}", arguments.passes));
            say("start");
            let in_system = || format!("pass {pass} of {system}");
            let mut trio = Trio::start(*system).await.with_context(in_system)?;
            for workload in Workload::ALL {
                say(&format!("{} of {} B", workload.word(), workload.bytes()));
                trio.pass(workload, WARM_UP).await.with_context(in_system)?;
                let pass = trio.pass(workload, duration).await.with_context(in_system)?;
                results.add(*system, workload, pass);
            }
        }
    }
    results.report(systems, arguments.pass_ms).await
}

/// A signal ends it like an error, so that what it started ends too and its folders go.
async fn unless_stopped<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}
