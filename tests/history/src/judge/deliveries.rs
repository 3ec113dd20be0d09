//! Walks through what came to each subscription: I1, I2, I8. The whole of a feed is judged afterwards.

use super::coverage::{Coverage, is_accepted_before};
use super::ends::{judge_end_is_told, judge_last_seq};
use super::gaps::{judge_gap, judge_gaps};
use super::queues::QueueGroups;
use super::track::{Ended, Told, Track};
use crate::invariant::Invariant;
use crate::kind::Kind;
use crate::report::Report;
use crate::rules::{Rules, micros};
use crate::violation::Findings;
use crate::world::{FastMap, Item, Message, Patterns, Subscription, World};

/// Judges all that came to all subscriptions.
pub(crate) fn judge_deliveries(world: &mut World<'_>, rules: &Rules, report: &mut Report, findings: &mut Findings) {
    let patterns = std::mem::take(&mut world.patterns);
    let mut is_resumed = vec![false; world.subscriptions.len()];
    for earlier in world.subscriptions.iter().filter_map(|one| one.of) {
        is_resumed[earlier] = true;
    }
    let mut walk = Walk {
        no_gaps: rules.calm && world.faults.is_empty(),
        by_instance: feeds_by_instance(world),
        slots: vec![None; world.ledgers.len()],
        newest: vec![0; world.nodes.len()],
        coverage: Coverage::new(world, rules),
        kept: FastMap::default(),
        queues: QueueGroups::default(),
        world,
        rules,
        patterns,
        report,
        findings,
    };
    for (index, subscription) in walk.world.subscriptions.iter().enumerate() {
        let tracks = walk.walk(subscription);
        if is_resumed[index] {
            walk.kept.insert(index, tracks);
        }
    }
    let matching = (&mut walk.coverage, &mut walk.patterns);
    walk.queues.judge_probes(walk.world, rules, matching, walk.findings);
}

fn feeds_by_instance(world: &World<'_>) -> FastMap<u8, Vec<usize>> {
    let mut feeds: FastMap<u8, Vec<usize>> = FastMap::default();
    for (index, ledger) in world.ledgers.iter().enumerate() {
        feeds.entry(ledger.instance as u8).or_default().push(index);
    }
    feeds
}

struct Walk<'w, 'e> {
    world: &'w World<'e>,
    rules: &'w Rules,
    patterns: Patterns<'e>,
    report: &'w mut Report,
    findings: &'w mut Findings,
    /// Whether any gap is a loss without a reason.
    no_gaps: bool,
    by_instance: FastMap<u8, Vec<usize>>,
    /// By feed, the index of the track of the subscription at hand.
    slots: Vec<Option<usize>>,
    /// By node, the newest epoch of which something was delivered to the subscription at hand.
    newest: Vec<u64>,
    coverage: Coverage,
    queues: QueueGroups,
    /// The tracks of subscriptions that are resumed.
    kept: FastMap<usize, Vec<Track>>,
}

impl<'e> Walk<'_, 'e> {
    fn walk(&mut self, subscription: &Subscription) -> Vec<Track> {
        let earlier = subscription.of.and_then(|of| self.kept.get(&of));
        let mut tracks: Vec<Track> = earlier.into_iter().flatten().map(Track::resumed).collect();
        self.newest.fill(0);
        for (slot, track) in tracks.iter().enumerate() {
            self.slots[track.ledger] = Some(slot);
            if !track.delivered.is_empty() {
                let ledger = &self.world.ledgers[track.ledger];
                let newest = &mut self.newest[ledger.node];
                *newest = ledger.epoch.max(*newest);
            }
        }
        for item in &subscription.items {
            self.on_item(subscription, *item, &mut tracks);
        }
        self.judge_tracks(subscription, &tracks);
        for track in &tracks {
            self.slots[track.ledger] = None;
        }
        tracks
    }

    fn on_item(&mut self, subscription: &Subscription, item: Item, tracks: &mut Vec<Track>) {
        let events = self.world.events;
        let kind = &events[item.at].kind;
        let Some(ledger) = item.ledger else {
            return self.on_live(kind, tracks);
        };
        let slot = *self.slots[ledger].get_or_insert_with(|| {
            tracks.push(Track::new(ledger));
            tracks.len() - 1
        });
        let track = &mut tracks[slot];
        match kind {
            Kind::Deliver { seq, topic, hash, .. } => {
                self.report.delivered += 1;
                self.judge_content(subscription, item.at, ledger, *seq, topic, *hash);
                self.judge_order(subscription, item.at, *seq, track);
                if subscription.is_in_queue
                    && let Some(words) = self.queues.hear(subscription, ledger, *seq, item.at)
                {
                    self.add(Invariant::I2, item.at, subscription, ledger, &words);
                }
            }
            Kind::Gap {
                first,
                last,
                count,
                exact,
                cause,
                ..
            } => {
                match self.report.gaps.get_mut(cause) {
                    Some(told) => *told += 1,
                    None => _ = self.report.gaps.insert(cause.clone(), 1),
                }
                self.report.told_missing += count;
                let told = Told {
                    first: *first,
                    last: *last,
                    count: *count,
                    exact: *exact,
                    at: item.at,
                };
                if self.no_gaps {
                    let words = format!("seqs {first} to {last} are in a gap ({cause}) of a run without any fault");
                    self.add(Invariant::I3, item.at, subscription, ledger, &words);
                }
                if let Err(words) = judge_gap(told) {
                    self.add(Invariant::I4, item.at, subscription, ledger, &words);
                }
                if first <= last {
                    track.came(*first);
                    track.gaps.push(told);
                }
            }
            Kind::EpochEnded {
                last_seq, tail_unknown, ..
            } => {
                let ended = Ended {
                    last_seq: *last_seq,
                    tail_unknown: *tail_unknown,
                    at: item.at,
                };
                self.on_ended(subscription, ended, track);
            }
            _ => {}
        }
    }

    fn on_live(&mut self, kind: &Kind, tracks: &mut [Track]) {
        let Kind::Live {
            replayed, incomplete, ..
        } = kind
        else {
            return;
        };
        self.report.replayed += replayed;
        for track in tracks {
            let node = self.world.ledgers[track.ledger].node;
            if incomplete.iter().any(|name| **name == *self.world.nodes.name(node)) {
                track.tear();
            }
        }
    }

    /// I1.
    fn judge_content(
        &mut self,
        subscription: &Subscription,
        at: usize,
        index: usize,
        seq: u64,
        topic: &str,
        hash: u64,
    ) {
        let ledger = &self.world.ledgers[index];
        let words = match ledger.find(seq) {
            None => format!("seq {seq} came, but nobody published it"),
            Some(message) => match self.difference(subscription, at, message, topic, hash) {
                Some(words) => format!("seq {seq} {words}"),
                None if ledger.instance != subscription.instance => {
                    format!("seq {seq} came to a subscription of {}", subscription.instance)
                }
                None => return self.hear(subscription, at, index, message),
            },
        };
        self.add(Invariant::I1, at, subscription, index, &words);
    }

    fn difference(
        &mut self,
        subscription: &Subscription,
        at: usize,
        message: &Message,
        topic: &str,
        hash: u64,
    ) -> Option<String> {
        let events = self.world.events;
        let Kind::PublishCall { topic: published, .. } = &events[message.call.at].kind else {
            return None;
        };
        let now = crate::world::Moment {
            t: events[at].t,
            at,
            node: subscription.node,
        };
        if message.hash != hash {
            return Some(format!(
                "came with payload {hash:#x}: {:#x} was published",
                message.hash
            ));
        }
        if **published != *topic {
            return Some(format!("came on {topic}: it was published on {published}"));
        }
        if self.world.clock.surely_before(now, message.call) {
            return Some(format!("came before its publish at event {}", message.call.at));
        }
        let matches = self.patterns.matches(subscription.patterns, message.topic, topic);
        (!matches).then(|| format!("came on {topic}, which matches none of the patterns"))
    }

    /// I12, of a probe that came.
    fn hear(&mut self, subscription: &Subscription, at: usize, index: usize, message: &Message) {
        let is_probe = self.world.quiet.is_some_and(|quiet| message.call.at > quiet.at);
        // A subscription made later gets it as the past.
        if !self.rules.liveness || !is_probe || !is_accepted_before(self.world, subscription, message) {
            return;
        }
        let limit = micros(self.rules.probe_within).saturating_add(self.world.clock.tolerance);
        let took = self.world.events[at].t.saturating_sub(message.call.t);
        if took > limit {
            let words = format!(
                "the probe with seq {} came after {took} us: at most {limit} us are allowed",
                message.seq
            );
            self.add(Invariant::I12, at, subscription, index, &words);
        }
    }

    /// I2 and I8. The message counts as delivered whatever is wrong with it: it is no longer missing.
    fn judge_order(&mut self, subscription: &Subscription, at: usize, seq: u64, track: &mut Track) {
        let ledger = &self.world.ledgers[track.ledger];
        let newest = &mut self.newest[ledger.node];
        if *newest > ledger.epoch {
            let words = format!("seq {seq} came after a message of the later run {newest}");
            self.add(Invariant::I8, at, subscription, track.ledger, &words);
        } else {
            *newest = ledger.epoch;
            if let Some(words) = judge_after_end(seq, track) {
                self.add(Invariant::I8, at, subscription, track.ledger, &words);
            }
        }
        match track.delivered.last() {
            Some(last) if *last >= seq => {
                let (words, place) = match track.delivered.binary_search(&seq) {
                    Ok(_) => (format!("seq {seq} came twice"), None),
                    Err(place) => (format!("seq {seq} came after seq {last}"), Some(place)),
                };
                if let Some(place) = place {
                    track.delivered.insert(place, seq);
                }
                self.add(Invariant::I2, at, subscription, track.ledger, &words);
            }
            _ => track.delivered.push(seq),
        }
        track.came(seq);
    }

    fn on_ended(&mut self, subscription: &Subscription, ended: Ended, track: &mut Track) {
        let ledger = &self.world.ledgers[track.ledger];
        if let Some(earlier) = track.ended.filter(|earlier| !earlier.tail_unknown) {
            let words = format!(
                "the feed ended a second time, with seq {}, after a clean end with seq {}",
                ended.last_seq, earlier.last_seq
            );
            self.add(Invariant::I8, ended.at, subscription, track.ledger, &words);
            return;
        }
        if ended.tail_unknown {
            self.report.unknown_ends += 1;
            track.tails.push(ended.last_seq);
        } else {
            self.report.clean_ends += 1;
        }
        if let Err(words) = judge_last_seq(self.rules, ledger, ended, track.delivered.last().copied()) {
            self.add(Invariant::I8, ended.at, subscription, track.ledger, &words);
        }
        track.ended = Some(ended);
    }

    /// What can only be judged of a feed as a whole.
    fn judge_tracks(&mut self, subscription: &Subscription, tracks: &[Track]) {
        let world = self.world;
        // A member of a queue group gets its share: what it does not get is no loss, and its gaps are about that share.
        let feeds = self.by_instance.get(&(subscription.instance as u8));
        let feeds = feeds.filter(|_| !subscription.is_in_queue);
        for index in feeds.into_iter().flatten() {
            let track = self.slots[*index].map(|slot| &tracks[slot]);
            let missing = self
                .coverage
                .judge(world, subscription, *index, track, &mut self.patterns, self.report);
            for missing in missing {
                let t = world.events[missing.at].t;
                let words = name(world, subscription, *index, &missing.words);
                self.findings.add(missing.invariant, missing.at, t, words);
            }
        }
        for track in tracks {
            let matching = self
                .coverage
                .matching(world, track.ledger, subscription.patterns, &mut self.patterns);
            let gaps = match subscription.is_in_queue {
                true => Vec::new(),
                false => judge_gaps(self.rules, &world.ledgers[track.ledger], &matching, track),
            };
            for (at, words) in gaps {
                self.add(Invariant::I4, at, subscription, track.ledger, &words);
            }
            if let Err((at, words)) = judge_end_is_told(world, self.rules, subscription, track) {
                self.add(Invariant::I3, at, subscription, track.ledger, &words);
            }
        }
    }

    fn add(&mut self, invariant: Invariant, at: usize, subscription: &Subscription, ledger: usize, words: &str) {
        let words = name(self.world, subscription, ledger, words);
        self.findings.add(invariant, at, self.world.events[at].t, words);
    }
}

fn judge_after_end(seq: u64, track: &Track) -> Option<String> {
    match track.ended {
        Some(ended) if !ended.tail_unknown => Some(format!(
            "seq {seq} came after the feed's clean end with seq {}",
            ended.last_seq
        )),
        _ => {
            let tail = track.tails.iter().max().filter(|tail| **tail >= seq)?;
            Some(format!("seq {seq} came after an end that was said to be at seq {tail}"))
        }
    }
}

fn name(world: &World<'_>, subscription: &Subscription, ledger: usize, words: &str) -> String {
    format!(
        "{}, feed {}: {words}",
        world.subscription_name(subscription),
        world.feed_name(ledger)
    )
}
