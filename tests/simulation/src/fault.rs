//! What goes wrong: drawn with the plan, done to the world when its time comes.

use bellwether_protocol::lane::Lane;

use crate::random::Random;
use crate::time::{MS, SECOND};

/// Longer than a member that is down stays in view.
const LONG: u64 = 320 * SECOND;
/// A flapping path changes this often.
pub(crate) const FLAP_EVERY: u64 = 200 * MS;

/// A fault and its time.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// When it begins.
    pub(crate) begins_at: u64,
    /// How long it lasts.
    pub(crate) lasts: u64,
    /// What it is.
    pub(crate) fault: Fault,
}

/// Something that goes wrong. Hosts are numbered; each has one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connections from one host to another die, all of them or those of a lane.
    Loss {
        /// The dialer's host.
        from: usize,
        /// The acceptor's.
        to: usize,
        /// Only this one.
        lane: Option<Lane>,
    },
    /// What travels between two hosts takes longer.
    Delay {
        /// One of them.
        a: usize,
        /// The other.
        b: usize,
        /// By so much.
        extra: u64,
    },
    /// Some of what travels between two hosts is lost and sent again.
    Lossy {
        /// One of them.
        a: usize,
        /// The other.
        b: usize,
        /// So many of a hundred.
        percent: u64,
    },
    /// Nothing travels between two groups of hosts; bit `n` of the mask says which host `n` is in.
    Split {
        /// Who is on the second side.
        mask: u32,
    },
    /// Nothing travels from one host to another; the other way it does.
    OneWay {
        /// From here.
        from: usize,
        /// To there.
        to: usize,
    },
    /// Nothing travels between two hosts; others see both.
    Pair {
        /// One of them.
        a: usize,
        /// The other.
        b: usize,
    },
    /// A path that comes and goes.
    Flap {
        /// One end.
        a: usize,
        /// The other.
        b: usize,
    },
    /// A node is killed, and started again when the fault ends.
    Crash {
        /// Where.
        host: usize,
    },
    /// A node is stopped in good order, and started again when the fault ends.
    Stop {
        /// Where.
        host: usize,
    },
    /// A node does nothing for a while.
    Pause {
        /// Where.
        host: usize,
    },
    /// All wall clocks jump.
    ClockJump {
        /// By so much.
        ms: i64,
    },
    /// A second node of a taken name starts on the spare host.
    Duplicate {
        /// Whose name it takes.
        of: usize,
    },
    /// The subscribers of a host stop reading.
    Sleep {
        /// Where.
        host: usize,
    },
}

impl Planned {
    /// When it is over.
    pub(crate) fn ends_at(&self) -> u64 {
        self.begins_at + self.lasts
    }

    /// The faults of a run.
    pub(crate) fn draw_all(random: &mut Random, nodes: usize, busy_for: u64, is_long: bool) -> Vec<Self> {
        let count = random.between(3, 10);
        let mut all: Vec<Self> = (0..count).map(|_| Self::draw(random, nodes, busy_for)).collect();
        if is_long {
            let host = random.index(nodes);
            let fault = if random.percent(60) {
                Fault::Split { mask: 1 << host }
            } else {
                Fault::Crash { host }
            };
            all.push(Self {
                begins_at: random.between(SECOND, busy_for),
                lasts: LONG,
                fault,
            });
        }
        all.sort_by_key(|planned| planned.begins_at);
        all
    }

    fn draw(random: &mut Random, nodes: usize, busy_for: u64) -> Self {
        let begins_at = random.between(SECOND, busy_for);
        let host = random.index(nodes);
        let other = (host + 1 + random.index(nodes - 1)) % nodes;
        let short = random.between(100 * MS, 3 * SECOND);
        let long = random.between(3 * SECOND, 9 * SECOND);
        let cut = random.pick(&[short, short, long]);
        let (a, b) = (host, other);
        let (fault, lasts) = match random.below(24) {
            0..=2 => {
                let lane = random.pick(&[None, Some(Lane::Urgent), Some(Lane::Events), Some(Lane::Bulk)]);
                (Fault::Loss { from: a, to: b, lane }, 0)
            }
            3 => (
                Fault::Delay {
                    a,
                    b,
                    extra: random.between(20 * MS, 800 * MS),
                },
                cut,
            ),
            4 | 5 => (
                Fault::Lossy {
                    a,
                    b,
                    percent: random.between(5, 60),
                },
                cut,
            ),
            6..=8 => (
                Fault::Split {
                    mask: random.between(1, (1 << nodes) - 2) as u32,
                },
                cut,
            ),
            9 | 10 => (Fault::OneWay { from: a, to: b }, cut),
            11 | 12 => (Fault::Pair { a, b }, cut),
            13 => (Fault::Flap { a, b }, cut),
            14..=16 => (Fault::Crash { host }, random.pick(&[10 * MS, 500 * MS, short, cut])),
            17..=19 => (Fault::Stop { host }, random.pick(&[short, cut])),
            20 => (Fault::Pause { host }, random.pick(&[short, cut])),
            21 => (
                Fault::ClockJump {
                    ms: random.pick(&[3_600_000, -3_600_000]),
                },
                0,
            ),
            22 => (Fault::Duplicate { of: host }, 4 * SECOND),
            _ => (Fault::Sleep { host }, short),
        };
        Self {
            begins_at,
            lasts,
            fault,
        }
    }
}
