//! A process that subscribes.

use anyhow::{Context, bail};
use bellwether::{ContentType, Delivery, Draft, Node, Subscription, Topic};

use crate::node::{Command, Commands, PROGRESS};
use crate::payload::Payload;
use bellwether_tests::clock::now_ns;

/// Messages taken in a row, before commands are looked for.
const TURN: usize = 64;

pub(crate) struct Subscriber {
    node: Node,
    messages: Subscription,
    /// The number that comes next, if nothing is lost.
    next: u64,
    report: Report,
}

/// What came since the last report.
#[derive(Default)]
struct Report {
    received: u64,
    lost: u64,
    /// Of each message that says when it was published.
    latencies_ns: Vec<u64>,
}

impl Subscriber {
    pub(crate) fn new(node: Node, messages: Subscription) -> Self {
        Self {
            node,
            messages,
            next: 0,
            report: Report::default(),
        }
    }

    pub(crate) async fn run(mut self, commands: &mut Commands) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                delivery = self.messages.next() => {
                    self.on_delivery(&delivery.context("the node has stopped")?)?;
                    for _ in 1..TURN {
                        let Some(delivery) = self.messages.try_next() else { break };
                        self.on_delivery(&delivery)?;
                    }
                }
                command = commands.next() => match command? {
                    Some(Command::Report) => println!("{}", std::mem::take(&mut self.report).line()),
                    Some(other) => bail!("a subscriber does not {other:?}"),
                    None => return Ok(()),
                },
            }
        }
    }

    fn on_delivery(&mut self, delivery: &Delivery) -> anyhow::Result<()> {
        let envelope = match delivery {
            Delivery::Message(envelope) => envelope,
            // The numbers tell how many.
            Delivery::Gap(_) => return Ok(()),
            other => bail!("unexpected: {other:?}"),
        };
        let payload = Payload::read(envelope.payload()).context("a message without a number")?;
        if payload.published_ns > 0 {
            self.report
                .latencies_ns
                .push(now_ns().saturating_sub(payload.published_ns));
        }
        // One that comes twice or late counts as lost too.
        self.report.lost += payload.number.abs_diff(self.next);
        self.report.received += 1;
        self.next = payload.number + 1;
        if payload.is_mark {
            self.tell_progress()?;
        }
        Ok(())
    }

    fn tell_progress(&self) -> anyhow::Result<()> {
        let mut bytes = vec![0; 32];
        let progress = Payload {
            number: self.next,
            published_ns: 0,
            is_mark: false,
        };
        progress.write(&mut bytes);
        let draft = Draft::new(Topic::new(PROGRESS.1)?, "bench").payload(ContentType::Bytes, bytes);
        self.node.publish(PROGRESS.0, &draft)?;
        Ok(())
    }
}

impl Report {
    /// `report`, received, lost, and the latencies that 50, 99 and 99.9 % of the messages did not exceed.
    fn line(mut self) -> String {
        self.latencies_ns.sort_unstable();
        let [p50, p99, p999] = [500, 990, 999].map(|permille| percentile(&self.latencies_ns, permille));
        format!("report {} {} {p50} {p99} {p999}", self.received, self.lost)
    }
}

/// The smallest value that so many of a thousand values do not exceed.
fn percentile(sorted: &[u64], permille: usize) -> u64 {
    let rank = (sorted.len() * permille).div_ceil(1000);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let values: Vec<u64> = (1..=1000).collect();
        assert_eq!(
            [500, 990, 999].map(|permille| percentile(&values, permille)),
            [500, 990, 999]
        );
        assert_eq!(percentile(&[7], 999), 7);
        assert_eq!(percentile(&[], 500), 0);
    }
}
