//! Nodes of one test, and waiting for what they do.

use std::time::Duration;

use bellwether::{Delivery, Draft, MemberState, Node, NodeBuilder, NodeId, Pattern, Subscription, Topic};
use tempfile::TempDir;
use tokio::time::timeout;

pub(crate) const SECRET: &str = "an example secret of more than 32 bytes";
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

pub(crate) struct Lab {
    pub(crate) directory: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn builder(&self, name: &str) -> NodeBuilder {
        Node::builder(NodeId::new(name).unwrap())
            .secrets([SECRET])
            .unwrap()
            .data_dir(self.directory.path().join(name))
            .drain_timeout(Duration::from_secs(5))
    }

    pub(crate) async fn start(&self, name: &str, seeds: &[&Node]) -> Node {
        let builder = seeds
            .iter()
            .fold(self.builder(name), |builder, seed| builder.seed(address(seed)));
        builder.start().await.unwrap()
    }

    pub(crate) async fn three(&self) -> [Node; 3] {
        let a = self.start("a", &[]).await;
        let seeds = [&a];
        let (b, c) = tokio::join!(self.start("b", &seeds), self.start("c", &seeds));
        let nodes = [a, b, c];
        all_see_all(&nodes).await;
        nodes
    }
}

pub(crate) fn address(node: &Node) -> String {
    node.listen_addr().unwrap().to_string()
}

pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, wait)
        .await
        .unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"));
}

pub(crate) async fn all_see_all(nodes: &[Node]) {
    for node in nodes {
        eventually("all see all", || {
            let members = node.members();
            members.len() == nodes.len()
                && members
                    .iter()
                    .all(|m| m.inbound && m.outbound && m.state != MemberState::Down)
        })
        .await;
    }
}

pub(crate) fn draft(topic: &str, text: &str) -> Draft {
    Draft::new(Topic::new(topic).unwrap(), "e").text(text)
}

pub(crate) fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

pub(crate) async fn next_text(subscription: &mut Subscription) -> String {
    match timeout(DEADLINE, subscription.next())
        .await
        .expect("a delivery in time")
    {
        Some(Delivery::Message(envelope)) => String::from_utf8(envelope.payload().to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}
