//! What the command line asks for.

use std::path::PathBuf;

use anyhow::{Context, bail};

/// How it is used.
pub(crate) const USAGE: &str = "\
simulate [--seeds N] [--from SEED] [--threads N]   run N seeds (20000) and judge each
simulate --seed SEED [--events FILE]               run one seed, and write what happened
simulate --planted [--seeds N]                     find every planted bug within N seeds (2000);
                                                   built with RUSTFLAGS=\"--cfg planted\"";

/// The command line.
pub(crate) struct Arguments {
    pub(crate) task: Task,
    pub(crate) threads: usize,
}

/// What is to be done.
pub(crate) enum Task {
    Help,
    Many { from: u64, seeds: u64 },
    One { seed: u64, events: Option<PathBuf> },
    Planted { seeds: u64 },
}

impl Arguments {
    /// Reads the arguments.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let (mut seeds, mut from, mut threads) = (None, 0, 2);
        let (mut seed, mut events, mut is_planted) = (None, None, false);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--seeds" => seeds = Some(number(&value()?)?),
                "--from" => from = number(&value()?)?,
                "--threads" => threads = usize::try_from(number(&value()?)?)?.max(1),
                "--seed" => seed = Some(number(&value()?)?),
                "--events" => events = Some(PathBuf::from(value()?)),
                "--planted" => is_planted = true,
                "--help" | "-h" => {
                    return Ok(Self {
                        task: Task::Help,
                        threads,
                    });
                }
                _ => bail!("{word} means nothing here\n{USAGE}"),
            }
        }
        let task = match seed {
            _ if is_planted => Task::Planted {
                seeds: seeds.unwrap_or(2_000),
            },
            Some(seed) => Task::One { seed, events },
            None => Task::Many {
                from,
                seeds: seeds.unwrap_or(20_000),
            },
        };
        Ok(Self { task, threads })
    }
}

fn number(text: &str) -> anyhow::Result<u64> {
    text.parse().with_context(|| format!("{text} is no number"))
}
