//! What the benchmark's first process wants of another, line by line over standard input.

use anyhow::bail;
use bellwether_tests::clock::cpu_ns;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::time::Duration;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Find out whether all subscribers hear.
    Greet,
    /// Publish as fast as the subscribers follow.
    Flood { bytes: usize, duration: Duration },
    /// Publish at this rate a second, evenly spaced.
    Even {
        bytes: usize,
        rate: u64,
        duration: Duration,
    },
    /// Publish at this rate a second, in bursts.
    Ticks {
        bytes: usize,
        rate: u64,
        duration: Duration,
    },
    /// Say what was received since the last report.
    Report,
}

impl Command {
    fn read(line: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let duration = |ms: &str| ms.parse().map(Duration::from_millis);
        Ok(match words[..] {
            ["greet"] => Self::Greet,
            ["flood", bytes, ms] => Self::Flood {
                bytes: bytes.parse()?,
                duration: duration(ms)?,
            },
            ["even", bytes, rate, ms] => Self::Even {
                bytes: bytes.parse()?,
                rate: rate.parse()?,
                duration: duration(ms)?,
            },
            ["ticks", bytes, rate, ms] => Self::Ticks {
                bytes: bytes.parse()?,
                rate: rate.parse()?,
                duration: duration(ms)?,
            },
            ["report"] => Self::Report,
            _ => bail!("no such command: {line}"),
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

    /// The next command that is not answered here; `None` when there will be no more.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Command>> {
        while let Some(line) = self.lines.next_line().await? {
            if line != "cpu" {
                return Command::read(&line).map(Some);
            }
            println!("cpu {}", cpu_ns());
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_lines() {
        let read = |line| Command::read(line).ok();
        let duration = Duration::from_millis(30);
        assert_eq!(read("flood 128 30"), Some(Command::Flood { bytes: 128, duration }));
        let (bytes, rate) = (128, 10_000);
        assert_eq!(read("even 128 10000 30"), Some(Command::Even { bytes, rate, duration }));
        assert_eq!(
            read("ticks 128 10000 30"),
            Some(Command::Ticks { bytes, rate, duration })
        );
        assert_eq!(read("flood 128"), None);
        assert_eq!(read("dance"), None);
    }
}
