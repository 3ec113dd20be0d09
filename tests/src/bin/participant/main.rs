//! A participant of a fault scenario: a node embedded in this program, on one thread, that publishes and subscribes as
//! it is told over standard input and records all it does in a history. See `bellwether_tests::participant`.

mod memory;
mod participant;
mod publisher;
mod reader;
mod tally;
mod watch;

use std::process::ExitCode;

use anyhow::Context;
use bellwether_tests::participant::Setup;
use tracing_subscriber::EnvFilter;

use crate::participant::Participant;

fn main() -> anyhow::Result<ExitCode> {
    let setup = std::env::args()
        .nth(1)
        .context("a participant is started by the tests")?;
    let setup: Setup = serde_json::from_str(&setup)?;
    let filter = EnvFilter::try_from_env("PARTICIPANT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let is_clean = runtime.block_on(async { Participant::start(setup).await?.run().await });
    // A read of standard input that waits in a blocking thread must not keep it from ending.
    runtime.shutdown_background();
    Ok(if is_clean? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
