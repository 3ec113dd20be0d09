//! A node embedded in this program.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::ensure;
use bellwether::{Instance, Member, MemberState, Node, NodeBuilder, NodeId, Pattern, Subscription};
use tokio::time::{Duration, sleep};

use super::sockets_1452::Sockets1452;
use crate::arguments::{Carrier, Process};

/// It protects the benchmark's own mesh, and is no secret.
pub(crate) const SECRET: &str = "the secret of the benchmark, which is none";
/// What the publisher publishes, and where the subscribers say how far they have come.
pub(crate) const MESSAGES: (Instance, &str) = (Instance::Events, "bench:messages");
pub(crate) const PROGRESS: (Instance, &str) = (Instance::Diagnostics, "bench:progress");

/// Starts the node of one of three processes.
pub(crate) async fn start(process: &Process) -> anyhow::Result<Node> {
    let mut builder = builder(&process.name, &process.folder, process.seed.as_deref())?;
    if process.carrier == Carrier::NarrowMesh {
        builder = builder.host(Sockets1452::host());
    }
    Ok(builder.start().await?)
}

/// A node to be started, on any port of the loopback interface. `folder` is for what survives a restart, which is nothing.
pub(crate) fn builder(name: &str, folder: &Path, seed: Option<&str>) -> anyhow::Result<NodeBuilder> {
    let builder = Node::builder(NodeId::new(name)?)
        .secrets([SECRET])?
        .listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .data_dir(folder.join(name));
    Ok(match seed {
        Some(seed) => builder.seed(seed),
        None => builder,
    })
}

/// Subscribes once so many nodes are there, and waits until all have confirmed.
pub(crate) async fn subscribe(
    node: &Node,
    (instance, topic): (Instance, &str),
    nodes: usize,
) -> anyhow::Result<Subscription> {
    met(node, nodes).await;
    let (subscription, _) = node.subscribe(instance, [Pattern::new(topic)?]).await?;
    let report = node.became_live(&subscription).await;
    ensure!(report.live == nodes, "live on {} of {nodes} nodes", report.live);
    Ok(subscription)
}

/// Waits until the node is linked both ways with all others of so many.
pub(crate) async fn met(node: &Node, nodes: usize) {
    let is_linked = |member: &Member| {
        member.inbound && member.outbound && matches!(member.state, MemberState::Own | MemberState::Alive)
    };
    loop {
        let members = node.members();
        if members.len() == nodes && members.iter().all(is_linked) {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}
