//! `bellwether start`: runs a node and its gateway until it is told to stop.

use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use bellwether::{Config, Node, NodeId};
use bellwether_access::Access;
use bellwether_gateway::Gateway;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::commands::config::Settings;
use crate::failure::Failure;
use crate::runtime::{self, StopSignals};

/// The command.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) settings: Settings,
    pub(crate) nats: Option<std::net::SocketAddr>,
}

impl Start {
    /// The node runs on this thread, the gateway on one of its own, so that no client ever delays gossip.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let config = self.settings.resolve()?;
        // The port first: a node that cannot serve its clients must not appear in the mesh for a moment.
        let gateway = bind(&config)?;
        let nats = self.nats.map(|listen| {
            let mut settings = bellwether_nats::NatsSettings::new(listen);
            settings.advertise = Some(listen.to_string());
            bellwether_nats::Nats::bind(settings)
        });
        let nats = nats.transpose().context("cannot serve NATS clients")?;
        runtime::block_on(run_node(config, gateway, nats))
    }
}

fn bind(config: &Config) -> Result<Option<Gateway>, Failure> {
    let gateway = config.http.map(Gateway::bind).transpose();
    Ok(gateway.context("cannot serve clients")?)
}

async fn run_node(
    config: Config,
    gateway: Option<Gateway>,
    nats: Option<bellwether_nats::Nats>,
) -> Result<(), Failure> {
    let mut signals = StopSignals::new()?;
    let node = Node::start(config).await.context("cannot start the node")?;
    log_addresses(&node, gateway.as_ref(), nats.as_ref());
    let stop_nats = CancellationToken::new();
    let nats = nats.map(|nats| {
        let (node, stop) = (node.clone(), stop_nats.clone());
        thread::spawn(move || {
            let runtime = runtime::current_thread().expect("a runtime");
            let _ = runtime.block_on(nats.serve(node, Access::open(), stop));
        })
    });
    let mut gateway = gateway
        .map(|gateway| GatewayThread::spawn(gateway, node.clone()))
        .transpose()?;
    let ended = tokio::select! {
        signal = signals.next() => Ended::Asked(signal),
        reason = node.failed() => Ended::NodeFailed(reason),
        reason = GatewayThread::failed(gateway.as_mut()) => Ended::GatewayFailed(reason),
    };
    match ended {
        Ended::Asked(signal) => {
            tracing::info!(signal, "stopping; a second signal ends at once");
            stop_nats.cancel();
            if let Some(nats) = nats {
                let _ = tokio::task::spawn_blocking(move || nats.join()).await;
            }
            tokio::select! {
                stopped = stop(node, gateway) => stopped,
                signal = signals.next() => Err(Failure::new(format!("ended at once by {signal}; messages may be lost"))),
            }
        }
        Ended::NodeFailed(reason) => Err(anyhow!(reason).context("the node cannot go on").into()),
        Ended::GatewayFailed(reason) => {
            // Messages that clients have handed to this node still go out.
            stop(node, gateway).await?;
            Err(anyhow!(reason).context("clients can no longer be served").into())
        }
    }
}

fn log_addresses(node: &Node, gateway: Option<&Gateway>, nats: Option<&bellwether_nats::Nats>) {
    let off = || "off".to_owned();
    tracing::info!(
        node = %node.id(),
        epoch = %node.epoch(),
        mesh = node.listen_addr().map_or_else(off, |address| address.to_string()),
        http = gateway.map_or_else(off, |gateway| format!("http://{}", gateway.local_addr())),
        nats = nats.map_or_else(off, |nats| format!("nats://{}", nats.local_addr())),
        "started"
    );
}

/// Why the node does not run on.
enum Ended {
    Asked(&'static str),
    NodeFailed(String),
    GatewayFailed(String),
}

/// Drains the node, which ends its clients' streams, and then stops the gateway.
async fn stop(node: Node, gateway: Option<GatewayThread>) -> Result<(), Failure> {
    let stopped = node.shutdown().await;
    if let Some(gateway) = gateway {
        gateway.stop().await;
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

/// The gateway on its own thread with its own runtime.
struct GatewayThread {
    /// Ends the gateway, also when this is dropped.
    running: DropGuard,
    /// What it says when it is over.
    outcome: oneshot::Receiver<anyhow::Result<()>>,
    thread: JoinHandle<()>,
}

impl GatewayThread {
    fn spawn(gateway: Gateway, node: Node) -> Result<Self, Failure> {
        let stop = CancellationToken::new();
        let running = stop.clone().drop_guard();
        let (tell_outcome, outcome) = oneshot::channel();
        let runtime = runtime::current_thread()?;
        let serve = move || {
            let outcome = runtime.block_on(gateway.serve(node, Access::open(), stop));
            // Nobody listens when the node has failed meanwhile.
            let _ = tell_outcome.send(outcome.map_err(anyhow::Error::from));
        };
        let thread = thread::Builder::new().name("gateway".to_owned()).spawn(serve);
        Ok(Self {
            running,
            outcome,
            thread: thread.context("cannot start the thread that serves clients")?,
        })
    }

    /// Waits until the gateway is over though nobody stopped it; for ever, if there is none. Cancel safe.
    async fn failed(gateway: Option<&mut Self>) -> String {
        let Some(gateway) = gateway else {
            return std::future::pending().await;
        };
        match (&mut gateway.outcome).await {
            Ok(Ok(())) => "the gateway ended by itself".to_owned(),
            Ok(Err(err)) => format!("{err:#}"),
            Err(_) => "the gateway panicked".to_owned(),
        }
    }

    /// Lets open requests end, for as long as the gateway grants them.
    async fn stop(self) {
        drop(self.running);
        if !self.outcome.is_terminated() {
            let _ = self.outcome.await;
        }
        if self.thread.join().is_err() {
            tracing::error!("the gateway panicked");
        }
    }
}
