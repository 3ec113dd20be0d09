//! A session: one time a link is up, with its lanes and the feeds it sends.

use std::sync::Arc;

use bellwether_message::{Instance, Pattern, Source};
use bellwether_protocol::control::{FromAcceptor, InterestFrame};
use bellwether_protocol::frame::put_preface;
use bellwether_protocol::frame_buffer::FrameBuffer;
use bellwether_protocol::interest::{Heard, InterestHearer};
use bellwether_protocol::lane::Lane;
use bellwether_protocol::outgoing_feed::{Filled, OutgoingFeed};

use crate::marker::Marker;
use crate::network::{ConnId, Lost, Side};
use crate::outbound::{Ping, instances_of};
use crate::process::ProcessId;
use crate::time::{MS, SECOND};
use crate::world::{Step, World};

/// Unwanted messages are told as skipped once the feed was idle for so long.
const SKIP_AFTER: u64 = SECOND;
/// Waits between attempts to open a lane of a link that is up.
const LANE_RETRY: (u64, u64) = (100 * MS, SECOND);

/// One time a link is up.
pub(crate) struct Session {
    pub(crate) peer: Source,
    pub(crate) conn: ConnId,
    pub(crate) number: u64,
    pub(crate) up_at: u64,
    pub(crate) pings: Vec<Ping>,
    lanes: [LaneState; Lane::ALL.len()],
    /// Per instance the seq that the welcome asked for.
    next: Vec<u64>,
    feeds: [Option<Box<FeedOut>>; Instance::COUNT],
    is_leaving: bool,
    has_heard: bool,
    hearer: InterestHearer,
}

#[derive(Debug, Clone, Copy)]
enum LaneState {
    Closed,
    Dialing(ConnId),
    Waiting,
    Up(ConnId),
}

/// A feed on its way to a peer.
struct FeedOut {
    feed: OutgoingFeed,
    pipe: Option<usize>,
    acked: u64,
    has_ended: bool,
    is_scheduled: bool,
    retry: u64,
    /// Counts the times it was looked at: a skip that was planned before means nothing any more.
    turn: u64,
}

impl Session {
    pub(crate) fn new(peer: Source, conn: ConnId, number: u64, next: Vec<u64>, now: u64) -> Self {
        let mut lanes = [LaneState::Closed; Lane::ALL.len()];
        lanes[Lane::Urgent as usize] = LaneState::Up(conn);
        Self {
            peer,
            conn,
            number,
            up_at: now,
            pings: Vec::new(),
            lanes,
            next,
            feeds: Default::default(),
            is_leaving: false,
            has_heard: false,
            hearer: InterestHearer::default(),
        }
    }

    /// All its connections.
    pub(crate) fn conns(&self) -> impl Iterator<Item = ConnId> {
        self.lanes.into_iter().filter_map(|lane| match lane {
            LaneState::Dialing(conn) | LaneState::Up(conn) => Some(conn),
            LaneState::Closed | LaneState::Waiting => None,
        })
    }

    pub(crate) fn is_dialing(&self, id: ConnId) -> bool {
        self.lanes
            .iter()
            .any(|lane| matches!(lane, LaneState::Dialing(conn) if *conn == id))
    }

    /// Whether the loss of a connection stops a writer.
    pub(crate) fn has_writer_on(&self, id: ConnId) -> bool {
        let lane = Lane::ALL
            .into_iter()
            .find(|lane| matches!(self.lanes[*lane as usize], LaneState::Up(conn) if conn == id));
        let is_writing = |instance: Instance| {
            self.feeds[instance.index()]
                .as_ref()
                .is_some_and(|feed| feed.pipe.is_some() && !feed.has_ended)
        };
        lane.is_some_and(|lane| instances_of(lane).any(is_writing))
    }

    /// Whether the peer has acknowledged everything it was sent, ends included.
    pub(crate) fn is_drained(&self) -> bool {
        self.has_heard
            && self
                .feeds
                .iter()
                .flatten()
                .all(|feed| feed.has_ended && feed.acked > feed.feed.told())
    }

    fn lane(&mut self, lane: Lane) -> &mut LaneState {
        &mut self.lanes[lane as usize]
    }

    fn feed(&mut self, instance: Instance) -> Option<&mut FeedOut> {
        self.feeds[instance.index()].as_deref_mut()
    }
}

impl World {
    /// What the acceptor says after its welcome.
    pub(crate) fn on_frame(&mut self, process: ProcessId, index: usize, id: ConnId, frame: FromAcceptor) {
        match frame {
            FromAcceptor::Interest(frame) => self.on_interest(process, index, id, frame),
            FromAcceptor::Pong(nonce) => self.on_pong(process, index, nonce),
            FromAcceptor::Ack(acks) => {
                let Some(session) = self.processes[process].links[index].session() else {
                    return;
                };
                for ack in acks {
                    if let Some(feed) = Instance::from_index(ack.instance).and_then(|instance| session.feed(instance)) {
                        feed.acked = feed.acked.max(ack.seq);
                    }
                }
            }
            FromAcceptor::Welcome(_) => self.broke(id, Side::Dialer, "a second welcome"),
        }
    }

    fn on_interest(&mut self, process: ProcessId, index: usize, id: ConnId, frame: InterestFrame) {
        let Some(session) = self.processes[process].links[index].session() else {
            return;
        };
        let heard = match session.hearer.hear(frame) {
            Ok(heard) => heard,
            Err(err) => return self.broke(id, Side::Dialer, &err.to_string()),
        };
        for heard in heard {
            match heard {
                Heard::Whole(whole) => self.on_whole_interest(process, index, *whole),
                Heard::Add(instance, pattern, added, from) => {
                    self.change(process, index, instance, |feed, head| {
                        feed.want(pattern, added, from, head)
                    });
                }
                Heard::Remove(instance, pattern, added) => {
                    self.change(process, index, instance, |feed, _| feed.unwant(&pattern, added));
                }
            }
        }
    }

    fn on_whole_interest(
        &mut self,
        process: ProcessId,
        index: usize,
        whole: [Vec<(Pattern, u64, u64)>; Instance::COUNT],
    ) {
        for (instance, wants) in Instance::ALL.into_iter().zip(whole) {
            let Some(session) = self.processes[process].links[index].session() else {
                return;
            };
            if wants.is_empty() && session.feed(instance).is_none() {
                continue;
            }
            self.change(process, index, instance, |feed, head| feed.want_only(wants, head));
        }
        if let Some(session) = self.processes[process].links[index].session() {
            session.has_heard = true;
        }
    }

    /// Changes what the peer wants, or ends the feed, and wakes the writer.
    fn change(
        &mut self,
        process: ProcessId,
        index: usize,
        instance: Instance,
        change: impl FnOnce(&mut OutgoingFeed, u64),
    ) {
        let own = &mut self.processes[process];
        let (head, broker) = (own.broker.head(instance), own.broker.clone());
        let Some(session) = own.links[index].session() else {
            return;
        };
        let (next, is_leaving) = (
            session.next.get(instance.index()).copied().unwrap_or(0),
            session.is_leaving,
        );
        let is_new = session.feed(instance).is_none();
        let peer = Arc::new(session.peer.clone());
        let out = session.feeds[instance.index()].get_or_insert_with(|| {
            let mut feed = OutgoingFeed::new(instance, next, head);
            feed.sit(broker.queue_seat(instance, peer));
            feed.want_only(Vec::new(), head);
            if is_leaving {
                feed.end();
            }
            Box::new(FeedOut {
                feed,
                pipe: None,
                acked: 0,
                has_ended: false,
                is_scheduled: false,
                retry: LANE_RETRY.0,
                turn: 0,
            })
        });
        change(&mut out.feed, head);
        if is_new {
            self.start_writer(process, index, instance);
        } else {
            self.wake_feed(process, index, instance);
        }
    }

    /// The stream of a feed opens, and its lane if it is the first of it.
    fn start_writer(&mut self, process: ProcessId, index: usize, instance: Instance) {
        let lane = Lane::of(instance);
        let link = &mut self.processes[process].links[index];
        let host = link.host;
        let Some(session) = link.session() else { return };
        let number = session.number;
        match *session.lane(lane) {
            LaneState::Up(conn) => {
                let pipe = self.open_stream(conn, instance);
                let own = &mut self.processes[process];
                if let Some(feed) = own.links[index].session().and_then(|session| session.feed(instance)) {
                    feed.pipe = Some(pipe);
                }
                self.wake_feed(process, index, instance);
            }
            LaneState::Closed | LaneState::Waiting => {
                let conn = self.connect(process, index, host, lane, number);
                if let Some(session) = self.processes[process].links[index].session() {
                    *session.lane(lane) = LaneState::Dialing(conn);
                }
            }
            LaneState::Dialing(_) => {}
        }
    }

    /// A lane is welcome.
    pub(crate) fn on_lane_welcome(&mut self, process: ProcessId, index: usize, id: ConnId, peer: &Source) {
        let lane = self.conns[id.0].lane;
        let number = self.conns[id.0].number;
        let session = self.processes[process].links[index]
            .session()
            .filter(|session| session.number == number);
        let Some(session) = session.filter(|session| session.is_dialing(id)) else {
            return;
        };
        if session.peer != *peer {
            return self.on_lane_failed(process, index, id, None);
        }
        *session.lane(lane) = LaneState::Up(id);
        self.reach(Marker::LateLane);
        for instance in instances_of(lane) {
            let session = self.processes[process].links[index].session();
            if session.is_some_and(|session| session.feed(instance).is_some()) {
                self.start_writer(process, index, instance);
            }
        }
    }

    /// A lane cannot be opened: it is tried again, unless the peer has said why.
    pub(crate) fn on_lane_failed(&mut self, process: ProcessId, index: usize, id: ConnId, lost: Option<Lost>) {
        let (lane, number) = (self.conns[id.0].lane, self.conns[id.0].number);
        self.close(id, Side::Dialer, Lost::Idle);
        let Some(session) = self.processes[process].links[index].session() else {
            return;
        };
        if session.number != number || !session.is_dialing(id) {
            return;
        }
        if matches!(lost, Some(Lost::Closed(_))) {
            return self.end_session(process, index, None);
        }
        *session.lane(lane) = LaneState::Waiting;
        let first = instances_of(lane).find_map(|instance| {
            session.feed(instance).map(|feed| &mut feed.retry).map(|retry| {
                let wait = *retry;
                *retry = (wait * 2).min(LANE_RETRY.1);
                wait
            })
        });
        self.after(
            first.unwrap_or(LANE_RETRY.0),
            Step::DialLane(process, index, number, lane),
        );
    }

    pub(crate) fn on_dial_lane(&mut self, process: ProcessId, index: usize, number: u64, lane: Lane) {
        let Some(session) = self.processes[process].links[index].session() else {
            return;
        };
        if session.number != number || !matches!(session.lane(lane), LaneState::Waiting) {
            return;
        }
        if let Some(instance) = instances_of(lane).find(|instance| session.feed(*instance).is_some()) {
            self.start_writer(process, index, instance);
        }
    }

    /// Something was published: every writer of the instance looks.
    pub(crate) fn wake_writers(&mut self, process: ProcessId, instance: Instance) {
        for index in 0..self.processes[process].links.len() {
            self.wake_feed(process, index, instance);
        }
    }

    /// A stream has room again.
    pub(crate) fn wake_writer(&mut self, id: ConnId, pipe: usize) {
        let conn = &self.conns[id.0];
        if let Some(instance) = conn.pipes[pipe].instance {
            self.wake_feed(conn.end(Side::Dialer).process, conn.link, instance);
        }
    }

    fn wake_feed(&mut self, process: ProcessId, index: usize, instance: Instance) {
        let Some(session) = self.processes[process].links[index].session() else {
            return;
        };
        let number = session.number;
        if let Some(out) = session.feed(instance)
            && out.pipe.is_some()
            && !out.has_ended
            && !std::mem::replace(&mut out.is_scheduled, true)
        {
            let wait = self.random.below(300);
            self.after(wait, Step::Write(process, index, number, instance));
        }
    }

    pub(crate) fn on_write(&mut self, process: ProcessId, index: usize, number: u64, instance: Instance) {
        let window = self.plan.window;
        let own = &mut self.processes[process];
        let Some(session) = own.links[index].session().filter(|session| session.number == number) else {
            return;
        };
        let LaneState::Up(conn) = *session.lane(Lane::of(instance)) else {
            return;
        };
        let Some(out) = session.feed(instance) else { return };
        let Some(pipe) = out.pipe else { return };
        out.is_scheduled = false;
        out.turn += 1;
        if out.has_ended {
            return;
        }
        let stream = &mut self.conns[conn.0].pipes[pipe];
        if stream.in_flight > window {
            stream.is_full = true;
            self.markers.reach(Marker::WindowFull);
            return;
        }
        let mut batch = FrameBuffer::default();
        if stream.last_due == 0 {
            let sealer = out.feed.sealer(&own.broker).clone();
            let header = sealer.header().expect("feeds of a mesh are signed");
            let start = out.feed.start();
            batch.put(|out| put_preface(header, start, out));
        }
        let key = out.feed.sealer(&own.broker).key();
        let filled = out.feed.fill(&own.broker, &mut batch);
        if out.feed.sealer(&own.broker).key() != key {
            self.markers.reach(Marker::KeyReplaced);
        }
        let (has_untold, turn) = (out.feed.has_untold(), out.turn);
        if matches!(filled, Ok((Filled::Ended, _))) {
            out.has_ended = true;
        }
        if !batch.is_empty() {
            self.send(conn, pipe, batch.take_whole());
        }
        match filled {
            Ok((Filled::More, _)) => self.wake_feed(process, index, instance),
            Ok((Filled::AllToldFor, _)) if has_untold => {
                self.after(SKIP_AFTER, Step::Skip(process, index, number, instance, turn));
            }
            Ok((Filled::AllToldFor, _)) => {}
            Ok((Filled::Ended, _)) => self.finish(conn, pipe),
            Err(err) => self.broke(conn, Side::Dialer, &err.to_string()),
        }
    }

    pub(crate) fn on_skip(&mut self, process: ProcessId, index: usize, number: u64, instance: Instance, turn: u64) {
        let own = &mut self.processes[process];
        let Some(session) = own.links[index].session().filter(|session| session.number == number) else {
            return;
        };
        let LaneState::Up(conn) = *session.lane(Lane::of(instance)) else {
            return;
        };
        let Some(out) = session
            .feed(instance)
            .filter(|out| out.turn == turn && !out.is_scheduled)
        else {
            return;
        };
        let mut batch = FrameBuffer::default();
        if out.feed.skip(&own.broker, &mut batch).is_ok()
            && !batch.is_empty()
            && let Some(pipe) = out.pipe
        {
            self.reach(Marker::Skipped);
            self.send(conn, pipe, batch.take_whole());
        }
    }

    /// Ends every feed of a session once all it holds is sent.
    pub(crate) fn end_feeds(&mut self, process: ProcessId, index: usize) {
        let Some(session) = self.processes[process].links[index].session() else {
            return;
        };
        session.is_leaving = true;
        let feeds = session.feeds.iter_mut().zip(Instance::ALL);
        let ending: Vec<Instance> = feeds
            .filter_map(|(out, instance)| {
                out.as_mut()?.feed.end();
                Some(instance)
            })
            .collect();
        ending
            .into_iter()
            .for_each(|instance| self.wake_feed(process, index, instance));
    }
}
