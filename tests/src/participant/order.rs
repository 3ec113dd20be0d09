//! Orders: what a test says to a participant, and what it answers. Lines of JSON, one answer to each order.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use bellwether::Instance;
use serde::{Deserialize, Serialize};

/// What a participant is, the one argument that its program takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setup {
    /// The node's name.
    pub name: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where the others listen.
    pub seeds: Vec<SocketAddr>,
    /// Where its data is.
    pub data: PathBuf,
    /// Where its history goes.
    pub history: PathBuf,
    /// Messages in the backlog of each instance.
    pub backlog_messages: usize,
    /// Messages in the queue of each subscription.
    pub queue_messages: usize,
    /// Bytes in the queue of each subscription.
    pub queue_bytes: usize,
}

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Subscribe; answered with [`Answer::Subscribed`].
    Subscribe(Instance, String),
    /// End a subscription.
    Unsubscribe(u64),
    /// Read a subscription in another way from now on.
    Read(u64, Reading),
    /// Begin to publish; there may be one load per instance.
    Publish(Load),
    /// Say how far the load of an instance is; answered with [`Answer::Published`].
    Progress(Instance),
    /// End the load of an instance; answered with [`Answer::Published`].
    Hush(Instance),
    /// Say what a subscription has got; answered with [`Answer::Heard`].
    Hear(u64),
    /// Say how late it came since this was asked the last time; answered with [`Answer::Latency`].
    Latency(u64),
    /// Say who is there; answered with [`Answer::Members`].
    Members,
    /// Record how much memory is in use, and how much there may be; answered with [`Answer::Memory`].
    Memory,
}

/// How a subscription is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// As fast as it comes.
    Fast,
    /// One item every so many milliseconds.
    Slow(u64),
    /// Not at all.
    Stopped,
}

/// What to publish.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// Where.
    pub instance: Instance,
    /// Where in it.
    pub topic: String,
    /// So many, then no more.
    pub count: u64,
    /// So many a second.
    pub rate: u64,
    /// Whether it waits for room: publishes with back-pressure.
    pub waits: bool,
    /// Bytes of each; at least 32.
    pub bytes: usize,
}

/// What was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The node runs; said without being asked.
    Started {
        /// Its run.
        epoch: u64,
    },
    /// There is a subscription.
    Subscribed {
        /// Its number, unique in the history.
        sub: u64,
        /// On so many nodes it is live.
        live: usize,
    },
    /// See [`Published`].
    Published(Published),
    /// See [`Heard`].
    Heard(Heard),
    /// See [`Latency`].
    Latency(Latency),
    /// The members, this node among them.
    Members(Vec<MemberSeen>),
    /// Bytes in use, and the bound that follows from the bounds of the queues.
    Memory {
        /// Resident.
        value: u64,
        /// At most.
        bound: u64,
    },
    /// It is done.
    Done,
}

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// So many were acknowledged.
    pub count: u64,
    /// The number of the last one in its feed.
    pub last_seq: u64,
    /// Whether there will be no more.
    pub is_over: bool,
}

/// How late the messages of a subscription came, from just before their publish to the return of the read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// So many came.
    pub count: u64,
    /// Half of them took no longer, in microseconds.
    pub p50_us: u64,
    /// 99 % of them took no longer.
    pub p99_us: u64,
    /// None took longer.
    pub max_us: u64,
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, max] = [self.p50_us, self.p99_us, self.max_us].map(|us| us as f64 / 1e3);
        write!(
            f,
            "{} messages, p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms",
            self.count
        )
    }
}

/// What a subscription has got.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Heard {
    /// Of each feed.
    pub feeds: Vec<Feed>,
}

impl Heard {
    /// What it got of the newest run of a node; nothing at all if there is none.
    pub fn of(&self, origin: &str) -> Feed {
        let feeds = self.feeds.iter().filter(|feed| feed.origin == origin);
        feeds.max_by_key(|feed| feed.epoch).cloned().unwrap_or_default()
    }
}

/// What a subscription has got of one feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// The node that published it.
    pub origin: String,
    /// Its run.
    pub epoch: u64,
    /// Messages that came.
    pub received: u64,
    /// The last of them, or the last that a gap covers.
    pub last_seq: u64,
    /// Messages that did not come after those before them.
    pub disordered: u64,
    /// Gaps that were told: first, last, count and cause.
    pub gaps: Vec<(u64, u64, u64, String)>,
    /// Whether its end was told.
    pub has_ended: bool,
}

impl Feed {
    /// Messages that gaps told of.
    pub fn missing(&self) -> u64 {
        self.gaps.iter().map(|(_, _, count, _)| count).sum()
    }
}

/// One member, as a participant sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSeen {
    /// The node.
    pub node: String,
    /// Its run.
    pub epoch: u64,
    /// Whether it is itself, or alive and linked both ways.
    pub is_linked: bool,
    /// Whether it is taken for down.
    pub is_down: bool,
}
