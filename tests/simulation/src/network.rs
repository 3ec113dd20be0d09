//! The network: paths between hosts, and connections of reliable, ordered byte streams over them.
//!
//! A stream delivers every byte in order or the connection dies; two streams of a connection do not wait for each other.
//! Holds the state; the world moves it.

use std::collections::VecDeque;

use bellwether_message::Instance;
use bellwether_protocol::feed_reader::FeedReader;
use bellwether_protocol::lane::Lane;
use bytes::{Bytes, BytesMut};

use crate::close::Close;
use crate::inbound::Inbound;
use crate::process::ProcessId;

/// The stream on which the dialer speaks first.
pub(crate) const TO_ACCEPTOR: usize = 0;
/// The stream on which the acceptor answers.
pub(crate) const TO_DIALER: usize = 1;

/// What stands in the way from one host to another.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Path {
    /// How many faults cut it.
    pub(crate) cuts: u32,
    /// It takes so much longer.
    pub(crate) extra: u64,
    /// So many of a hundred are lost and sent again.
    pub(crate) loss: u64,
}

/// All paths.
#[derive(Debug)]
pub(crate) struct Paths {
    hosts: usize,
    paths: Vec<Path>,
}

impl Paths {
    pub(crate) fn new(hosts: usize) -> Self {
        let paths = vec![Path::default(); hosts * hosts];
        Self { hosts, paths }
    }

    pub(crate) fn hosts(&self) -> usize {
        self.hosts
    }

    pub(crate) fn at(&mut self, from: usize, to: usize) -> &mut Path {
        &mut self.paths[from * self.hosts + to]
    }

    pub(crate) fn path(&self, from: usize, to: usize) -> Path {
        self.paths[from * self.hosts + to]
    }

    pub(crate) fn is_open(&self, from: usize, to: usize) -> bool {
        self.path(from, to).cuts == 0
    }
}

/// Names a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnId(pub(crate) usize);

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Dialer = 0,
    Acceptor = 1,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Dialer => Self::Acceptor,
            Self::Acceptor => Self::Dialer,
        }
    }
}

/// How an end of a connection came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lost {
    /// Nothing was heard for too long.
    Idle,
    /// The other end's process knows nothing of the connection.
    Reset,
    /// The other end closed it.
    Closed(Close),
}

/// One end of a connection, as its process sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) host: usize,
    pub(crate) process: ProcessId,
    pub(crate) is_open: bool,
    pub(crate) heard_at: u64,
}

/// A connection that a process dialed.
pub(crate) struct Conn {
    pub(crate) ends: [End; 2],
    pub(crate) lane: Lane,
    /// The number of the link it belongs to.
    pub(crate) number: u64,
    /// The dialer's link.
    pub(crate) link: usize,
    /// Nothing passes any more, though the paths are open: a box between has forgotten it.
    pub(crate) is_dead: bool,
    /// The acceptor has answered.
    pub(crate) is_up: bool,
    pub(crate) pipes: Vec<Pipe>,
    /// What the acceptor makes of it.
    pub(crate) inbound: Inbound,
}

impl Conn {
    pub(crate) fn end(&self, side: Side) -> &End {
        &self.ends[side as usize]
    }

    pub(crate) fn end_mut(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    pub(crate) fn is_gone(&self) -> bool {
        !self.ends[0].is_open && !self.ends[1].is_open
    }
}

/// A stream, one way.
pub(crate) struct Pipe {
    pub(crate) to: Side,
    /// Whose feed it carries; `None` for a control stream.
    pub(crate) instance: Option<Instance>,
    /// On their way: when they arrive, and what.
    pub(crate) queue: VecDeque<(u64, Bytes)>,
    pub(crate) in_flight: usize,
    pub(crate) last_due: u64,
    pub(crate) is_scheduled: bool,
    /// The sender has finished it.
    pub(crate) is_finished: bool,
    /// The writer waits for room.
    pub(crate) is_full: bool,
    /// Arrived, and not a whole frame yet.
    pub(crate) partial: BytesMut,
    pub(crate) reader: Option<FeedReader>,
}

impl Pipe {
    pub(crate) fn new(to: Side, instance: Option<Instance>) -> Self {
        Self {
            to,
            instance,
            queue: VecDeque::new(),
            in_flight: 0,
            last_due: 0,
            is_scheduled: false,
            is_finished: false,
            is_full: false,
            partial: BytesMut::new(),
            reader: None,
        }
    }

    /// Nothing will come any more.
    pub(crate) fn forget(&mut self) {
        self.queue = VecDeque::new();
        self.partial = BytesMut::new();
        self.reader = None;
    }
}

/// Takes the next whole control frame, without its length.
pub(crate) fn take_frame(partial: &mut BytesMut) -> Option<Bytes> {
    let len = partial
        .get(..4)?
        .iter()
        .rev()
        .fold(0, |len, byte| len << 8 | usize::from(*byte));
    if partial.len() < 4 + len {
        return None;
    }
    let mut frame = partial.split_to(4 + len).freeze();
    Some(frame.split_off(4))
}
