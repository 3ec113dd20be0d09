//! The links this node dials: which there are, and how to reach one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bellwether_message::{NodeId, Source};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::membership::Carrier;
use crate::outbound;
use crate::session::Session;
use crate::shared::Shared;

/// Gossip frames waiting for one peer; when full, the oldest goes: newer gossip says more.
const GOSSIP_QUEUE: usize = 8;
/// Commands waiting for one link; when full, a further ping counts as unanswered.
const COMMANDS: usize = 16;
/// An address that was this node's own is dialed again after this time.
const OWN_FOR: Duration = Duration::from_secs(15);
/// Aliases remembered; when full, all are forgotten and found again.
const ALIASES: usize = 1024;
/// A link to an address that is no member is kept so long after gossip was last sent there.
const KEEP_AFTER_GOSSIP: Duration = Duration::from_secs(10);

/// All links dialed, by address. Only this opens connections.
#[derive(Debug, Default)]
pub(crate) struct Links {
    table: Mutex<Table>,
    /// Numbers each attempt to link: a peer takes the higher for the newer.
    attempts: AtomicU64,
    /// Counts acknowledgements: wakes whoever waits for one.
    acknowledgements: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Table {
    by_address: HashMap<SocketAddr, Arc<Link>>,
    /// Addresses that turned out to be this node's own, and when. Behind a balancer they may become another's.
    own: HashMap<SocketAddr, Instant>,
    /// Other addresses of nodes: dialing them again would only replace the link that is up.
    aliases: HashMap<SocketAddr, NodeId>,
}

/// One link: a task that dials, serves and dials again until it is stopped.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) address: SocketAddr,
    state: Mutex<State>,
    /// Gossip waits in the queue.
    pub(crate) gossip_ready: Notify,
    /// Dial now: the peer has shown itself, or has a newer run.
    pub(crate) dial_now: Notify,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) stop: CancellationToken,
}

#[derive(Debug)]
struct State {
    /// The node expected there; `None` for a seed.
    expected: Option<NodeId>,
    gossip: VecDeque<Vec<u8>>,
    gossip_at: Instant,
    session: Option<Arc<Session>>,
}

/// What a link is asked to do while it is up.
#[derive(Debug)]
pub(crate) enum Command {
    /// Asks this run, and no later one, for a sign of life; the sender is dropped if there is none.
    Ping(Source, oneshot::Sender<()>),
    /// Tells the peer that this node is about to stop.
    Leave,
}

impl Links {
    /// A peer has acknowledged something.
    pub(crate) fn acknowledged(&self) {
        self.acknowledgements.send_modify(|count| *count += 1);
    }

    /// To be woken by acknowledgements.
    pub(crate) fn acknowledgements(&self) -> watch::Receiver<u64> {
        self.acknowledgements.subscribe()
    }

    /// The next link number.
    pub(crate) fn next_attempt(&self) -> u64 {
        self.attempts.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Makes sure that there is a link to `node` at `address`, unless one is up by another address.
    pub(crate) fn ensure(&self, shared: &Arc<Shared>, node: &NodeId, address: SocketAddr) {
        let mut table = self.lock();
        if let Some(link) = table.by_address.get(&address) {
            link.lock().expected = Some(node.clone());
            return;
        }
        let is_up = table.by_address.values().any(|link| link.is_up_to(node));
        if !is_up {
            table.add(shared, address, Some(node.clone()));
        }
    }

    /// Stops links that nobody needs: not to a member, and no gossip for a while.
    pub(crate) fn prune(&self, wanted: &HashSet<SocketAddr>, members: &HashSet<NodeId>) {
        let now = Instant::now();
        self.lock().by_address.retain(|address, link| {
            let state = link.lock();
            let to_member = state
                .session
                .as_ref()
                .is_some_and(|session| members.contains(&session.peer.node));
            let gossips = now.duration_since(state.gossip_at) < KEEP_AFTER_GOSSIP;
            let keep = wanted.contains(address) || to_member || gossips;
            if !keep {
                link.stop.cancel();
            }
            keep
        });
    }

    /// A link has come up. An older link to the same node has been replaced at the peer by this one: it stops.
    pub(crate) fn came_up(&self, link: &Arc<Link>, session: &Arc<Session>) {
        let mut table = self.lock();
        let Table {
            by_address, aliases, ..
        } = &mut *table;
        by_address.retain(|address, other| {
            let superseded = !Arc::ptr_eq(other, link) && other.is_up_to(&session.peer.node);
            if superseded {
                other.stop.cancel();
                if aliases.len() >= ALIASES {
                    aliases.clear();
                }
                aliases.insert(*address, session.peer.node.clone());
            }
            !superseded
        });
        aliases.remove(&link.address);
        link.lock().session = Some(session.clone());
    }

    /// The address is this node's own.
    pub(crate) fn mark_own(&self, address: SocketAddr) {
        let mut table = self.lock();
        table.own.retain(|_, since| since.elapsed() < OWN_FOR);
        table.own.insert(address, Instant::now());
        table.by_address.remove(&address);
    }

    /// Whether an address has turned out to be this node's own.
    pub(crate) fn is_own_address(&self, address: SocketAddr) -> bool {
        self.lock().is_own(address)
    }

    /// Whether an address is another one of a node that a link is up to.
    pub(crate) fn is_alias(&self, address: SocketAddr) -> bool {
        let table = self.lock();
        table
            .aliases
            .get(&address)
            .is_some_and(|node| table.by_address.values().any(|link| link.is_up_to(node)))
    }

    /// The links that are up.
    pub(crate) fn sessions(&self) -> Vec<(Arc<Link>, Arc<Session>)> {
        let up = |link: &Arc<Link>| Some((link.clone(), link.lock().session.clone()?));
        self.lock().by_address.values().filter_map(up).collect()
    }

    /// The link that is up to a node.
    pub(crate) fn to_node(&self, node: &NodeId) -> Option<(Arc<Link>, Arc<Session>)> {
        self.sessions()
            .into_iter()
            .find(|(_, session)| session.peer.node == *node)
    }

    /// A node has shown itself: a link to it that waits dials at once, and one to an older run dials again.
    pub(crate) fn heard_from(&self, source: &Source, address: SocketAddr) {
        for link in self.lock().by_address.values() {
            let state = link.lock();
            match &state.session {
                Some(session) if session.peer.node == source.node && session.peer.epoch < source.epoch => {
                    session.redial.cancel();
                }
                None if link.address == address || state.expected.as_ref() == Some(&source.node) => {
                    link.dial_now.notify_one();
                }
                _ => {}
            }
        }
    }

    /// Asks a run for a sign of life on the link that is up to it; `None` if there is none.
    pub(crate) async fn ping(&self, source: &Source, within: Duration) -> Option<bool> {
        let (link, _) = self
            .to_node(&source.node)
            .filter(|(_, session)| session.peer == *source)?;
        let (answer, answered) = oneshot::channel();
        if link.commands.try_send(Command::Ping(source.clone(), answer)).is_err() {
            return Some(false);
        }
        Some(matches!(tokio::time::timeout(within, answered).await, Ok(Ok(()))))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn is_own(&self, address: SocketAddr) -> bool {
        self.own.get(&address).is_some_and(|since| since.elapsed() < OWN_FOR)
    }

    fn add(&mut self, shared: &Arc<Shared>, address: SocketAddr, expected: Option<NodeId>) -> Arc<Link> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let state = State {
            expected,
            gossip: VecDeque::new(),
            gossip_at: Instant::now(),
            session: None,
        };
        let link = Arc::new(Link {
            address,
            state: Mutex::new(state),
            gossip_ready: Notify::new(),
            dial_now: Notify::new(),
            commands,
            stop: CancellationToken::new(),
        });
        self.by_address.insert(address, link.clone());
        shared
            .supervisor
            .spawn("link", outbound::run(shared.clone(), link.clone(), inbox));
        link
    }
}

impl Link {
    /// The node expected at the address.
    pub(crate) fn expected(&self) -> Option<NodeId> {
        self.lock().expected.clone()
    }

    /// The oldest gossip frame waiting.
    pub(crate) fn next_gossip(&self) -> Option<Vec<u8>> {
        self.lock().gossip.pop_front()
    }

    /// The link is no longer up.
    pub(crate) fn went_down(&self) {
        self.lock().session = None;
    }

    fn is_up_to(&self, node: &NodeId) -> bool {
        self.lock()
            .session
            .as_ref()
            .is_some_and(|session| session.peer.node == *node)
    }

    fn queue_gossip(&self, message: Vec<u8>) {
        let mut state = self.lock();
        if state.gossip.len() == GOSSIP_QUEUE {
            state.gossip.pop_front();
        }
        state.gossip.push_back(message);
        state.gossip_at = Instant::now();
        drop(state);
        self.gossip_ready.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries gossip over the links, and dials whoever gossip wants to reach.
pub(crate) struct GossipCarrier(pub(crate) Weak<Shared>);

impl Carrier for GossipCarrier {
    fn carry(&self, to: SocketAddr, message: Vec<u8>) {
        let Some(shared) = self.0.upgrade() else { return };
        let mut table = shared.links.lock();
        if to == shared.advertise || table.is_own(to) {
            return;
        }
        let link = match table.by_address.get(&to) {
            Some(link) => link.clone(),
            None => {
                // A member reached by another address than it advertises is still one node.
                let node = shared.node_at(to).or_else(|| table.aliases.get(&to).cloned());
                let other = node.and_then(|node| table.by_address.values().find(|link| link.is_up_to(&node)).cloned());
                other.unwrap_or_else(|| table.add(&shared, to, None))
            }
        };
        drop(table);
        link.queue_gossip(message);
    }
}
