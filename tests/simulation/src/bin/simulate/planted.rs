//! Planted bugs: each must be found, or the simulation does not test what it says.

use std::process::ExitCode;

#[cfg(not(planted))]
pub(crate) fn find_all(_seeds: u64) -> anyhow::Result<ExitCode> {
    anyhow::bail!("no bugs in this build: build it with RUSTFLAGS=\"--cfg planted\" and a target directory of its own")
}

/// Runs seeds with each bug in force until one of them fails.
#[cfg(planted)]
pub(crate) fn find_all(seeds: u64) -> anyhow::Result<ExitCode> {
    use bellwether_message::planted::{Planted, plant};

    let mut is_good = true;
    println!("{:<24}  {:>5}  found as", "bug", "seed");
    for bug in Planted::ALL {
        plant(Some(*bug));
        let found = first_failure(seeds);
        plant(None);
        match found {
            Some((seed, words)) => println!("{:<24}  {seed:>5}  {words}", format!("{bug:?}")),
            None => {
                println!("{:<24}  {:>5}  NOT FOUND in {seeds} seeds", format!("{bug:?}"), "-");
                is_good = false;
            }
        }
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The first seed that fails, and how.
#[cfg(planted)]
fn first_failure(seeds: u64) -> Option<(u64, String)> {
    let keys = bellwether_simulation::cluster_keys();
    (0..seeds).find_map(|seed| {
        let failure = bellwether_simulation::Run::new(seed, &keys).judge().err()?;
        let text = failure.to_string();
        let first = text.lines().next().unwrap_or_default().to_owned();
        Some((seed, first))
    })
}
