//! From A to B and C: three processes on this host, each a node on one thread, everything signed and verified.

use std::fmt::Write;

use anyhow::ensure;
use tempfile::TempDir;

use crate::PASSES;
use crate::child::Child;
use crate::node::PUBLISHER;
use crate::spread::{Spread, count, hundredths, microseconds};

/// How long one pass publishes, in milliseconds.
const PASS_MS: u64 = 3_000;
/// Published before the first pass, so that routes, buffers and congestion windows have grown.
const WARM_UP_MS: u64 = 500;
const PAYLOADS: [(usize, &str); 2] = [(128, "128 B"), (1024, "1 KiB")];
/// The rate at which latency is measured, in messages a second.
const RATE: u64 = 10_000;
const SUBSCRIBERS: f64 = 2.0;

/// A section of Markdown.
pub(crate) async fn measure() -> anyhow::Result<String> {
    let mut mesh = Mesh::start().await?;
    let mut section = "From A to B and C, three processes; A publishes as fast as both follow.\n\n\
         | payload | messages/s per subscriber | CPU s (all three) per million deliveries | lost |\n|---|---|---|---|\n"
        .to_owned();
    for (bytes, name) in PAYLOADS {
        mesh.pass(&format!("flood {bytes} {WARM_UP_MS}")).await?;
        let mut passes = Vec::new();
        for _ in 0..PASSES {
            passes.push(mesh.pass(&format!("flood {bytes} {PASS_MS}")).await?);
        }
        let rates = Spread::new(passes.iter().map(Pass::rate), count);
        let cpu = Spread::new(passes.iter().map(Pass::cpu_s_per_million), hundredths);
        writeln!(section, "| {name} | {rates} | {cpu} | {} |", lost(&passes))?;
    }

    let (bytes, name) = PAYLOADS[0];
    let mut passes = Vec::new();
    for _ in 0..PASSES {
        passes.push(mesh.pass(&format!("pace {bytes} {RATE} {PASS_MS}")).await?);
    }
    write!(
        section,
        "\nThe same at {} messages/s of {name}; latency from just before `publish` to the return of \
         `Subscription::next`, of the slower subscriber.\n\n\
         | p50 | p99 | p99.9 | CPU (all three, % of one core) per 1,000 messages/s | lost |\n|---|---|---|---|---|\n|",
        count(RATE as f64)
    )?;
    for percentile in 0..3 {
        let latencies = passes.iter().map(|pass| pass.latencies_ns[percentile] as f64);
        write!(section, " {} |", Spread::new(latencies, microseconds))?;
    }
    let cpu = Spread::new(passes.iter().map(Pass::cpu_percent_per_thousand), hundredths);
    writeln!(section, " {cpu} | {} |", lost(&passes))?;
    Ok(section)
}

/// The three.
struct Mesh {
    publisher: Child,
    subscribers: [Child; 2],
    _folder: TempDir,
}

impl Mesh {
    async fn start() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("bellwether-bench-")?;
        let (mut publisher, seed) = Child::start(PUBLISHER, folder.path(), None).await?;
        let (b, _) = Child::start("b", folder.path(), Some(&seed)).await?;
        let (c, _) = Child::start("c", folder.path(), Some(&seed)).await?;
        let mut subscribers = [b, c];
        publisher.answer("live").await?;
        for subscriber in &mut subscribers {
            subscriber.answer("live").await?;
        }
        Ok(Self {
            publisher,
            subscribers,
            _folder: folder,
        })
    }

    /// Has the publisher do something, and says what it took and what arrived. Nothing may be lost.
    async fn pass(&mut self, command: &str) -> anyhow::Result<Pass> {
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

    async fn cpu_ns(&mut self) -> anyhow::Result<u64> {
        let mut all = self.publisher.cpu_ns().await?;
        for subscriber in &mut self.subscribers {
            all += subscriber.cpu_ns().await?;
        }
        Ok(all)
    }
}

/// What one pass has shown.
struct Pass {
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
    fn rate(&self) -> f64 {
        self.published as f64 / seconds(self.elapsed_ns)
    }

    fn cpu_s_per_million(&self) -> f64 {
        seconds(self.cpu_ns) / (self.published as f64 * SUBSCRIBERS / 1e6)
    }

    fn cpu_percent_per_thousand(&self) -> f64 {
        100.0 * seconds(self.cpu_ns) / seconds(self.elapsed_ns) / (self.rate() / 1e3)
    }
}

fn lost(passes: &[Pass]) -> u64 {
    passes.iter().map(|pass| pass.lost).sum()
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
