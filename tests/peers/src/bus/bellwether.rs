//! Bellwether: a node in each process.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use bellwether::{ContentType, Delivery, Draft, Instance, Member, MemberState, Node, NodeId, Pattern, Topic};
use tokio::time::{Duration, sleep};

use super::{Arrivals, Channels, Inbox};
use crate::arguments::{PROCESSES, Place};

/// It protects the benchmark's own mesh, and is no secret.
const SECRET: &str = "the secret of the benchmark, which is none";
const MESSAGES: (Instance, &str) = (Instance::Events, "bench:messages");
const ANSWERS: (Instance, &str) = (Instance::Diagnostics, "bench:answers");
/// How often is looked whether all nodes are linked.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A handle on the node, which all clones share.
#[derive(Clone)]
pub(crate) struct BellwetherBus {
    node: Node,
    instance: Instance,
    /// Filled with one payload after the other.
    draft: Draft,
    heard: (Instance, &'static str),
}

impl BellwetherBus {
    pub(super) async fn join(place: &Place) -> anyhow::Result<Self> {
        let mut builder = Node::builder(NodeId::new(&place.name())?)
            .secrets([SECRET])?
            .listen(place.address)
            .data_dir(place.folder.join(place.name()));
        for seed in &place.earlier {
            builder = builder.seed(seed.to_string());
        }
        let Channels { published, heard } = Channels::of(place, MESSAGES, ANSWERS);
        let (instance, topic) = published;
        Ok(Self {
            node: builder.start().await?,
            instance,
            draft: Draft::new(Topic::new(topic)?, "bench"),
            heard,
        })
    }

    /// Waits until all nodes are linked and have confirmed.
    pub(super) async fn subscribe(&self, inbox: Arc<impl Inbox>) -> anyhow::Result<Arrivals> {
        while !self.is_linked_to_all() {
            sleep(LOOK_EVERY).await;
        }
        let (instance, topic) = self.heard;
        let (mut subscription, _) = self.node.subscribe(instance, [Pattern::new(topic)?]).await?;
        let report = self.node.became_live(&subscription).await;
        ensure!(report.live == PROCESSES, "live on {} of {PROCESSES} nodes", report.live);
        let mut bus = self.clone();
        Ok(tokio::spawn(async move {
            loop {
                match subscription.next().await.context("the node has stopped")? {
                    Delivery::Message(envelope) => {
                        if let Some(answer) = inbox.take(envelope.payload())? {
                            bus.publish(answer)?;
                        }
                    }
                    other => bail!("not a message: {other:?}"),
                }
            }
        }))
    }

    pub(super) fn publish(&mut self, payload: Vec<u8>) -> anyhow::Result<()> {
        self.draft.content_type = ContentType::Bytes;
        self.draft.payload = payload;
        self.node.publish(self.instance, &self.draft)?;
        Ok(())
    }

    fn is_linked_to_all(&self) -> bool {
        let members = self.node.members();
        let is_linked = |member: &Member| {
            member.inbound && member.outbound && matches!(member.state, MemberState::Own | MemberState::Alive)
        };
        members.len() == PROCESSES && members.iter().all(is_linked)
    }
}
