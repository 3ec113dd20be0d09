//! The simulated network: datagrams on their way, by seeded delays and the conditions imposed.

mod condition;
mod packets;
mod socket;

pub use self::condition::{Condition, Hosts, What};
pub use self::packets::{Packets, Totals};
pub use self::socket::{HostSockets, SimSocket};

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use self::socket::Mailbox;
use crate::clock;
use crate::draw::Draw;

/// Where every node listens.
const PORT: u16 = 7400;
/// The first port of a socket that asked for any.
const FIRST_EPHEMERAL: u16 = 40_000;
/// A narrow path holds so much; what comes on top is lost, as in a router.
const NARROW_BUFFER: Duration = Duration::from_millis(200);

/// Where a host's node listens.
pub fn address_of(host: usize) -> SocketAddr {
    let last = u8::try_from(host).unwrap_or(u8::MAX);
    SocketAddr::new(Ipv4Addr::new(10, 0, 0, last).into(), PORT)
}

/// The host of an address.
fn host_of(address: SocketAddr) -> usize {
    match address.ip() {
        IpAddr::V4(ip) => usize::from(ip.octets()[3]),
        IpAddr::V6(_) => 0,
    }
}

/// What every path is like when no condition is imposed.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The least time a datagram takes.
    pub delay_ms: u64,
    /// What it may take longer; they stay in order all the same.
    pub jitter_ms: u64,
    /// The largest datagram that gets through.
    pub mtu: usize,
}

/// A simulated network. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SimNet {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// Something was sent that is due before everything else.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    draw: Draw,
    path: Path,
    conditions: BTreeMap<u64, Vec<Condition>>,
    next_condition: u64,
    bound: BTreeMap<SocketAddr, Arc<Mailbox>>,
    next_port: BTreeMap<usize, u16>,
    in_flight: BTreeMap<(Instant, u64), InFlight>,
    next_datagram: u64,
    /// When a narrow path has let through what it was given.
    free_at: BTreeMap<(usize, usize), Instant>,
    /// When what was sent last on a path arrives.
    last_due: BTreeMap<(usize, usize), Instant>,
    packets: Packets,
}

#[derive(Debug)]
struct InFlight {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl SimNet {
    /// A network of a seed, on which nothing was sent yet. [`run`](Self::run) delivers.
    pub fn new(seed: u64, path: Path, keep_packets: bool) -> Self {
        let state = State {
            draw: Draw::of(seed, "network"),
            path,
            conditions: BTreeMap::new(),
            next_condition: 0,
            bound: BTreeMap::new(),
            next_port: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            next_datagram: 0,
            free_at: BTreeMap::new(),
            last_due: BTreeMap::new(),
            packets: Packets::new(keep_packets),
        };
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                sooner: Notify::new(),
            }),
        }
    }

    /// Delivers what is due, for ever.
    pub async fn run(self) {
        loop {
            let next = self.deliver_due();
            let sooner = self.inner.sooner.notified();
            match next {
                Some(next) => tokio::select! {
                    biased;
                    () = sooner => {}
                    () = tokio::time::sleep_until(next) => {}
                },
                None => sooner.await,
            }
        }
    }

    /// Imposes conditions until they are lifted.
    pub fn impose(&self, conditions: Vec<Condition>) -> u64 {
        let mut state = self.lock();
        let id = state.next_condition;
        state.next_condition += 1;
        state.conditions.insert(id, conditions);
        id
    }

    /// Lifts what [`impose`](Self::impose) has imposed.
    pub fn lift(&self, id: u64) {
        self.lock().conditions.remove(&id);
    }

    /// What was sent so far.
    pub fn packets(&self) -> Packets {
        self.lock().packets.clone()
    }

    /// The due time of the next datagram, after all that are due now have been handed out.
    fn deliver_due(&self) -> Option<Instant> {
        let now = Instant::now();
        loop {
            let (datagram, mailbox) = {
                let mut state = self.lock();
                let entry = state.in_flight.first_entry()?;
                if entry.key().0 > now {
                    return Some(entry.key().0);
                }
                let datagram = entry.remove();
                let mailbox = state.bound.get(&datagram.to).cloned();
                (datagram, mailbox)
            };
            // Where nobody listens it is lost without a word, as behind a firewall.
            if let Some(mailbox) = mailbox {
                mailbox.put(datagram.from, datagram.bytes);
            }
        }
    }

    fn send(&self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let is_sooner = self.lock().send(from, to, bytes);
        if is_sooner {
            self.inner.sooner.notify_one();
        }
    }

    fn bind(&self, asked: SocketAddr, mailbox: Arc<Mailbox>) -> io::Result<SocketAddr> {
        let mut state = self.lock();
        let mut address = asked;
        if address.port() == 0 {
            let next = state.next_port.entry(host_of(asked)).or_insert(FIRST_EPHEMERAL);
            address.set_port(*next);
            *next += 1;
        }
        if state.bound.contains_key(&address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        state.bound.insert(address, mailbox);
        Ok(address)
    }

    fn unbind(&self, address: SocketAddr, mailbox: &Arc<Mailbox>) {
        let mut state = self.lock();
        if state
            .bound
            .get(&address)
            .is_some_and(|bound| Arc::ptr_eq(bound, mailbox))
        {
            state.bound.remove(&address);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Decides a datagram's fate. True: it is due before all others.
    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> bool {
        let before = self.in_flight.first_key_value().map(|(due, _)| *due);
        let copies = self.copies(from, to, bytes.len()).unwrap_or_default();
        self.packets
            .record(clock::elapsed_micros(), from, to, bytes.len(), copies.len());
        for due in copies {
            let key = (due, self.next_datagram);
            self.next_datagram += 1;
            let bytes = bytes.to_vec();
            self.in_flight.insert(key, InFlight { from, to, bytes });
        }
        let first = self.in_flight.first_key_value().map(|(due, _)| *due);
        first.is_some_and(|first| before.is_none_or(|before| first < before))
    }

    /// When each copy of a datagram arrives; `None` if it is lost.
    fn copies(&mut self, from: SocketAddr, to: SocketAddr, len: usize) -> Option<Vec<Instant>> {
        if len > self.path.mtu {
            return None;
        }
        let pair = (host_of(from), host_of(to));
        let mut more_jitter_ms = 0;
        let (mut lost, mut copies, mut bytes_per_ms) = (false, 1, None);
        for condition in self.conditions.values().flatten().filter(|each| each.is_on(pair)) {
            match condition.what {
                What::Cut => lost = true,
                What::Rough {
                    loss,
                    duplicates,
                    jitter_ms: more,
                } => {
                    lost |= self.draw.in_thousand(loss);
                    copies += usize::from(self.draw.in_thousand(duplicates));
                    more_jitter_ms = more.max(more_jitter_ms);
                }
                What::Narrow { bytes_per_ms: rate } => bytes_per_ms = Some(rate),
            }
        }
        if lost {
            return None;
        }
        let now = Instant::now();
        let mut sent_at = now;
        if let Some(rate) = bytes_per_ms {
            let free_at = self.free_at.get(&pair).copied().unwrap_or(now).max(now);
            if free_at.duration_since(now) > NARROW_BUFFER {
                return None;
            }
            sent_at = free_at + Duration::from_micros(len as u64 * 1000 / rate.max(1));
            self.free_at.insert(pair, sent_at);
        }
        let usual = Duration::from_millis(self.path.delay_ms + self.draw.within(0, self.path.jitter_ms));
        let last_due = self.last_due.entry(pair).or_insert(now);
        let due = (sent_at + usual).max(*last_due);
        *last_due = due;
        let later = |draw: &mut Draw| due + Duration::from_millis(draw.within(0, more_jitter_ms));
        Some((0..copies).map(|_| later(&mut self.draw)).collect())
    }
}

#[cfg(test)]
mod tests;
