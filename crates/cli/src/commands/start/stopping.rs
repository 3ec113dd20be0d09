//! The end of a node in good order, and who is told how far it is.

use std::convert::Infallible;
use std::time::Duration;

use bellwether::{Node, NodeId};
use bellwether_gateway::{Stage, Stop};
use tokio::sync::watch;
use tokio::time::{Instant, interval};

use super::doors_thread::DoorsThread;
use crate::commands::stop::not_confirmed_by;
use crate::failure::Failure;
use crate::systemd::Systemd;

/// How often it is looked who has confirmed everything.
const LOOK: Duration = Duration::from_millis(100);
/// Between two words to the service manager, which would lose its patience otherwise.
const WORD: Duration = Duration::from_secs(5);
/// What it is told while peers have not confirmed everything.
const HANDING_OVER: &str = "hands over what is left";

/// Tells clients and the service manager how far it is.
pub(super) struct Stopping {
    stage: watch::Sender<Stage>,
    systemd: Systemd,
}

impl Stopping {
    pub(super) fn new(stage: watch::Sender<Stage>, systemd: Systemd) -> Self {
        Self { stage, systemd }
    }

    pub(super) fn systemd(&self) -> &Systemd {
        &self.systemd
    }

    /// To drain: has clients go elsewhere that can, then drains the node, which ends the others' streams, and then stops the
    /// doors. To leave: the same without the clients' time, and with a second for the peers.
    pub(super) async fn stop(self, node: &Node, mut doors: Option<DoorsThread>, how: Stop) -> Result<(), Failure> {
        if let (Some(doors), Stop::Drain) = (&mut doors, how) {
            self.tell(Stage::TellingClients);
            self.systemd.stopping("tells clients to go elsewhere");
            doors.leave().await;
        }
        self.tell(Stage::HandingOver { to: node.owed() });
        self.systemd.stopping(HANDING_OVER);
        let stopped = tokio::select! {
            stopped = async {
                match how {
                    Stop::Drain => node.shutdown().await,
                    Stop::Leave => node.leave().await,
                }
            } => stopped,
            never = self.look_on(node) => match never {},
        };
        let unconfirmed = stopped.unconfirmed;
        self.tell(Stage::Stopped {
            unconfirmed: unconfirmed.clone(),
        });
        if let Some(doors) = doors {
            doors.stop().await;
        }
        outcome(&unconfirmed, how)
    }

    async fn look_on(&self, node: &Node) -> Infallible {
        let mut looks = interval(LOOK);
        let mut told = Instant::now();
        loop {
            let now = looks.tick().await;
            self.tell(Stage::HandingOver { to: node.owed() });
            if now.saturating_duration_since(told) >= WORD {
                self.systemd.stopping(HANDING_OVER);
                told = now;
            }
        }
    }

    fn tell(&self, stage: Stage) {
        self.stage.send_if_modified(|told| {
            let differs = *told != stage;
            *told = stage;
            differs
        });
    }
}

fn outcome(unconfirmed: &[NodeId], how: Stop) -> Result<(), Failure> {
    if unconfirmed.is_empty() {
        tracing::info!("stopped");
        return Ok(());
    }
    let nodes: Vec<_> = unconfirmed.iter().map(NodeId::as_str).collect();
    let setting = (how == Stop::Drain).then_some("--drain-timeout-ms");
    Err(not_confirmed_by(&nodes.join(", "), setting))
}
