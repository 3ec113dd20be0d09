//! The cluster as one observer sees it: who is told of what, and by whom.
//!
//! Every node runs one [`ClusterWatch`] and feeds it its membership view and what it hears the others say. Two kinds of
//! messages come of it:
//!
//! - **Once per observer**: a membership event per happening. Those that go down within [`GATHER`] of each other, or
//!   whose loss takes the quorum, are one `partition_detected`; a single one is a `node_removed`, as is one that
//!   leaves. Those that come back in the same run were cut off: one `partition_healed` per window. A new node or a
//!   new run is a `node_added`, each by itself and at once.
//! - **Once per side of a partition**: the alerts `node_failure` and `node_recovered`, each with a lifecycle event and
//!   the cluster's health; for nodes that join, leave or restart those two alone. All survivors see it; the one with
//!   the lowest id says it at once, the next waits [`PATIENCE`] for that, and so on in the order of their ids. Whoever
//!   hears another say it is silent.
//!
//! Nobody asks anybody, so two say it where their views differ too much: where seeing it later than another and
//! hearing it together take longer than [`PATIENCE`], or where they disagree on who survives. Nobody says it only if
//! it was over before the first one that lives had its turn. Saying it twice is the lesser evil.
//!
//! **The own start.** What is in view before [`on_joined`](ClusterWatch::on_joined) was there before the observer,
//! and is taken silently. After it each further node is one `node_added`.
//!
//! **A restart that nobody missed** (a higher run of a node that was never seen down) is one `node_added` and the
//! lifecycle event `reconnected`: the run is a new member, whose feeds begin anew, but the node is an old one. There
//! is no alert, since there was no failure to take back; yet whoever keeps state about the node is told that it is
//! gone.
//!
//! **A pause of the observer** is noticed when it is called later than it asked for ([`PAUSED_FOR`]). What it then
//! finds has perhaps been said long ago and waits to be heard, so it says nothing for [`PATIENCE`].

mod census;
mod effect;
mod gather;
mod record;
mod seen;

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_message::{Epoch, NodeId};

use self::census::Census;
pub use self::effect::{
    Announcement, ClusterHealth, ClusterStatus, Effect, HealthEvent, Lifecycle, LifecycleEvent, Membership,
    MembershipEvent, News, Quorum,
};
pub use self::gather::GATHER;
use self::gather::Gather;
use self::record::{Change, Due, Record, View};
pub use self::record::{HEARD_FOR, PATIENCE};
pub use self::seen::{Heard, Life, Seen};

/// Most nodes that are remembered, those no longer in view included: four times the members that a mesh can have. When
/// full, the one that has been out of view for longest is forgotten; if all are in view, further ones are passed over.
pub const MAX_NODES: usize = 1_024;
/// No observer waits for more turns than these: among many that do not report, the few that do may say it twice rather
/// than late.
pub const MAX_RANK: u32 = 4;
/// A watch wants to be called so often, that it may notice a pause.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
/// A watch that was not called for so long was not running.
pub const PAUSED_FOR: Duration = Duration::from_secs(2);

/// What one observer concludes from its view of the members and from what the others say.
///
/// Every method may be called at any time, with `now` never decreasing; each returns what is to be published at once.
#[derive(Debug)]
pub struct ClusterWatch {
    own: NodeId,
    records: BTreeMap<NodeId, Record>,
    joined_at: Option<Duration>,
    downs: Gather,
    returns: Gather,
    called_at: Option<Duration>,
    /// After a pause: until then nothing is said on behalf of a side.
    quiet_until: Duration,
}

impl ClusterWatch {
    /// A watch of the node `own`, which is alone and has not joined.
    pub fn new(own: NodeId) -> Self {
        Self {
            own,
            records: BTreeMap::new(),
            joined_at: None,
            downs: Gather::new(),
            returns: Gather::new(),
            called_at: None,
            quiet_until: Duration::ZERO,
        }
    }

    /// The observer's first join is done, or it has nobody to join: what comes from now on is told. A second call does
    /// nothing.
    pub fn on_joined(&mut self, now: Duration) {
        self.wake(now);
        self.joined_at.get_or_insert(now);
    }

    /// The membership view, whole; to be called at each change of it. Rows of the observer itself are passed over; of
    /// several rows of one node the highest run counts.
    pub fn on_members(&mut self, members: &[Seen], now: Duration) -> Vec<Effect> {
        self.wake(now);
        let mut rows: BTreeMap<&NodeId, &Seen> = BTreeMap::new();
        for seen in members.iter().filter(|seen| seen.node != self.own) {
            let row = rows.entry(&seen.node).or_insert(seen);
            if row.epoch < seen.epoch {
                *row = seen;
            }
        }
        let mut effects = Vec::new();
        if self.joined_at.is_none() {
            self.accept(&rows, now);
            return effects;
        }
        self.close_windows(now, &mut effects);
        self.close_contradicted(&rows, &mut effects);
        self.compare(&rows, now, &mut effects);
        self.speak(now, &mut effects);
        effects
    }

    /// Another node was heard to speak of one. What it says of the observer, the observer's own echo, and that a node
    /// speaks of its own end, mean nothing.
    pub fn on_heard(&mut self, heard: &Heard, now: Duration) -> Vec<Effect> {
        self.wake(now);
        if let Some(reporter) = self.records.get_mut(&heard.reporter) {
            reporter.is_mute = false;
        }
        let speaks_of_own_end = heard.reporter == heard.node && heard.news.is_end();
        if heard.reporter != self.own
            && heard.node != self.own
            && !speaks_of_own_end
            && let Some(record) = self.record(&heard.node, heard.epoch, now)
        {
            record.hear(heard.news, heard.epoch, now);
        }
        self.settle(now)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) -> Vec<Effect> {
        self.wake(now);
        self.settle(now)
    }

    /// When [`tick`](Self::tick) is to be called at the latest, at least every [`HEARTBEAT`]; none before the first
    /// call of anything.
    pub fn next_tick(&self) -> Option<Duration> {
        let heartbeat = self.called_at?.saturating_add(HEARTBEAT);
        let windows = self.downs.closes_at().into_iter().chain(self.returns.closes_at());
        let turns = self.records.iter().filter_map(|(node, record)| {
            let due = record.due?;
            Some(self.speaks_at(node, &due))
        });
        windows.chain(turns).chain([heartbeat]).min()
    }

    fn settle(&mut self, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.joined_at.is_some() {
            self.close_windows(now, &mut effects);
            self.speak(now, &mut effects);
        }
        effects
    }

    /// Notes the time; after a pause others have their say first.
    fn wake(&mut self, now: Duration) {
        if self.called_at.is_some_and(|at| now.saturating_sub(at) > PAUSED_FOR) {
            self.quiet_until = now.saturating_add(PATIENCE);
        }
        self.called_at = Some(now);
    }

    /// Takes the first view silently.
    fn accept(&mut self, rows: &BTreeMap<&NodeId, &Seen>, now: Duration) {
        for (node, record) in &mut self.records {
            record.accept(rows.get(node).copied(), now);
        }
        for (node, seen) in rows {
            if let Some(record) = self.record(node, seen.epoch, now) {
                record.accept(Some(seen), now);
            }
        }
    }

    /// A node that is back before its loss was told, or the other way round: what comes first is told first.
    fn close_contradicted(&mut self, rows: &BTreeMap<&NodeId, &Seen>, effects: &mut Vec<Effect>) {
        let life = |node: &NodeId| rows.get(node).map(|seen| seen.state);
        let is_back = |node: &NodeId| matches!(life(node), Some(Life::Alive | Life::Suspect));
        let is_gone = |node: &NodeId| matches!(life(node), None | Some(Life::Down));
        if self.downs.nodes().any(is_back) {
            self.close_downs(effects);
        }
        if self.returns.nodes().any(is_gone) {
            self.close_returns(effects);
        }
    }

    fn compare(&mut self, rows: &BTreeMap<&NodeId, &Seen>, now: Duration, effects: &mut Vec<Effect>) {
        let quorum = self.census().quorum();
        let mut changes: Vec<(NodeId, Change)> = Vec::new();
        for (node, record) in &mut self.records {
            let change = record.look(rows.get(node).copied(), now);
            changes.extend(change.map(|change| (node.clone(), change)));
        }
        for (node, seen) in rows {
            if self.records.contains_key(*node) {
                continue;
            }
            let change = self
                .record(node, seen.epoch, now)
                .and_then(|record| record.look(Some(seen), now));
            changes.extend(change.map(|change| ((*node).clone(), change)));
        }
        let census = self.census();
        for (node, change) in changes {
            let event = match change {
                Change::WentDown => {
                    self.downs.add(node, quorum, now);
                    continue;
                }
                Change::CameBack => {
                    self.returns.add(node, quorum, now);
                    continue;
                }
                Change::Added => MembershipEvent::NodeAdded,
                Change::Left => MembershipEvent::NodeRemoved,
            };
            effects.push(Effect::Membership(census.membership(event, vec![node])));
        }
    }

    fn close_windows(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.downs.is_over(now) {
            self.close_downs(effects);
        }
        if self.returns.is_over(now) {
            self.close_returns(effects);
        }
    }

    fn close_downs(&mut self, effects: &mut Vec<Effect>) {
        let Some(gathered) = self.downs.close() else { return };
        let census = self.census();
        let has_lost_quorum = gathered.before == Quorum::Available && census.quorum() == Quorum::Lost;
        let event = if gathered.nodes.len() > 1 || has_lost_quorum {
            MembershipEvent::PartitionDetected
        } else {
            MembershipEvent::NodeRemoved
        };
        effects.push(Effect::Membership(census.membership(event, gathered.nodes)));
    }

    fn close_returns(&mut self, effects: &mut Vec<Effect>) {
        let Some(gathered) = self.returns.close() else { return };
        let membership = self
            .census()
            .membership(MembershipEvent::PartitionHealed, gathered.nodes);
        effects.push(Effect::Membership(membership));
    }

    /// Says what it is this observer's turn to say.
    fn speak(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let is_now = |node: &NodeId, due: &Due| self.speaks_at(node, due) <= now;
        let turns: Vec<(NodeId, Due)> = self
            .records
            .iter()
            .filter_map(|(node, record)| Some((node.clone(), record.due?)))
            .filter(|(node, due)| is_now(node, due))
            .collect();
        if turns.is_empty() {
            return;
        }
        let census = self.census();
        for (node, due) in &turns {
            self.note_mutes(node, due, now);
        }
        for (node, due) in turns {
            if let Some(record) = self.records.get_mut(&node) {
                record.say(due, now);
            }
            effects.extend(census.said(node, &due));
        }
    }

    /// Those before this observer that have had their turn and said nothing.
    fn note_mutes(&mut self, node: &NodeId, due: &Due, now: Duration) {
        if now.saturating_sub(due.since) < PATIENCE {
            return;
        }
        let own = self.own.clone();
        let before = self
            .records
            .iter_mut()
            .filter(|(other, _)| *other != node && **other < own);
        for (_, record) in before {
            record.is_mute |= record.view == View::Alive && record.changed_at <= due.since;
        }
    }

    /// When it is this observer's turn to say something, as the view is now.
    fn speaks_at(&self, node: &NodeId, due: &Due) -> Duration {
        let wait = PATIENCE.saturating_mul(self.rank(node, due));
        due.since.saturating_add(wait).max(self.quiet_until)
    }

    /// How many come before this observer: the living with a lower id, the node concerned left out; at most [`MAX_RANK`]. Those that have
    /// let a turn pass unheard do not report, and do not count until they are heard. Suspects count: they are dead or
    /// alive before their turn is over.
    ///
    /// Of a return or a join only those can tell that were there before. At the heal of a partition the nodes of the
    /// other side come back one after the other, and have the same to say of this one; a newcomer comes after all
    /// others.
    fn rank(&self, node: &NodeId, due: &Due) -> u32 {
        let is_fresh = |at: Option<Duration>| at.is_some_and(|at| at.saturating_add(PATIENCE) > due.since);
        let counts_fresh = due.news.is_end();
        let is_last = !counts_fresh && is_fresh(self.joined_at);
        let before = self.records.iter().filter(|(other, record)| {
            *other != node
                && record.view.is_active()
                && !record.is_mute
                && (counts_fresh || !is_fresh(record.appeared_at))
                && (is_last || **other < self.own)
        });
        u32::try_from(before.count()).unwrap_or(MAX_RANK).min(MAX_RANK)
    }

    fn census(&self) -> Census {
        let mut census = Census::default();
        for (node, record) in &self.records {
            match record.view {
                View::Alive => census.active.push(node.clone()),
                View::Suspect => {
                    census.active.push(node.clone());
                    census.suspect.push(node.clone());
                }
                View::Down => census.down.push(node.clone()),
                View::Gone { .. } => {}
            }
        }
        let at = census.active.partition_point(|node| *node < self.own);
        census.active.insert(at, self.own.clone());
        census
    }

    /// The node's record, made if there is room.
    fn record(&mut self, node: &NodeId, epoch: Epoch, now: Duration) -> Option<&mut Record> {
        if self.records.len() >= MAX_NODES && !self.records.contains_key(node) {
            let is_gone = |record: &Record| matches!(record.view, View::Gone { .. });
            let oldest = self.records.iter().filter(|(_, record)| is_gone(record));
            let oldest = oldest.min_by_key(|(_, record)| (record.due.is_some(), record.changed_at));
            let oldest = oldest.map(|(node, _)| node.clone())?;
            self.records.remove(&oldest);
        }
        let record = self.records.entry(node.clone());
        Some(record.or_insert_with(|| Record::unseen(epoch, now)))
    }
}

#[cfg(test)]
mod tests;
