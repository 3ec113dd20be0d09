//! Replay: what the nodes' backlogs still hold, merged, before what is published now.
//!
//! Rounds catch up with the feeds while nothing is queued here: each asks every source for what it has published since
//! the round before. When little is left, the live subscription begins, and a last round asks for exactly what lies
//! between: no hole, no double.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bellwether_broker::{Broker, Delivery, EpochEnded, Gap, GapCause, Live, Subscription};
use bellwether_mesh::{MemberState, Replay, ReplayStart};
use bellwether_message::{Instance, MessageId, NodeId, Pattern, Source, Timestamp};
use bellwether_protocol::replay::ReplayCursor;
use tokio::sync::mpsc;

use crate::node::Node;

/// Deliveries read ahead of the subscriber; when full, the sources wait, and their backlogs hold what they hold.
pub(crate) const AHEAD: usize = 256;
/// A round that brought fewer is close enough to now.
const FEW: u64 = 1_024;
/// A subscriber that never comes close to now goes live all the same, and will be told a gap.
const ROUNDS: usize = 16;

/// Where a subscription begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayFrom {
    /// With what is published from now on.
    #[default]
    Live,
    /// With the oldest that the nodes still keep; what is gone already is told as a gap.
    Earliest,
    /// With the last so many messages that match, over all nodes; at most [`MAX_LAST`](Self::MAX_LAST).
    Last(u32),
    /// With the first message that is not older, by the clock of each publishing node.
    Time(Timestamp),
    /// After this message of one feed; the other feeds are live.
    After(MessageId),
    /// Where an earlier subscription stood.
    Resume(Vec<FeedPosition>),
}

impl ReplayFrom {
    /// The most that `Last` may ask for; more is cut to it.
    pub const MAX_LAST: u32 = bellwether_protocol::replay::MAX_LAST;
}

/// How far a subscription has come in one feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPosition {
    /// The feed's instance.
    pub instance: Instance,
    /// The feed's writer.
    pub source: Arc<Source>,
    /// The last seq that was handed out or told as gone; [`FeedPosition::LIVE`]: whatever is published next.
    pub seq: u64,
}

impl FeedPosition {
    /// Nothing is known of how far the feed had come: it is read from what is published next.
    pub const LIVE: u64 = u64::MAX;
}

/// What a replay hands to its subscription.
#[derive(Debug)]
pub(crate) enum Item {
    Delivery(Delivery),
    /// It is over.
    Live(Handover),
}

/// From a replay to what is published now.
#[derive(Debug)]
pub(crate) struct Handover {
    pub(crate) live: Live,
    /// The subscription goes on with this one.
    pub(crate) subscription: Subscription,
    /// Feeds of which the replay came further than what had arrived here, and how far: a source answers from its own
    /// backlog, and may overtake the link that carries the same feed.
    pub(crate) ahead: Vec<(Arc<Source>, u64)>,
}

/// The subscriber has gone.
struct Gone;

/// Replays, and hands over. `anchor` keeps the patterns wanted meanwhile.
pub(crate) async fn run(node: Node, anchor: Subscription, from: ReplayFrom, items: mpsc::Sender<Item>) {
    let replaying = Replaying {
        instance: anchor.instance(),
        patterns: anchor.patterns().to_vec(),
        positions: Vec::new(),
        others: None,
        replayed: 0,
        incomplete: BTreeSet::new(),
        items: &items,
        node: &node,
    };
    // Gone: there is nobody to tell.
    let _ = replaying.run(from).await;
    drop(anchor);
}

struct Replaying<'a> {
    node: &'a Node,
    instance: Instance,
    patterns: Vec<Pattern>,
    /// Where the next round begins, by run; `None`: it is live.
    positions: Vec<(Arc<Source>, Option<ReplayStart>)>,
    /// Where it begins for runs that are not listed; `None`: they are live.
    others: Option<ReplayStart>,
    replayed: u64,
    incomplete: BTreeSet<NodeId>,
    items: &'a mpsc::Sender<Item>,
}

/// One feed of a round.
struct Feed {
    source: Arc<Source>,
    reading: Reading,
    ready: VecDeque<Delivery>,
    is_read: bool,
    has_failed: bool,
    /// The latest time seen: a clock that was set back does not change the feed's order.
    time: Timestamp,
}

enum Reading {
    Own(Box<ReplayCursor>),
    Peer(Box<Replay>),
}

/// What becomes of the messages of a round.
enum Sink {
    HandOut,
    /// Only the last so many are wanted.
    KeepLast(usize, VecDeque<Delivery>),
}

impl Replaying<'_> {
    async fn run(mut self, from: ReplayFrom) -> Result<(), Gone> {
        let mut sink = Sink::HandOut;
        match from {
            ReplayFrom::Live => {}
            ReplayFrom::Earliest => {
                self.others = Some(ReplayStart::Seq(1));
                self.tell_past(None, |_| Some(0)).await?;
            }
            ReplayFrom::Last(count) => {
                self.others = Some(ReplayStart::Last(count));
                sink = Sink::KeepLast(count as usize, VecDeque::new());
            }
            ReplayFrom::Time(time) => {
                self.others = Some(ReplayStart::Time(time.as_millis()));
                self.tell_past(Some(time), |_| Some(0)).await?;
            }
            ReplayFrom::After(id) => {
                let source = Arc::new(Source {
                    node: id.node,
                    epoch: id.epoch,
                });
                self.resume(vec![(source, id.seq)]).await?;
            }
            ReplayFrom::Resume(positions) => {
                self.others = Some(ReplayStart::Seq(1));
                let here = positions
                    .into_iter()
                    .filter(|position| position.instance == self.instance);
                self.resume(here.map(|position| (position.source, position.seq)).collect())
                    .await?;
            }
        }
        for _ in 0..ROUNDS {
            let before = self.replayed;
            self.round(|_| Some(u64::MAX), &mut sink).await?;
            if let Sink::KeepLast(_, kept) = std::mem::replace(&mut sink, Sink::HandOut) {
                for delivery in kept {
                    self.hand_out(delivery).await?;
                }
                // From here on whatever is new.
                self.others = None;
            }
            if self.replayed - before < FEW {
                break;
            }
        }
        let Ok(subscription) = self.node.broker().subscribe(self.instance, self.patterns.clone()) else {
            return Ok(());
        };
        let positions = subscription.positions();
        let replay_to = |source: &Arc<Source>| {
            let position = positions.iter().find(|position| position.source == *source)?;
            position.live_from.map(|from| from - 1)
        };
        self.round(replay_to, &mut sink).await?;
        let ahead = self.positions.iter().filter_map(|(source, start)| match start {
            Some(ReplayStart::Seq(next)) => {
                let seen = next - 1;
                let is_ahead = replay_to(source).is_none_or(|wanted| seen > wanted);
                is_ahead.then(|| (source.clone(), seen))
            }
            _ => None,
        });
        let handover = Handover {
            ahead: ahead.collect(),
            live: Live {
                instance: self.instance,
                replayed: self.replayed,
                incomplete: self.incomplete.into_iter().collect(),
            },
            subscription,
        };
        self.items.send(Item::Live(handover)).await.map_err(|_| Gone)
    }

    /// Begins where an earlier subscription stood. Runs that are over meanwhile are told to be.
    async fn resume(&mut self, positions: Vec<(Arc<Source>, u64)>) -> Result<(), Gone> {
        let told = positions.clone();
        // A run that began after the one that was had is missed from its first message.
        let seen = |source: &Source| {
            let exact = told.iter().find(|(known, _)| **known == *source);
            let is_older = |(known, _): &(Arc<Source>, u64)| known.node == source.node && known.epoch < source.epoch;
            let exact = exact.map(|(_, seq)| *seq);
            exact.or_else(|| told.iter().any(is_older).then_some(0))
        };
        self.tell_past(None, seen).await?;
        let (runs, past) = (self.runs(), self.past());
        for (source, seq) in positions {
            let present = runs.iter().find(|run| run.node == source.node);
            match present {
                Some(run) if **run == *source => {
                    let is_kept = seq != FeedPosition::LIVE;
                    let start = is_kept.then(|| ReplayStart::Seq(seq.saturating_add(1)));
                    self.positions.push((run.clone(), start));
                }
                Some(run) if run.epoch > source.epoch => {
                    let is_told = past.iter().any(|past| *past.source == *source);
                    if !is_told && seq != FeedPosition::LIVE {
                        self.tell_end(source, seq, true).await?;
                    }
                }
                // Not linked yet, or no longer.
                _ => drop(self.incomplete.insert(source.node.clone())),
            }
        }
        Ok(())
    }

    /// Tells what runs that are over had published after `seen`: their memory is gone. With `since`, those that were over
    /// before are left out.
    async fn tell_past(&mut self, since: Option<Timestamp>, seen: impl Fn(&Source) -> Option<u64>) -> Result<(), Gone> {
        let at = self.instance.index();
        let runs = self.runs();
        for past in self.past() {
            let (Some(last), Some(is_whole)) = (past.last.get(at).copied(), past.is_whole.get(at).copied()) else {
                continue;
            };
            let next_run = runs
                .iter()
                .find(|run| run.node == past.source.node)
                .map(|run| run.epoch);
            // An epoch is, at least, the time of its start.
            let began = next_run
                .and_then(|epoch| i64::try_from(epoch.0).ok())
                .map(Timestamp::from_millis);
            let is_older = since.is_some_and(|since| began.is_some_and(|began| began <= since));
            let Some(seen) = seen(&past.source).filter(|seen| *seen != FeedPosition::LIVE && !is_older) else {
                continue;
            };
            if seen < last {
                let gap = Gap::up_to(past.source.clone(), self.instance, seen + 1, last, GapCause::Restarted);
                self.hand_out(Delivery::Gap(gap)).await?;
            }
            if last > 0 {
                self.tell_end(past.source, last, !is_whole).await?;
            }
        }
        Ok(())
    }

    async fn tell_end(&mut self, source: Arc<Source>, last_seq: u64, tail_unknown: bool) -> Result<(), Gone> {
        let ended = EpochEnded {
            source,
            instance: self.instance,
            last_seq,
            tail_unknown,
        };
        self.hand_out(Delivery::EpochEnded(ended)).await
    }

    /// Asks every run for what follows its position, up to what `through` says; `None` leaves a run out.
    async fn round(&mut self, through: impl Fn(&Arc<Source>) -> Option<u64>, sink: &mut Sink) -> Result<(), Gone> {
        let mut feeds = Vec::new();
        for source in self.runs() {
            let start = self.start(&source);
            match (start, through(&source)) {
                (None, _) => {}
                (Some(ReplayStart::Seq(seq)), Some(through)) if seq > through => {}
                (Some(start), Some(through)) => match self.open(&source, start, through).await {
                    Some(reading) => feeds.push(Feed {
                        source,
                        reading,
                        ready: VecDeque::new(),
                        is_read: false,
                        has_failed: false,
                        time: Timestamp::from_millis(i64::MIN),
                    }),
                    None => self.fail(&source, through).await?,
                },
                // It has not confirmed: nobody knows what is live of it.
                (Some(_), None) => drop(self.incomplete.insert(source.node.clone())),
            }
        }
        loop {
            for feed in &mut feeds {
                if let Err(err) = feed.read(self.node.broker()).await {
                    tracing::debug!(node = %feed.source.node, err = &err as &dyn std::error::Error, "a replay ended early");
                    let limit = through(&feed.source).unwrap_or(u64::MAX);
                    feed.has_failed = true;
                    self.place(&feed.source, feed.seen());
                    self.fail(&feed.source, limit).await?;
                }
            }
            let next = feeds
                .iter_mut()
                .filter(|feed| !feed.ready.is_empty())
                .min_by_key(|feed| feed.next_time());
            let Some(delivery) = next.and_then(Feed::take) else {
                break;
            };
            match sink {
                Sink::HandOut => self.hand_out(delivery).await?,
                Sink::KeepLast(count, kept) => {
                    if matches!(delivery, Delivery::Message(_)) && self.matches(&delivery) {
                        kept.push_back(delivery);
                    }
                    if kept.len() > *count {
                        kept.pop_front();
                    }
                }
            }
        }
        for feed in feeds {
            if !feed.has_failed {
                self.place(&feed.source, feed.seen());
                // It may have failed in an earlier round, and has told all since.
                self.incomplete.remove(&feed.source.node);
            }
        }
        Ok(())
    }

    async fn open(&self, source: &Arc<Source>, start: ReplayStart, through: u64) -> Option<Reading> {
        if source == self.node.broker().source() {
            let cursor = ReplayCursor::new(self.node.broker(), self.instance, &self.patterns, start, through);
            return Some(Reading::Own(Box::new(cursor)));
        }
        let asked = self
            .node
            .mesh()?
            .replay(source, self.instance, &self.patterns, start, through)
            .await;
        match asked {
            Ok(replay) => Some(Reading::Peer(Box::new(replay))),
            Err(err) => {
                tracing::debug!(node = %source.node, err = &err as &dyn std::error::Error, "a source cannot be asked");
                None
            }
        }
    }

    /// A run did not answer, or not to the end. Where it is known what it should have said, that is a gap.
    async fn fail(&mut self, source: &Arc<Source>, through: u64) -> Result<(), Gone> {
        self.incomplete.insert(source.node.clone());
        if let (Some(ReplayStart::Seq(first)), true) = (self.start(source), through != u64::MAX)
            && first <= through
        {
            let gap = Gap::up_to(source.clone(), self.instance, first, through, GapCause::LinkOverrun);
            self.place(source, through);
            self.hand_out(Delivery::Gap(gap)).await?;
        }
        Ok(())
    }

    async fn hand_out(&mut self, delivery: Delivery) -> Result<(), Gone> {
        if !self.matches(&delivery) {
            return Ok(());
        }
        self.replayed += u64::from(matches!(delivery, Delivery::Message(_)));
        self.items.send(Item::Delivery(delivery)).await.map_err(|_| Gone)
    }

    /// A source may have sent more than was asked for.
    fn matches(&self, delivery: &Delivery) -> bool {
        match delivery {
            Delivery::Message(envelope) => self.patterns.iter().any(|pattern| pattern.matches(envelope.topic())),
            _ => true,
        }
    }

    fn start(&self, source: &Arc<Source>) -> Option<ReplayStart> {
        let known = self.positions.iter().find(|(known, _)| known == source);
        known.map_or(self.others, |(_, start)| *start)
    }

    fn place(&mut self, source: &Arc<Source>, seen: u64) {
        let start = Some(ReplayStart::Seq(seen.saturating_add(1)));
        match self.positions.iter_mut().find(|(known, _)| known == source) {
            Some((_, known)) => *known = start,
            None => self.positions.push((source.clone(), start)),
        }
    }

    /// This node's run, and those of the members.
    fn runs(&self) -> Vec<Arc<Source>> {
        let mut runs = vec![self.node.broker().source().clone()];
        if let Some(mesh) = self.node.mesh() {
            let members = mesh.members();
            let is_member = |run: &Arc<Source>| {
                members
                    .iter()
                    .any(|member| member.node == run.node && member.state != MemberState::Own)
            };
            runs.extend(mesh.sources().into_iter().filter(is_member));
        }
        runs
    }

    fn past(&self) -> Vec<bellwether_mesh::PastRun> {
        self.node
            .mesh()
            .map(bellwether_mesh::Mesh::past_runs)
            .unwrap_or_default()
    }
}

impl Feed {
    /// Makes sure that something is ready, unless all was read.
    async fn read(&mut self, broker: &Broker) -> Result<(), bellwether_mesh::ReplayError> {
        while self.ready.is_empty() && !self.is_read {
            let more = match &mut self.reading {
                Reading::Own(cursor) => {
                    let more = cursor.read_deliveries(broker, &mut self.ready);
                    tokio::task::yield_now().await;
                    Ok(more)
                }
                Reading::Peer(replay) => replay.read(&mut self.ready).await,
            };
            self.is_read = !matches!(more, Ok(true));
            more?;
        }
        Ok(())
    }

    /// When its next item arose. What is gone is told at once.
    fn next_time(&self) -> Timestamp {
        match self.ready.front() {
            Some(Delivery::Message(envelope)) => self.time.max(envelope.timestamp()),
            _ => Timestamp::from_millis(i64::MIN),
        }
    }

    fn take(&mut self) -> Option<Delivery> {
        self.time = self.next_time().max(self.time);
        self.ready.pop_front()
    }

    /// The last seq that was accounted for.
    fn seen(&self) -> u64 {
        match &self.reading {
            Reading::Own(cursor) => cursor.next() - 1,
            Reading::Peer(replay) => replay.seen(),
        }
    }
}
