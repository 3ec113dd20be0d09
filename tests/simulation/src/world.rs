//! The world of one seed: simulated time, what is scheduled in it, and everything that lives in it.

use bellwether_history::{Event, Kind};
use bellwether_message::Instance;
use bellwether_protocol::lane::Lane;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::gossip::Digest;
use crate::marker::{Marker, Markers};
use crate::network::{Conn, ConnId, Lost, Paths, Side};
use crate::plan::Plan;
use crate::process::{Process, ProcessId};
use crate::random::Random;
use crate::run::ClusterKeys;
use crate::tally::Tally;
use crate::time::{WALL_START, set_wall_clock};
use crate::words::Words;
use crate::workload::Sub;

/// Everything of one run.
pub(crate) struct World {
    pub(crate) now: u64,
    queue: BinaryHeap<Due>,
    order: u64,
    pub(crate) random: Random,
    pub(crate) plan: Plan,
    pub(crate) keys: ClusterKeys,
    pub(crate) paths: Paths,
    pub(crate) conns: Vec<Conn>,
    /// Those that are not gone.
    pub(crate) open: Vec<ConnId>,
    pub(crate) processes: Vec<Process>,
    /// The living process of each host.
    pub(crate) hosts: Vec<Option<ProcessId>>,
    /// The epoch file of each name.
    pub(crate) epochs: Vec<u64>,
    /// How far the wall clock was set from what it should be.
    pub(crate) wall_offset: i64,
    pub(crate) digests: Vec<Option<(Digest, u32)>>,
    pub(crate) subs: Vec<Sub>,
    pub(crate) words: Words,
    pub(crate) is_busy: bool,
    pub(crate) is_over: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) markers: Markers,
    pub(crate) tally: Tally,
    /// What an honest node must never do to another, and did.
    pub(crate) broken: Vec<String>,
}

/// A step and its time. What was planned first goes first.
struct Due {
    time: u64,
    order: u64,
    step: Step,
}

impl Ord for Due {
    /// The earliest is the greatest, as the heap wants it.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.order).cmp(&(self.time, self.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

/// Something that is going to happen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A dial reaches the other host.
    Handshake(ConnId),
    /// The other host's answer is back.
    Connected(ConnId),
    /// A dial was not answered in time.
    DialTimeout(ConnId),
    /// A hello was not answered in time.
    WelcomeTimeout(ConnId),
    /// Bytes arrive on a stream.
    Arrive(ConnId, usize),
    /// A close arrives.
    CloseArrives(ConnId, Side, Lost),
    /// An end that hears nothing gives up.
    Sweep,
    /// A link's wait is over.
    Dial(ProcessId, usize, u64),
    /// A lane is tried again.
    DialLane(ProcessId, usize, u64, Lane),
    /// A writer looks at its feed.
    Write(ProcessId, usize, u64, Instance),
    /// A feed was idle for a while.
    Skip(ProcessId, usize, u64, Instance, u64),
    /// An acceptor tells its interest.
    Tell(ConnId),
    /// An acceptor acknowledges.
    Ack(ConnId),
    /// An older run had time to answer.
    Admit(ProcessId, ConnId),
    Gossip(ProcessId),
    GossipArrives(ProcessId, usize),
    Tick(ProcessId),
    Publish(ProcessId),
    Churn(ProcessId),
    /// A subscriber reads.
    Read(usize),
    /// A subscribe call has waited long enough.
    SubscribeTimeout(usize),
    Drain(ProcessId),
    FaultBegins(usize),
    FaultEnds(usize),
    Flap(usize, bool),
    /// A node is given the keys in another order.
    Rotate(usize),
    Start(usize),
    /// The load ends.
    Idle,
    /// Every fault is over.
    Calm,
    Quiet,
    Probe(ProcessId, usize),
    Over,
}

impl World {
    /// The world of a seed, before anything has happened.
    pub(crate) fn new(seed: u64, keys: ClusterKeys) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::draw(&mut random);
        let hosts = plan.nodes + 1;
        set_wall_clock(WALL_START);
        Self {
            now: 0,
            queue: BinaryHeap::with_capacity(256),
            order: 0,
            random,
            keys,
            paths: Paths::new(hosts),
            conns: Vec::new(),
            open: Vec::new(),
            processes: Vec::new(),
            hosts: vec![None; hosts],
            epochs: vec![0; plan.nodes],
            wall_offset: 0,
            digests: Vec::new(),
            subs: Vec::new(),
            words: Words::default(),
            is_busy: true,
            is_over: false,
            events: Vec::with_capacity(8192),
            markers: Markers::default(),
            tally: Tally::default(),
            broken: Vec::new(),
            plan,
        }
    }

    /// Something is going to happen after `wait`.
    pub(crate) fn after(&mut self, wait: u64, step: Step) {
        self.at(self.now + wait, step);
    }

    /// Something is going to happen at `time`.
    pub(crate) fn at(&mut self, time: u64, step: Step) {
        self.order += 1;
        let time = time.max(self.now);
        self.queue.push(Due {
            time,
            order: self.order,
            step,
        });
    }

    /// Takes the next step; false if the run is over.
    pub(crate) fn step(&mut self) -> bool {
        let Some(Due { time, step, .. }) = self.queue.pop() else {
            return false;
        };
        if self.is_over {
            return false;
        }
        // A stopped process does nothing; what reaches it waits.
        if let Some(process) = self.process_of(step).and_then(|process| self.processes.get(process))
            && process.is_alive()
            && process.paused_until > time
        {
            let until = process.paused_until;
            self.at(until, step);
            return true;
        }
        self.now = time;
        self.tally.steps += 1;
        self.take(step);
        true
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Handshake(conn) => self.on_handshake(conn),
            Step::Connected(conn) => self.on_connected(conn),
            Step::DialTimeout(conn) => self.on_dial_timeout(conn),
            Step::WelcomeTimeout(conn) => self.on_welcome_timeout(conn),
            Step::Arrive(conn, pipe) => self.on_arrive(conn, pipe),
            Step::CloseArrives(conn, side, lost) => self.on_close_arrives(conn, side, lost),
            Step::Sweep => self.on_sweep(),
            Step::Dial(process, link, turn) => self.on_dial(process, link, turn),
            Step::DialLane(process, link, number, lane) => self.on_dial_lane(process, link, number, lane),
            Step::Write(process, link, number, instance) => self.on_write(process, link, number, instance),
            Step::Skip(process, link, number, instance, turn) => self.on_skip(process, link, number, instance, turn),
            Step::Tell(conn) => self.on_tell(conn),
            Step::Ack(conn) => self.on_ack(conn),
            Step::Admit(process, conn) => self.on_admit(process, conn),
            Step::Gossip(process) => self.on_gossip(process),
            Step::GossipArrives(process, digest) => self.on_gossip_arrives(process, digest),
            Step::Tick(process) => self.on_tick(process),
            Step::Publish(process) => self.on_publish(process),
            Step::Churn(process) => self.on_churn(process),
            Step::Read(sub) => self.on_read(sub),
            Step::SubscribeTimeout(sub) => self.on_subscribe_timeout(sub),
            Step::Drain(process) => self.on_drain(process),
            Step::FaultBegins(fault) => self.on_fault_begins(fault),
            Step::FaultEnds(fault) => self.on_fault_ends(fault),
            Step::Flap(fault, cut) => self.on_flap(fault, cut),
            Step::Rotate(host) => self.on_rotate(host),
            Step::Start(host) => self.on_start(host),
            Step::Idle => self.is_busy = false,
            Step::Calm => self.on_calm(),
            Step::Quiet => self.on_quiet(),
            Step::Probe(process, instance) => self.on_probe(process, instance),
            Step::Over => self.is_over = true,
        }
    }

    /// The process that takes a step, if one does.
    fn process_of(&self, step: Step) -> Option<ProcessId> {
        match step {
            Step::Dial(process, ..)
            | Step::DialLane(process, ..)
            | Step::Write(process, ..)
            | Step::Skip(process, ..)
            | Step::Admit(process, _)
            | Step::Gossip(process)
            | Step::GossipArrives(process, _)
            | Step::Tick(process)
            | Step::Publish(process)
            | Step::Churn(process)
            | Step::Drain(process)
            | Step::Probe(process, _) => Some(process),
            Step::Arrive(conn, pipe) => {
                let conn = &self.conns[conn.0];
                Some(conn.end(conn.pipes[pipe].to).process)
            }
            Step::CloseArrives(conn, side, _) => Some(self.conns[conn.0].end(side).process),
            Step::Tell(conn) | Step::Ack(conn) => Some(self.conns[conn.0].end(Side::Acceptor).process),
            Step::Connected(conn) | Step::DialTimeout(conn) | Step::WelcomeTimeout(conn) => {
                Some(self.conns[conn.0].end(Side::Dialer).process)
            }
            Step::Handshake(conn) => self.hosts[self.conns[conn.0].end(Side::Acceptor).host],
            Step::Read(sub) | Step::SubscribeTimeout(sub) => Some(self.subs[sub].process),
            _ => None,
        }
    }

    /// Writes what happened to a process into the history.
    pub(crate) fn say(&mut self, process: ProcessId, kind: Kind) {
        let event = self.processes[process].run.at(self.now, kind);
        self.events.push(event);
    }

    /// Writes what the driver did.
    pub(crate) fn say_driver(&mut self, kind: Kind) {
        self.events
            .push(Event::new(self.now, self.words.driver.clone(), 0, kind));
    }

    pub(crate) fn reach(&mut self, marker: Marker) {
        self.markers.reach(marker);
    }
}
