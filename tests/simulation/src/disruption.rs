//! Faults, as they are done to the world and undone.

use std::sync::Arc;

use bellwether_history::Kind;
use bellwether_message::Instance;
use bellwether_protocol::lane::Lane;

use crate::fault::{FLAP_EVERY, Fault};
use crate::network::{ConnId, Lost, Side};
use crate::process::{ProcessId, node_id};
use crate::time::{MS, SECOND, WALL_START, set_wall_clock};
use crate::world::{Step, World};

/// Probes are so far apart that the smallest queue has room for each.
const PROBE_EVERY: u64 = 80 * MS;
/// After the last one, so long is left for it to be heard.
const HEARD_WITHIN: u64 = 2100 * MS;

impl World {
    /// Everything that is planned enters the calendar.
    pub(crate) fn schedule(&mut self) {
        for host in 0..self.plan.nodes {
            let when = self.random.below(300 * MS);
            self.at(when, Step::Start(host));
        }
        for (index, fault) in self.plan.faults.clone().iter().enumerate() {
            self.at(fault.begins_at, Step::FaultBegins(index));
            self.at(fault.ends_at(), Step::FaultEnds(index));
        }
        for (at, host) in self.plan.rotations.clone() {
            self.at(at, Step::Rotate(host));
        }
        let busy_for = self.plan.busy_for;
        self.at(busy_for, Step::Idle);
        let calm = self.plan.calm_from().max(busy_for) + MS;
        self.at(calm, Step::Calm);
        self.after(500 * MS, Step::Sweep);
    }

    pub(crate) fn on_fault_begins(&mut self, index: usize) {
        let planned = self.plan.faults[index].clone();
        self.tell(index, true);
        match planned.fault {
            Fault::Loss { from, to, lane } => self.kill_connections(from, to, lane),
            Fault::Delay { a, b, extra } => self.both(a, b, |path| path.extra += extra),
            Fault::Lossy { a, b, percent } => self.both(a, b, |path| path.loss += percent),
            Fault::Split { mask } => self.split(mask, true),
            Fault::OneWay { from, to } => self.paths.at(from, to).cuts += 1,
            Fault::Pair { a, b } => self.both(a, b, |path| path.cuts += 1),
            Fault::Flap { .. } => self.on_flap(index, true),
            Fault::Crash { host } => {
                if let Some(process) = self.hosts[host] {
                    self.kill(process);
                }
            }
            Fault::Stop { host } => {
                if let Some(process) = self.hosts[host] {
                    self.stop(process);
                }
            }
            Fault::Pause { host } => {
                if let Some(process) = self.hosts[host] {
                    self.processes[process].paused_until = planned.begins_at + planned.lasts;
                }
            }
            Fault::ClockJump { ms } => {
                self.wall_offset += ms;
                set_wall_clock(WALL_START + self.wall_offset);
            }
            Fault::Duplicate { of } => {
                let spare = self.plan.nodes;
                if self.hosts[spare].is_none() {
                    self.start(of, spare);
                }
            }
            Fault::Sleep { host } => {
                if let Some(process) = self.hosts[host] {
                    self.sleep(process, planned.begins_at + planned.lasts);
                }
            }
        }
    }

    pub(crate) fn on_fault_ends(&mut self, index: usize) {
        match self.plan.faults[index].fault {
            Fault::Delay { a, b, extra } => self.both(a, b, |path| path.extra -= extra),
            Fault::Lossy { a, b, percent } => self.both(a, b, |path| path.loss -= percent),
            Fault::Split { mask } => self.split(mask, false),
            Fault::OneWay { from, to } => self.paths.at(from, to).cuts -= 1,
            Fault::Pair { a, b } => self.both(a, b, |path| path.cuts -= 1),
            Fault::Crash { host } | Fault::Stop { host } => self.on_start(host),
            Fault::Duplicate { of } => {
                if let Some(spare) = self.hosts[self.plan.nodes] {
                    self.kill(spare);
                }
                self.on_start(of);
            }
            Fault::Loss { .. }
            | Fault::Flap { .. }
            | Fault::Pause { .. }
            | Fault::ClockJump { .. }
            | Fault::Sleep { .. } => {}
        }
        self.tell(index, false);
    }

    /// The key that did not sign does from now on.
    pub(crate) fn on_rotate(&mut self, host: usize) {
        let Some(process) = self.hosts[host] else { return };
        let broker = self.processes[process].broker.clone();
        let now = broker.sealer(Instance::Events).key();
        let other = self.keys.iter().find(|ring| ring.ids().next() != now);
        other.iter().for_each(|ring| broker.replace_ring(ring));
        Instance::ALL
            .into_iter()
            .for_each(|instance| self.wake_writers(process, instance));
    }

    /// A flapping path changes; it ends open.
    pub(crate) fn on_flap(&mut self, index: usize, cut: bool) {
        let planned = &self.plan.faults[index];
        let (Fault::Flap { a, b }, ends_at) = (&planned.fault, planned.ends_at()) else {
            return;
        };
        let (a, b) = (*a, *b);
        self.both(a, b, |path| if cut { path.cuts += 1 } else { path.cuts -= 1 });
        if cut {
            let until = (self.now + FLAP_EVERY).min(ends_at);
            self.at(until, Step::Flap(index, false));
        } else if self.now + FLAP_EVERY < ends_at {
            self.after(FLAP_EVERY, Step::Flap(index, true));
        }
    }

    /// Every fault is over: whoever is dead starts, and there is time to settle.
    pub(crate) fn on_calm(&mut self) {
        if let Some(spare) = self.hosts[self.plan.nodes] {
            self.kill(spare);
        }
        if self
            .processes
            .iter()
            .any(|process| matches!(process.phase, crate::process::Phase::Draining { .. }))
        {
            return self.after(200 * MS, Step::Calm);
        }
        let dead: Vec<usize> = (0..self.plan.nodes)
            .filter(|host| self.hosts[*host].is_none())
            .collect();
        dead.iter().for_each(|host| self.on_start(*host));
        let settle = match &self.plan {
            plan if plan.is_calm => 3,
            // An address that never answered is dialed every 15 s.
            plan if plan.is_long => 22,
            _ => 12,
        };
        self.after(settle * SECOND, Step::Quiet);
    }

    pub(crate) fn on_quiet(&mut self) {
        let living: Vec<ProcessId> = self.hosts.iter().flatten().copied().collect();
        let last = living.len() as u64 * self.plan.instances.len() as u64;
        for (nth, process) in living.into_iter().enumerate() {
            let own = &self.processes[process];
            let members = own.living_others().map(|member| member.node.as_str().into()).collect();
            self.say(process, Kind::View { members });
            self.measure_rest(process);
            for instance in 0..self.plan.instances.len() {
                let turn = (nth * self.plan.instances.len() + instance) as u64;
                self.after(MS + turn * PROBE_EVERY, Step::Probe(process, instance));
            }
        }
        self.say_driver(Kind::Quiet {});
        self.after(last * PROBE_EVERY + HEARD_WITHIN, Step::Over);
    }

    fn tell(&mut self, index: usize, begins: bool) {
        let fault = &self.plan.faults[index].fault;
        let (name, hosts): (&str, Vec<usize>) = match fault {
            Fault::Loss { from, to, .. } => ("loss", vec![*from, *to]),
            Fault::Delay { a, b, .. } => ("delay", vec![*a, *b]),
            Fault::Lossy { a, b, .. } => ("lossy", vec![*a, *b]),
            Fault::Split { .. } => ("split", Vec::new()),
            Fault::OneWay { from, to } => ("one_way", vec![*from, *to]),
            Fault::Pair { a, b } => ("pair", vec![*a, *b]),
            Fault::Flap { a, b } => ("flap", vec![*a, *b]),
            Fault::Crash { host } => ("crash", vec![*host]),
            Fault::Stop { host } => ("stop", vec![*host]),
            Fault::Pause { host } => ("pause", vec![*host]),
            Fault::ClockJump { .. } => ("clock_jump", Vec::new()),
            Fault::Duplicate { of } => ("duplicate", vec![*of]),
            Fault::Sleep { host } => ("sleep", vec![*host]),
        };
        let fault: Arc<str> = format!("{name} {index}").into();
        let nodes = hosts.into_iter().map(|host| node_id(host).as_str().into()).collect();
        self.say_driver(match begins {
            true => Kind::FaultBegin { fault, nodes },
            false => Kind::FaultEnd { fault, nodes },
        });
    }

    fn both(&mut self, a: usize, b: usize, change: impl Fn(&mut crate::network::Path)) {
        change(self.paths.at(a, b));
        change(self.paths.at(b, a));
    }

    fn split(&mut self, mask: u32, cut: bool) {
        let side = |host: usize| mask >> host & 1;
        for a in 0..self.paths.hosts() {
            for b in 0..self.paths.hosts() {
                if side(a) != side(b) {
                    let path = self.paths.at(a, b);
                    path.cuts = if cut { path.cuts + 1 } else { path.cuts - 1 };
                }
            }
        }
    }

    /// Connections die without a word: some of what was on its way arrives, the rest never does, and each end finds out
    /// by itself.
    fn kill_connections(&mut self, from: usize, to: usize, lane: Option<Lane>) {
        let conns = &self.conns;
        let is_meant = |id: &ConnId| {
            let conn = &conns[id.0];
            conn.ends[0].host == from && conn.ends[1].host == to && lane.is_none_or(|lane| conn.lane == lane)
        };
        let meant: Vec<ConnId> = self.open.iter().copied().filter(is_meant).collect();
        for id in meant {
            for pipe in 0..self.conns[id.0].pipes.len() {
                let len = self.conns[id.0].pipes[pipe]
                    .queue
                    .front()
                    .map_or(0, |(_, bytes)| bytes.len());
                let kept = self.random.index(len + 1);
                if let Some((_, bytes)) = self.conns[id.0].pipes[pipe].queue.front_mut() {
                    bytes.truncate(kept);
                }
                self.conns[id.0].pipes[pipe].queue.truncate(1);
            }
            if self.random.percent(50) {
                self.conns[id.0].is_dead = true;
            } else {
                // An end notices at once, as when its socket fails; the other hears nothing.
                let side = self.random.pick(&[Side::Dialer, Side::Acceptor]);
                self.lose(id, side, Lost::Idle);
                self.conns[id.0].is_dead = true;
            }
        }
    }
}
