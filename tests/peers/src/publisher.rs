//! The process that publishes.

use std::sync::Arc;
use std::thread;

use anyhow::{Context, bail};
use bellwether_tests::clock::{now_ns, sleep_until};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Duration, interval, timeout};

use crate::arguments::PUBLISHER;
use crate::bus::Bus;
use crate::command::{Command, Commands};
use crate::payload::{Kind, Payload};
use crate::progress::Progress;

/// Messages on their way to the slower of the subscribers. All systems keep as many without dropping one.
pub(crate) const WINDOW: u64 = 12_288;
/// Every so many messages the subscribers say how far they are.
pub(crate) const MARK_EVERY: u64 = 512;
/// Messages published before the network has its turn.
const BURST: u64 = 256;
/// How often is asked who is there.
const GREET_EVERY: Duration = Duration::from_millis(20);
/// After so long without an answer something is lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const TICKS_A_SECOND: u64 = 1_000;
const NS_PER_S: u64 = 1_000_000_000;

/// Publishes what it is told to, and never more than [`WINDOW`] ahead.
pub(crate) struct Publisher {
    bus: Bus,
    progress: Arc<Progress>,
    published: u64,
}

impl Publisher {
    /// `progress` is the inbox of `bus`.
    pub(crate) fn new(bus: Bus, progress: Arc<Progress>) -> Self {
        Self {
            bus,
            progress,
            published: 0,
        }
    }

    pub(crate) async fn run(mut self, commands: &mut Commands) -> anyhow::Result<()> {
        while let Some(command) = commands.next().await? {
            let (before, began) = (self.published, now_ns());
            match command {
                Command::Greet => {
                    self.greet().await?;
                    println!("greeted");
                    continue;
                }
                Command::Flood { bytes, duration } => self.flood(bytes, duration).await?,
                Command::Even { bytes, rate, duration } => self.even(bytes, rate, duration).await?,
                Command::Ticks { bytes, rate, duration } => self.ticks(bytes, rate, duration).await?,
                Command::Report => bail!("a publisher has received nothing to report"),
            }
            println!("published {} {}", self.published - before, now_ns() - began);
        }
        Ok(())
    }

    /// Returns once messages reach all subscribers and their answers come back.
    async fn greet(&mut self) -> anyhow::Result<()> {
        let greet = async {
            while !self.progress.has_heard_all() {
                self.bus.publish(message(0, Kind::Greeting, 0).to_bytes(0)).await?;
                // Whether an answer came or the time is over: whoever has not answered is asked again.
                let _ = timeout(GREET_EVERY, self.progress.moved()).await;
            }
            Ok(())
        };
        timeout(ANSWER_WITHIN, greet)
            .await
            .context("not all subscribers answer")?
    }

    /// Publishes for this long, and returns when all has arrived.
    async fn flood(&mut self, bytes: usize, duration: Duration) -> anyhow::Result<()> {
        let end = now_ns() + nanoseconds(duration);
        while now_ns() < end {
            for _ in 0..self.room().min(BURST) {
                let kind = match (self.published + 1).is_multiple_of(MARK_EVERY) {
                    true => Kind::Mark,
                    false => Kind::Message,
                };
                self.bus
                    .publish(message(self.published, kind, 0).to_bytes(bytes))
                    .await?;
                self.published += 1;
            }
            if self.room() == 0 {
                self.next_progress().await?;
            } else {
                yield_now().await;
            }
        }
        self.finish(bytes).await
    }

    /// Publishes at an even pace, from a thread of its own, as a program with a life besides the mesh does.
    async fn even(&mut self, bytes: usize, rate: u64, duration: Duration) -> anyhow::Result<()> {
        let (mut bus, first) = (self.bus.clone(), self.published);
        let count = rate * nanoseconds(duration) / NS_PER_S;
        let (done, published) = oneshot::channel();
        let publish = async move {
            let began = now_ns();
            for index in 0..count {
                sleep_until(began + index * NS_PER_S / rate);
                let payload = message(first + index, Kind::Message, now_ns());
                bus.publish(payload.to_bytes(bytes)).await?;
            }
            anyhow::Ok(())
        };
        let runtime = Handle::current();
        thread::spawn(move || {
            // Nobody listens any more when the benchmark has been stopped.
            let _ = done.send(runtime.block_on(publish));
        });
        published.await.context("the publishing thread panicked")??;
        self.published += count;
        self.finish(bytes).await
    }

    /// Publishes as many in a thousand bursts a second, as a program does that wakes by a timer of its runtime.
    async fn ticks(&mut self, bytes: usize, rate: u64, duration: Duration) -> anyhow::Result<()> {
        let ticks = TICKS_A_SECOND * nanoseconds(duration) / NS_PER_S;
        let mut interval = interval(Duration::from_nanos(NS_PER_S / TICKS_A_SECOND));
        for _ in 0..ticks {
            interval.tick().await;
            for _ in 0..rate / TICKS_A_SECOND {
                let payload = message(self.published, Kind::Message, now_ns());
                self.bus.publish(payload.to_bytes(bytes)).await?;
                self.published += 1;
            }
        }
        self.finish(bytes).await
    }

    /// Publishes one more, and waits until everything before it has arrived everywhere.
    async fn finish(&mut self, bytes: usize) -> anyhow::Result<()> {
        let last = message(self.published, Kind::Mark, 0);
        self.bus.publish(last.to_bytes(bytes)).await?;
        self.published += 1;
        while self.progress.slowest() < self.published {
            self.next_progress().await?;
        }
        Ok(())
    }

    async fn next_progress(&mut self) -> anyhow::Result<()> {
        let moved = timeout(ANSWER_WITHIN, self.progress.moved()).await;
        moved.with_context(|| {
            format!(
                "the subscribers do not answer: {} published, {} arrived",
                self.published,
                self.progress.slowest()
            )
        })
    }

    /// How many messages may be published now.
    fn room(&self) -> u64 {
        WINDOW.saturating_sub(self.published - self.progress.slowest())
    }
}

fn message(number: u64, kind: Kind, published_ns: u64) -> Payload {
    Payload {
        number,
        published_ns,
        kind,
        sender: PUBLISHER,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
