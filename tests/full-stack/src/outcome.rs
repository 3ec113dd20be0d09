//! Outcomes: what one seed's process tells the one that started it, and their sum.

use std::collections::BTreeMap;
use std::fmt;

use bellwether_history::{Event, Kind};
use serde::{Deserialize, Serialize};

use crate::marker::Markers;
use crate::simulation::Simulated;

/// What came of one seed, or of several.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Seeds that were run.
    pub seeds: u64,
    /// How long they were by their own clocks.
    pub simulated_ms: u64,
    /// Packets that were sent.
    pub packets: u64,
    /// Counts of the events, by kind; of the gaps, by cause.
    pub counts: BTreeMap<String, u64>,
    /// Rare branches that were reached.
    pub markers: Markers,
    /// What was not kept.
    pub violations: Vec<String>,
}

impl Outcome {
    /// Of one seed.
    pub fn of(simulated: &Simulated) -> Self {
        let mut outcome = Self {
            seeds: 1,
            simulated_ms: u64::try_from(simulated.simulated.as_millis()).unwrap_or(u64::MAX),
            packets: simulated.packets.totals().sent,
            counts: BTreeMap::new(),
            markers: simulated.markers.clone(),
            violations: simulated.violations.clone(),
        };
        let report = &simulated.report;
        for (counted, count) in [
            ("due", report.due),
            ("due in gaps", report.due_in_gaps),
            ("false downs", report.false_downs),
            ("probes heard", report.probes_heard),
        ] {
            outcome.counts.insert(counted.to_owned(), count);
        }
        for event in &simulated.events {
            if let Some(counted) = counted(event) {
                *outcome.counts.entry(counted).or_default() += 1;
            }
        }
        outcome
    }

    /// Adds that of another seed.
    pub fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.simulated_ms += other.simulated_ms;
        self.packets += other.packets;
        for (counted, count) in other.counts {
            *self.counts.entry(counted).or_default() += count;
        }
        self.markers.add(&other.markers);
        self.violations.extend(other.violations);
    }
}

fn counted(event: &Event) -> Option<String> {
    let counted = match &event.kind {
        Kind::Start {} => "starts",
        Kind::Stop { .. } => "stops",
        Kind::Kill {} => "kills",
        Kind::PublishAck { .. } => "published",
        Kind::SubscribeOk { .. } => "subscriptions",
        Kind::Deliver { .. } => "deliveries",
        Kind::Gap { cause, .. } => return Some(format!("gaps {cause}")),
        Kind::EpochEnded { tail_unknown: true, .. } => "unknown ends",
        Kind::EpochEnded { .. } => "clean ends",
        Kind::MemberDown { .. } => "downs",
        Kind::FaultBegin { fault, .. } => return Some(format!("faults {fault}")),
        _ => return None,
    };
    Some(counted.to_owned())
}

/// One line.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.simulated_ms / 1000;
        write!(
            f,
            "seeds {}, simulated seconds {seconds}, packets {}",
            self.seeds, self.packets
        )?;
        for (counted, count) in &self.counts {
            write!(f, ", {counted} {count}")?;
        }
        Ok(())
    }
}
