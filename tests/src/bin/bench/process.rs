//! What is measured: one of three processes, the publisher or a subscriber, over a node or over raw QUIC; or several
//! nodes in one process. Told what to do over standard input.

mod commands;
pub(crate) mod node;
mod node_publisher;
mod node_subscriber;
mod nodes;
mod outgoing;
mod payload;
mod publisher;
mod raw;
mod sockets_1452;
mod tally;

use std::thread;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use self::commands::Commands;
use self::node::PROGRESS;
use self::node_publisher::NodeOutgoing;
use self::node_subscriber::NodeSubscriber;
use self::publisher::Publisher;
pub(crate) use self::publisher::WINDOW;
use self::raw::{RawOutgoing, RawSubscriber};
use crate::arguments::{Carrier, Nodes, Process, Reader};
use bellwether::Node;

/// The name of the one that publishes; the others subscribe.
pub(crate) const PUBLISHER: &str = "a";
/// The others.
pub(crate) const SUBSCRIBERS: [&str; 2] = ["b", "c"];
/// Of the runtime beside a node.
const FOREIGN_WORKERS: usize = 2;

/// Runs until standard input ends.
pub(crate) fn run(process: &Process) -> anyhow::Result<()> {
    let is_publisher = process.name == PUBLISHER;
    match (process.carrier, process.reader) {
        (Carrier::Raw, _) if is_publisher => on_one_thread(raw_publisher(process)),
        (Carrier::Raw, _) => on_one_thread(raw_subscriber(process)),
        (Carrier::Mesh | Carrier::NarrowMesh, _) if is_publisher => on_one_thread(node_publisher(process)),
        (Carrier::Mesh | Carrier::NarrowMesh, Reader::Own) => on_one_thread(async {
            let node = node::start(process).await?;
            node_subscriber(node).await
        }),
        (Carrier::Mesh | Carrier::NarrowMesh, Reader::Foreign) => on_a_foreign_runtime(process),
    }
}

/// Runs several nodes until standard input ends.
pub(crate) fn run_nodes(nodes: Nodes) -> anyhow::Result<()> {
    on_one_thread(nodes::run(nodes))
}

async fn raw_publisher(process: &Process) -> anyhow::Result<()> {
    let listening = raw::Listening::start(&process.folder)?;
    println!("started {}", listening.address()?);
    let outgoing: RawOutgoing = listening.accept(SUBSCRIBERS.len()).await?;
    println!("live");
    Publisher::new(outgoing, SUBSCRIBERS.len())
        .run(&mut Commands::new())
        .await
}

async fn raw_subscriber(process: &Process) -> anyhow::Result<()> {
    let seed = process.seed.as_deref().context("a subscriber needs a seed")?;
    println!("started");
    let subscriber = RawSubscriber::connect(seed.parse()?, &process.folder).await?;
    println!("live");
    subscriber.run(&mut Commands::new()).await
}

async fn node_publisher(process: &Process) -> anyhow::Result<()> {
    let node = node::start(process).await?;
    println!(
        "started {}",
        node.listen_addr().context("a node with a secret listens")?
    );
    let progress = node::subscribe(&node, PROGRESS, SUBSCRIBERS.len() + 1).await?;
    println!("live");
    let outgoing = NodeOutgoing::new(node, progress);
    Publisher::new(outgoing, SUBSCRIBERS.len())
        .run(&mut Commands::new())
        .await
}

async fn node_subscriber(node: Node) -> anyhow::Result<()> {
    println!("started");
    let messages = node::subscribe(&node, node::MESSAGES, SUBSCRIBERS.len() + 1).await?;
    println!("live");
    NodeSubscriber::new(node, messages).run(&mut Commands::new()).await
}

/// The node on a thread of its own, and the subscriber in a task of a runtime that knows nothing of it.
fn on_a_foreign_runtime(process: &Process) -> anyhow::Result<()> {
    let (started, node) = oneshot::channel();
    let process = process.clone();
    thread::spawn(move || {
        on_one_thread(async {
            let node = node::start(&process).await?;
            let failed = node.clone();
            // Without a subscriber there is nothing to do.
            let _ = started.send(node);
            failed.failed().await;
            Ok(())
        })
    });
    let runtime = Builder::new_multi_thread()
        .worker_threads(FOREIGN_WORKERS)
        .enable_all()
        .build()?;
    finish(runtime, async move {
        let node = node.await.context("the node has not started")?;
        tokio::spawn(node_subscriber(node)).await?
    })
}

fn on_one_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    finish(Builder::new_current_thread().enable_all().build()?, work)
}

/// A read of standard input that waits in a blocking thread must not keep a failed process from ending.
fn finish(runtime: Runtime, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
