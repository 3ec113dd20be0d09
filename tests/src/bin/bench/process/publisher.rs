//! The process that publishes.

use std::collections::BTreeMap;
use std::thread;

use anyhow::{Context, bail};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Duration, interval};

use super::commands::{Command, Commands, Load};
use super::outgoing::{Outgoing, Progress, Sender};
use super::payload::Payload;
use bellwether_tests::clock::{now_ns, sleep_until};

/// Messages on their way to the slowest subscriber; the default queue of a node's subscription holds 32,768 and 16 MiB.
pub(crate) const WINDOW: u64 = 12_288;
/// Every so many messages the subscribers say how far they are.
const MARK_EVERY: u64 = 512;
/// Messages published before the network has its turn.
const BURST: u64 = 256;
const TICKS_A_SECOND: u64 = 1_000;
const NS_PER_S: u64 = 1_000_000_000;

pub(crate) struct Publisher<O> {
    outgoing: O,
    subscribers: usize,
    /// How far each subscriber is, by its name.
    reached: BTreeMap<String, u64>,
    published: u64,
}

impl<O: Outgoing> Publisher<O> {
    pub(crate) fn new(outgoing: O, subscribers: usize) -> Self {
        Self {
            outgoing,
            subscribers,
            reached: BTreeMap::new(),
            published: 0,
        }
    }

    /// Does what it is told, until there are no more commands.
    pub(crate) async fn run(mut self, commands: &mut Commands) -> anyhow::Result<()> {
        while let Some(command) = commands.next().await? {
            let (before, began) = (self.published, now_ns());
            match command {
                Command::Flood(load) => self.flood(load).await?,
                Command::Even { load, rate } => self.even(load, rate).await?,
                Command::Ticks { load, rate } => self.ticks(load, rate).await?,
                Command::Report => bail!("a publisher has received nothing to report"),
            }
            println!("published {} {}", self.published - before, now_ns() - began);
        }
        Ok(())
    }

    /// Publishes for as long as the load lasts, and returns when all has arrived.
    async fn flood(&mut self, load: Load) -> anyhow::Result<()> {
        let end = now_ns() + nanoseconds(load.duration);
        let mut sender = self.outgoing.sender(load.bytes)?;
        while now_ns() < end {
            for _ in 0..self.room().min(BURST) {
                sender.send(Payload {
                    number: self.published,
                    published_ns: 0,
                    is_mark: (self.published + 1).is_multiple_of(MARK_EVERY),
                })?;
                self.published += 1;
            }
            while let Some(progress) = self.outgoing.try_progress()? {
                self.on_progress(progress);
            }
            if self.room() == 0 {
                let progress = self.outgoing.next_progress().await?;
                self.on_progress(progress);
            } else {
                yield_now().await;
            }
        }
        self.finish(sender).await
    }

    /// Publishes as a program with a life besides its node does.
    async fn even(&mut self, load: Load, rate: u64) -> anyhow::Result<()> {
        let first = self.published;
        let count = rate * nanoseconds(load.duration) / NS_PER_S;
        let mut sender = self.outgoing.sender(load.bytes)?;
        let (done, published) = oneshot::channel();
        thread::spawn(move || {
            let began = now_ns();
            let outcome = (0..count).try_for_each(|index| {
                sleep_until(began + index * NS_PER_S / rate);
                sender.send(Payload::timed(first + index))
            });
            // Nobody listens any more when the benchmark has been stopped.
            let _ = done.send(outcome.map(|()| sender));
        });
        let sender = published.await.context("the publishing thread panicked")??;
        self.published += count;
        self.finish(sender).await
    }

    /// Publishes as a program does that lives on its node's runtime and wakes by a timer.
    async fn ticks(&mut self, load: Load, rate: u64) -> anyhow::Result<()> {
        let ticks = TICKS_A_SECOND * nanoseconds(load.duration) / NS_PER_S;
        let mut sender = self.outgoing.sender(load.bytes)?;
        let mut interval = interval(Duration::from_nanos(NS_PER_S / TICKS_A_SECOND));
        for _ in 0..ticks {
            interval.tick().await;
            for _ in 0..rate / TICKS_A_SECOND {
                sender.send(Payload::timed(self.published))?;
                self.published += 1;
            }
        }
        self.finish(sender).await
    }

    /// Publishes one more, and waits until everything before it has arrived everywhere.
    async fn finish(&mut self, mut sender: O::Sender) -> anyhow::Result<()> {
        sender.send(Payload {
            number: self.published,
            published_ns: 0,
            is_mark: true,
        })?;
        self.published += 1;
        while self.slowest() < self.published {
            let progress = self.outgoing.next_progress().await?;
            self.on_progress(progress);
        }
        Ok(())
    }

    fn on_progress(&mut self, progress: Progress) {
        self.reached.insert(progress.subscriber, progress.next);
    }

    /// How many messages may be published now.
    fn room(&self) -> u64 {
        WINDOW.saturating_sub(self.published - self.slowest())
    }

    /// What all subscribers have received.
    fn slowest(&self) -> u64 {
        match self.reached.len() == self.subscribers {
            true => self.reached.values().copied().min().unwrap_or_default(),
            false => 0,
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
