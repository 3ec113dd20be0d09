//! A process: one run of one node, with the real broker, roster and upstreams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwether_broker::Broker;
use bellwether_history::Run;
use bellwether_message::{Epoch, KeyRing, NodeId, Source};
use bellwether_protocol::member::{Member, MemberState};
use bellwether_protocol::roster::Roster;
use bellwether_protocol::upstream::{Carrier, Upstream, Upstreams};

use crate::admission::Admission;
use crate::gossip::Gossip;
use crate::network::ConnId;
use crate::outbound::Link;
use crate::plan::Plan;
use crate::time::{duration, wall_clock};

/// The cluster's name.
pub(crate) const CLUSTER: &str = "simulated";
/// Gossip that has named nobody new for so many intervals has named everybody.
const SETTLE_INTERVALS: u64 = 3;

/// Names a process; none is ever forgotten during a run.
pub(crate) type ProcessId = usize;

/// Whether the carrier of a source was told that the run is over.
#[derive(Debug, Default)]
pub(crate) struct Carrying {
    is_over: AtomicBool,
}

impl Carrier for Carrying {
    fn over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Carrying {
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// One source of a process.
pub(crate) type Carried = Arc<Upstream<Carrying>>;

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// It stops in good order, until then at the latest.
    Draining {
        deadline: u64,
    },
    Dead,
}

/// One run of one node.
pub(crate) struct Process {
    pub(crate) host: usize,
    /// The number of its node's name.
    pub(crate) name: usize,
    pub(crate) source: Source,
    pub(crate) run: Run,
    pub(crate) phase: Phase,
    pub(crate) started: u64,
    pub(crate) paused_until: u64,
    pub(crate) broker: Broker,
    pub(crate) upstreams: Upstreams<Carrying>,
    pub(crate) roster: Roster,
    pub(crate) members: Vec<Member>,
    pub(crate) has_joined: bool,
    pub(crate) links: Vec<Link>,
    /// Numbers each attempt to link.
    pub(crate) attempts: u64,
    pub(crate) admissions: Vec<Admission>,
    /// The connection that carries each source's link, and its lanes.
    pub(crate) sessions: Vec<(Source, ConnId)>,
    pub(crate) gossip: Gossip,
    /// Its subscriptions.
    pub(crate) subs: Vec<usize>,
    pub(crate) next_ping: u64,
    pub(crate) calls: u64,
    /// The highest run of this node that a peer has named.
    pub(crate) newer_run: u64,
    /// Runs that were in view, and were down for too long.
    pub(crate) expired: Vec<Source>,
    /// Sessions that were told that this node leaves.
    pub(crate) told_leaving: Vec<(usize, u64)>,
}

impl Process {
    pub(crate) fn new(name: usize, host: usize, epoch: u64, now: u64, plan: &Plan, ring: &KeyRing) -> Self {
        let node = node_id(name);
        let source = Source {
            node: node.clone(),
            epoch: Epoch(epoch),
        };
        let broker = Broker::with_clock(CLUSTER, source.clone(), Some(ring), &plan.settings, wall_clock);
        let own = Member {
            node,
            epoch: source.epoch,
            address: address(host),
            state: MemberState::Own,
            inbound: true,
            outbound: true,
            version: String::new(),
        };
        let members = vec![own.clone()];
        Self {
            host,
            name,
            run: Run::new(source.node.as_str(), epoch),
            source,
            phase: Phase::Running,
            started: now,
            paused_until: 0,
            upstreams: Upstreams::new(broker.clone()),
            broker,
            roster: Roster::new(own, duration(plan.gossip_every * SETTLE_INTERVALS)),
            members,
            // A node that is its own only seed has nobody to wait for.
            has_joined: plan.seeds.iter().all(|seed| *seed == host),
            links: Vec::new(),
            attempts: 0,
            admissions: Vec::new(),
            sessions: Vec::new(),
            gossip: Gossip::default(),
            subs: Vec::new(),
            next_ping: 0,
            calls: 0,
            newer_run: 0,
            expired: Vec::new(),
            told_leaving: Vec::new(),
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.phase != Phase::Dead
    }

    /// Whether this node is no newcomer.
    pub(crate) fn is_settled(&self) -> bool {
        self.has_joined || self.roster.has_been_linked()
    }

    /// The other members, but for those that are down.
    pub(crate) fn living_others(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| !matches!(member.state, MemberState::Own | MemberState::Down))
    }

    /// The highest run known of a node.
    pub(crate) fn known_epoch(&self, node: &NodeId) -> Option<Epoch> {
        self.roster.known_epoch(node).max(self.upstreams.known_epoch(node))
    }
}

/// The id of the node of this number.
pub(crate) fn node_id(name: usize) -> NodeId {
    NodeId::new(&format!("n{name}")).expect("a letter and a digit are a name")
}

/// Where a host is dialed.
pub(crate) fn address(host: usize) -> SocketAddr {
    ([10, 0, 0, host as u8 + 1], 7400).into()
}

/// The host that is dialed there.
pub(crate) fn host_at(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(address) => usize::from(address.ip().octets()[3]) - 1,
        SocketAddr::V6(_) => 0,
    }
}
