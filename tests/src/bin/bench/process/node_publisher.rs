//! Publishing on a node.

use anyhow::{Context, bail};
use bellwether::{ContentType, Delivery, Draft, Node, Subscription, Topic};

use super::node::MESSAGES;
use super::outgoing::{Outgoing, Progress, Sender};
use super::payload::Payload;

/// A node and what it hears of its subscribers.
pub(crate) struct NodeOutgoing {
    node: Node,
    progress: Subscription,
}

impl NodeOutgoing {
    pub(crate) fn new(node: Node, progress: Subscription) -> Self {
        Self { node, progress }
    }
}

impl Outgoing for NodeOutgoing {
    type Sender = NodeSender;

    fn sender(&self, bytes: usize) -> anyhow::Result<NodeSender> {
        let mut draft = Draft::new(Topic::new(MESSAGES.1)?, "bench");
        draft.content_type = ContentType::Bytes;
        draft.payload = vec![b'x'; bytes];
        Ok(NodeSender {
            node: self.node.clone(),
            draft,
        })
    }

    async fn next_progress(&mut self) -> anyhow::Result<Progress> {
        let delivery = self.progress.next().await.context("the node has stopped")?;
        progress(&delivery)
    }

    fn try_progress(&mut self) -> anyhow::Result<Option<Progress>> {
        self.progress.try_next().as_ref().map(progress).transpose()
    }
}

fn progress(delivery: &Delivery) -> anyhow::Result<Progress> {
    let Delivery::Message(envelope) = delivery else {
        bail!("the subscribers' progress is lost: {delivery:?}");
    };
    let payload = Payload::read(envelope.payload()).context("progress without a number")?;
    Ok(Progress {
        subscriber: envelope.reporting_node().to_owned(),
        next: payload.number,
    })
}

/// Publishes payloads that are all of one size.
pub(crate) struct NodeSender {
    node: Node,
    draft: Draft,
}

impl Sender for NodeSender {
    fn send(&mut self, payload: Payload) -> anyhow::Result<()> {
        payload.write(&mut self.draft.payload);
        self.node.publish(MESSAGES.0, &self.draft)?;
        Ok(())
    }
}
