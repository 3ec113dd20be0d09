//! What holds of the simulation itself, and seeds that once found something.

use std::path::{Path, PathBuf};
use std::process::Command;

use bellwether_simulation::{Run, cluster_keys};

/// Seeds that failed before a fix, one per line with a word on what they found.
const REGRESSIONS: &str = include_str!("../regressions");

/// I16. Two processes, since hash seeds, addresses and the like differ between processes.
#[test]
fn the_same_seed_gives_the_same_history_in_two_processes() {
    let directory = std::env::temp_dir().join(format!("bellwether-simulation-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for the histories");
    for seed in [3, 33, 64] {
        let [one, other] = ["one", "other"].map(|name| history(seed, &directory.join(name)));
        assert!(one.len() > 20_000, "seed {seed} wrote only {} bytes", one.len());
        assert!(one == other, "I16: seed {seed} gave two histories");
    }
    std::fs::remove_dir_all(&directory).expect("the directory goes");
}

fn history(seed: u64, path: &Path) -> Vec<u8> {
    let status = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_simulate")))
        .args(["--seed", &seed.to_string(), "--events"])
        .arg(path)
        .output()
        .expect("the simulation starts");
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
    std::fs::read(path).expect("it wrote a history")
}

#[test]
fn seeds_that_once_failed_are_good() {
    let keys = cluster_keys();
    let lines = REGRESSIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let seed: u64 = line
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok())
            .expect("a seed first");
        if let Err(failure) = Run::new(seed, &keys).judge() {
            panic!("{line}\n{failure}");
        }
    }
}

#[test]
fn a_few_seeds_are_good() {
    let keys = cluster_keys();
    for seed in 0..20 {
        let run = Run::new(seed, &keys);
        if let Err(failure) = run.judge() {
            panic!("seed {seed}: {failure}");
        }
        assert!(
            run.tally.steps >= 2_000,
            "seed {seed} took only {} steps",
            run.tally.steps
        );
    }
}
