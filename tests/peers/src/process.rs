//! One of the three processes, told what to do over standard input.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context, bail};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::arguments::{PUBLISHER, Place};
use crate::bus::{Arrivals, Bus};
use crate::command::{Command, Commands};
use crate::ledger::Ledger;
use crate::progress::Progress;
use crate::publisher::Publisher;

/// Runs until standard input ends.
pub(crate) fn run(place: &Place) -> anyhow::Result<()> {
    die_with_parent()?;
    let runtime = place.system.runtime()?;
    let outcome = runtime.block_on(take_part(place));
    // A read of standard input that waits in a blocking thread must not keep a failed process from ending.
    runtime.shutdown_background();
    outcome.with_context(|| format!("{} of {}", place.name(), place.system))
}

/// However the benchmark ends, this process ends too.
pub(crate) fn die_with_parent() -> anyhow::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

async fn take_part(place: &Place) -> anyhow::Result<()> {
    let bus = Bus::join(place).await?;
    println!("started");
    let mut commands = Commands::new();
    if place.index == PUBLISHER {
        let progress = Arc::new(Progress::new());
        let arrivals = bus.subscribe(progress.clone()).await?;
        println!("ready");
        unless_fault(arrivals, Publisher::new(bus, progress).run(&mut commands)).await
    } else {
        let ledger = Arc::new(Ledger::new(place.index));
        let arrivals = bus.subscribe(ledger.clone()).await?;
        println!("ready");
        unless_fault(arrivals, report(&ledger, &mut commands)).await
    }
}

/// What a subscriber does beside receiving.
async fn report(ledger: &Ledger, commands: &mut Commands) -> anyhow::Result<()> {
    while let Some(command) = commands.next().await? {
        match command {
            Command::Report => println!("{}", ledger.report().line()),
            other => bail!("a subscriber does not {other:?}"),
        }
    }
    Ok(())
}

async fn unless_fault(arrivals: Arrivals, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        fault = arrivals => match fault.context("the subscription's task panicked")? {
            Err(fault) => Err(fault),
            Ok(never) => {
                let never: Infallible = never;
                match never {}
            }
        },
        done = work => done,
    }
}
