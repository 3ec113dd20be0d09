//! Plans: everything a seed decides before its run begins.

use std::time::Duration;

use bellwether::{Instance, InstanceSettings};

use crate::draw::Draw;
use crate::fault::{Fault, FaultPlan, REPLACEMENT};
use crate::net::Path;

/// The instance of the probes: its bounds are never made tiny.
pub const PROBES: Instance = Instance::Health;
/// The topic of the probes.
pub const PROBE_TOPIC: &str = "probe";
/// Of a thousand seeds, so many have no fault at all.
const CALM_SEEDS: u64 = 100;
/// Of a thousand seeds, so many have a node that is cut off for longer than a member stays in view.
const FORGETTING_SEEDS: u64 = 20;
/// The first levels of the topics, and their second and third.
const LEVELS: [&[&str]; 3] = [&["orders", "jobs"], &["eu", "us"], &["new", "done"]];
/// What is subscribed to.
const PATTERNS: [&str; 9] = [
    "*",
    "orders:*",
    "jobs:*",
    "orders:+:new",
    "+:eu:*",
    "*:us:done",
    "orders:eu:new",
    "jobs:us:done",
    "jobs:eu:new",
];

/// What is done in the run of one seed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed it follows from.
    pub seed: u64,
    /// The nodes, from 1.
    pub nodes: Vec<NodePlan>,
    /// How often they gossip.
    pub gossip_interval: Duration,
    /// How long a stop may take.
    pub drain_timeout: Duration,
    /// The network when nothing is wrong with it.
    pub path: Path,
    /// How long nodes run before faults begin.
    pub warm_up: Duration,
    /// How long they run until the last fault has ended, at least.
    pub load: Duration,
    /// What goes wrong. None: the run must be perfect.
    pub faults: Vec<FaultPlan>,
}

/// One node, over all its runs.
#[derive(Debug, Clone)]
pub struct NodePlan {
    /// Its number, from 1.
    pub number: usize,
    /// When it starts first.
    pub starts_after: Duration,
    /// The nodes it has for seeds.
    pub seeds: Vec<usize>,
    /// Bounds that are not the default.
    pub limits: Vec<Limits>,
    /// What it publishes.
    pub publishers: Vec<PublisherPlan>,
    /// What it subscribes to.
    pub subscriptions: Vec<SubscriptionPlan>,
}

/// Bounds of one instance.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of which.
    pub instance: Instance,
    /// Unread messages of one subscription.
    pub queue: Option<usize>,
    /// Messages kept for peers.
    pub backlog: Option<usize>,
}

impl Limits {
    /// Changes the settings.
    pub fn apply(&self, settings: &mut InstanceSettings) {
        if let Some(queue) = self.queue {
            settings.queue_messages = queue;
        }
        if let Some(backlog) = self.backlog {
            settings.backlog_messages = backlog;
        }
    }
}

/// A publisher.
#[derive(Debug, Clone)]
pub struct PublisherPlan {
    /// Where.
    pub instance: Instance,
    /// Where inside the instance; one is drawn for each message.
    pub topics: Vec<String>,
    /// How often.
    pub every: Duration,
    /// How many messages at once.
    pub burst: u64,
    /// How large they are.
    pub bytes: usize,
}

/// A subscription.
#[derive(Debug, Clone)]
pub struct SubscriptionPlan {
    /// Where.
    pub instance: Instance,
    /// What.
    pub patterns: Vec<String>,
    /// How long after the start of its node.
    pub after: Duration,
    /// How long it takes over each message.
    pub each: Duration,
    /// How long it stays, before it is made anew. `None`: as long as the node.
    pub stays: Option<Duration>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let draw = &mut Draw::of(seed, "plan");
        let is_calm = draw.in_thousand(CALM_SEEDS);
        let forgets = !is_calm && draw.in_thousand(FORGETTING_SEEDS);
        let count = match draw.within(1, 20) {
            _ if forgets => 3,
            1..=9 => 3,
            10..=14 => 4,
            15..=18 => 5,
            19 => 6,
            _ => 7,
        };
        let instances = instances(draw);
        let nodes = (1..=count)
            .map(|number| NodePlan::of(draw, number, count, &instances, is_calm))
            .collect();
        let warm_up = Duration::from_millis(draw.within(4000, 7000));
        let load = Duration::from_secs(draw.within(30, 45));
        let faults = match (is_calm, forgets) {
            (true, _) => Vec::new(),
            (false, true) => vec![FaultPlan {
                after: Duration::from_secs(1),
                stays: Duration::from_secs(draw.within(310, 330)),
                fault: Fault::Partition { left: vec![1] },
            }],
            (false, false) => crate::fault::draw(draw, count, load),
        };
        Self {
            seed,
            nodes,
            gossip_interval: Duration::from_millis(draw.within(4, 20) * 50),
            drain_timeout: Duration::from_secs(draw.within(2, 10)),
            path: Path {
                delay_ms: draw.within(1, 15),
                jitter_ms: *draw.pick(&[0, 0, 1, 2, 10]),
                mtu: *draw.pick(&[1280, 1452, 1472, 6500, 9000]),
            },
            warm_up,
            load,
            faults,
        }
    }
}

impl Plan {
    /// The hosts that a node is ever on: where others look for it.
    pub fn hosts_of(&self, node: usize) -> Vec<usize> {
        let replaces =
            |fault: &FaultPlan| matches!(fault.fault, Fault::Replace { node: replaced, .. } if replaced == node);
        match self.faults.iter().any(replaces) {
            true => vec![node, node + REPLACEMENT],
            false => vec![node],
        }
    }
}

/// One to three of those that are not for probes; of every lane now and then.
fn instances(draw: &mut Draw) -> Vec<Instance> {
    let all: Vec<Instance> = Instance::ALL
        .into_iter()
        .filter(|instance| *instance != PROBES)
        .collect();
    (0..draw.within(1, 3)).map(|_| *draw.pick(&all)).collect()
}

impl NodePlan {
    fn of(draw: &mut Draw, number: usize, count: usize, instances: &[Instance], is_calm: bool) -> Self {
        let limits = instances.iter().map(|instance| Limits {
            instance: *instance,
            queue: (!is_calm && draw.in_thousand(500)).then(|| small(draw, 1, 8)),
            backlog: (!is_calm && draw.in_thousand(500)).then(|| small(draw, 4, 32)),
        });
        let limits = limits.collect();
        let starts_after = match draw.within(1, 10) {
            1..=6 => 0,
            7..=9 => draw.within(1, 2000),
            _ => draw.within(2000, 9000),
        };
        Self {
            number,
            starts_after: Duration::from_millis(starts_after),
            seeds: seeds(draw, number, count),
            limits,
            publishers: (0..draw.within(1, 2))
                .map(|_| PublisherPlan::of(draw, instances, is_calm))
                .collect(),
            subscriptions: (0..draw.within(1, 3))
                .map(|_| SubscriptionPlan::of(draw, instances, is_calm))
                .collect(),
        }
    }

    /// Its name in the mesh.
    pub fn name(&self) -> String {
        name(self.number)
    }
}

/// The name of the node of a number.
pub fn name(number: usize) -> String {
    format!("n{number}")
}

fn small(draw: &mut Draw, low: u64, high: u64) -> usize {
    usize::try_from(draw.within(low, high)).unwrap_or(1)
}

/// Node 1 knows the last of the others, or, now and then, nobody; the others know it, and sometimes a second.
fn seeds(draw: &mut Draw, number: usize, count: usize) -> Vec<usize> {
    if number == 1 {
        return if draw.in_thousand(300) { Vec::new() } else { vec![count] };
    }
    let second = small(draw, 1, count as u64);
    let mut seeds = vec![1];
    if second != number && second != 1 {
        seeds.push(second);
    }
    seeds
}

impl PublisherPlan {
    fn of(draw: &mut Draw, instances: &[Instance], is_calm: bool) -> Self {
        let topics = (0..draw.within(1, 3)).map(|_| LEVELS.map(|level| *draw.pick(level)).join(":"));
        let topics = topics.collect();
        let (every, burst) = match draw.within(1, 10) {
            1..=6 => (draw.within(40, 500), 1),
            7..=8 => (draw.within(300, 1500), draw.within(2, 8)),
            _ => (draw.within(4000, 9000), if is_calm { 6 } else { draw.within(20, 60) }),
        };
        Self {
            instance: *draw.pick(instances),
            topics,
            every: Duration::from_millis(every),
            burst,
            bytes: *draw.pick(&[16, 64, 300, 3000]),
        }
    }
}

impl SubscriptionPlan {
    fn of(draw: &mut Draw, instances: &[Instance], is_calm: bool) -> Self {
        let patterns = (0..draw.within(1, 2)).map(|_| (*draw.pick(&PATTERNS)).to_owned());
        let patterns = patterns.collect();
        let after = if draw.in_thousand(600) {
            0
        } else {
            draw.within(0, 15_000)
        };
        let each = if is_calm || draw.in_thousand(600) {
            0
        } else {
            draw.within(1, 800)
        };
        let stays = draw
            .in_thousand(300)
            .then(|| Duration::from_millis(draw.within(500, 15_000)));
        Self {
            instance: *draw.pick(instances),
            patterns,
            after: Duration::from_millis(after),
            each: Duration::from_millis(each),
            stays,
        }
    }
}
