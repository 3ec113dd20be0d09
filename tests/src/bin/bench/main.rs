//! The benchmark: what one broker does in a second; what arrives from one process in two others, how late and for how much
//! CPU; how that grows with the nodes; how soon a node is there. Prints Markdown and JSON lines; `scripts/bench` builds
//! and runs it.
//!
//! Started again by itself with a hidden command, it is one of the processes that are measured ([`process`]).

mod arguments;
mod broker;
mod child;
mod isolation;
mod mesh;
mod process;
mod scale;
mod start;

use anyhow::Context;
use bellwether_tests::benchmark::{Machine, Report, StatusLine};
use clap::Parser;

use self::arguments::{Arguments, Command};

fn main() -> anyhow::Result<()> {
    let Arguments { passes, command } = Arguments::parse();
    let outcome = match command {
        Some(Command::Process(process)) => process::run(&process),
        Some(Command::Nodes(nodes)) => process::run_nodes(nodes),
        measured => measure(measured, passes.into()),
    };
    outcome.context("the benchmark failed")
}

/// One of the benchmarks, or all.
fn measure(one: Option<Command>, passes: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let benches = match one {
        Some(one) => vec![one],
        None => vec![
            Command::Broker,
            Command::Mesh,
            Command::Scale,
            Command::Isolation,
            Command::Start,
        ],
    };
    println!("{}", Machine::this());
    println!("Each figure is the median of {passes} passes, with the lowest and the highest.\n");
    let status = StatusLine::on_stderr();
    for bench in benches {
        let report = runtime.block_on(report(&bench, passes, &status))?;
        status.erase();
        println!("{report}");
    }
    Ok(())
}

async fn report(bench: &Command, passes: usize, status: &StatusLine) -> anyhow::Result<Report> {
    match bench {
        Command::Broker => broker::measure(passes, status),
        Command::Mesh => mesh::measure(passes, status).await,
        Command::Scale => scale::measure(passes, status).await,
        Command::Isolation => isolation::measure(passes, status).await,
        Command::Start => start::measure(passes, status).await,
        Command::Process(_) | Command::Nodes(_) => anyhow::bail!("a process measures nothing"),
    }
}
