//! Markers: rare branches, each of which some seed must reach.

use std::collections::BTreeMap;

use bellwether_history::{Event, Kind};
use serde::{Deserialize, Serialize};

/// All of them.
const ALL: [&str; 29] = [
    "a member is suspect",
    "back after it was down",
    "back after it was forgotten",
    "clean end of a feed",
    "confirmed late",
    "drained under load",
    "drain ran out of time",
    "duplicate id refused",
    "end of a feed with an unknown tail",
    "epoch above the clock",
    "epoch below a known one refused",
    "forgotten after five minutes down",
    "gap: backlog_overrun",
    "gap: link_overrun",
    "gap: slow_subscriber",
    "gap of several messages from another node",
    "link lost to a member that is not down",
    "node replaced on another host",
    "node taken for down",
    "packet doubled",
    "packet lost",
    "perfect without faults",
    "restart at once",
    "restart seen",
    "resumed after it was down, without a gap",
    "secret replaced on all nodes",
    "several runs of one node heard by one subscription",
    "subscribed before the first join",
    "subscribed with some not confirmed",
];

/// How often each was reached.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Markers {
    counts: BTreeMap<String, u64>,
}

impl Markers {
    /// It was reached.
    ///
    /// # Panics
    /// If there is no such marker.
    pub fn reached(&mut self, marker: &'static str) {
        assert!(ALL.contains(&marker), "no marker is called `{marker}`");
        *self.counts.entry(marker.to_owned()).or_default() += 1;
    }

    /// Whether it was reached.
    pub fn has(&self, marker: &str) -> bool {
        self.counts.contains_key(marker)
    }

    /// Adds those of another seed.
    pub fn add(&mut self, other: &Self) {
        for (marker, count) in &other.counts {
            *self.counts.entry(marker.clone()).or_default() += count;
        }
    }

    /// Each with how often it was reached.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ALL.into_iter()
            .map(|marker| (marker, self.counts.get(marker).copied().unwrap_or(0)))
    }

    /// Finds in a history what subscribers and views tell of.
    pub fn find(&mut self, events: &[Event]) {
        let mut heard: BTreeMap<(u64, &str), Heard> = BTreeMap::new();
        for event in events {
            let (sub, origin, epoch) = match &event.kind {
                Kind::Deliver {
                    sub,
                    origin,
                    origin_epoch,
                    ..
                } => (*sub, origin, *origin_epoch),
                Kind::Gap {
                    sub,
                    origin,
                    origin_epoch,
                    cause,
                    count,
                    ..
                } => {
                    self.on_gap(cause);
                    if *origin != event.node && *count > 1 {
                        self.reached("gap of several messages from another node");
                    }
                    (*sub, origin, *origin_epoch)
                }
                Kind::EpochEnded {
                    sub,
                    origin,
                    origin_epoch,
                    tail_unknown,
                    ..
                } => {
                    self.reached(match tail_unknown {
                        true => "end of a feed with an unknown tail",
                        false => "clean end of a feed",
                    });
                    let known = heard.entry((*sub, origin)).or_default();
                    known.ended = Some(*origin_epoch);
                    continue;
                }
                Kind::MemberDown { member, .. } => {
                    self.reached("node taken for down");
                    for ((_, origin), heard) in &mut heard {
                        heard.was_down |= **member == **origin;
                    }
                    continue;
                }
                _ => continue,
            };
            let known = heard.entry((sub, origin)).or_default();
            let is_gap = matches!(event.kind, Kind::Gap { .. });
            match known.epoch {
                Some(before) if before < epoch => self.reached("several runs of one node heard by one subscription"),
                Some(before) if before == epoch && known.was_down && !is_gap => {
                    self.reached("resumed after it was down, without a gap");
                }
                _ => {}
            }
            if known.ended == Some(epoch) {
                self.reached("back after it was forgotten");
            }
            *known = Heard {
                epoch: Some(epoch),
                was_down: false,
                ended: None,
            };
        }
    }

    fn on_gap(&mut self, cause: &str) {
        match cause {
            "backlog_overrun" => self.reached("gap: backlog_overrun"),
            "link_overrun" => self.reached("gap: link_overrun"),
            "slow_subscriber" => self.reached("gap: slow_subscriber"),
            _ => {}
        }
    }
}

/// What a subscription has heard of a node.
#[derive(Debug, Default)]
struct Heard {
    epoch: Option<u64>,
    /// Whether somebody took the node for down since.
    was_down: bool,
    /// The run that was told to have ended.
    ended: Option<u64>,
}
