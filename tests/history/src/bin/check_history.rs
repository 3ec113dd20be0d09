//! Judges the history of a run: `check-history FILE…`, or compares two: `check-history --same FILE FILE`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bellwether_history::{Checker, Event, Rules, merge, read, same};

const USAGE: &str = "\
usage: check-history [--tolerance-ms N] FILE…
       check-history --same FILE FILE

Judges the history of one run; several files, as of several processes, are merged by time.
With --same, says whether two runs were the same.

  --tolerance-ms N   how far the clocks of two nodes may be apart (0)

Exit code: 0 all promises were kept; 1 they were not, or the runs differ; 2 the files could not be judged.
";

/// What is asked for.
#[derive(Debug)]
enum Order {
    Help,
    Judge { files: Vec<PathBuf>, rules: Rules },
    Compare { files: [PathBuf; 2] },
}

fn main() -> ExitCode {
    match order(std::env::args_os().skip(1)).and_then(carry_out) {
        Ok((code, words)) => match std::io::stdout().write_all(words.as_bytes()) {
            Ok(()) => ExitCode::from(code),
            Err(_) => ExitCode::from(2),
        },
        Err(err) => {
            // Nothing is left to be done where even this cannot be written.
            _ = writeln!(std::io::stderr(), "check-history: {err:#}");
            ExitCode::from(2)
        }
    }
}

fn order(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> anyhow::Result<Order> {
    let (mut files, mut rules, mut compare) = (Vec::new(), Rules::default(), false);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Order::Help),
            Some("--same") => compare = true,
            Some("--tolerance-ms") => {
                let given = arguments.next().context("--tolerance-ms needs a number")?;
                let given = given.to_str().and_then(|text| text.parse().ok());
                rules.clock_tolerance = Duration::from_millis(given.context("--tolerance-ms needs a number")?);
            }
            Some(unknown) if unknown.starts_with('-') => bail!("{unknown} is no option\n{USAGE}"),
            _ => files.push(PathBuf::from(argument)),
        }
    }
    if compare {
        let Ok(files) = files.try_into() else {
            bail!("--same needs two files\n{USAGE}");
        };
        return Ok(Order::Compare { files });
    }
    if files.is_empty() {
        bail!("no file is given\n{USAGE}");
    }
    Ok(Order::Judge { files, rules })
}

/// The exit code and what to print.
fn carry_out(order: Order) -> anyhow::Result<(u8, String)> {
    match order {
        Order::Help => Ok((0, USAGE.to_owned())),
        Order::Judge { files, rules } => {
            let histories: Vec<Vec<Event>> = files.iter().map(read).collect::<Result<_, _>>()?;
            Ok(match Checker::new(rules).check(&merge(histories)) {
                Ok(report) => (0, format!("all promises were kept\n{report}")),
                Err(violations) => (1, format!("{violations}\n")),
            })
        }
        Order::Compare { files } => {
            let [left, right] = files.map(read);
            Ok(match same(&left?, &right?) {
                Ok(()) => (0, "the two histories are the same\n".to_owned()),
                Err(difference) => (1, format!("{difference}\n")),
            })
        }
    }
}
