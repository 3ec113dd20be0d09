//! What the publisher is told to do.

use tokio::time::Duration;

/// The rate at which latency is measured, in messages a second.
pub(crate) const RATE: u64 = 10_000;

/// What is published, how fast, and how large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Workload {
    /// As fast as both subscribers follow: 128 B.
    SmallFlood,
    /// The same with 1 KiB.
    LargeFlood,
    /// [`RATE`] messages a second of 128 B, one after the other.
    Even,
    /// As many, ten in a row.
    Ticks,
}

impl Workload {
    /// In the order in which they are run.
    pub(crate) const ALL: [Self; 4] = [Self::SmallFlood, Self::LargeFlood, Self::Even, Self::Ticks];

    /// Its name, as a publisher reads it and JSON has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::SmallFlood | Self::LargeFlood => "flood",
            Self::Even => "even",
            Self::Ticks => "ticks",
        }
    }

    /// Bytes of each payload.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::LargeFlood => 1024,
            Self::SmallFlood | Self::Even | Self::Ticks => 128,
        }
    }

    /// What a publisher reads from its standard input.
    pub(crate) fn command(self, duration: Duration) -> String {
        let (word, bytes, ms) = (self.word(), self.bytes(), duration.as_millis());
        match self {
            Self::SmallFlood | Self::LargeFlood => format!("{word} {bytes} {ms}"),
            Self::Even | Self::Ticks => format!("{word} {bytes} {RATE} {ms}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_a_command() {
        let commands = Workload::ALL.map(|workload| workload.command(Duration::from_secs(3)));
        let right = [
            "flood 128 3000",
            "flood 1024 3000",
            "even 128 10000 3000",
            "ticks 128 10000 3000",
        ];
        assert_eq!(commands, right);
    }
}
