//! A node's part of the mesh: puts identity, gossip, links and the roster together.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bellwether_broker::Broker;
use bellwether_message::{Epoch, Instance, KeyRing, NodeId, Pattern, Source};
use bellwether_protocol::control;
use bellwether_protocol::member::{Member, MemberState};
use bellwether_protocol::replay::{ReplayRequest, ReplayStart};
use bellwether_protocol::roster::Roster;
use bellwether_protocol::upstream::PastRun;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::close::Close;
use crate::confirmation::{self, Outcome};
use crate::endpoint::{Endpoints, SocketFactory};
use crate::figures::{GossipCounters, GossipFigures, LinkFigures};
use crate::identity::{Identity, IdentityError};
use crate::keys::Keys;
use crate::links::{Command, GossipCarrier, Links};
use crate::membership::{Gossip, GossipSettings, INBOX};
use crate::replay::{self, Replay, ReplayError};
use crate::session::Session;
use crate::shared::Shared;
use crate::sources::Sources;
use crate::stranger::Strangers;
use crate::supervisor::Supervisor;

/// Gossip that has named nobody new for so many intervals has named everybody.
const SETTLE_INTERVALS: u32 = 3;
/// How often a draining node looks whether its peers have everything.
const DRAIN_POLL: Duration = Duration::from_millis(10);

/// What a mesh is started with.
#[derive(Debug)]
#[non_exhaustive]
pub struct MeshSettings {
    /// The cluster's name; nodes of another never link.
    pub cluster: String,
    /// The keys of the cluster.
    pub ring: Arc<KeyRing>,
    /// Where to listen (UDP); port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where others dial this node; by default the address it listens on.
    pub advertise: Option<SocketAddr>,
    /// Where the first member may be found, as `host:port`.
    pub seeds: Vec<String>,
    /// How often a node gossips.
    pub gossip_interval: Duration,
    /// This program's version, shown to others.
    pub program: String,
}

impl MeshSettings {
    /// Settings for a node that listens on `listen`, has no seeds and gossips every 200 ms.
    pub fn new(cluster: &str, ring: Arc<KeyRing>, listen: SocketAddr) -> Self {
        Self {
            cluster: cluster.to_owned(),
            ring,
            listen,
            advertise: None,
            seeds: Vec::new(),
            gossip_interval: Duration::from_millis(200),
            program: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// A node's part of the mesh. Cheap to clone.
#[derive(Clone)]
pub struct Mesh {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mesh")
            .field("own", &self.shared.own)
            .field("advertise", &self.shared.advertise)
            .finish()
    }
}

impl Mesh {
    /// Joins the mesh: binds the port, starts gossip, and from then on links to whoever belongs to the cluster.
    ///
    /// # Errors
    /// [`MeshError`]; nothing is left running once the supervisor is stopped.
    pub async fn start(
        settings: MeshSettings,
        broker: Broker,
        supervisor: Supervisor,
        sockets: Arc<dyn SocketFactory>,
    ) -> Result<Self, MeshError> {
        let own = Source::clone(broker.source());
        let identity = Identity::new(&settings.ring, &own.node)?;
        let strangers = Arc::new(Strangers::default());
        let address = settings.listen;
        let bind = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => MeshError::InUse { address },
            io::ErrorKind::AddrNotAvailable => MeshError::NotOurs { address },
            _ => MeshError::Bind { address, source },
        };
        let endpoints = Endpoints::bind(sockets, identity, settings.listen, strangers.clone()).map_err(bind)?;
        let advertise = settings.advertise.unwrap_or_else(|| endpoints.listen());
        let (gossip_inbox, inbox) = mpsc::channel(INBOX);
        let row = Member {
            node: own.node.clone(),
            epoch: own.epoch,
            address: advertise,
            state: MemberState::Own,
            inbound: true,
            outbound: true,
            version: settings.program.clone(),
        };
        let shared = Arc::new(Shared {
            cluster: settings.cluster.clone(),
            program: settings.program,
            keys: Keys::new(settings.ring),
            advertise,
            endpoints,
            sources: Sources::new(broker.clone()),
            broker,
            links: Links::default(),
            supervisor,
            strangers,
            gossip_inbox,
            gossip: GossipCounters::default(),
            members: watch::Sender::new(vec![row.clone()]),
            roster: Mutex::new(Roster::new(row, settings.gossip_interval * SETTLE_INTERVALS)),
            started: Instant::now(),
            has_joined: AtomicBool::new(settings.seeds.is_empty()),
            newer_run: AtomicU64::new(0),
            own: own.clone(),
        });
        let gossip = GossipSettings {
            own,
            advertise,
            cluster: settings.cluster,
            interval: settings.gossip_interval,
        };
        let carrier = Arc::new(GossipCarrier(Arc::downgrade(&shared)));
        let gossip = Gossip::start(gossip, carrier, inbox, &shared.supervisor)
            .await
            .map_err(MeshError::Gossip)?;
        shared.spawn_tasks(Arc::new(gossip), settings.seeds);
        Ok(Self { shared })
    }

    /// The membership view, this node included, by node id.
    pub fn members(&self) -> Vec<Member> {
        self.shared.members.borrow().clone()
    }

    /// The membership view, to be woken when it changes.
    pub fn watch_members(&self) -> watch::Receiver<Vec<Member>> {
        self.shared.members.subscribe()
    }

    /// What peers want of an instance, as their links have told.
    pub fn interest(&self, instance: Instance) -> Vec<(NodeId, Vec<Pattern>)> {
        let mut wanted: Vec<(NodeId, Vec<Pattern>)> = Vec::new();
        for (_, session) in self.shared.links.sessions() {
            let mut patterns = session.interest(instance);
            if !patterns.is_empty() {
                patterns.sort_unstable();
                wanted.push((session.peer.node.clone(), patterns));
            }
        }
        wanted.sort_unstable();
        wanted
    }

    /// The known nodes that have not confirmed to send everything the subscription wants. Those that are down are not
    /// asked.
    pub fn unconfirmed(&self, instance: Instance, patterns: &[Pattern]) -> Vec<NodeId> {
        let confirmed = |node: &NodeId| {
            self.shared
                .sources
                .slot(node)
                .is_some_and(|slot| self.shared.broker.is_confirmed(slot, instance, patterns))
        };
        self.living_others()
            .into_iter()
            .filter(|node| !confirmed(node))
            .collect()
    }

    /// Whether every node that is alive has confirmed to send everything that this node's subscriptions want of the
    /// instance.
    pub fn is_covered(&self, instance: Instance) -> bool {
        let members = self.members().into_iter();
        let mut alive = members.filter(|member| member.state == MemberState::Alive);
        alive.all(|member| {
            let slot = self.shared.sources.slot(&member.node);
            self.shared.broker.has_confirmed_all(slot, instance)
        })
    }

    /// Waits until every known node has confirmed to send everything that a present subscription with these patterns wants.
    /// Cancel safe; holds nothing.
    pub fn confirmed(&self, instance: Instance, patterns: &[Pattern]) -> impl Future<Output = ()> + Send + use<> {
        let (this, patterns) = (self.clone(), patterns.to_vec());
        async move {
            let mut confirmations = this.shared.sources.confirmations();
            let mut members = this.watch_members();
            while !this.unconfirmed(instance, &patterns).is_empty() {
                tokio::select! {
                    _ = confirmations.changed() => {}
                    _ = members.changed() => {}
                }
            }
        }
    }

    /// The runs of other nodes whose feeds come here, by node id; among them some that are down.
    pub fn sources(&self) -> Vec<Arc<Source>> {
        let all = self.shared.sources.all();
        all.iter().map(|upstream| upstream.source.clone()).collect()
    }

    /// The runs of other nodes that are over, the last of each node, by node id, and how far their feeds came.
    pub fn past_runs(&self) -> Vec<PastRun> {
        self.shared.sources.past()
    }

    /// Asks a run for a part of its backlog: all messages of the instance that match any of the patterns, from `start` to
    /// the seq `through`, or to what is published now.
    ///
    /// # Errors
    /// [`ReplayError`]: it cannot be asked.
    pub async fn replay(
        &self,
        run: &Arc<Source>,
        instance: Instance,
        patterns: &[Pattern],
        start: ReplayStart,
        through: u64,
    ) -> Result<Replay, ReplayError> {
        let mut request = ReplayRequest {
            instance: instance.index() as u8,
            epoch: run.epoch.0,
            patterns: patterns.iter().map(Pattern::to_string).collect(),
            start,
            through,
        };
        if control::encode(&request).is_none() {
            // More patterns than fit into a frame: all is asked for, and the asker chooses.
            request.patterns = vec!["*".to_owned()];
            if matches!(start, ReplayStart::Last(_)) {
                request.start = ReplayStart::Seq(1);
            }
        }
        replay::ask(&self.shared, run, &request).await
    }

    /// How long this mesh has been running: the clock of [`has_room`](Self::has_room) and of the broker's.
    pub fn uptime(&self) -> Duration {
        self.shared.started.elapsed()
    }

    /// Whether the slowest live link has room for one more message on the topic: half of the backlog, at most, is on its
    /// way, and the peer's subscribers that read have room too. A link that makes no progress for a second does not count.
    pub fn has_room(&self, instance: Instance) -> bool {
        let (broker, now) = (&self.shared.broker, self.uptime());
        let sessions = self.shared.links.sessions();
        let mut feeds = sessions.iter().filter_map(|(_, session)| session.feed(instance));
        feeds.all(|feed| feed.has_room(broker, now))
    }

    /// The peers, by node id, that want a topic, as their links have told. A peer whose link is down is not among them.
    pub fn interested(&self, instance: Instance, topic: &str) -> Vec<Source> {
        confirmation::interested(&self.shared, instance, topic)
    }

    /// Whether a peer wants every message on a topic, or a living member's interest is not known. Queue groups are the
    /// broker's to say.
    pub fn may_want(&self, instance: Instance, topic: &str) -> bool {
        let sessions = self.shared.links.sessions();
        let is_known = |node: &NodeId| {
            let mut theirs = sessions.iter().filter(|(_, session)| session.peer.node == *node);
            theirs.any(|(_, session)| session.has_heard())
        };
        let wants = |session: &Session| {
            session
                .feed(instance)
                .is_some_and(|feed| feed.lock().wants_topic(topic))
        };
        sessions.iter().any(|(_, session)| wants(session)) || !self.living_others().iter().all(is_known)
    }

    /// Waits until `enough` of the peers hold the message `seq` of this node's feed, or no more will, or `deadline` is
    /// over. Cancel safe.
    pub async fn held_by(
        &self,
        instance: Instance,
        seq: u64,
        peers: Vec<Source>,
        enough: usize,
        deadline: Instant,
    ) -> Vec<(NodeId, Outcome)> {
        confirmation::held_by(&self.shared, (instance, seq), peers, enough, deadline).await
    }

    /// Whether the first join is done: linked both ways with every member, or no seeds are configured.
    pub fn has_joined(&self) -> bool {
        self.shared.has_joined()
    }

    /// Waits until the first join is done. Cancel safe.
    pub async fn joined(&self) {
        let mut members = self.watch_members();
        while !self.has_joined() && members.changed().await.is_ok() {}
    }

    /// Where others dial this node.
    pub fn address(&self) -> SocketAddr {
        self.shared.advertise
    }

    /// Who tried to get in.
    pub fn strangers(&self) -> &Strangers {
        &self.shared.strangers
    }

    /// Bytes written to the data streams of each link that is up.
    pub fn data_stream_bytes(&self) -> Vec<(NodeId, u64)> {
        let sessions = self.shared.links.sessions();
        let written = |session: &Session| session.feeds().iter().map(|feed| feed.written()).sum();
        sessions
            .iter()
            .map(|(_, session)| (session.peer.node.clone(), written(session)))
            .collect()
    }

    /// What the links that this node dialed, and are up, have measured; by peer.
    pub fn links(&self) -> Vec<LinkFigures> {
        let sessions = self.shared.links.sessions();
        let mut links: Vec<_> = sessions.iter().map(|(_, session)| session.figures()).collect();
        links.sort_by(|one, other| one.peer.cmp(&other.peer));
        links
    }

    /// Messages of gossip since the node started.
    pub fn gossip(&self) -> GossipFigures {
        self.shared.gossip.figures()
    }

    /// Of each member that is alive, on how many instances it has not confirmed yet to send everything that is wanted here.
    pub fn unconfirmed_instances(&self) -> Vec<(NodeId, usize)> {
        let members = self.members().into_iter();
        let alive = members.filter(|member| member.state == MemberState::Alive);
        let unconfirmed = |member: Member| {
            let slot = self.shared.sources.slot(&member.node);
            let instances = Instance::ALL.into_iter();
            let count = instances
                .filter(|instance| !self.shared.broker.has_confirmed_all(slot, *instance))
                .count();
            (member.node, count)
        };
        alive.map(unconfirmed).collect()
    }

    /// How long a packet takes to each peer and back, as its link's urgent connection measures it.
    pub fn round_trips(&self) -> Vec<(NodeId, Duration)> {
        let sessions = self.shared.links.sessions();
        sessions
            .iter()
            .map(|(_, session)| (session.peer.node.clone(), session.round_trip()))
            .collect()
    }

    /// Stops in good order: says that this node leaves, sends what is left of its feeds with their ends, and waits until
    /// the peers have confirmed or the time is over. The broker must refuse publishes before. Returns the peers
    /// that have not confirmed; all connections are closed.
    pub async fn drain(&self, within: Duration) -> Vec<NodeId> {
        let deadline = Instant::now() + within;
        let mut told = HashSet::new();
        // Whoever was there at any moment of the drain and has not left is owed everything, though it may go down meanwhile.
        let mut owed = BTreeSet::new();
        let unconfirmed = loop {
            // Links may come back while this waits: each is told, and ended, once.
            for (link, session) in self.shared.links.sessions() {
                if told.insert((session.peer.clone(), session.number)) {
                    // A full command queue: the peer will take the close code for the same.
                    let _ = link.commands.try_send(Command::Leave);
                    session.end_feeds(&self.shared);
                }
            }
            let undrained = self.undrained();
            owed.extend(undrained.iter().cloned());
            owed.retain(|node| !self.is_drained(node) && self.is_member(node));
            if undrained.is_empty() || Instant::now() >= deadline {
                break owed.into_iter().collect();
            }
            tokio::time::sleep(DRAIN_POLL).await;
        };
        let close = self
            .shared
            .endpoints
            .close(Close::Leaving.code(), Close::Leaving.name().as_bytes());
        // Peers that are gone do not answer the close; three probe time-outs are enough for those that are there.
        let _ = tokio::time::timeout(Duration::from_millis(500), close).await;
        unconfirmed
    }

    /// The living members that have not acknowledged everything, or cannot be asked. As long as this
    /// node does not stop that is every one: its feeds have no end yet.
    pub fn undrained(&self) -> Vec<NodeId> {
        let others = self.living_others().into_iter();
        others.filter(|node| !self.is_drained(node)).collect()
    }

    /// Whether a node has acknowledged everything on the link that is up to it.
    fn is_drained(&self, node: &NodeId) -> bool {
        let link = self.shared.links.to_node(node);
        link.is_some_and(|(_, session)| session.is_drained())
    }

    /// Whether a node is in view, living or down.
    fn is_member(&self, node: &NodeId) -> bool {
        self.shared.members.borrow().iter().any(|member| member.node == *node)
    }

    /// The other members, but for those that are down.
    fn living_others(&self) -> Vec<NodeId> {
        let is_meant = |member: &&Member| !matches!(member.state, MemberState::Own | MemberState::Down);
        let members = self.shared.members.borrow();
        members
            .iter()
            .filter(is_meant)
            .map(|member| member.node.clone())
            .collect()
    }

    /// The newer run of this node that a peer has named when it refused this one: the next must be above it.
    pub fn newer_run(&self) -> Option<Epoch> {
        let newer = self.shared.newer_run.load(Ordering::Acquire);
        (newer > 0).then_some(Epoch(newer))
    }
}

/// Why there is no mesh.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeshError {
    /// The secret gives no identity.
    #[error("the node's identity cannot be made")]
    Identity(#[from] IdentityError),
    /// Another program has the port.
    #[error("{address} (UDP) is already in use: another node or program listens there; choose another with --listen")]
    InUse {
        /// Where.
        address: SocketAddr,
    },
    /// The address is not one of this host's.
    #[error("{address} is no address of this host; choose one that is with --listen")]
    NotOurs {
        /// Where.
        address: SocketAddr,
    },
    /// The port cannot be had.
    #[error("cannot listen on {address} (UDP)")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Gossip did not start.
    #[error("gossip did not start: {0:#}")]
    Gossip(anyhow::Error),
}
