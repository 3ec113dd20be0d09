//! Subscribing on a node.

use anyhow::{Context, bail, ensure};
use bellwether::{ContentType, Delivery, Draft, Node, Subscription, Topic};

use super::commands::{Command, Commands};
use super::node::PROGRESS;
use super::payload::Payload;
use super::tally::Tally;

/// Messages taken in a row, before commands are looked for.
const TURN: usize = 64;

pub(crate) struct NodeSubscriber {
    node: Node,
    messages: Subscription,
    tally: Tally,
}

impl NodeSubscriber {
    pub(crate) fn new(node: Node, messages: Subscription) -> Self {
        Self {
            node,
            messages,
            tally: Tally::default(),
        }
    }

    /// Reads, and reports when it is told to, until there are no more commands.
    pub(crate) async fn run(mut self, commands: &mut Commands) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                biased;
                delivery = self.messages.next() => self.take_turn(delivery)?,
                command = commands.next() => match command? {
                    Some(Command::Report) => println!("{}", self.tally.report()),
                    Some(other) => bail!("a subscriber does not {other:?}"),
                    None => return Ok(()),
                },
            }
        }
    }

    /// Reads for ever; a message lost is a failure.
    pub(crate) async fn follow(mut self) -> anyhow::Result<()> {
        loop {
            let delivery = self.messages.next().await;
            self.take_turn(delivery)?;
            ensure!(self.tally.lost() == 0, "{} messages were lost", self.tally.lost());
        }
    }

    /// Takes one delivery, and those that are there already.
    fn take_turn(&mut self, delivery: Option<Delivery>) -> anyhow::Result<()> {
        self.on_delivery(&delivery.context("the node has stopped")?)?;
        for _ in 1..TURN {
            let Some(delivery) = self.messages.try_next() else {
                break;
            };
            self.on_delivery(&delivery)?;
        }
        Ok(())
    }

    fn on_delivery(&mut self, delivery: &Delivery) -> anyhow::Result<()> {
        match delivery {
            Delivery::Message(envelope) if self.tally.take(envelope.payload())? => self.tell_progress(),
            Delivery::Message(_) => Ok(()),
            // The numbers tell how many.
            Delivery::Gap(_) => Ok(()),
            other => bail!("unexpected: {other:?}"),
        }
    }

    fn tell_progress(&self) -> anyhow::Result<()> {
        let mut bytes = vec![0; Payload::BYTES];
        let progress = Payload {
            number: self.tally.next(),
            published_ns: 0,
            is_mark: false,
        };
        progress.write(&mut bytes);
        let draft = Draft::new(Topic::new(PROGRESS.1)?, "bench").payload(ContentType::Bytes, bytes);
        self.node.publish(PROGRESS.0, &draft)?;
        Ok(())
    }
}
