//! Membership by chitchat, its messages carried inside authenticated links.
//!
//! chitchat checks no sender, so it never reads a byte from a stranger: its transport is a queue that only accepted links
//! fill.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bellwether_message::{Epoch, NodeId, Source};
use bellwether_protocol::roster::Gossiped;
use chitchat::transport::{Socket, Transport};
use chitchat::{
    ChitchatConfig, ChitchatHandle, ChitchatId, ChitchatMessage, Deserializable, FailureDetectorConfig, NodeState,
    Serializable,
};
use std::collections::BTreeMap;
use tokio::sync::{mpsc, watch};

use super::Membership;
use crate::supervisor::Supervisor;

/// Gossip messages received and not yet handled; when full, a further one is dropped, as a datagram would be.
pub(crate) const INBOX: usize = 256;
/// chitchat packs its messages below a UDP datagram's size.
pub(crate) const MAX_MESSAGE: usize = 70_000;
/// Phi above which a node is suspect; 4 flaps under load.
const PHI: f64 = 8.0;
/// Heartbeats that are averaged.
const WINDOW: usize = 100;
/// Dead runs leave gossip after this time.
const DEAD_GRACE: Duration = Duration::from_secs(300);

/// A gossip message and the advertised address of the node that sent it.
pub(crate) type Received = (SocketAddr, ChitchatMessage);

/// Carries a gossip message to an address, or drops it.
pub(crate) trait Carrier: Send + Sync + 'static {
    fn carry(&self, to: SocketAddr, message: Vec<u8>);
}

/// Reads a gossip message that came over an accepted link.
pub(crate) fn decode(bytes: &[u8]) -> Option<ChitchatMessage> {
    let mut rest = bytes;
    ChitchatMessage::deserialize(&mut rest).ok()
}

/// What gossip needs to know.
pub(crate) struct GossipSettings {
    pub(crate) own: Source,
    pub(crate) advertise: SocketAddr,
    pub(crate) cluster: String,
    pub(crate) interval: Duration,
}

/// chitchat, running.
pub(crate) struct Gossip {
    handle: ChitchatHandle,
    live: watch::Receiver<Vec<Gossiped>>,
}

impl Gossip {
    /// Starts gossiping through `carrier`; what arrives comes through `inbox`.
    pub(crate) async fn start(
        settings: GossipSettings,
        carrier: Arc<dyn Carrier>,
        inbox: mpsc::Receiver<Received>,
        supervisor: &Supervisor,
    ) -> Result<Self, anyhow::Error> {
        let GossipSettings {
            own,
            advertise,
            cluster,
            interval,
        } = settings;
        let config = ChitchatConfig {
            chitchat_id: ChitchatId::new(own.node.as_str(), own.epoch.0, advertise),
            cluster_id: cluster,
            gossip_interval: interval,
            listen_addr: advertise,
            // Seeds are resolved and introduced by the mesh.
            seed_nodes: Vec::new(),
            failure_detector_config: FailureDetectorConfig {
                phi_threshold: PHI,
                sampling_window_size: WINDOW,
                max_interval: Duration::from_secs(10),
                initial_interval: interval,
                dead_node_grace_period: DEAD_GRACE,
            },
            marked_for_deletion_grace_period: DEAD_GRACE,
            catchup_callback: None,
            extra_liveness_predicate: None,
        };
        let transport = LinkTransport {
            carrier,
            inbox: Mutex::new(Some(inbox)),
            address: advertise,
        };
        let handle = chitchat::spawn_chitchat(config, Vec::new(), &transport).await?;
        let mut states = handle.with_chitchat(|chitchat| chitchat.live_nodes_watcher()).await;
        let (tell, live) = watch::channel(Vec::new());
        supervisor.spawn("gossip view", async move {
            loop {
                let now = gossiped(&states.borrow_and_update());
                tell.send_if_modified(|known| {
                    let changed = *known != now;
                    *known = now;
                    changed
                });
                if states.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { handle, live })
    }
}

/// The usable part of chitchat's view: a node id or address that breaks our rules is none.
fn gossiped(states: &BTreeMap<ChitchatId, NodeState>) -> Vec<Gossiped> {
    let usable = |id: &ChitchatId| {
        let source = Source {
            node: NodeId::new(&id.node_id).ok()?,
            epoch: Epoch(id.generation_id),
        };
        let address = id.gossip_advertise_addr;
        (!address.ip().is_unspecified() && address.port() != 0).then_some(Gossiped { source, address })
    };
    states.keys().filter_map(usable).collect()
}

#[async_trait]
impl Membership for Gossip {
    fn live(&self) -> watch::Receiver<Vec<Gossiped>> {
        self.live.clone()
    }

    fn introduce(&self, address: SocketAddr) {
        // An error means that gossip has ended, which `ended` reports.
        let _ = self.handle.gossip(address);
    }

    async fn ended(&self) -> String {
        match self.handle.termination_watcher().await {
            Ok(()) => "gossip ended".to_owned(),
            Err(err) => format!("gossip ended: {err:#}"),
        }
    }
}

impl Drop for Gossip {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

struct LinkTransport {
    carrier: Arc<dyn Carrier>,
    /// Taken by the only `open`.
    inbox: Mutex<Option<mpsc::Receiver<Received>>>,
    address: SocketAddr,
}

#[async_trait]
impl Transport for LinkTransport {
    async fn open(&self, _listen: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner).take();
        let inbox = inbox.ok_or_else(|| anyhow::anyhow!("the transport of {} is open already", self.address))?;
        Ok(Box::new(LinkSocket {
            carrier: self.carrier.clone(),
            inbox,
        }))
    }
}

struct LinkSocket {
    carrier: Arc<dyn Carrier>,
    inbox: mpsc::Receiver<Received>,
}

#[async_trait]
impl Socket for LinkSocket {
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        self.carrier.carry(to, message.serialize_to_vec());
        Ok(())
    }

    async fn recv(&mut self) -> anyhow::Result<Received> {
        match self.inbox.recv().await {
            Some(received) => Ok(received),
            // An error would end gossip for good; the node is stopping, and this task with it.
            None => std::future::pending().await,
        }
    }
}
