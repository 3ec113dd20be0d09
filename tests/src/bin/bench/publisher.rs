//! The process that publishes.

use std::collections::BTreeMap;
use std::thread;

use anyhow::{Context, bail};
use bellwether::{ContentType, Delivery, Draft, Node, Subscription, Topic};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::Duration;

use crate::node::{Command, Commands, MESSAGES, NODES};
use crate::payload::Payload;
use bellwether_tests::clock::{now_ns, sleep_until};

/// Messages on their way to the slower of the subscribers; the default queue of one holds 16,384 and 16 MiB.
const WINDOW: u64 = 12_288;
/// Every so many messages the subscribers say how far they are.
const MARK_EVERY: u64 = 512;
/// Messages published before the network has its turn.
const BURST: u64 = 64;

pub(crate) struct Publisher {
    node: Node,
    progress: Subscription,
    /// How many messages each subscriber has received, by its name.
    received: BTreeMap<String, u64>,
    published: u64,
}

impl Publisher {
    pub(crate) fn new(node: Node, progress: Subscription) -> Self {
        Self {
            node,
            progress,
            received: BTreeMap::new(),
            published: 0,
        }
    }

    pub(crate) async fn run(mut self, commands: &mut Commands) -> anyhow::Result<()> {
        while let Some(command) = commands.next().await? {
            let (before, began) = (self.published, now_ns());
            match command {
                Command::Flood { bytes, duration } => self.flood(bytes, duration).await?,
                Command::Pace { bytes, rate, duration } => self.pace(bytes, rate, duration).await?,
                Command::Report => bail!("a publisher has received nothing to report"),
            }
            println!("published {} {}", self.published - before, now_ns() - began);
        }
        Ok(())
    }

    /// Publishes for this long, and returns when all has arrived.
    async fn flood(&mut self, bytes: usize, duration: Duration) -> anyhow::Result<()> {
        let end = now_ns() + nanoseconds(duration);
        let mut draft = Filled::new(bytes)?;
        while now_ns() < end {
            for _ in 0..self.room().min(BURST) {
                let number = self.published;
                let payload = Payload {
                    number,
                    published_ns: 0,
                    is_mark: (number + 1).is_multiple_of(MARK_EVERY),
                };
                self.node.publish(MESSAGES.0, draft.with(payload))?;
                self.published += 1;
            }
            while let Some(delivery) = self.progress.try_next() {
                self.on_progress(&delivery)?;
            }
            if self.room() == 0 {
                self.next_progress().await?;
            } else {
                yield_now().await;
            }
        }
        self.finish(draft).await
    }

    /// The same at an even pace, from a thread of its own, as a program with a life besides its node does.
    async fn pace(&mut self, bytes: usize, rate: u64, duration: Duration) -> anyhow::Result<()> {
        let (node, first) = (self.node.clone(), self.published);
        let count = rate * nanoseconds(duration) / 1_000_000_000;
        let mut draft = Filled::new(bytes)?;
        let (done, published) = oneshot::channel();
        thread::spawn(move || {
            let began = now_ns();
            let publish = |index: u64| {
                sleep_until(began + index * 1_000_000_000 / rate);
                let payload = Payload {
                    number: first + index,
                    published_ns: now_ns(),
                    is_mark: false,
                };
                node.publish(MESSAGES.0, draft.with(payload))
            };
            let outcome: Result<(), _> = (0..count).map(publish).try_for_each(|published| published.map(drop));
            // Nobody listens any more when the benchmark has been stopped.
            let _ = done.send(outcome.map(|()| draft));
        });
        let draft = published.await.context("the publishing thread panicked")??;
        self.published += count;
        self.finish(draft).await
    }

    /// Publishes one more, and waits until everything before it has arrived everywhere.
    async fn finish(&mut self, mut draft: Filled) -> anyhow::Result<()> {
        let payload = Payload {
            number: self.published,
            published_ns: 0,
            is_mark: true,
        };
        self.node.publish(MESSAGES.0, draft.with(payload))?;
        self.published += 1;
        while self.slowest() < self.published {
            self.next_progress().await?;
        }
        Ok(())
    }

    async fn next_progress(&mut self) -> anyhow::Result<()> {
        let delivery = self.progress.next().await.context("the node has stopped")?;
        self.on_progress(&delivery)
    }

    fn on_progress(&mut self, delivery: &Delivery) -> anyhow::Result<()> {
        let Delivery::Message(envelope) = delivery else {
            bail!("the subscribers' progress is lost: {delivery:?}");
        };
        let received = Payload::read(envelope.payload())
            .context("progress without a number")?
            .number;
        self.received.insert(envelope.reporting_node().to_owned(), received);
        Ok(())
    }

    /// How many messages may be published now.
    fn room(&self) -> u64 {
        WINDOW.saturating_sub(self.published - self.slowest())
    }

    /// What all subscribers have received.
    fn slowest(&self) -> u64 {
        match self.received.len() == NODES - 1 {
            true => self.received.values().copied().min().unwrap_or_default(),
            false => 0,
        }
    }
}

/// A draft whose payload has always the same size.
struct Filled {
    draft: Draft,
    bytes: usize,
}

impl Filled {
    fn new(bytes: usize) -> anyhow::Result<Self> {
        let draft = Draft::new(Topic::new(MESSAGES.1)?, "bench");
        Ok(Self { draft, bytes })
    }

    fn with(&mut self, payload: Payload) -> &Draft {
        let mut bytes = vec![b'x'; self.bytes];
        payload.write(&mut bytes);
        self.draft.content_type = ContentType::Bytes;
        self.draft.payload = bytes.into();
        &self.draft
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
