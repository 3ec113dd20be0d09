//! Faults: what goes wrong in a run, and when.

use std::time::Duration;

use crate::draw::Draw;
use crate::net::{Condition, Hosts, What};

/// A host that takes the place of another has its number plus this.
pub const REPLACEMENT: usize = 8;
/// A second node of one name is tried while nothing else is wrong.
const DUPLICATE_ALONE: Duration = Duration::from_secs(8);

/// A fault with its time, counted from the end of the warm-up.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    /// When it begins.
    pub after: Duration,
    /// How long it lasts: for a crash or stop, how long the node stays away.
    pub stays: Duration,
    /// What it is.
    pub fault: Fault,
}

/// What goes wrong. Nodes are named by number.
#[derive(Debug, Clone)]
pub enum Fault {
    /// F1: datagrams of all paths are lost, doubled, and overtake each other.
    Rough(What),
    /// Some node's paths let little through.
    Narrow {
        /// Whose.
        node: usize,
        /// How little.
        bytes_per_ms: u64,
    },
    /// F2: these on one side, all others on the other.
    Partition {
        /// These.
        left: Vec<usize>,
    },
    /// F3: nothing gets from the one to the other.
    OneWay {
        /// The one.
        from: usize,
        /// The other.
        to: usize,
    },
    /// F3: these two cannot reach each other, but both reach the rest.
    Pair {
        /// The one.
        one: usize,
        /// The other.
        other: usize,
    },
    /// F4: the link between these two is cut and healed, over and over.
    Flapping {
        /// The one.
        one: usize,
        /// The other.
        other: usize,
        /// How long it is cut, and then how long it is not.
        each: Duration,
    },
    /// F5: killed, and started again.
    Crash {
        /// These at once.
        nodes: Vec<usize>,
    },
    /// F5: killed, and started again under its name on another host, without its data.
    Replace {
        /// This one.
        node: usize,
        /// How the other host's clock is set.
        clock_ms: i64,
    },
    /// F6: killed and started, over and over.
    CrashLoop {
        /// This one.
        node: usize,
        /// How often.
        times: u64,
    },
    /// F8: a clock jumps, and is set right in the end.
    Clock {
        /// Whose.
        node: usize,
        /// How far.
        by_ms: i64,
        /// Whether the node is killed and started while its clock is wrong.
        restart: bool,
    },
    /// F9: a second node of this name is started elsewhere.
    Duplicate {
        /// Whose name.
        node: usize,
    },
    /// F10: no subscriber on it reads.
    NoReading {
        /// On which.
        node: usize,
    },
    /// F13: stopped in good order, under load, and started again.
    Stop {
        /// These, one after the other.
        nodes: Vec<usize>,
    },
    /// F21: the secret is replaced on all nodes, one after the other, in three rounds: added, put first, the old one removed.
    Rotate {
        /// How long it takes from one to the next.
        each: Duration,
    },
}

impl Fault {
    /// Its name in the history.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rough(_) => "rough",
            Self::Narrow { .. } => "narrow",
            Self::Partition { .. } => "partition",
            Self::OneWay { .. } => "one_way",
            Self::Pair { .. } => "pair",
            Self::Flapping { .. } => "flapping",
            Self::Crash { .. } => "crash",
            Self::Replace { .. } => "replace",
            Self::CrashLoop { .. } => "crash_loop",
            Self::Clock { .. } => "clock",
            Self::Duplicate { .. } => "duplicate",
            Self::NoReading { .. } => "no_reading",
            Self::Stop { .. } => "stop",
            Self::Rotate { .. } => "rotate",
        }
    }

    /// The nodes whose links or lives it touches; none means all.
    pub fn nodes(&self) -> Vec<usize> {
        match self {
            Self::Rough(_) | Self::Rotate { .. } => Vec::new(),
            Self::Partition { left: nodes } | Self::Crash { nodes } | Self::Stop { nodes } => nodes.clone(),
            Self::OneWay { from: one, to: other } | Self::Pair { one, other } | Self::Flapping { one, other, .. } => {
                vec![*one, *other]
            }
            Self::Narrow { node, .. }
            | Self::Replace { node, .. }
            | Self::CrashLoop { node, .. }
            | Self::Clock { node, .. }
            | Self::Duplicate { node }
            | Self::NoReading { node } => vec![*node],
        }
    }

    /// What it imposes on the network for as long as it lasts.
    pub fn conditions(&self) -> Vec<Condition> {
        match self {
            Self::Rough(what) => vec![Condition {
                from: Hosts::ALL,
                to: Hosts::ALL,
                what: *what,
            }],
            Self::Narrow { node, bytes_per_ms } => {
                let what = What::Narrow {
                    bytes_per_ms: *bytes_per_ms,
                };
                Condition::both_ways(hosts_of(&[*node]), Hosts::ALL, what)
            }
            Self::Partition { left } => {
                let left = hosts_of(left);
                Condition::both_ways(left, left.others(), What::Cut)
            }
            Self::OneWay { from, to } => vec![Condition {
                from: hosts_of(&[*from]),
                to: hosts_of(&[*to]),
                what: What::Cut,
            }],
            Self::Pair { one, other } | Self::Flapping { one, other, .. } => {
                Condition::both_ways(hosts_of(&[*one]), hosts_of(&[*other]), What::Cut)
            }
            _ => Vec::new(),
        }
    }
}

/// The hosts of nodes: their own, and those that may take their place.
fn hosts_of(nodes: &[usize]) -> Hosts {
    Hosts::of(nodes.iter().flat_map(|node| [*node, node + REPLACEMENT]))
}

/// Draws three to ten faults for `count` nodes.
pub(crate) fn draw(draw: &mut Draw, count: usize, load: Duration) -> Vec<FaultPlan> {
    let mut faults: Vec<FaultPlan> = Vec::new();
    let mut earliest = Duration::ZERO;
    if draw.in_thousand(120) {
        faults.push(FaultPlan {
            after: Duration::ZERO,
            stays: Duration::from_secs(4),
            fault: Fault::Duplicate {
                node: node(draw, count),
            },
        });
        earliest = DUPLICATE_ALONE;
    }
    let wanted = draw.within(3, 10);
    while (faults.len() as u64) < wanted {
        let (fault, stays) = one(draw, count);
        let latest = load
            .as_millis()
            .saturating_sub(stays.as_millis())
            .max(earliest.as_millis() + 1000);
        let after = draw.within(
            u64::try_from(earliest.as_millis()).unwrap_or(0),
            u64::try_from(latest).unwrap_or(0),
        );
        faults.push(FaultPlan {
            after: Duration::from_millis(after),
            stays,
            fault,
        });
    }
    faults.sort_by_key(|fault| fault.after);
    faults
}

fn one(draw: &mut Draw, count: usize) -> (Fault, Duration) {
    let (one, other) = two(draw, count);
    let short = Duration::from_millis(draw.within(500, 15_000));
    match draw.within(1, 100) {
        1..=18 => (Fault::Rough(rough(draw)), short),
        19..=22 => {
            let bytes_per_ms = draw.within(5, 60);
            let node = one;
            (Fault::Narrow { node, bytes_per_ms }, short)
        }
        23..=38 => (
            Fault::Partition {
                left: some(draw, count),
            },
            partition_time(draw),
        ),
        39..=45 => (Fault::OneWay { from: one, to: other }, short),
        46..=51 => (Fault::Pair { one, other }, short),
        52..=57 => {
            let each = Duration::from_millis(*draw.pick(&[200, 200, 700, 2000]));
            (Fault::Flapping { one, other, each }, short)
        }
        58..=72 => {
            let nodes = match draw.within(1, 10) {
                1..=8 => vec![one],
                9 => some(draw, count),
                _ => (1..=count).collect(),
            };
            let at_once = draw.in_thousand(500);
            let away = if at_once { 0 } else { draw.within(100, 30_000) };
            (Fault::Crash { nodes }, Duration::from_millis(away))
        }
        73..=76 => {
            let clock_ms = *draw.pick(&[0, 0, -3_600_000]);
            (Fault::Replace { node: one, clock_ms }, short)
        }
        77 => {
            let times = draw.within(5, 20);
            (Fault::CrashLoop { node: one, times }, Duration::ZERO)
        }
        78..=83 => {
            let by_ms = *draw.pick(&[3_600_000, -3_600_000]);
            let restart = draw.in_thousand(600);
            (
                Fault::Clock {
                    node: one,
                    by_ms,
                    restart,
                },
                short,
            )
        }
        84..=90 => (Fault::NoReading { node: one }, short),
        91..=94 => {
            let each = Duration::from_millis(*draw.pick(&[0, 50, 700]));
            (Fault::Rotate { each }, each * 3 * u32::try_from(count).unwrap_or(1))
        }
        _ => {
            let all = draw.in_thousand(300);
            let nodes = if all { (1..=count).collect() } else { vec![one] };
            (Fault::Stop { nodes }, Duration::from_millis(draw.within(0, 4000)))
        }
    }
}

fn rough(draw: &mut Draw) -> What {
    What::Rough {
        loss: *draw.pick(&[0, 10, 50, 50, 150, 300]),
        duplicates: *draw.pick(&[0, 20, 200]),
        jitter_ms: *draw.pick(&[0, 20, 100, 400]),
    }
}

fn partition_time(draw: &mut Draw) -> Duration {
    Duration::from_millis(match draw.within(1, 25) {
        1..=10 => draw.within(300, 4000),
        11..=20 => draw.within(4000, 15_000),
        21..=24 => draw.within(15_000, 40_000),
        _ => 120_000,
    })
}

fn node(draw: &mut Draw, count: usize) -> usize {
    usize::try_from(draw.within(1, count as u64)).unwrap_or(1)
}

fn two(draw: &mut Draw, count: usize) -> (usize, usize) {
    let one = node(draw, count);
    let step = usize::try_from(draw.within(1, count as u64 - 1)).unwrap_or(1);
    (one, (one - 1 + step) % count + 1)
}

/// Some of the nodes: at least one, and not all.
fn some(draw: &mut Draw, count: usize) -> Vec<usize> {
    let all_but_one = draw.in_thousand(200);
    let (one, _) = two(draw, count);
    let is_in = |draw: &mut Draw, node: usize| match all_but_one {
        true => node != one,
        false => node == one || (node != one % count + 1 && draw.in_thousand(300)),
    };
    (1..=count).filter(|node| is_in(draw, *node)).collect()
}
