//! The three processes of one row.

use anyhow::ensure;
use tempfile::TempDir;

use super::row::Row;
use crate::arguments::Process;
use crate::child::Child;
use crate::process::{PUBLISHER, SUBSCRIBERS};

/// A publisher and two subscribers, linked. Killed when dropped.
pub(crate) struct Three {
    publisher: Child,
    subscribers: Vec<Child>,
    _folder: TempDir,
}

impl Three {
    pub(crate) async fn start(row: Row) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("bellwether-bench-")?;
        let process = |name: &'static str, seed: Option<&str>| {
            let process = Process {
                carrier: row.carrier,
                reader: row.reader,
                name: name.to_owned(),
                folder: folder.path().to_owned(),
                seed: seed.map(str::to_owned),
            };
            Child::start(name, &process.words())
        };
        let mut publisher = process(PUBLISHER, None)?;
        let seed = publisher.answer("started").await?;
        let mut subscribers = Vec::new();
        for name in SUBSCRIBERS {
            let mut subscriber = process(name, Some(&seed))?;
            subscriber.answer("started").await?;
            subscribers.push(subscriber);
        }
        for child in subscribers.iter_mut().chain([&mut publisher]) {
            child.answer("live").await?;
        }
        Ok(Self {
            publisher,
            subscribers,
            _folder: folder,
        })
    }

    /// Has the publisher do something, and says what it took and what arrived. Nothing may be lost.
    pub(crate) async fn pass(&mut self, command: &str) -> anyhow::Result<Pass> {
        let before = self.cpu_ns().await?;
        self.publisher.command(command).await?;
        let [published, elapsed_ns] = self.publisher.numbers("published").await?;
        let cpu_ns = self.cpu_ns().await? - before;
        let (mut lost, mut latencies_ns) = (0, [0; 3]);
        for subscriber in &mut self.subscribers {
            subscriber.command("report").await?;
            let [received, missing, latencies @ ..]: [u64; 5] = subscriber.numbers("report").await?;
            ensure!(
                received + missing == published,
                "{received} received and {missing} lost of {published}"
            );
            lost += missing;
            for (slowest, latency) in latencies_ns.iter_mut().zip(latencies) {
                *slowest = latency.max(*slowest);
            }
        }
        ensure!(lost == 0, "{lost} messages were lost");
        Ok(Pass {
            published,
            elapsed_ns,
            cpu_ns,
            lost,
            latencies_ns,
        })
    }

    /// Of the largest of the three.
    pub(crate) async fn resident_bytes(&mut self) -> anyhow::Result<u64> {
        let mut largest = 0;
        for child in self.subscribers.iter_mut().chain([&mut self.publisher]) {
            largest = child.resident_bytes().await?.max(largest);
        }
        Ok(largest)
    }

    async fn cpu_ns(&mut self) -> anyhow::Result<u64> {
        let mut all = 0;
        for child in self.subscribers.iter_mut().chain([&mut self.publisher]) {
            all += child.cpu_ns().await?;
        }
        Ok(all)
    }
}

/// What one pass has shown.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    published: u64,
    /// Until the last message had arrived everywhere.
    elapsed_ns: u64,
    /// Of all three processes.
    cpu_ns: u64,
    lost: u64,
    /// p50, p99 and p99.9 of the slower subscriber.
    latencies_ns: [u64; 3],
}

impl Pass {
    /// Messages a second that reached each subscriber.
    pub(crate) fn rate(&self) -> f64 {
        self.published as f64 / seconds(self.elapsed_ns)
    }

    pub(crate) fn cpu_s_per_million(&self) -> f64 {
        seconds(self.cpu_ns) / (self.published as f64 * SUBSCRIBERS.len() as f64 / 1e6)
    }

    /// Of one core, for every 1,000 messages published a second.
    pub(crate) fn cpu_percent_per_thousand(&self) -> f64 {
        100.0 * seconds(self.cpu_ns) / seconds(self.elapsed_ns) / (self.rate() / 1e3)
    }

    pub(crate) fn p50_ns(&self) -> f64 {
        self.latencies_ns[0] as f64
    }

    pub(crate) fn p99_ns(&self) -> f64 {
        self.latencies_ns[1] as f64
    }

    pub(crate) fn p999_ns(&self) -> f64 {
        self.latencies_ns[2] as f64
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
