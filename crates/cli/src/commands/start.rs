//! `bellwether start`: runs a node and its doors until it is told to stop.

mod doors;
mod doors_thread;
mod files;
mod key_watch;
mod refusals;
mod reload;
mod revoked_file;
mod stopping;

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bellwether::{Config, Node};
use bellwether_gateway::{Control, Order, Stop};
use tokio::sync::mpsc;

use self::doors::Doors;
use self::doors_thread::DoorsThread;
pub(crate) use self::files::token_keys;
use self::reload::Reloader;
use self::stopping::Stopping;
use crate::commands::config::Settings;
use crate::failure::Failure;
use crate::logging;
use crate::runtime::{self, Hangups, StopSignals};
use crate::systemd::Systemd;
use crate::traces::Traces;

/// The service manager hears that a node serves once it has joined, or after so long: seeds that are not there yet are
/// no reason to take a node for one that did not start, and clients of its own host are served from the first moment.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// The command.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) settings: Settings,
}

impl Start {
    /// The node runs on this thread, its doors on one of their own, so that no client ever delays gossip.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let config = self.settings.resolve()?;
        logging::change(config.log.as_deref());
        let (control, orders, stage) = Control::new();
        // The doors first: a node that cannot serve its clients must not appear in the mesh for a moment.
        let doors = Doors::bind(&config, control).context("cannot serve clients")?;
        let traces = Traces::start(&config)?;
        let stopping = Stopping::new(stage, Systemd::from_environment());
        let outcome = runtime::block_on(run_node(self.settings, config, doors, orders, stopping));
        traces.stop();
        outcome
    }
}

async fn run_node(
    settings: Settings,
    config: Config,
    (doors, locks): (Doors, doors::Locks),
    mut orders: mpsc::Receiver<Order>,
    stopping: Stopping,
) -> Result<(), Failure> {
    let mut signals = StopSignals::new()?;
    let mut hangups = Hangups::new()?;
    let systemd = stopping.systemd().clone();
    let node = Node::start(config.clone()).await.context("cannot start the node")?;
    // On the runtime of the node: it is whose standstill is to be noticed.
    tokio::spawn(systemd.clone().keep_alive());
    log_addresses(&node, &doors);
    let mut doors = match doors.is_empty() {
        true => None,
        false => Some(DoorsThread::spawn(doors, node.clone())?),
    };
    let mut reloader = Reloader::new(settings, config, node.clone(), locks, systemd.clone());
    let ended = tokio::select! {
        signal = signals.next() => Ended::Asked(signal, Stop::Drain),
        how = obey(&mut orders, &mut hangups, &mut reloader) => Ended::Asked(CLIENT, how),
        reason = node.failed() => Ended::NodeFailed(reason),
        reason = DoorsThread::failed(doors.as_mut()) => Ended::DoorsFailed(reason),
        never = tell_ready(&node, &systemd) => match never {},
    };
    // Whoever still waits for an answer is told that the node stops.
    drop(orders);
    match ended {
        Ended::Asked(by, how) => {
            match how {
                Stop::Drain => tracing::info!(by, "stopping; a second signal ends at once"),
                Stop::Leave => tracing::info!(by, "leaving at once"),
            }
            // A signal after a client's drain only asks for the same: the first that says so.
            let awaited = if by == CLIENT && how == Stop::Drain { 2 } else { 1 };
            stop(stopping.stop(&node, doors, how), &mut signals, awaited).await
        }
        Ended::NodeFailed(reason) => Err(anyhow!(reason).context("the node cannot go on").into()),
        Ended::DoorsFailed(reason) => {
            tracing::error!(reason, "clients can no longer be served; stopping");
            // Messages that clients have handed to this node still go out.
            stop(stopping.stop(&node, doors, Stop::Drain), &mut signals, 2).await?;
            Err(anyhow!(reason).context("clients can no longer be served").into())
        }
    }
}

/// Until everything is handed over, or so many signals have come.
async fn stop(
    stopping: impl Future<Output = Result<(), Failure>>,
    signals: &mut StopSignals,
    awaited: usize,
) -> Result<(), Failure> {
    let impatience = async {
        for _ in 1..awaited {
            let by = signals.next().await;
            tracing::info!(by, "stopping already; a second signal ends at once");
        }
        signals.next().await
    };
    tokio::select! {
        stopped = stopping => stopped,
        signal = impatience => Err(Failure::new(format!("ended at once by {signal}; messages may be lost"))),
    }
}

/// Carries out what clients and SIGHUP ask for, one after the other, until somebody tells the node to stop.
async fn obey(orders: &mut mpsc::Receiver<Order>, hangups: &mut Hangups, reloader: &mut Reloader) -> Stop {
    loop {
        tokio::select! {
            // None comes where no door is there for it.
            Some(order) = orders.recv() => match order {
                Order::Stop(how) => return how,
                Order::Reload(tell) => {
                    let reloaded = reloader.reload(CLIENT).await;
                    // Whoever asked may be gone.
                    let _ = tell.send(reloaded);
                }
                // Of a newer gateway.
                _ => {}
            },
            () = hangups.next() => drop(reloader.reload("SIGHUP").await),
        }
    }
}

/// Tells the service manager that the node serves, and then how it is. Never done.
async fn tell_ready(node: &Node, systemd: &Systemd) -> Infallible {
    if tokio::time::timeout(READY_WITHIN, node.joined()).await.is_err() {
        systemd.ready("serves clients; still looks for other nodes").await;
        node.joined().await;
        systemd.status(SERVES);
    } else {
        systemd.ready(SERVES).await;
    }
    std::future::pending().await
}

/// Who asked, if it came through a door.
const CLIENT: &str = "a client";

/// The status of a node that is well.
const SERVES: &str = "serves";

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
    /// By whom, and how.
    Asked(&'static str, Stop),
    NodeFailed(String),
    DoorsFailed(String),
}
