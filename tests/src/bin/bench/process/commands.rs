//! What the benchmark's first process tells the three.

use anyhow::bail;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::time::Duration;

use bellwether_tests::clock::cpu_ns;
use bellwether_tests::memory::resident;

/// What it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Publish as fast as the subscribers follow.
    Flood(Load),
    /// Publish at this rate a second, evenly, from a thread of its own.
    Even { load: Load, rate: u64 },
    /// Publish at this rate a second, each millisecond's messages in a row, on the runtime of the carrier.
    Ticks { load: Load, rate: u64 },
    /// Say what was received since the last report.
    Report,
}

/// Messages of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) bytes: usize,
    pub(crate) duration: Duration,
}

impl Load {
    fn parse(bytes: &str, ms: &str) -> anyhow::Result<Self> {
        Ok(Self {
            bytes: bytes.parse()?,
            duration: Duration::from_millis(ms.parse()?),
        })
    }
}

/// The lines of standard input.
#[derive(Debug)]
pub(crate) struct Commands {
    lines: Lines<BufReader<Stdin>>,
}

impl Commands {
    pub(crate) fn new() -> Self {
        Self {
            lines: BufReader::new(tokio::io::stdin()).lines(),
        }
    }

    /// The next command that is not answered here; `None` when there will be no more. Cancel safe.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Command>> {
        while let Some(line) = self.lines.next_line().await? {
            match line.as_str() {
                "cpu" => println!("cpu {}", cpu_ns()),
                "resident" => println!("resident {}", resident(std::process::id())),
                line => return Command::parse(line).map(Some),
            }
        }
        Ok(None)
    }
}

impl Command {
    fn parse(line: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        Ok(match words[..] {
            ["flood", bytes, ms] => Self::Flood(Load::parse(bytes, ms)?),
            ["even", bytes, ms, rate] => Self::Even {
                load: Load::parse(bytes, ms)?,
                rate: rate.parse()?,
            },
            ["ticks", bytes, ms, rate] => Self::Ticks {
                load: Load::parse(bytes, ms)?,
                rate: rate.parse()?,
            },
            ["report"] => Self::Report,
            _ => bail!("no such command: {line}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_line() {
        let load = Load {
            bytes: 128,
            duration: Duration::from_secs(2),
        };
        let parse = |line| Command::parse(line).ok();
        assert_eq!(parse("flood 128 2000"), Some(Command::Flood(load)));
        assert_eq!(parse("even 128 2000 10"), Some(Command::Even { load, rate: 10 }));
        assert_eq!(parse("ticks 128 2000 10"), Some(Command::Ticks { load, rate: 10 }));
        assert_eq!(parse("report"), Some(Command::Report));
        assert_eq!(parse("flood 128"), None);
    }
}
