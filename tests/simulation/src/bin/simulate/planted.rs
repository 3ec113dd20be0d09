//! Planted bugs.
use std::process::ExitCode;

pub(crate) fn find_all(_seeds: u64) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
