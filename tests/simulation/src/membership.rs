//! Who is a member, as each process sees it: the roster is given events, and what follows from them is done.

use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_history::Kind;
use bellwether_message::{NodeId, Source};
use bellwether_protocol::control::FromDialer;
use bellwether_protocol::member::{Member, MemberState};
use bellwether_protocol::roster::Roster;

use crate::close::Close;
use crate::marker::Marker;
use crate::network::{Lost, Side};
use crate::outbound::{Asker, LinkState};
use crate::process::{Phase, Process, ProcessId, host_at};
use crate::time::{MS, SECOND, duration};
use crate::world::{Step, World};

/// How often the roster is told the time. The product's is 100 ms; nothing but the grain of its judgements hangs on it.
const TICK: u64 = 250 * MS;
/// How often a draining node looks whether its peers have everything.
const DRAIN_POLL: u64 = 20 * MS;
/// How long a node drains.
const DRAIN_WITHIN: u64 = 10 * SECOND;
/// A process that could not go on is started again after this time.
const RESTART_AFTER: u64 = 300 * MS;

/// One heartbeat in so many is followed by a silence that makes the node suspect, though its links answer.
const STALLS_IN: u64 = 250;
/// Members that leave the view after this time were down for as long as one is kept.
const EXPIRED_AFTER: u64 = 300 * SECOND;

impl World {
    /// Gives the roster an event, tells what has changed, dials whom it names and asks whom it suspects.
    pub(crate) fn update(&mut self, process: ProcessId, event: impl FnOnce(&mut Roster, Duration)) {
        let own = &mut self.processes[process];
        let now = duration(self.now - own.started);
        event(&mut own.roster, now);
        let (members, dials, asks) = (own.roster.members(), own.roster.dials(), own.roster.asks());
        own.has_joined |= own.roster.is_joined(now);
        if members != own.members {
            let before = std::mem::replace(&mut own.members, members.clone());
            self.tell_changes(process, &before, &members);
            self.check_confirmations(process);
        }
        // A node that drains goes on dialing: a peer whose link is lost has not everything yet.
        if !self.processes[process].is_alive() {
            return;
        }
        for (node, address) in &dials {
            self.ensure(process, Some(node), host_at(*address));
        }
        for node in asks {
            self.ask(process, node);
        }
    }

    fn tell_changes(&mut self, process: ProcessId, before: &[Member], after: &[Member]) {
        let is_up = |member: &Member| matches!(member.state, MemberState::Alive | MemberState::Suspect);
        let named = |member: &Member| (member.node.as_str().into(), member.epoch.0);
        for member in after.iter().filter(|member| member.state != MemberState::Own) {
            let known = before
                .iter()
                .find(|known| known.node == member.node && known.epoch == member.epoch);
            let (member_name, member_epoch) = named(member);
            if is_up(member) && !known.is_some_and(is_up) {
                self.say(
                    process,
                    Kind::MemberUp {
                        member: member_name,
                        member_epoch,
                    },
                );
            } else if member.state == MemberState::Down && known.is_some_and(is_up) {
                self.tally.downs += 1;
                self.reach(Marker::MemberDown);
                self.say(
                    process,
                    Kind::MemberDown {
                        member: member_name,
                        member_epoch,
                    },
                );
            }
        }
        for member in before
            .iter()
            .filter(|member| !after.iter().any(|other| other.node == member.node))
        {
            let (member_name, member_epoch) = named(member);
            self.say(
                process,
                Kind::MemberLeft {
                    member: member_name,
                    member_epoch,
                },
            );
        }
    }

    fn ask(&mut self, process: ProcessId, node: NodeId) {
        if let Some(epoch) = self.processes[process].roster.known_epoch(&node) {
            self.ping(process, &Source { node, epoch }, Asker::Roster);
        }
    }

    pub(crate) fn on_tick(&mut self, process: ProcessId) {
        if !self.processes[process].is_alive() {
            return;
        }
        self.after(TICK, Step::Tick(process));
        let own = &mut self.processes[process];
        own.broker.tick(duration(self.now - own.started));
        let mut gone = Vec::new();
        self.update(process, |roster, now| gone = roster.tick(now));
        for source in &gone {
            if self.now >= EXPIRED_AFTER {
                self.reach(Marker::MemberExpired);
                self.processes[process].expired.push(source.clone());
            }
            self.processes[process].upstreams.expire(source);
            self.wake_all_readers(process);
        }
        self.introduce(process);
        self.prune(process);
        self.measure(process);
    }

    /// Looks for the seeds that are not linked.
    fn introduce(&mut self, process: ProcessId) {
        let own = &self.processes[process];
        if !own.is_alive() {
            return;
        }
        let is_missing = |seed: &&usize| !own.links.iter().any(|link| !link.is_stopped && link.host == **seed);
        let missing: Vec<usize> = self.plan.seeds.iter().filter(is_missing).copied().collect();
        missing.into_iter().for_each(|host| self.ensure(process, None, host));
    }

    /// Stops links that nobody needs: not to a member, nor named by gossip, nor to a seed.
    fn prune(&mut self, process: ProcessId) {
        let own = &self.processes[process];
        if own.links.iter().filter(|link| !link.is_stopped).count() < self.plan.nodes {
            return;
        }
        let wanted: BTreeSet<usize> = own.roster.dials().into_values().map(host_at).collect();
        let is_kept = |state: &LinkState| match state {
            LinkState::Up(session) => own.members.iter().any(|member| member.node == session.peer.node),
            _ => false,
        };
        let links = own.links.iter().enumerate();
        let unneeded: Vec<usize> = links
            .filter(|(_, link)| {
                !link.is_stopped
                    && !wanted.contains(&link.host)
                    && !self.plan.seeds.contains(&link.host)
                    && !is_kept(&link.state)
            })
            .map(|(at, _)| at)
            .collect();
        unneeded.into_iter().for_each(|index| self.stop_link(process, index));
    }

    pub(crate) fn on_gossip(&mut self, process: ProcessId) {
        let every = self.plan.gossip_every;
        let own = &mut self.processes[process];
        if !own.is_alive() {
            return;
        }
        if own.gossip.is_stalled() {
            self.after(every, Step::Gossip(process));
            return self.gossip_changed(process);
        }
        if self.random.below(STALLS_IN) == 0 {
            own.gossip.stall(self.random.between(7, 12));
        }
        let digest = own.gossip.beat(&own.source, own.host, self.now, every);
        let up = own.links.iter().filter_map(|link| match &link.state {
            LinkState::Up(session) => Some(session.conn),
            _ => None,
        });
        let mut up: Vec<_> = up.collect();
        self.after(every, Step::Gossip(process));
        let index = self.digests.len();
        let mut told = 0;
        while told < 2 && !up.is_empty() {
            let conn = up.swap_remove(self.random.index(up.len()));
            let conn = &self.conns[conn.0];
            let (from, to) = (*conn.end(Side::Dialer), *conn.end(Side::Acceptor));
            if to.is_open && !conn.is_dead && self.paths.is_open(from.host, to.host) {
                let wait = self.delay(from.host, to.host);
                self.after(wait, Step::GossipArrives(to.process, index));
                told += 1;
            }
        }
        if told > 0 {
            self.digests.push(Some((digest, told)));
        }
        self.gossip_changed(process);
    }

    pub(crate) fn on_gossip_arrives(&mut self, process: ProcessId, index: usize) {
        let Some((digest, left)) = &mut self.digests[index] else {
            return;
        };
        let own = &mut self.processes[process];
        if own.is_alive() {
            own.gossip.hear(&own.source, digest, self.now);
        }
        *left -= 1;
        if *left == 0 {
            self.digests[index] = None;
        }
        if self.processes[process].is_alive() {
            self.gossip_changed(process);
        }
    }

    fn gossip_changed(&mut self, process: ProcessId) {
        if let Some(live) = self.processes[process].gossip.changed(self.now, self.plan.gossip_every) {
            self.update(process, |roster, now| roster.on_gossip(live, now));
        }
    }

    /// A node has stopped in good order.
    pub(crate) fn left(&mut self, process: ProcessId, source: &Source) {
        self.update(process, |roster, _| roster.on_left(source));
        let own = &self.processes[process];
        let upstream = own
            .upstreams
            .of(&source.node)
            .filter(|upstream| *upstream.source == *source);
        own.upstreams.end(source);
        if upstream.is_some_and(|upstream| upstream.carrier.is_over()) {
            self.end_lanes_in(process, source, None);
        }
        self.check_confirmations(process);
        self.wake_all_readers(process);
    }

    /// A host's node starts.
    pub(crate) fn on_start(&mut self, host: usize) {
        if self.hosts[host].is_none() && host < self.plan.nodes {
            self.start(host, host);
        }
    }

    /// A node of this name starts on a host.
    pub(crate) fn start(&mut self, name: usize, host: usize) {
        let wall = u64::try_from(crate::time::wall_clock().as_millis()).unwrap_or(0) + self.now / 1000;
        let epoch = wall.max(self.epochs[name] + 1);
        self.epochs[name] = epoch;
        let process = self.processes.len();
        self.processes
            .push(Process::new(name, host, epoch, self.now, &self.plan, &self.keys[0]));
        self.hosts[host] = Some(process);
        self.tally.starts += 1;
        self.say(process, Kind::Start {});
        self.after(0, Step::Tick(process));
        let wait = self.random.below(self.plan.gossip_every);
        self.after(wait, Step::Gossip(process));
        self.begin_load(process);
    }

    /// A process is killed: it says nothing more, to anybody.
    pub(crate) fn kill(&mut self, process: ProcessId) {
        if !self.processes[process].is_alive() {
            return;
        }
        self.say(process, Kind::Kill {});
        self.tally.kills += 1;
        self.bury(process);
    }

    /// A process cannot go on, since its name is another's. Whoever watches over it may start it again.
    pub(crate) fn fail(&mut self, process: ProcessId) {
        if !self.processes[process].is_alive() {
            return;
        }
        self.tally.refused_processes += 1;
        self.say(process, Kind::Kill {});
        let (name, host, newer) = {
            let own = &self.processes[process];
            (own.name, own.host, own.newer_run)
        };
        self.epochs[name] = self.epochs[name].max(newer);
        self.close_all(process, Close::Gone);
        self.bury(process);
        if newer > 0 && name == host {
            self.after(RESTART_AFTER, Step::Start(host));
        }
    }

    fn bury(&mut self, process: ProcessId) {
        let own = &mut self.processes[process];
        own.phase = Phase::Dead;
        own.sessions.clear();
        let links = std::mem::take(&mut own.links);
        own.links = links
            .into_iter()
            .map(|mut link| {
                link.state = LinkState::Waiting;
                link.is_stopped = true;
                link
            })
            .collect();
        let host = own.host;
        for id in &self.open {
            for end in &mut self.conns[id.0].ends {
                end.is_open &= end.process != process;
            }
        }
        self.hosts[host] = None;
        self.drop_subs(process);
    }

    fn close_all(&mut self, process: ProcessId, close: Close) {
        for id in self.open.clone() {
            for side in [Side::Dialer, Side::Acceptor] {
                if self.conns[id.0].end(side).process == process {
                    self.close(id, side, Lost::Closed(close));
                }
            }
        }
    }

    /// A process begins to stop in good order.
    pub(crate) fn stop(&mut self, process: ProcessId) {
        let own = &mut self.processes[process];
        if own.phase != Phase::Running {
            return;
        }
        own.broker.refuse_publishes();
        own.phase = Phase::Draining {
            deadline: self.now + DRAIN_WITHIN,
        };
        self.on_drain(process);
    }

    pub(crate) fn on_drain(&mut self, process: ProcessId) {
        let Phase::Draining { deadline } = self.processes[process].phase else {
            return;
        };
        for index in 0..self.processes[process].links.len() {
            let own = &mut self.processes[process];
            let Some(session) = own.links[index].session() else {
                continue;
            };
            let (told, conn) = ((index, session.number), session.conn);
            if !own.told_leaving.contains(&told) {
                own.told_leaving.push(told);
                self.tell_acceptor(conn, &FromDialer::Leaving);
                self.end_feeds(process, index);
            }
        }
        let undrained = self.undrained(process);
        if !undrained.is_empty() && self.now < deadline {
            return self.after(DRAIN_POLL, Step::Drain(process));
        }
        self.close_all(process, Close::Leaving);
        self.processes[process].broker.end_subscriptions();
        self.read_out(process);
        self.tally.stops += 1;
        if undrained.is_empty() {
            self.tally.drained += 1;
            if self.is_busy {
                self.reach(Marker::DrainedUnderLoad);
            }
        } else {
            self.reach(Marker::DrainDeadline);
        }
        let unconfirmed = undrained.iter().map(|node| node.as_str().into()).collect();
        self.say(process, Kind::Stop { unconfirmed });
        self.bury(process);
    }
}
