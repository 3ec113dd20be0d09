//! What connections do: dial, carry, cut, close, and die of silence.

use bytes::Bytes;

use crate::inbound::Inbound;
use crate::marker::Marker;
use crate::network::{Conn, ConnId, End, Lost, Pipe, Side, TO_ACCEPTOR, TO_DIALER};
use crate::process::ProcessId;
use crate::time::{MS, SECOND};
use crate::world::{Step, World};
use bellwether_message::Instance;
use bellwether_protocol::lane::Lane;

/// No process is there.
pub(crate) const NOBODY: ProcessId = ProcessId::MAX;
const DIAL_WITHIN: u64 = SECOND;
const WELCOME_WITHIN: u64 = 3 * SECOND;
const IDLE_AFTER: u64 = 6 * SECOND;
const SWEEP_EVERY: u64 = 500 * MS;
/// A packet that was lost is sent again after so long, and after twice that, …
const RETRY: u64 = 60 * MS;
/// So many of a hundred chunks arrive in two pieces.
const CUT_PERCENT: u64 = 12;
/// In a sweep, so many of a hundred ends whose peer knows nothing of them send something and are told.
const RESET_PERCENT: u64 = 40;

impl World {
    /// Dials a host.
    pub(crate) fn connect(&mut self, process: ProcessId, link: usize, host: usize, lane: Lane, number: u64) -> ConnId {
        let id = ConnId(self.conns.len());
        let end = |host, process, is_open| End {
            host,
            process,
            is_open,
            heard_at: self.now,
        };
        let own = self.processes[process].host;
        self.conns.push(Conn {
            ends: [end(own, process, true), end(host, NOBODY, false)],
            lane,
            number,
            link,
            is_dead: false,
            is_up: false,
            pipes: vec![Pipe::new(Side::Acceptor, None), Pipe::new(Side::Dialer, None)],
            inbound: Inbound::Over,
        });
        self.open.push(id);
        self.tally.dials += 1;
        let wait = self.delay(own, host);
        self.after(wait, Step::Handshake(id));
        self.after(DIAL_WITHIN, Step::DialTimeout(id));
        id
    }

    pub(crate) fn on_handshake(&mut self, id: ConnId) {
        let conn = &self.conns[id.0];
        if !conn.end(Side::Dialer).is_open || conn.end(Side::Acceptor).is_open {
            return;
        }
        let (from, to) = (conn.ends[0].host, conn.ends[1].host);
        let is_open = self.paths.is_open(from, to) && self.paths.is_open(to, from);
        let Some(process) = self.hosts[to].filter(|_| is_open) else {
            let wait = self.random.between(RETRY, 3 * RETRY);
            return self.after(wait, Step::Handshake(id));
        };
        let now = self.now;
        let conn = &mut self.conns[id.0];
        *conn.end_mut(Side::Acceptor) = End {
            host: to,
            process,
            is_open: true,
            heard_at: now,
        };
        conn.inbound = Inbound::Hello;
        let wait = self.delay(to, from);
        self.after(wait, Step::Connected(id));
    }

    pub(crate) fn on_connected(&mut self, id: ConnId) {
        let now = self.now;
        let conn = &mut self.conns[id.0];
        if !conn.end(Side::Dialer).is_open || conn.is_up {
            return;
        }
        conn.is_up = true;
        conn.end_mut(Side::Dialer).heard_at = now;
        self.after(WELCOME_WITHIN, Step::WelcomeTimeout(id));
        self.say_hello(id);
    }

    pub(crate) fn on_dial_timeout(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0];
        if conn.end(Side::Dialer).is_open && !conn.is_up {
            conn.end_mut(Side::Dialer).is_open = false;
            self.on_dial_failed(id, None);
        }
    }

    pub(crate) fn on_welcome_timeout(&mut self, id: ConnId) {
        if self.conns[id.0].end(Side::Dialer).is_open && self.is_waiting_for_welcome(id) {
            self.close(id, Side::Dialer, Lost::Idle);
            self.on_dial_failed(id, None);
        }
    }

    /// Opens a data stream.
    pub(crate) fn open_stream(&mut self, id: ConnId, instance: Instance) -> usize {
        let conn = &mut self.conns[id.0];
        conn.pipes.push(Pipe::new(Side::Acceptor, Some(instance)));
        conn.pipes.len() - 1
    }

    /// Writes to a stream.
    pub(crate) fn send(&mut self, id: ConnId, pipe: usize, bytes: Bytes) {
        let conn = &self.conns[id.0];
        let to = conn.pipes[pipe].to;
        let (from, host) = (*conn.end(to.other()), conn.end(to).host);
        if !from.is_open {
            return;
        }
        let due = self.now + self.delay(from.host, host);
        let stream = &mut self.conns[id.0].pipes[pipe];
        let due = due.max(stream.last_due);
        stream.last_due = due;
        stream.in_flight += bytes.len();
        stream.queue.push_back((due, bytes));
        self.schedule_arrival(id, pipe);
    }

    /// No more is written to a stream.
    pub(crate) fn finish(&mut self, id: ConnId, pipe: usize) {
        let now = self.now;
        let stream = &mut self.conns[id.0].pipes[pipe];
        stream.is_finished = true;
        stream.last_due = stream.last_due.max(now);
        self.schedule_arrival(id, pipe);
    }

    fn schedule_arrival(&mut self, id: ConnId, pipe: usize) {
        let stream = &mut self.conns[id.0].pipes[pipe];
        if stream.is_scheduled {
            return;
        }
        let due = match stream.queue.front() {
            Some((due, _)) => *due,
            None if stream.is_finished => stream.last_due,
            None => return,
        };
        stream.is_scheduled = true;
        self.at(due, Step::Arrive(id, pipe));
    }

    pub(crate) fn on_arrive(&mut self, id: ConnId, pipe: usize) {
        let conn = &mut self.conns[id.0];
        let (to, is_dead) = (conn.pipes[pipe].to, conn.is_dead);
        let (from, end) = (conn.end(to.other()).host, *conn.end(to));
        let stream = &mut conn.pipes[pipe];
        stream.is_scheduled = false;
        if !end.is_open {
            // Nobody reads it any more.
            stream.queue.clear();
            return;
        }
        if is_dead {
            return;
        }
        if !self.paths.is_open(from, end.host) {
            stream.is_scheduled = true;
            let wait = self.random.between(RETRY, 4 * RETRY);
            return self.after(wait, Step::Arrive(id, pipe));
        }
        let Some((_, mut bytes)) = stream.queue.pop_front() else {
            return self.on_stream_end(id, pipe);
        };
        if bytes.len() > 1 && self.random.percent(CUT_PERCENT) {
            let rest = bytes.split_off(1 + self.random.index(bytes.len() - 1));
            let due = self.now + self.random.below(3 * MS);
            stream.last_due = stream.last_due.max(due);
            stream.queue.push_front((due, rest));
            self.markers.reach(Marker::CutFrame);
        }
        stream.in_flight -= bytes.len();
        let is_roomy = std::mem::take(&mut stream.is_full);
        if is_roomy {
            self.wake_writer(id, pipe);
        }
        self.schedule_arrival(id, pipe);
        match pipe {
            TO_ACCEPTOR => self.on_control_in(id, &bytes),
            TO_DIALER => self.on_control_out(id, &bytes),
            _ => self.on_data(id, pipe, bytes),
        }
    }

    /// An end closes a connection: it is over there at once, and at the other end once that is heard.
    pub(crate) fn close(&mut self, id: ConnId, side: Side, why: Lost) {
        let conn = &mut self.conns[id.0];
        if !std::mem::take(&mut conn.end_mut(side).is_open) {
            return;
        }
        let (from, to) = (conn.end(side).host, conn.end(side.other()).host);
        if conn.is_up && !conn.is_dead {
            let wait = self.delay(from, to);
            self.after(wait, Step::CloseArrives(id, side.other(), why));
        }
    }

    pub(crate) fn on_close_arrives(&mut self, id: ConnId, side: Side, lost: Lost) {
        let conn = &self.conns[id.0];
        let (from, to) = (conn.end(side.other()).host, conn.end(side).host);
        if conn.end(side).is_open && !conn.is_dead && self.paths.is_open(from, to) {
            self.lose(id, side, lost);
        }
    }

    /// An end learns that its connection is over.
    pub(crate) fn lose(&mut self, id: ConnId, side: Side, lost: Lost) {
        if !std::mem::take(&mut self.conns[id.0].end_mut(side).is_open) {
            return;
        }
        match lost {
            Lost::Idle => self.reach(Marker::IdleTimeout),
            Lost::Reset => self.reach(Marker::Reset),
            Lost::Closed(_) => {}
        }
        match side {
            Side::Acceptor => self.on_inbound_lost(id, lost),
            Side::Dialer => self.on_outbound_lost(id, lost),
        }
    }

    pub(crate) fn on_sweep(&mut self) {
        self.after(SWEEP_EVERY, Step::Sweep);
        let conns = &mut self.conns;
        self.open.retain(|id| {
            let conn = &mut conns[id.0];
            let is_gone = conn.is_gone();
            if is_gone {
                conn.pipes.iter_mut().for_each(Pipe::forget);
            }
            !is_gone
        });
        for id in self.open.clone() {
            if self.conns[id.0].is_up {
                self.sweep(id, Side::Dialer);
                self.sweep(id, Side::Acceptor);
            }
        }
    }

    fn sweep(&mut self, id: ConnId, side: Side) {
        let now = self.now;
        let conn = &self.conns[id.0];
        let (own, far) = (*conn.end(side), *conn.end(side.other()));
        if !own.is_open {
            return;
        }
        let is_paused = |process: ProcessId| self.processes[process].paused_until > now;
        if is_paused(own.process) {
            return;
        }
        let (out, back) = (
            self.paths.is_open(own.host, far.host),
            self.paths.is_open(far.host, own.host),
        );
        if far.is_open && !conn.is_dead && back && !is_paused(far.process) {
            self.conns[id.0].end_mut(side).heard_at = now;
            return;
        }
        let answers = self.hosts[far.host].is_some_and(|process| !is_paused(process));
        // The acceptor's port is the listener's; the dialer's port was of a socket that is gone with its process.
        if side == Side::Dialer && !far.is_open && out && back && answers && self.random.percent(RESET_PERCENT) {
            return self.lose(id, side, Lost::Reset);
        }
        if now - own.heard_at >= IDLE_AFTER {
            self.lose(id, side, Lost::Idle);
        }
    }

    /// How long something takes from one host to another now.
    pub(crate) fn delay(&mut self, from: usize, to: usize) -> u64 {
        let (low, high) = self.plan.delay;
        let path = self.paths.path(from, to);
        let mut delay = self.random.between(low, high) + path.extra;
        let mut again = RETRY;
        while path.loss > 0 && again < SECOND && self.random.percent(path.loss) {
            delay += again;
            again *= 2;
        }
        delay
    }
}
