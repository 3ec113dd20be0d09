//! A connection that a peer dialed: this process receives on it.

use bellwether_message::{Epoch, NodeId, Source, StreamHeader};
use bellwether_protocol::acks::Acks;
use bellwether_protocol::control::{self, FromAcceptor, FromDialer, Hello, WIRE_VERSION, Welcome};
use bellwether_protocol::feed_reader::FeedReader;
use bellwether_protocol::frame::STREAM_DATA;
use bellwether_protocol::interest::InterestTeller;
use bellwether_protocol::lane::Lane;
use bellwether_protocol::roster::Direction;
use bellwether_protocol::upstream::LinkRefused;
use bytes::{Buf, Bytes};

use crate::close::Close;
use crate::marker::Marker;
use crate::network::{ConnId, Lost, Side, TO_ACCEPTOR, TO_DIALER, take_frame};
use crate::process::{CLUSTER, Carried, ProcessId, address};
use crate::time::{MS, duration};
use crate::world::{Step, World};

/// Acknowledgements are gathered for so long.
const ACK_DELAY: u64 = 20 * MS;

/// What an acceptor makes of a connection.
pub(crate) enum Inbound {
    /// Waits for the hello.
    Hello,
    /// Has heard it, and asks whether it may be.
    Admitting(Greeting),
    /// Receives.
    Serving(Box<Serving>),
    /// Nothing any more.
    Over,
}

/// A hello that is in order.
pub(crate) struct Greeting {
    source: Source,
    host: usize,
}

/// An accepted connection of a link.
pub(crate) struct Serving {
    upstream: Carried,
    source: Source,
    /// On the urgent lane: what tells the peer this node's interest.
    teller: Option<InterestTeller>,
    acks: Acks,
    ack_is_due: bool,
    tell_is_due: bool,
    has_told: bool,
}

impl World {
    /// Bytes on a control stream to the acceptor.
    pub(crate) fn on_control_in(&mut self, id: ConnId, bytes: &[u8]) {
        self.conns[id.0].pipes[TO_ACCEPTOR].partial.extend_from_slice(bytes);
        self.read_control_in(id);
    }

    fn read_control_in(&mut self, id: ConnId) {
        loop {
            let conn = &mut self.conns[id.0];
            if !conn.end(Side::Acceptor).is_open || matches!(conn.inbound, Inbound::Admitting(_) | Inbound::Over) {
                return;
            }
            let Some(frame) = take_frame(&mut conn.pipes[TO_ACCEPTOR].partial) else {
                return;
            };
            match &conn.inbound {
                Inbound::Hello => match control::decode::<Hello>(&frame) {
                    Some(hello) => self.on_hello(id, hello),
                    None => self.broke(id, Side::Acceptor, "a hello that is none"),
                },
                Inbound::Serving(serving) => {
                    let source = serving.source.clone();
                    match control::decode::<FromDialer>(&frame) {
                        Some(FromDialer::Ping(nonce)) => self.answer(id, &FromAcceptor::Pong(nonce)),
                        Some(FromDialer::Leaving) => {
                            let process = self.conns[id.0].end(Side::Acceptor).process;
                            self.update(process, |roster, _| roster.on_leaving(&source));
                        }
                        // All have the same keys, and nobody asks.
                        Some(FromDialer::Keys(_)) => {}
                        None => self.broke(id, Side::Acceptor, "a control frame that is none"),
                    }
                }
                Inbound::Admitting(_) | Inbound::Over => {}
            }
        }
    }

    fn on_hello(&mut self, id: ConnId, hello: Hello) {
        let conn = &mut self.conns[id.0];
        let process = conn.end(Side::Acceptor).process;
        let Ok(node) = NodeId::new(&hello.node) else {
            return self.broke(id, Side::Acceptor, "a hello of no name");
        };
        let source = Source {
            node,
            epoch: Epoch(hello.epoch),
        };
        let greeting = Greeting {
            host: conn.end(Side::Dialer).host,
            source: source.clone(),
        };
        conn.inbound = Inbound::Admitting(greeting);
        self.admit(process, id, source, hello.joined);
    }

    /// The peer may be linked with, or not.
    pub(crate) fn on_admitted(&mut self, id: ConnId, admitted: Result<(), Close>) {
        let conn = &mut self.conns[id.0];
        let (process, lane, number) = (conn.end(Side::Acceptor).process, conn.lane, conn.number);
        let Inbound::Admitting(greeting) = std::mem::replace(&mut conn.inbound, Inbound::Over) else {
            return;
        };
        // Accepted even if the connection has died meanwhile: the acceptor finds out when it writes the welcome.
        match admitted.and_then(|()| self.accept(process, &greeting, lane, number)) {
            Ok(upstream) => self.welcome(id, process, greeting, upstream),
            Err(close) => self.close(id, Side::Acceptor, Lost::Closed(close)),
        }
    }

    fn accept(&mut self, process: ProcessId, greeting: &Greeting, lane: Lane, number: u64) -> Result<Carried, Close> {
        let own = &self.processes[process];
        let source = &greeting.source;
        let before = own.upstreams.of(&source.node);
        let accepted = match lane {
            Lane::Urgent => own.upstreams.accept_link(source, number, own.has_joined),
            Lane::Events | Lane::Bulk => own.upstreams.of_link(source, number),
        };
        let upstream = accepted.map_err(|refused| match refused {
            LinkRefused::Stale => Close::StaleEpoch(0),
            LinkRefused::Replaced => Close::Replaced,
        })?;
        if self.processes[process].expired.contains(source) {
            self.reach(Marker::CameBack);
        }
        if before.is_some_and(|before| before.source.epoch < source.epoch) {
            self.reach(Marker::EpochBump);
        }
        // What carried the link, or the lane, before; and everything of an older run.
        let mut replaced = Vec::new();
        for (other, conn) in &self.processes[process].sessions {
            let of_lane = lane == Lane::Urgent || self.conns[conn.0].lane == lane;
            let is_over =
                matches!(&self.conns[conn.0].inbound, Inbound::Serving(serving) if serving.upstream.carrier.is_over());
            if is_over || *other == *source && of_lane {
                replaced.push(*conn);
            }
        }
        for conn in replaced {
            self.reach(Marker::Replaced);
            self.end_inbound(conn, Close::Replaced);
        }
        Ok(upstream)
    }

    fn welcome(&mut self, id: ConnId, process: ProcessId, greeting: Greeting, upstream: Carried) {
        let conn = &mut self.conns[id.0];
        let lane = conn.lane;
        if !conn.end(Side::Acceptor).is_open {
            return;
        }
        let own = &mut self.processes[process];
        own.sessions.push((greeting.source.clone(), id));
        let is_urgent = lane == Lane::Urgent;
        let next = if is_urgent { upstream.next() } else { Vec::new() };
        if next.iter().any(|next| *next > 1) {
            self.markers.reach(Marker::Resumed);
        }
        let welcome = Welcome {
            wire_version: WIRE_VERSION,
            node: own.source.node.to_string(),
            epoch: own.source.epoch.0,
            program: String::new(),
            joined: own.is_settled(),
            next,
        };
        self.conns[id.0].inbound = Inbound::Serving(Box::new(Serving {
            teller: is_urgent.then(|| InterestTeller::new(upstream.slot)),
            upstream,
            source: greeting.source.clone(),
            acks: Acks::new(own.upstreams.floods()),
            ack_is_due: false,
            tell_is_due: false,
            has_told: false,
        }));
        self.answer(id, &FromAcceptor::Welcome(welcome));
        if is_urgent {
            let (source, host) = (&greeting.source, greeting.host);
            self.update(process, |roster, now| {
                roster.on_linked(Direction::In, source, address(host), "", now)
            });
            self.heard_from(process, source, host);
            self.on_tell(id);
        }
        self.read_control_in(id);
    }

    fn answer(&mut self, id: ConnId, frame: &FromAcceptor) {
        match control::encode(frame) {
            Some(bytes) => self.send(id, TO_DIALER, bytes.into()),
            None => self.broke(id, Side::Acceptor, "a control frame too long to send"),
        }
    }

    /// The interest has changed: every peer is told soon.
    pub(crate) fn interest_changed(&mut self, process: ProcessId) {
        let sessions: Vec<ConnId> = self.processes[process].sessions.iter().map(|(_, conn)| *conn).collect();
        for id in sessions {
            if let Inbound::Serving(serving) = &mut self.conns[id.0].inbound
                && serving.teller.is_some()
                && !std::mem::replace(&mut serving.tell_is_due, true)
            {
                let wait = self.random.below(MS);
                self.after(wait, Step::Tell(id));
            }
        }
    }

    pub(crate) fn on_tell(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0];
        let own = &self.processes[conn.end(Side::Acceptor).process];
        let Inbound::Serving(serving) = &mut conn.inbound else {
            return;
        };
        serving.tell_is_due = false;
        let Some(teller) = &mut serving.teller else { return };
        let is_first = !std::mem::replace(&mut serving.has_told, true);
        let frames = teller.frames(&own.broker);
        if !is_first && frames.iter().any(|frame| frame.whole) {
            self.markers.reach(Marker::InterestOverflow);
        }
        for frame in frames {
            self.answer(id, &FromAcceptor::Interest(frame));
        }
    }

    pub(crate) fn on_ack(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0];
        let own = &self.processes[conn.end(Side::Acceptor).process];
        let Inbound::Serving(serving) = &mut conn.inbound else {
            return;
        };
        serving.ack_is_due = false;
        let acks = serving.acks.due(
            &own.broker,
            &serving.upstream,
            own.upstreams.count(),
            duration(self.now),
        );
        if !acks.is_empty() {
            self.answer(id, &FromAcceptor::Ack(acks));
        }
    }

    /// Bytes on a data stream.
    pub(crate) fn on_data(&mut self, id: ConnId, pipe: usize, bytes: Bytes) {
        let conn = &mut self.conns[id.0];
        let number = conn.number;
        let process = conn.end(Side::Acceptor).process;
        let Inbound::Serving(serving) = &conn.inbound else {
            return;
        };
        let upstream = serving.upstream.clone();
        let mut bytes = bytes;
        if conn.pipes[pipe].reader.is_none() {
            let partial = &mut conn.pipes[pipe].partial;
            partial.extend_from_slice(&bytes);
            let Some((header, start)) = take_preface(partial) else {
                return;
            };
            bytes = partial.split().freeze();
            if !upstream.is_current(number) {
                return self.end_inbound(id, Close::Replaced);
            }
            let Some(header) = StreamHeader::decode(&header) else {
                return self.broke(id, Side::Acceptor, "a stream header that is none");
            };
            let began = {
                let mut feed = upstream.feed(header.instance);
                let keys = (CLUSTER, &self.keys[0]);
                FeedReader::begin(&header, start, keys, (&upstream.source, upstream.slot), &mut feed)
            };
            match began {
                Ok(reader) => self.conns[id.0].pipes[pipe].reader = Some(reader),
                Err(err) => return self.broke(id, Side::Acceptor, &format!("{err} (start {start})")),
            }
        }
        if bytes.is_empty() {
            return;
        }
        if !upstream.is_current(number) {
            return self.end_inbound(id, Close::Replaced);
        }
        let Some(reader) = &mut self.conns[id.0].pipes[pipe].reader else {
            return;
        };
        let instance = reader.instance();
        let taken = {
            let mut feed = upstream.feed(instance);
            reader.take([bytes], &mut feed, &self.processes[process].broker)
        };
        self.ack_soon(process, &upstream.source);
        self.wake_readers(process, instance);
        match taken {
            Ok(true) => self.check_confirmations(process),
            Ok(false) => {}
            Err(err) => self.broke(id, Side::Acceptor, &err.to_string()),
        }
    }

    fn ack_soon(&mut self, process: ProcessId, source: &Source) {
        let conns = &mut self.conns;
        let due = self.processes[process]
            .sessions
            .iter()
            .filter(|(of, _)| of == source)
            .find_map(|(_, id)| match &mut conns[id.0].inbound {
                Inbound::Serving(serving) if serving.teller.is_some() => {
                    (!std::mem::replace(&mut serving.ack_is_due, true)).then_some(*id)
                }
                _ => None,
            });
        if let Some(id) = due {
            self.after(ACK_DELAY, Step::Ack(id));
        }
    }

    /// A data stream has ended.
    pub(crate) fn on_stream_end(&mut self, id: ConnId, pipe: usize) {
        let stream = &self.conns[id.0].pipes[pipe];
        if stream.is_finished && stream.reader.as_ref().is_none_or(FeedReader::is_inside_frame) {
            self.broke(id, Side::Acceptor, "a stream that ends inside a frame");
        }
    }

    /// The acceptor gives a connection up.
    pub(crate) fn end_inbound(&mut self, id: ConnId, close: Close) {
        self.close(id, Side::Acceptor, Lost::Closed(close));
        self.leave_inbound(id);
    }

    /// The acceptor learns that a connection is over.
    pub(crate) fn on_inbound_lost(&mut self, id: ConnId, lost: Lost) {
        let is_left = lost == Lost::Closed(Close::Leaving) && self.conns[id.0].lane == Lane::Urgent;
        if let Some((process, source)) = self.leave_inbound(id)
            && is_left
        {
            self.left(process, &source);
        }
    }

    /// What ends with a connection in.
    fn leave_inbound(&mut self, id: ConnId) -> Option<(ProcessId, Source)> {
        let conn = &mut self.conns[id.0];
        let (process, number, lane) = (conn.end(Side::Acceptor).process, conn.number, conn.lane);
        // One that is being admitted goes on: it finds out later.
        if matches!(conn.inbound, Inbound::Admitting(_)) {
            return None;
        }
        let Inbound::Serving(serving) = std::mem::replace(&mut conn.inbound, Inbound::Over) else {
            return None;
        };
        self.processes[process].sessions.retain(|(_, other)| *other != id);
        if lane == Lane::Urgent {
            if serving.upstream.is_current(number) {
                self.update(process, |roster, now| {
                    roster.on_unlinked(Direction::In, &serving.source, now)
                });
            }
            self.end_lanes_in(process, &serving.source, Some(number));
        }
        Some((process, serving.source))
    }

    /// Ends the connections that carry a source here; with a number, those of that link.
    pub(crate) fn end_lanes_in(&mut self, process: ProcessId, source: &Source, number: Option<u64>) {
        let of_link = |id: &ConnId| number.is_none_or(|number| self.conns[id.0].number == number);
        let sessions = self.processes[process].sessions.iter();
        let lanes: Vec<ConnId> = sessions
            .filter(|(of, id)| of == source && of_link(id))
            .map(|(_, id)| *id)
            .collect();
        lanes.into_iter().for_each(|id| self.end_inbound(id, Close::Replaced));
    }

    /// An honest peer has broken the protocol, which must not be.
    pub(crate) fn broke(&mut self, id: ConnId, side: Side, how: &str) {
        let conn = &self.conns[id.0];
        let words = format!(
            "at {} us, connection {} ({:?} lane, link {}): {how}",
            self.now, id.0, conn.lane, conn.number
        );
        self.broken.push(words);
        match side {
            Side::Acceptor => self.end_inbound(id, Close::Protocol),
            Side::Dialer => {
                self.close(id, side, Lost::Closed(Close::Gone));
                self.on_outbound_lost(id, Lost::Closed(Close::Gone));
            }
        }
    }
}

/// What a data stream begins with: the header and the first seq.
fn take_preface(partial: &mut bytes::BytesMut) -> Option<(Bytes, u64)> {
    let (kind, len) = (*partial.first()?, partial.get(1..3)?);
    let len = usize::from(u16::from_le_bytes([len[0], len[1]]));
    if kind != STREAM_DATA || partial.len() < 3 + len + 8 {
        return None;
    }
    partial.advance(3);
    let header = partial.split_to(len).freeze();
    let start = partial.get_u64_le();
    Some((header, start))
}
