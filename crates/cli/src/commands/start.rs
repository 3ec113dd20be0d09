//! `bellwether start`: runs a node and its doors until it is told to stop.

mod doors;
mod refusals;
mod revoked_file;

use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use bellwether::{Config, Node, NodeId};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::doors::Doors;
pub(crate) use self::doors::token_keys;
use crate::commands::config::Settings;
use crate::failure::Failure;
use crate::runtime::{self, StopSignals};
use crate::traces::Traces;

/// The command.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) settings: Settings,
}

impl Start {
    /// The node runs on this thread, its doors on one of their own, so that no client ever delays gossip.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let config = self.settings.resolve()?;
        // The doors first: a node that cannot serve its clients must not appear in the mesh for a moment.
        let doors = Doors::bind(&config).context("cannot serve clients")?;
        let traces = Traces::start(&config)?;
        let outcome = runtime::block_on(run_node(config, doors));
        traces.stop();
        outcome
    }
}

async fn run_node(config: Config, doors: Doors) -> Result<(), Failure> {
    let mut signals = StopSignals::new()?;
    let node = Node::start(config).await.context("cannot start the node")?;
    log_addresses(&node, &doors);
    let mut doors = match doors.is_empty() {
        true => None,
        false => Some(DoorsThread::spawn(doors, node.clone())?),
    };
    let ended = tokio::select! {
        signal = signals.next() => Ended::Asked(signal),
        reason = node.failed() => Ended::NodeFailed(reason),
        reason = DoorsThread::failed(doors.as_mut()) => Ended::DoorsFailed(reason),
    };
    match ended {
        Ended::Asked(signal) => {
            tracing::info!(signal, "stopping; a second signal ends at once");
            tokio::select! {
                stopped = stop(node, doors) => stopped,
                signal = signals.next() => Err(Failure::new(format!("ended at once by {signal}; messages may be lost"))),
            }
        }
        Ended::NodeFailed(reason) => Err(anyhow!(reason).context("the node cannot go on").into()),
        Ended::DoorsFailed(reason) => {
            // Messages that clients have handed to this node still go out.
            stop(node, doors).await?;
            Err(anyhow!(reason).context("clients can no longer be served").into())
        }
    }
}

fn log_addresses(node: &Node, doors: &Doors) {
    let off = || "off".to_owned();
    tracing::info!(
        node = %node.id(),
        epoch = %node.epoch(),
        mesh = node.listen_addr().map_or_else(off, |address| address.to_string()),
        http = doors.http().unwrap_or_else(off),
        nats = doors.nats().unwrap_or_else(off),
        socket = doors.socket().unwrap_or_else(off),
        "started"
    );
    if !doors.is_empty() && doors.are_insecure() {
        tracing::warn!("clients are served on other hosts without TLS or a table `access`: `insecure_doors` allows it");
    }
}

/// Why the node does not run on.
enum Ended {
    Asked(&'static str),
    NodeFailed(String),
    DoorsFailed(String),
}

/// Has clients go elsewhere that can, drains the node, which ends the others' streams, and then stops the doors.
async fn stop(node: Node, mut doors: Option<DoorsThread>) -> Result<(), Failure> {
    if let Some(doors) = &mut doors {
        doors.leave().await;
    }
    let stopped = node.shutdown().await;
    if let Some(doors) = doors {
        doors.stop().await;
    }
    if stopped.unconfirmed.is_empty() {
        tracing::info!("stopped");
        return Ok(());
    }
    let nodes: Vec<_> = stopped.unconfirmed.iter().map(NodeId::as_str).collect();
    Err(Failure::with_hint(
        format!("stopped, but not everything was confirmed by {}", nodes.join(", ")),
        "What they had not received is lost. More time to hand it over: --drain-timeout-ms.",
    ))
}

/// The doors on their own thread with their own runtime.
struct DoorsThread {
    /// Ends them, also when this is dropped.
    running: DropGuard,
    /// Tells the clients that go elsewhere by themselves to do so.
    leaving: CancellationToken,
    /// Once they have gone, or had their time to.
    left: oneshot::Receiver<()>,
    /// What they say when they are over.
    outcome: oneshot::Receiver<anyhow::Result<()>>,
    thread: JoinHandle<()>,
}

impl DoorsThread {
    fn spawn(doors: Doors, node: Node) -> Result<Self, Failure> {
        let stop = CancellationToken::new();
        let running = stop.clone().drop_guard();
        let (tell_outcome, outcome) = oneshot::channel();
        let leaving = stop.child_token();
        let (tell_left, left) = oneshot::channel();
        let leave = (leaving.clone(), tell_left);
        let runtime = runtime::current_thread()?;
        let serve = move || {
            let outcome = runtime.block_on(doors.serve(node, stop, leave));
            // Nobody listens when the node has failed meanwhile.
            let _ = tell_outcome.send(outcome);
        };
        let thread = thread::Builder::new().name("gateway".to_owned()).spawn(serve);
        Ok(Self {
            running,
            leaving,
            left,
            outcome,
            thread: thread.context("cannot start the thread that serves clients")?,
        })
    }

    /// Waits until they are over though nobody stopped them; for ever, if there are none. Cancel safe.
    async fn failed(doors: Option<&mut Self>) -> String {
        let Some(doors) = doors else {
            return std::future::pending().await;
        };
        match (&mut doors.outcome).await {
            Ok(Ok(())) => "they ended by themselves".to_owned(),
            Ok(Err(err)) => format!("{err:#}"),
            Err(_) => "what serves them panicked".to_owned(),
        }
    }

    /// Has clients that know of other nodes go there, while this one still serves them.
    async fn leave(&mut self) {
        self.leaving.cancel();
        if !self.left.is_terminated() {
            // An error says that they are over, which is as good.
            let _ = (&mut self.left).await;
        }
    }

    /// Lets open requests end, for as long as the doors grant them.
    async fn stop(self) {
        drop(self.running);
        if !self.outcome.is_terminated() {
            let _ = self.outcome.await;
        }
        if self.thread.join().is_err() {
            tracing::error!("what serves clients panicked");
        }
    }
}
