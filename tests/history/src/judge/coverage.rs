//! I3, I5, I7 and the probes of I12: of each feed, what matches is delivered, or in a gap, or beyond an unknown tail.

use std::rc::Rc;

use super::promise::Promise;
use super::track::Track;
use crate::invariant::Invariant;
use crate::report::Report;
use crate::rules::{Rules, micros};
use crate::world::{FastMap, Ledger, Message, Patterns, Subscription, World};

/// Compares feeds with what came of them.
pub(super) struct Coverage {
    rules: Rules,
    /// By feed and set of patterns, the indices of the messages that match.
    matching: FastMap<(usize, usize), Rc<[u32]>>,
    /// How long a probe may take.
    patience: u64,
}

/// Messages of one feed that never came, told once per promise.
pub(super) struct Missing {
    pub(super) invariant: Invariant,
    /// The event of the first one's publish.
    pub(super) at: usize,
    pub(super) words: String,
    seq: u64,
    count: u64,
}

/// What is beyond the last thing that came of a feed.
#[derive(Clone, Copy, PartialEq)]
enum Tail {
    /// Not due: the subscription is closed, or the run did not come to rest.
    Open,
    /// Due: the source runs.
    Running,
    /// Due: the source handed everything over before it stopped.
    HandedOver,
    /// Lost with the source.
    Dead,
}

impl Coverage {
    pub(super) fn new(world: &World<'_>, rules: &Rules) -> Self {
        let patience = micros(rules.probe_within).saturating_add(world.clock.tolerance);
        Self {
            rules: rules.clone(),
            matching: FastMap::default(),
            patience,
        }
    }

    /// The indices of the feed's messages that match the set.
    pub(super) fn matching(
        &mut self,
        world: &World<'_>,
        index: usize,
        set: usize,
        patterns: &mut Patterns<'_>,
    ) -> Rc<[u32]> {
        let find = || {
            let messages = world.ledgers[index].messages.iter().zip(0_u32..);
            let matching =
                messages.filter(|(message, _)| patterns.matches(set, message.topic, world.topics.name(message.topic)));
            matching.map(|(_, place)| place).collect()
        };
        self.matching.entry((index, set)).or_insert_with(find).clone()
    }

    /// How long a probe may take, in microseconds.
    pub(super) fn patience(&self) -> u64 {
        self.patience
    }

    /// Judges one feed of one subscription.
    pub(super) fn judge(
        &mut self,
        world: &World<'_>,
        subscription: &Subscription,
        index: usize,
        track: Option<&Track>,
        patterns: &mut Patterns<'_>,
        report: &mut Report,
    ) -> Vec<Missing> {
        let ledger = &world.ledgers[index];
        let promise = Promise::of(world, &self.rules, subscription, ledger);
        let tail = tail(world, subscription, ledger);
        if track.is_none() && (tail == Tail::Open || matches!(promise, Promise::None)) && !has_probes(world, ledger) {
            return Vec::new();
        }
        let matching = self.matching(world, index, subscription.patterns, patterns);
        let feed = Feed {
            world,
            subscription,
            ledger,
            track,
            promise,
            tail,
        };
        feed.compare(&matching, self, report)
    }
}

/// Whether anything was published into the feed after `quiet`.
fn has_probes(world: &World<'_>, ledger: &Ledger) -> bool {
    let latest = ledger.messages.last().map(|message| message.latest);
    latest
        .zip(world.quiet)
        .is_some_and(|(latest, quiet)| latest.at > quiet.at)
}

fn tail(world: &World<'_>, subscription: &Subscription, ledger: &Ledger) -> Tail {
    let Some(life) = ledger.life.map(|life| world.lives.get(life)) else {
        return Tail::Open;
    };
    if !world.quiet.is_some_and(|quiet| subscription.is_open_at(quiet)) {
        Tail::Open
    } else if !life.ended_before(world.quiet) {
        Tail::Running
    } else if life.handed_over_to(world.run_of(subscription), world.has_views) {
        Tail::HandedOver
    } else {
        Tail::Dead
    }
}

/// Whether the subscribe call had returned when the message's publish began.
pub(super) fn is_accepted_before(world: &World<'_>, subscription: &Subscription, message: &Message) -> bool {
    let accepted = subscription.accepted.as_ref();
    accepted.is_some_and(|accepted| world.clock.surely_before(accepted.moment, message.call))
}

/// One feed of one subscription.
struct Feed<'a, 'e> {
    world: &'a World<'e>,
    subscription: &'a Subscription,
    ledger: &'a Ledger,
    track: Option<&'a Track>,
    promise: Promise,
    tail: Tail,
}

/// Where the comparison is in what came.
#[derive(Default)]
struct Place {
    delivered: usize,
    gap: usize,
    /// The last seq of the highest gap that began below.
    gap_until: u64,
}

impl Feed<'_, '_> {
    fn compare(&self, matching: &[u32], coverage: &Coverage, report: &mut Report) -> Vec<Missing> {
        let mut missing: Vec<Missing> = Vec::new();
        let mut gaps: Vec<(u64, u64)> = Vec::new();
        if let Some(track) = self.track {
            gaps.extend(track.gaps.iter().map(|gap| (gap.first, gap.last)));
            gaps.sort_unstable();
        }
        let last = self.track.and_then(Track::last).unwrap_or(0);
        let mut place = Place::default();
        for index in &matching[self.begin(matching)..] {
            let message = &self.ledger.messages[*index as usize];
            let came = self.came(message.seq, &gaps, &mut place);
            if self.is_probe(message) {
                self.judge_probe(message, came, coverage, report, &mut missing);
                continue;
            }
            if came.is_none() && !self.is_due(message) {
                continue;
            }
            if message.seq > last {
                match self.tail {
                    Tail::Open => break,
                    Tail::Dead => {
                        report.beyond_tail += 1;
                        continue;
                    }
                    Tail::Running | Tail::HandedOver => {}
                }
            }
            report.due += 1;
            match came {
                Some(Came::Delivered) => report.due_delivered += 1,
                Some(Came::InGap) => report.due_in_gaps += 1,
                None => match self.blame(message, last, &place) {
                    Some(invariant) => self.add(invariant, message, &mut missing),
                    None => report.beyond_tail += 1,
                },
            }
        }
        missing
    }

    /// The first of the matching messages that may be due here: those that an earlier subscription had are judged.
    fn begin(&self, matching: &[u32]) -> usize {
        let above = |seq: u64| matching.partition_point(|index| self.ledger.messages[*index as usize].seq < seq);
        if let Some(judged) = self.track.and_then(|track| track.judged.last) {
            return above(judged.saturating_add(1));
        }
        let came = self.track.and_then(|track| track.first).map_or(matching.len(), above);
        let promised = self.promise.first_due(self.ledger, matching, self.world.clock);
        let probes = self.world.quiet.map_or(matching.len(), |quiet| {
            self.ledger.first_after(matching, quiet, self.world.clock)
        });
        came.min(promised).min(probes)
    }

    fn came(&self, seq: u64, gaps: &[(u64, u64)], place: &mut Place) -> Option<Came> {
        let delivered = self.track.map_or(&[][..], |track| &track.delivered);
        if place.delivered == 0 {
            place.delivered = delivered.partition_point(|known| *known < seq);
        }
        while delivered.get(place.delivered).is_some_and(|known| *known < seq) {
            place.delivered += 1;
        }
        while let Some((_, last)) = gaps.get(place.gap).filter(|(first, _)| *first <= seq) {
            place.gap_until = place.gap_until.max(*last);
            place.gap += 1;
        }
        if delivered.get(place.delivered) == Some(&seq) {
            Some(Came::Delivered)
        } else {
            (place.gap_until >= seq).then_some(Came::InGap)
        }
    }

    fn is_due(&self, message: &Message) -> bool {
        if self.promise.holds_for(message, self.world.clock) {
            return true;
        }
        let Some(track) = self.track else {
            return false;
        };
        let is_torn = track
            .torn
            .is_some_and(|(above, below)| above < message.seq && message.seq < below);
        track.first.is_some_and(|first| first < message.seq) && !is_torn
    }

    /// Which promise a missing message breaks; `None` if it went with a source that died.
    fn blame(&self, message: &Message, last: u64, place: &Place) -> Option<Invariant> {
        let track = self.track;
        let first = track.and_then(|track| track.first);
        // What came last below the message.
        let delivered = track.and_then(|track| track.delivered.get(place.delivered.checked_sub(1)?));
        let below = delivered.copied().unwrap_or(0).max(place.gap_until);
        let is_after_tail = track.is_some_and(|track| {
            let mut tails = track.tails.iter();
            tails.any(|tail| *tail < message.seq && *tail >= below)
        });
        if is_after_tail {
            let is_lost_with_it = self.ledger.life.is_some_and(|life| {
                let life = self.world.lives.get(life);
                life.ended_before(self.world.quiet)
                    && !life.handed_over_to(self.world.run_of(self.subscription), self.world.has_views)
            });
            return (!is_lost_with_it).then_some(Invariant::I5);
        }
        if first.is_none_or(|first| message.seq < first) {
            return Some(if self.promise.is_by_subscribe() {
                Invariant::I7
            } else {
                Invariant::I3
            });
        }
        Some(if self.tail == Tail::HandedOver && message.seq > last {
            Invariant::I5
        } else {
            Invariant::I3
        })
    }

    fn is_probe(&self, message: &Message) -> bool {
        self.world.quiet.is_some_and(|quiet| message.call.at > quiet.at)
    }

    /// After `quiet` each message of a running source is heard by each subscription that was there before it.
    fn judge_probe(
        &self,
        message: &Message,
        came: Option<Came>,
        coverage: &Coverage,
        report: &mut Report,
        missing: &mut Vec<Missing>,
    ) {
        let was_there = is_accepted_before(self.world, self.subscription, message);
        let is_settled = self.world.quiet.zip(self.subscription.accepted.as_ref());
        let is_settled = is_settled.is_some_and(|(quiet, accepted)| accepted.moment.at < quiet.at);
        let is_owed = was_there && (is_settled || self.promise.holds_for(message, self.world.clock));
        let life = self.ledger.life.map(|life| self.world.lives.get(life));
        let died = life.and_then(|life| life.end.as_ref()).map(|end| end.moment);
        let ends = [died, self.subscription.closed];
        let until = ends.iter().flatten().map(|end| end.t).min().unwrap_or(self.world.end);
        let had_time = message.call.t.saturating_add(coverage.patience) <= until;
        if !coverage.rules.liveness || !is_owed || !had_time {
            return;
        }
        report.probes_due += 1;
        if came == Some(Came::Delivered) {
            report.probes_heard += 1;
        } else {
            self.add(Invariant::I12, message, missing);
        }
    }

    fn add(&self, invariant: Invariant, message: &Message, missing: &mut Vec<Missing>) {
        let known = missing.iter_mut().find(|known| known.invariant == invariant);
        if let Some(known) = known {
            known.count += 1;
            let others = known.count - 1;
            known.words = format!("{} (and {others} more up to seq {})", self.words(known), message.seq);
            return;
        }
        let mut first = Missing {
            invariant,
            at: message.call.at,
            words: String::new(),
            seq: message.seq,
            count: 1,
        };
        first.words = self.words(&first);
        missing.push(first);
    }

    fn words(&self, missing: &Missing) -> String {
        let seq = missing.seq;
        let expected = match missing.invariant {
            Invariant::I12 => "is a probe after quiet and was not heard",
            Invariant::I7 => "began after the subscribe had returned, and neither came nor is in a gap",
            Invariant::I5 if self.tail == Tail::HandedOver => {
                "was acknowledged by a node that stopped cleanly, and neither came nor is in a gap"
            }
            Invariant::I5 => "is beyond an unknown tail, but its node lives",
            _ => "neither came nor is in a gap, nor is it beyond an unknown tail",
        };
        format!("seq {seq} {expected}")
    }
}

/// How a message reached the subscriber.
#[derive(Clone, Copy, PartialEq)]
enum Came {
    Delivered,
    InGap,
}
