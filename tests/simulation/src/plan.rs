//! What one seed runs: how many nodes, with which limits, under which load and which faults.

use std::time::Duration;

use bellwether_broker::InstanceSettings;
use bellwether_message::Instance;

use crate::fault::Planned;
use crate::random::Random;
use crate::time::{MS, SECOND};

/// Most nodes; one host more stands ready for a second node of a taken name.
const MAX_NODES: u64 = 7;
/// Instances of all three lanes.
const INSTANCES: [Instance; 6] = [
    Instance::Events,
    Instance::Alerts,
    Instance::Metrics,
    Instance::Security,
    Instance::Logging,
    Instance::System,
];

/// What one seed runs.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How many nodes.
    pub(crate) nodes: usize,
    /// A fault lasts for more than five minutes.
    pub(crate) is_long: bool,
    /// No faults at all, and room everywhere: nothing may be lost, down or dialed twice.
    pub(crate) is_calm: bool,
    /// The instances in use.
    pub(crate) instances: Vec<Instance>,
    /// The bounds of every node.
    pub(crate) settings: [InstanceSettings; Instance::COUNT],
    /// How often a node gossips.
    pub(crate) gossip_every: u64,
    /// Bytes on their way on one stream, beyond which its writer waits.
    pub(crate) window: usize,
    /// One way over the network: at least, at most.
    pub(crate) delay: (u64, u64),
    /// Mean time between two publishes of a node.
    pub(crate) publish_every: u64,
    /// Mean time between two changes of a node's subscriptions.
    pub(crate) churn_every: u64,
    /// So many of a hundred subscriptions read slowly.
    pub(crate) slow_percent: u64,
    /// Whether a node may change its interest so often at once that single changes cannot be told.
    pub(crate) has_storms: bool,
    /// The hosts that every node has as seeds.
    pub(crate) seeds: Vec<usize>,
    /// For so long there is load.
    pub(crate) busy_for: u64,
    /// What goes wrong, and when.
    pub(crate) faults: Vec<Planned>,
    /// When which host is given the keys in another order: no fault, so calm runs have it too.
    pub(crate) rotations: Vec<(u64, usize)>,
}

impl Plan {
    /// Draws a plan.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let nodes = random.between(3, MAX_NODES) as usize;
        let is_calm = random.percent(10);
        let is_long = !is_calm && random.percent(2);
        let count = random.between(1, 3) as usize;
        let first = random.index(INSTANCES.len());
        let step = random.between(1, 5) as usize;
        let mut instances: Vec<Instance> = (0..count)
            .map(|nth| INSTANCES[(first + nth * step) % INSTANCES.len()])
            .collect();
        instances.sort_unstable();
        instances.dedup();
        let busy_for = random.between(6, 14) * SECOND;
        let faults = match is_calm {
            true => Vec::new(),
            false => Planned::draw_all(random, nodes, busy_for, is_long),
        };
        let publishes = random.between(300, 800);
        let window = if is_calm {
            1 << 20
        } else {
            random.pick(&[300, 1500, 8 << 10, 64 << 10, 1 << 20])
        };
        Self {
            nodes,
            is_long,
            is_calm,
            instances,
            settings: settings(random, is_calm),
            gossip_every: if is_long {
                SECOND
            } else {
                random.pick(&[200 * MS, 200 * MS, 500 * MS])
            },
            window,
            delay: random.pick(&[(50, 500), (200, 3 * MS), (MS, 20 * MS), (10 * MS, 60 * MS)]),
            publish_every: (busy_for * nodes as u64 / publishes).max(1),
            churn_every: busy_for / random.between(2, 12),
            slow_percent: if is_calm { 0 } else { random.pick(&[0, 20, 50]) },
            has_storms: random.percent(2),
            seeds: match random.below(3) {
                _ if is_long => (0..nodes).collect(),
                0 => vec![0],
                1 => vec![0, 1],
                _ => (0..nodes).collect(),
            },
            busy_for,
            faults,
            rotations: (0..random.pick(&[0, 0, 2, 6, 20]))
                .map(|_| (random.between(SECOND, busy_for), random.index(nodes)))
                .collect(),
        }
    }

    /// The last moment at which anything is wrong.
    pub(crate) fn calm_from(&self) -> u64 {
        self.faults.iter().map(|fault| fault.ends_at()).max().unwrap_or(0)
    }
}

fn settings(random: &mut Random, is_calm: bool) -> [InstanceSettings; Instance::COUNT] {
    let tiny_queue = !is_calm && random.percent(50);
    let tiny_backlog = !is_calm && random.percent(50);
    let short_backlog = !is_calm && random.percent(10);
    Instance::ALL.map(|instance| {
        let mut settings = InstanceSettings::default_for(instance);
        if tiny_queue {
            settings.queue_messages = random.between(1, 8) as usize;
        }
        if tiny_queue && random.percent(30) {
            settings.queue_bytes = random.between(100, 2000) as usize;
        }
        if tiny_backlog {
            settings.backlog_messages = random.between(4, 32) as usize;
        }
        if tiny_backlog && random.percent(30) {
            settings.backlog_bytes = random.between(300, 5000) as usize;
        }
        if short_backlog {
            settings.backlog_age = Duration::from_secs(2);
        }
        settings
    })
}
