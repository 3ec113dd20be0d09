//! One run: a seed, what came of it, and the judgement.

use std::sync::Arc;
use std::time::Duration;

use bellwether_history::{Checker, Event, Invariant, Report, Rules, Violations};
use bellwether_message::KeyRing;

use crate::marker::Markers;
use crate::process::CLUSTER;
use crate::tally::Tally;
use crate::time::SECOND;
use crate::world::World;

/// Steps that a run never needs: one that takes more does not come to rest.
const MAX_STEPS: u64 = 2_000_000;

/// What came of one seed.
#[derive(Debug)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// Everything that was recorded.
    pub events: Vec<Event>,
    /// The markers that were reached.
    pub markers: Markers,
    /// What happened, in numbers.
    pub tally: Tally,
    is_calm: bool,
    is_long: bool,
    broken: Vec<String>,
    plan: String,
}

/// Why a run is not good.
#[derive(Debug)]
pub enum Failure {
    /// A promise was not kept.
    Violations(Violations),
    /// Honest nodes broke the protocol between them, or did in a calm run what calm runs are without.
    Broken(Vec<String>),
}

impl Failure {
    /// The invariant that was broken first; `None` if it was none of the history's.
    pub fn invariant(&self) -> Option<Invariant> {
        match self {
            Self::Violations(violations) => Some(violations.first().invariant),
            Self::Broken(_) => None,
        }
    }

    /// The name of what was broken first.
    pub fn name(&self) -> &'static str {
        self.invariant().map_or("protocol", Invariant::name)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Violations(violations) => violations.fmt(f),
            Self::Broken(list) => f.write_str(&list.join("\n")),
        }
    }
}

/// The keys of the simulated cluster: every node has both, and signs with the one or the other.
pub type ClusterKeys = [Arc<KeyRing>; 2];

/// The keys, each ring with another of them first. Derived once: it takes longer than many a step.
pub fn cluster_keys() -> ClusterKeys {
    let (one, other) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    let ring = |secrets: [&str; 2]| KeyRing::new(CLUSTER, secrets).expect("the secrets are long enough");
    [[one, other], [other, one]].map(|secrets| Arc::new(ring(secrets)))
}

impl Run {
    /// Runs a seed to its end.
    pub fn new(seed: u64, keys: &ClusterKeys) -> Self {
        let mut world = World::new(seed, keys.clone());
        let plan = format!("{:?}", world.plan);
        world.schedule();
        while world.step() {
            if world.tally.steps >= MAX_STEPS {
                world.broken.push(format!("no end after {MAX_STEPS} steps"));
                break;
            }
        }
        world.tally.seeds = 1;
        world.tally.calm_seeds = u64::from(world.plan.is_calm);
        world.tally.seconds = world.now / SECOND;
        Self {
            seed,
            is_calm: world.plan.is_calm,
            is_long: world.plan.is_long,
            events: std::mem::take(&mut world.events),
            markers: world.markers.clone(),
            tally: world.tally.clone(),
            broken: std::mem::take(&mut world.broken),
            plan,
        }
    }

    /// Judges it.
    ///
    /// # Errors
    /// What it did not keep.
    pub fn judge(&self) -> Result<Report, Failure> {
        if !self.broken.is_empty() {
            return Err(Failure::Broken(self.broken.clone()));
        }
        // A node that stays down leaves the view after five minutes; only the longest runs last so long.
        let rules = Rules {
            gone_after: Some(Duration::from_secs(310)),
            // An address that never answered is dialed every 15 s.
            view_within: Duration::from_secs(if self.is_long { 20 } else { 10 }),
            ..Rules::default()
        };
        let report = Checker::new(rules).check(&self.events).map_err(Failure::Violations)?;
        let gaps: u64 = report.gaps.values().sum();
        let tally = &self.tally;
        if self.is_calm && (gaps, tally.downs, tally.reconnects) != (0, 0, 0) {
            let words = format!(
                "a calm run has {gaps} gaps, {} downs and {} reconnects",
                tally.downs, tally.reconnects
            );
            return Err(Failure::Broken(vec![words]));
        }
        Ok(report)
    }

    /// What was drawn for the seed.
    pub fn plan(&self) -> &str {
        &self.plan
    }
}
