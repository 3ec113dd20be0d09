//! A simple model of gossip: heartbeats that travel over the links, and runs that are silent for too long.

use std::collections::BTreeMap;

use bellwether_message::Source;
use bellwether_protocol::roster::Gossiped;

use crate::process::address;

/// A run that was silent for so many intervals is not live: what phi 8 comes to.
const SILENT_AFTER: u64 = 6;
/// Dead runs are forgotten after so many.
const FORGOTTEN_AFTER: u64 = 300;

/// What one process has heard of others.
#[derive(Debug, Default)]
pub(crate) struct Gossip {
    heard: BTreeMap<Source, Heard>,
    beat: u64,
    live: Vec<Gossiped>,
    /// It says nothing for so many more beats: a process that is busy with something else.
    stalled: u64,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    host: usize,
    beat: u64,
    at: u64,
    /// A run is live from its second heartbeat on.
    times: u32,
}

/// What one process tells another: each run it knows of, its host and its heartbeat.
pub(crate) type Digest = Vec<(Source, usize, u64)>;

impl Gossip {
    /// It says nothing for so many beats.
    pub(crate) fn stall(&mut self, beats: u64) {
        self.stalled = beats;
    }

    /// Whether it says nothing now.
    pub(crate) fn is_stalled(&mut self) -> bool {
        let is_stalled = self.stalled > 0;
        self.stalled = self.stalled.saturating_sub(1);
        is_stalled
    }

    /// Its own heart beats; what it tells.
    pub(crate) fn beat(&mut self, own: &Source, host: usize, now: u64, every: u64) -> Digest {
        self.beat += 1;
        self.heard.retain(|_, heard| now - heard.at < FORGOTTEN_AFTER * every);
        let live = self
            .heard
            .iter()
            .filter(|(_, heard)| now - heard.at < SILENT_AFTER * every);
        let mut digest: Digest = live
            .map(|(source, heard)| (source.clone(), heard.host, heard.beat))
            .collect();
        digest.push((own.clone(), host, self.beat));
        digest
    }

    /// Takes what another has told.
    pub(crate) fn hear(&mut self, own: &Source, digest: &Digest, now: u64) {
        for (source, host, beat) in digest.iter().filter(|(source, ..)| source != own) {
            let heard = self.heard.entry(source.clone()).or_insert(Heard {
                host: *host,
                beat: 0,
                at: now,
                times: 0,
            });
            if *beat > heard.beat {
                (heard.beat, heard.at, heard.times) = (*beat, now, heard.times + 1);
            }
        }
    }

    /// The runs that are live, if they have changed.
    pub(crate) fn changed(&mut self, now: u64, every: u64) -> Option<Vec<Gossiped>> {
        let is_live = |heard: &Heard| heard.times >= 2 && now - heard.at < SILENT_AFTER * every;
        let live = self.heard.iter().filter(|(_, heard)| is_live(heard));
        let live: Vec<Gossiped> = live
            .map(|(source, heard)| Gossiped {
                source: source.clone(),
                address: address(heard.host),
            })
            .collect();
        (live != self.live).then(|| {
            self.live.clone_from(&live);
            live
        })
    }
}
