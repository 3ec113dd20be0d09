//! Several nodes on one thread of one process.

use anyhow::{Context, bail, ensure};
use bellwether::Node;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::commands::Commands;
use super::node::{MESSAGES, PROGRESS, builder, met, subscribe};
use super::node_publisher::NodeOutgoing;
use super::node_subscriber::NodeSubscriber;
use super::publisher::Publisher;
use crate::arguments::{Nodes, Work};
use bellwether_tests::memory::resident;

/// Runs until standard input ends. Says how much memory the process had before the nodes.
pub(super) async fn run(Nodes { nodes: count, work }: Nodes) -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("bellwether-bench-")?;
    let empty_bytes = resident(std::process::id());
    let nodes = start(&folder, count).await?;
    let mut commands = Commands::new();
    match work {
        Work::Idle => {
            println!("live {empty_bytes}");
            match commands.next().await? {
                Some(command) => bail!("idle nodes do not {command:?}"),
                None => Ok(()),
            }
        }
        Work::Flood => flood(&nodes, &mut commands).await,
    }
}

/// Starts so many, and waits until all have met.
async fn start(folder: &TempDir, count: usize) -> anyhow::Result<Vec<Node>> {
    let first = builder("node-0", folder.path(), None)?.start().await?;
    let seed = first.listen_addr().context("a node with a secret listens")?.to_string();
    let mut nodes = vec![first];
    for index in 1..count {
        let builder = builder(&format!("node-{index}"), folder.path(), Some(&seed))?;
        nodes.push(builder.start().await?);
    }
    for node in &nodes {
        met(node, count).await;
    }
    Ok(nodes)
}

/// The first publishes as it is told, the others follow.
async fn flood(nodes: &[Node], commands: &mut Commands) -> anyhow::Result<()> {
    let (first, others) = nodes.split_first().context("there are nodes")?;
    let progress = subscribe(first, PROGRESS, nodes.len()).await?;
    let mut following = JoinSet::new();
    for node in others {
        let messages = subscribe(node, MESSAGES, nodes.len()).await?;
        following.spawn(NodeSubscriber::new(node.clone(), messages).follow());
    }
    ensure!(!following.is_empty(), "one node alone has nobody to publish to");
    println!("live");
    let outgoing = NodeOutgoing::new(first.clone(), progress);
    tokio::select! {
        done = Publisher::new(outgoing, others.len()).run(commands) => done,
        Some(failed) = following.join_next() => failed?,
    }
}
