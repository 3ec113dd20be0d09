//! What every task of the mesh works with, and the steps they take together.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_broker::Broker;
use bellwether_message::{Epoch, NodeId, Source};
use bellwether_protocol::conflict::{Run, first_goes};
use bellwether_protocol::member::{Member, MemberState};
use bellwether_protocol::roster::Roster;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::close::Close;
use crate::endpoint::Endpoints;
use crate::figures::GossipCounters;
use crate::inbound;
use crate::keys::Keys;
use crate::links::Links;
use crate::membership::{Membership, Received};
use crate::seeds;
use crate::sources::Sources;
use crate::stranger::Strangers;
use crate::supervisor::Supervisor;

/// How often the roster is told the time, and links that nobody needs are let go.
const TICK: Duration = Duration::from_millis(100);
/// A suspect has so long to answer a ping; the roster judges by the same.
const PING_WITHIN: Duration = Duration::from_secs(1);
/// An older run has so long to show that it lives before a newer one replaces it.
const OLDER_RUN_ANSWERS_WITHIN: Duration = Duration::from_millis(1500);
/// How often it is looked whether there is a link to ask it on.
const ANSWER_POLL: Duration = Duration::from_millis(50);

/// What every task of the mesh works with.
///
/// Lock order: the links' table, then a link, then the roster; a feed, then the broker.
pub(crate) struct Shared {
    pub(crate) own: Source,
    pub(crate) cluster: String,
    pub(crate) program: String,
    pub(crate) keys: Keys,
    pub(crate) advertise: SocketAddr,
    pub(crate) endpoints: Endpoints,
    pub(crate) broker: Broker,
    pub(crate) sources: Sources,
    pub(crate) links: Links,
    pub(crate) supervisor: Supervisor,
    pub(crate) strangers: Arc<Strangers>,
    pub(crate) gossip_inbox: mpsc::Sender<Received>,
    pub(crate) gossip: GossipCounters,
    pub(crate) roster: Mutex<Roster>,
    /// The roster's members, as last told.
    pub(crate) members: watch::Sender<Vec<Member>>,
    pub(crate) started: Instant,
    pub(crate) has_joined: AtomicBool,
    /// The highest run of this node that a peer knows, if it is newer than this; 0 if none.
    pub(crate) newer_run: AtomicU64,
}

impl Shared {
    /// Starts the mesh's long-lived tasks.
    pub(crate) fn spawn_tasks(self: &Arc<Self>, gossip: Arc<dyn Membership>, seeds: Vec<String>) {
        self.supervisor.spawn_forever("accept", inbound::accept(self.clone()));
        let (shared, watched) = (self.clone(), gossip.clone());
        self.supervisor.spawn_forever("gossip", async move {
            let reason = watched.ended().await;
            shared.supervisor.fail(reason);
        });
        let (shared, mut live) = (self.clone(), gossip.live());
        self.supervisor.spawn_forever("membership", async move {
            loop {
                let now_live = live.borrow_and_update().clone();
                shared.update(|roster, now| roster.on_gossip(now_live, now));
                if live.changed().await.is_err() {
                    return;
                }
            }
        });
        let shared = self.clone();
        self.supervisor.spawn_forever("roster", async move {
            let mut interval = tokio::time::interval(TICK);
            loop {
                interval.tick().await;
                shared.tick();
            }
        });
        if !seeds.is_empty() {
            self.supervisor
                .spawn_forever("seeds", seeds::run(self.clone(), gossip, seeds));
        }
    }

    fn tick(self: &Arc<Self>) {
        let mut gone = Vec::new();
        let mut one_way = Vec::new();
        self.update(|roster, now| {
            gone = roster.tick(now);
            one_way = roster.one_way(now);
        });
        gone.iter().for_each(|source| self.sources.expire(source));
        for (member, from_here) in one_way {
            let missing = if from_here {
                "from this node to it"
            } else {
                "from it to this node"
            };
            tracing::warn!(%member, missing, "a member is linked one way only; check its advertised address and firewalls");
        }
        let (wanted, members) = {
            let roster = self.roster();
            let members: HashSet<NodeId> = roster.members().into_iter().map(|member| member.node).collect();
            (roster.dials().into_values().collect::<HashSet<SocketAddr>>(), members)
        };
        self.links.prune(&wanted, &members);
    }

    /// Gives the roster an event, tells what has changed, dials whom it names and asks whom it suspects.
    pub(crate) fn update(self: &Arc<Self>, event: impl FnOnce(&mut Roster, Duration)) {
        let (members, dials, asks, is_joined) = {
            let (mut roster, now) = (self.roster(), self.started.elapsed());
            event(&mut roster, now);
            (
                roster.members(),
                roster.dials(),
                roster.asks(),
                !self.has_joined() && roster.is_joined(now),
            )
        };
        if is_joined {
            self.has_joined.store(true, Ordering::Release);
        }
        self.members.send_if_modified(|known| {
            let changed = *known != members || is_joined;
            if changed {
                log_changes(known, &members);
                *known = members;
            }
            changed
        });
        if self.supervisor.is_stopping() {
            return;
        }
        for (node, address) in &dials {
            self.links.ensure(self, node, *address);
        }
        for node in asks {
            let shared = self.clone();
            self.supervisor.spawn("ping", async move { shared.ask(node).await });
        }
    }

    async fn ask(self: &Arc<Self>, node: NodeId) {
        let epoch = self.roster().known_epoch(&node);
        let Some(source) = epoch.map(|epoch| Source { node, epoch }) else {
            return;
        };
        if self.links.ping(&source, PING_WITHIN).await == Some(true) {
            self.update(|roster, now| roster.on_pong(&source, now));
        }
    }

    /// Whether a run that said who it is may be linked with: one run per node id, and no more members than there is
    /// room for. Both directions ask it before anything is recorded.
    pub(crate) async fn admit(self: &Arc<Self>, source: &Source, joined: bool) -> Result<(), Close> {
        let other = Run {
            epoch: source.epoch,
            joined,
        };
        if source.node == self.own.node {
            if source.epoch == self.own.epoch {
                return Err(Close::OwnDial);
            }
            let own = Run {
                epoch: self.own.epoch,
                joined: self.is_settled(),
            };
            if !first_goes(own, other) {
                return Err(Close::DuplicateNodeId);
            }
            self.supervisor.fail(format!(
                "duplicate_node_id: another node named `{}` is in the mesh",
                self.own.node
            ));
            return Err(Close::Gone);
        }
        let known = self.known_epoch(&source.node);
        match known {
            Some(known) if known > source.epoch => return Err(Close::StaleEpoch),
            Some(known) if known < source.epoch => {
                let older = Source {
                    node: source.node.clone(),
                    epoch: known,
                };
                let older_goes = first_goes(
                    Run {
                        epoch: known,
                        joined: true,
                    },
                    other,
                );
                if !older_goes && self.answers(&older).await {
                    tracing::warn!(node = %source.node, "refused a second node of this name; the first answers");
                    return Err(Close::DuplicateNodeId);
                }
            }
            _ => {}
        }
        if self.roster().has_room(&source.node) {
            Ok(())
        } else {
            Err(Close::Full)
        }
    }

    /// The highest run known of a node.
    pub(crate) fn known_epoch(&self, node: &NodeId) -> Option<Epoch> {
        let in_view = self.roster().known_epoch(node);
        in_view.max(self.sources.known_epoch(node))
    }

    /// A peer knows a newer run of this node.
    pub(crate) fn newer_run_is_known(&self, newer: Epoch) {
        self.newer_run.fetch_max(newer.0, Ordering::AcqRel);
    }

    /// Whether an older run shows within its time that it lives. A link to it that is just being dialed again counts
    /// as a doubt in its favour until the time is over.
    async fn answers(&self, older: &Source) -> bool {
        let deadline = Instant::now() + OLDER_RUN_ANSWERS_WITHIN;
        while !self.roster().is_over(older) && Instant::now() < deadline {
            if self.links.ping(older, deadline.duration_since(Instant::now())).await == Some(true) {
                return true;
            }
            tokio::time::sleep(ANSWER_POLL).await;
        }
        false
    }

    /// This node's name is another's, or a newer run of it is known: it cannot go on.
    pub(crate) fn fail_as_duplicate(&self, close: Close, address: SocketAddr) {
        let (reason, node) = (close.name(), &self.own.node);
        if close == Close::StaleEpoch {
            self.supervisor.fail(format!(
                "{reason}: the node at {address} knows a newer run of `{node}`; if no other node has this name, the clock \
                 was set back: start it again"
            ));
        } else {
            self.supervisor.fail(format!(
                "{reason}: the node at {address} knows another running node named `{node}`; give this one another name \
                 with --name"
            ));
        }
    }

    /// A node has stopped in good order.
    pub(crate) fn left(self: &Arc<Self>, source: &Source) {
        self.update(|roster, _| roster.on_left(source));
        self.sources.end(source);
    }

    /// There is nobody to wait for.
    pub(crate) fn mark_joined(&self) {
        if !self.has_joined.swap(true, Ordering::AcqRel) {
            self.members.send_modify(|_| {});
        }
    }

    /// Whether this node is no newcomer: it was linked with another, or is the first of its mesh.
    pub(crate) fn is_settled(&self) -> bool {
        self.has_joined() || self.roster().has_been_linked()
    }

    pub(crate) fn has_joined(&self) -> bool {
        self.has_joined.load(Ordering::Acquire)
    }

    /// Hold it briefly, and nothing else while asking for a link.
    pub(crate) fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The member that advertises an address.
    pub(crate) fn node_at(&self, address: SocketAddr) -> Option<NodeId> {
        self.members
            .borrow()
            .iter()
            .find(|member| member.address == address)
            .map(|member| member.node.clone())
    }

    /// Whether a link to an address is up.
    pub(crate) fn is_linked_to(&self, address: SocketAddr) -> bool {
        let advertised = self
            .members
            .borrow()
            .iter()
            .any(|member| member.address == address && member.outbound);
        advertised
            || self.links.is_alias(address)
            || self.links.sessions().iter().any(|(link, _)| link.address == address)
    }

    /// Whether an address is this node's own.
    pub(crate) fn is_own_address(&self, address: SocketAddr) -> bool {
        address == self.advertise || self.links.is_own_address(address)
    }

    /// Whether a host is known from membership.
    pub(crate) fn is_known_host(&self, host: IpAddr) -> bool {
        self.members.borrow().iter().any(|member| member.address.ip() == host)
    }
}

/// Life-cycle lines: who joined, left, went down, came back. An idle mesh is silent.
fn log_changes(before: &[Member], after: &[Member]) {
    for member in after {
        let (node, epoch) = (&member.node, member.epoch);
        match before.iter().find(|known| known.node == *node) {
            None => tracing::info!(member = %node, %epoch, address = %member.address, "member joined"),
            Some(known) if known.epoch != epoch => tracing::info!(member = %node, %epoch, "member restarted"),
            Some(known) if known.state != member.state => match member.state {
                MemberState::Down => tracing::warn!(member = %node, %epoch, "member is down"),
                MemberState::Alive if known.state == MemberState::Down => {
                    tracing::info!(member = %node, %epoch, "member is back")
                }
                state => tracing::debug!(member = %node, %epoch, ?state, "member's state changed"),
            },
            Some(_) => {}
        }
    }
    for member in before
        .iter()
        .filter(|known| !after.iter().any(|member| member.node == known.node))
    {
        tracing::info!(member = %member.node, epoch = %member.epoch, "member left");
    }
}
