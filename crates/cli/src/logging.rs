//! The log: to stderr, filtered by `BELLWETHER_LOG`.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::output;

const VARIABLE: &str = "BELLWETHER_LOG";

/// Writes the log to stderr from now on, filtered by `BELLWETHER_LOG` or else by `default`.
pub(crate) fn start(default: &str) -> Result<(), Failure> {
    let filter = match std::env::var(VARIABLE) {
        Ok(given) if !given.trim().is_empty() => EnvFilter::try_new(&given)
            .with_context(|| {
                format!("{VARIABLE} is `{given}`, which is no log filter; try `debug` or `info,bellwether_mesh=debug`")
            })
            .map_err(Failure::Usage)?,
        _ => EnvFilter::new(default),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && output::wanted())
        .init();
    Ok(())
}
