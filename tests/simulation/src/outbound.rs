//! A link that a process dials: dialed, served, and dialed again.

use bellwether_message::{Epoch, Instance, NodeId, Source};
use bellwether_protocol::backoff::Backoff;
use bellwether_protocol::control::{self, FromAcceptor, FromDialer, Hello, WIRE_VERSION, Welcome};
use bellwether_protocol::lane::Lane;
use bellwether_protocol::roster::Direction;

use crate::close::Close;
use crate::marker::Marker;
use crate::network::{ConnId, Lost, Side, TO_ACCEPTOR, TO_DIALER, take_frame};
use crate::process::{CLUSTER, Phase, ProcessId, address};
use crate::session::Session;
use crate::time::{SECOND, micros};
use crate::world::{Step, World};

/// A link that was up for so long is dialed again at once when it is lost.
const STABLE_AFTER: u64 = 5 * SECOND;
/// A suspect has so long to answer.
const PING_WITHIN: u64 = SECOND;
/// Pings under way at once on one link.
const PINGS: usize = 16;

/// A link, by the host it is to.
pub(crate) struct Link {
    pub(crate) host: usize,
    /// The node expected there; `None` for a seed.
    pub(crate) expected: Option<NodeId>,
    backoff: Backoff,
    was_up: bool,
    dial_now: bool,
    pub(crate) is_stopped: bool,
    /// Counts the waits, so that one that was cut short means nothing any more.
    turn: u64,
    pub(crate) state: LinkState,
    last_peer: Option<Source>,
}

/// How far a link is.
pub(crate) enum LinkState {
    Waiting,
    Dialing(ConnId),
    /// Welcome, and the dialer asks whether the peer may be.
    Admitting(ConnId, Source, Vec<u64>),
    Up(Box<Session>),
}

/// Who waits for a pong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The roster, of a suspect.
    Roster,
    /// A connection that waits whether an older run lives.
    Admission(ConnId),
}

impl World {
    /// Makes sure that there is a link to `node` at a host, unless one is up by another.
    pub(crate) fn ensure(&mut self, process: ProcessId, node: Option<&NodeId>, host: usize) {
        let own = &mut self.processes[process];
        if host == own.host {
            return;
        }
        if let Some(link) = own.links.iter_mut().find(|link| link.host == host && !link.is_stopped) {
            if let Some(node) = node
                && link.expected.as_ref() != Some(node)
            {
                link.expected = Some(node.clone());
            }
            return;
        }
        let is_up = node.is_some_and(|node| own.links.iter().any(|link| link.is_up_to(node)));
        if is_up {
            return;
        }
        own.links.push(Link {
            host,
            expected: node.cloned(),
            backoff: Backoff::default(),
            was_up: false,
            dial_now: false,
            is_stopped: false,
            turn: 0,
            state: LinkState::Waiting,
            last_peer: None,
        });
        let link = own.links.len() - 1;
        self.after(0, Step::Dial(process, link, 0));
    }

    pub(crate) fn on_dial(&mut self, process: ProcessId, index: usize, turn: u64) {
        let own = &mut self.processes[process];
        let link = &mut own.links[index];
        let is_due = link.turn == turn && matches!(link.state, LinkState::Waiting) && !link.is_stopped;
        if !is_due || own.phase == Phase::Dead {
            return;
        }
        own.attempts += 1;
        let (host, number) = (link.host, own.attempts);
        let conn = self.connect(process, index, host, Lane::Urgent, number);
        self.processes[process].links[index].state = LinkState::Dialing(conn);
    }

    pub(crate) fn say_hello(&mut self, id: ConnId) {
        let conn = &self.conns[id.0];
        let own = &self.processes[conn.end(Side::Dialer).process];
        let hello = Hello {
            wire_version: WIRE_VERSION,
            cluster: CLUSTER.to_owned(),
            node: own.source.node.to_string(),
            epoch: own.source.epoch.0,
            advertise: address(own.host).to_string(),
            link: conn.number,
            lane: conn.lane as u8,
            joined: own.is_settled(),
            program: String::new(),
        };
        let bytes = control::encode(&hello).expect("a hello is short");
        self.send(id, TO_ACCEPTOR, bytes.into());
    }

    pub(crate) fn is_waiting_for_welcome(&self, id: ConnId) -> bool {
        let conn = &self.conns[id.0];
        let link = &self.processes[conn.end(Side::Dialer).process].links[conn.link];
        match &link.state {
            LinkState::Dialing(dialed) => *dialed == id,
            LinkState::Up(session) => session.is_dialing(id),
            _ => false,
        }
    }

    /// Bytes on a control stream to the dialer.
    pub(crate) fn on_control_out(&mut self, id: ConnId, bytes: &[u8]) {
        self.conns[id.0].pipes[TO_DIALER].partial.extend_from_slice(bytes);
        self.read_control_out(id);
    }

    pub(crate) fn read_control_out(&mut self, id: ConnId) {
        loop {
            let conn = &mut self.conns[id.0];
            let (process, index) = (conn.end(Side::Dialer).process, conn.link);
            let link = &self.processes[process].links[index];
            if !conn.end(Side::Dialer).is_open || matches!(link.state, LinkState::Admitting(..)) {
                return;
            }
            let Some(frame) = take_frame(&mut conn.pipes[TO_DIALER].partial) else {
                return;
            };
            match control::decode::<FromAcceptor>(&frame) {
                Some(FromAcceptor::Welcome(welcome)) => self.on_welcome(id, welcome),
                Some(frame) => self.on_frame(process, index, id, frame),
                None => self.broke(id, Side::Dialer, "a control frame that is none"),
            }
        }
    }

    fn on_welcome(&mut self, id: ConnId, welcome: Welcome) {
        let conn = &self.conns[id.0];
        let (process, index, lane) = (conn.end(Side::Dialer).process, conn.link, conn.lane);
        let Ok(node) = NodeId::new(&welcome.node) else {
            return self.broke(id, Side::Dialer, "a welcome of no name");
        };
        let peer = Source {
            node,
            epoch: Epoch(welcome.epoch),
        };
        let link = &mut self.processes[process].links[index];
        if lane != Lane::Urgent {
            return self.on_lane_welcome(process, index, id, &peer);
        }
        if link.expected.as_ref().is_some_and(|expected| *expected != peer.node) {
            self.close(id, Side::Dialer, Lost::Closed(Close::BadHello));
            return self.wait_to_dial(process, index);
        }
        link.state = LinkState::Admitting(id, peer.clone(), welcome.next);
        self.admit(process, id, peer, welcome.joined);
    }

    /// The peer of a dial may be linked with, or not.
    pub(crate) fn on_dial_admitted(&mut self, id: ConnId, admitted: Result<(), Close>) {
        let conn = &self.conns[id.0];
        let (process, index, number) = (conn.end(Side::Dialer).process, conn.link, conn.number);
        let link = &mut self.processes[process].links[index];
        let LinkState::Admitting(of, ..) = &link.state else {
            return;
        };
        if *of != id {
            return;
        }
        let LinkState::Admitting(_, peer, next) = std::mem::replace(&mut link.state, LinkState::Waiting) else {
            return;
        };
        if admitted.is_err() {
            self.close(id, Side::Dialer, Lost::Closed(Close::Gone));
            return self.wait_to_dial(process, index);
        }
        let is_known = link.last_peer.replace(peer.clone()).is_some_and(|last| last == peer);
        self.tally.links_up += 1;
        self.tally.reconnects += u64::from(is_known);
        self.supersede(process, index, &peer);
        let link = &mut self.processes[process].links[index];
        let host = link.host;
        link.state = LinkState::Up(Box::new(Session::new(peer.clone(), id, number, next, self.now)));
        self.update(process, |roster, now| {
            roster.on_linked(Direction::Out, &peer, address(host), "", now)
        });
        self.read_control_out(id);
    }

    /// An older link to the same node was replaced at the peer by the one that has come up: it stops.
    fn supersede(&mut self, process: ProcessId, index: usize, peer: &Source) {
        let links = self.processes[process].links.iter().enumerate();
        let older: Vec<usize> = links
            .filter(|(at, link)| *at != index && !link.is_stopped && link.is_up_to(&peer.node))
            .map(|(at, _)| at)
            .collect();
        older.into_iter().for_each(|at| self.stop_link(process, at));
    }

    /// A link that nobody needs ends.
    pub(crate) fn stop_link(&mut self, process: ProcessId, index: usize) {
        let link = &mut self.processes[process].links[index];
        link.is_stopped = true;
        match &link.state {
            LinkState::Waiting => {}
            LinkState::Dialing(conn) | LinkState::Admitting(conn, ..) => {
                let conn = *conn;
                link.state = LinkState::Waiting;
                self.close(conn, Side::Dialer, Lost::Closed(Close::Gone));
            }
            LinkState::Up(_) => self.end_session(process, index, None),
        }
    }

    /// A dial has failed, or was refused.
    pub(crate) fn on_dial_failed(&mut self, id: ConnId, lost: Option<Lost>) {
        let conn = &self.conns[id.0];
        let (process, index, lane) = (conn.end(Side::Dialer).process, conn.link, conn.lane);
        if lane != Lane::Urgent {
            return self.on_lane_failed(process, index, id, lost);
        }
        if let Some(Lost::Closed(close @ (Close::DuplicateNodeId | Close::StaleEpoch(_)))) = lost {
            self.processes[process].links[index].was_up = false;
            return self.refused(process, close);
        }
        self.wait_to_dial(process, index);
    }

    /// A peer will not have this process.
    fn refused(&mut self, process: ProcessId, close: Close) {
        if let Close::StaleEpoch(newer) = close {
            let own = &mut self.processes[process];
            own.newer_run = own.newer_run.max(newer);
        }
        self.fail(process);
    }

    fn wait_to_dial(&mut self, process: ProcessId, index: usize) {
        let random = self.random.unit();
        let link = &mut self.processes[process].links[index];
        link.state = LinkState::Waiting;
        link.turn += 1;
        let turn = link.turn;
        let known = link.was_up || link.expected.is_some();
        let wait = match std::mem::take(&mut link.dial_now) {
            true => {
                let _ = link.backoff.next(known, random);
                0
            }
            false => micros(link.backoff.next(known, random)),
        };
        self.after(wait, Step::Dial(process, index, turn));
    }

    /// A node has shown itself: a link to it that waits dials at once, and one to an older run dials again.
    pub(crate) fn heard_from(&mut self, process: ProcessId, source: &Source, host: usize) {
        for index in 0..self.processes[process].links.len() {
            let link = &mut self.processes[process].links[index];
            if link.is_stopped {
                continue;
            }
            let is_meant = link.host == host || link.expected.as_ref() == Some(&source.node);
            match &link.state {
                LinkState::Up(session) => {
                    if session.peer.node == source.node && session.peer.epoch < source.epoch {
                        self.end_session(process, index, None);
                    }
                }
                LinkState::Waiting if is_meant => {
                    let turn = link.turn;
                    self.after(0, Step::Dial(process, index, turn));
                }
                _ => link.dial_now |= is_meant,
            }
        }
    }

    /// The dialer learns that a connection is over.
    pub(crate) fn on_outbound_lost(&mut self, id: ConnId, lost: Lost) {
        let conn = &self.conns[id.0];
        let (process, index) = (conn.end(Side::Dialer).process, conn.link);
        match &self.processes[process].links[index].state {
            LinkState::Waiting => {}
            LinkState::Dialing(of) | LinkState::Admitting(of, ..) if *of == id => self.on_dial_failed(id, Some(lost)),
            LinkState::Dialing(_) | LinkState::Admitting(..) => {}
            LinkState::Up(session) if session.conn == id => self.end_session(process, index, Some(lost)),
            LinkState::Up(session) if session.is_dialing(id) => self.on_lane_failed(process, index, id, Some(lost)),
            LinkState::Up(session) => {
                if session.has_writer_on(id) {
                    self.reach(Marker::LaneLost);
                    self.end_session(process, index, None);
                }
            }
        }
    }

    /// A session is over; with `lost`, since its urgent connection is.
    pub(crate) fn end_session(&mut self, process: ProcessId, index: usize, lost: Option<Lost>) {
        let own = &mut self.processes[process];
        let link = &mut own.links[index];
        let LinkState::Up(session) = std::mem::replace(&mut link.state, LinkState::Waiting) else {
            return;
        };
        link.was_up = !matches!(lost, Some(Lost::Closed(Close::Leaving)));
        if self.now - session.up_at >= STABLE_AFTER {
            link.backoff.reset();
        }
        let is_stopped = link.is_stopped;
        for ping in &session.pings {
            if let Asker::Admission(conn) = ping.asker
                && let Some(admission) = own.admissions.iter_mut().find(|admission| admission.conn == conn)
            {
                admission.asked = None;
            }
        }
        if lost == Some(Lost::Reset) {
            self.update(process, |roster, _| roster.on_reset(&session.peer));
        }
        for conn in session.conns() {
            self.close(conn, Side::Dialer, Lost::Closed(Close::Gone));
        }
        let links = &self.processes[process].links;
        if !links.iter().any(|link| link.is_up_to(&session.peer.node)) {
            self.update(process, |roster, now| {
                roster.on_unlinked(Direction::Out, &session.peer, now)
            });
        }
        match lost {
            Some(Lost::Closed(Close::Leaving)) => self.left(process, &session.peer),
            Some(Lost::Closed(close @ (Close::DuplicateNodeId | Close::StaleEpoch(_)))) => {
                return self.refused(process, close);
            }
            _ => {}
        }
        if !is_stopped && self.processes[process].is_alive() {
            self.wait_to_dial(process, index);
        }
    }

    /// Asks a run for a sign of life on the link that is up to it.
    pub(crate) fn ping(&mut self, process: ProcessId, source: &Source, asker: Asker) -> Option<u64> {
        let now = self.now;
        let own = &mut self.processes[process];
        own.next_ping += 1;
        let nonce = own.next_ping;
        let session = own
            .links
            .iter_mut()
            .find_map(|link| link.session().filter(|session| session.peer == *source))?;
        session
            .pings
            .retain(|ping| ping.asker != Asker::Roster || now - ping.at < PING_WITHIN);
        if session.pings.len() >= PINGS {
            return None;
        }
        session.pings.push(Ping { nonce, asker, at: now });
        let conn = session.conn;
        self.tell_acceptor(conn, &FromDialer::Ping(nonce));
        Some(nonce)
    }

    pub(crate) fn on_pong(&mut self, process: ProcessId, index: usize, nonce: u64) {
        let Some(session) = self.processes[process].links[index].session() else {
            return;
        };
        let Some(at) = session.pings.iter().position(|ping| ping.nonce == nonce) else {
            return;
        };
        let (ping, peer) = (session.pings.swap_remove(at), session.peer.clone());
        match ping.asker {
            Asker::Roster if self.now - ping.at < PING_WITHIN => {
                self.reach(Marker::SuspectAnswered);
                self.update(process, |roster, now| roster.on_pong(&peer, now));
            }
            Asker::Roster => {}
            Asker::Admission(conn) => self.older_run_lives(process, conn),
        }
    }

    pub(crate) fn tell_acceptor(&mut self, conn: ConnId, frame: &FromDialer) {
        let bytes = control::encode(frame).expect("what a dialer says is short");
        self.send(conn, TO_ACCEPTOR, bytes.into());
    }

    /// Whether all that a process had is acknowledged by all living members; the others.
    pub(crate) fn undrained(&self, process: ProcessId) -> Vec<NodeId> {
        let own = &self.processes[process];
        let is_drained = |node: &NodeId| {
            let session = own.links.iter().find_map(|link| match &link.state {
                LinkState::Up(session) if session.peer.node == *node => Some(session),
                _ => None,
            });
            session.is_some_and(|session| session.is_drained())
        };
        own.living_others()
            .map(|member| &member.node)
            .filter(|node| !is_drained(node))
            .cloned()
            .collect()
    }
}

/// A question on its way.
pub(crate) struct Ping {
    pub(crate) nonce: u64,
    pub(crate) asker: Asker,
    pub(crate) at: u64,
}

impl Link {
    pub(crate) fn session(&mut self) -> Option<&mut Session> {
        match &mut self.state {
            LinkState::Up(session) => Some(session),
            _ => None,
        }
    }

    pub(crate) fn is_up_to(&self, node: &NodeId) -> bool {
        matches!(&self.state, LinkState::Up(session) if session.peer.node == *node)
    }
}

/// The instances of a lane, for those that open together.
pub(crate) fn instances_of(lane: Lane) -> impl Iterator<Item = Instance> {
    Instance::ALL
        .into_iter()
        .filter(move |instance| Lane::of(*instance) == lane)
}
