//! The log: to stderr, filtered by `BELLWETHER_LOG`; of a node also by what its configuration says.

use std::io::IsTerminal;
use std::sync::OnceLock;

use anyhow::{Context, anyhow};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::output;

/// What is logged of a node unless somebody says otherwise. A node tells of its life; gossip's own library tells the same
/// once more, and is left out.
pub(crate) const OF_A_NODE: &str = "info,chitchat=warn";
/// What a filter is, for whoever wrote none.
pub(crate) const A_FILTER: &str = "a log filter such as `debug` or `info,bellwether_mesh=debug`";

const VARIABLE: &str = "BELLWETHER_LOG";

/// Puts another filter in the place of the present one. There is one log in a process.
static CHANGE: OnceLock<Box<dyn Fn(EnvFilter) -> anyhow::Result<()> + Send + Sync>> = OnceLock::new();

/// Writes the log to stderr from now on, filtered by `BELLWETHER_LOG` or else by `default`.
pub(crate) fn start(default: &str) -> Result<(), Failure> {
    let filter = match std::env::var(VARIABLE) {
        Ok(given) if !given.trim().is_empty() => parse(&given)
            .with_context(|| {
                format!("{VARIABLE} is `{given}`, which is no log filter; try `debug` or `info,bellwether_mesh=debug`")
            })
            .map_err(Failure::Usage)?,
        _ => EnvFilter::new(default),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && output::wanted())
        .with_env_filter(filter)
        .with_filter_reloading();
    let handle = subscriber.reload_handle();
    subscriber.init();
    let _ = CHANGE.set(Box::new(move |filter| Ok(handle.reload(filter)?)));
    Ok(())
}

/// What a text means as a filter.
pub(crate) fn parse(text: &str) -> anyhow::Result<EnvFilter> {
    match text.trim() {
        "" => Err(anyhow!("it is empty")),
        text => Ok(EnvFilter::try_new(text)?),
    }
}

/// Filters by what a node's configuration says from now on, or else as usual.
pub(crate) fn change(given: Option<&str>) {
    let changed = parse(given.unwrap_or(OF_A_NODE)).and_then(|filter| match CHANGE.get() {
        Some(change) => change(filter),
        None => Ok(()),
    });
    if let Err(err) = changed {
        tracing::warn!(%err, "the log is filtered as before");
    }
}
