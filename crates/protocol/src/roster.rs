//! Who is a member: the one place that decides it.
//!
//! Gossip only tells where to dial. A node becomes a member when a link with it, which is authenticated, is up in
//! either direction. When its gossip stops it is suspect and is asked on the link; one that does not answer for a second is down. So
//! a pause of a second alarms nobody, and a kill is noticed within three. One that still gossips, by way of others, but has
//! had no link with this node for two seconds is down too: nothing goes from one to the other.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Epoch, NodeId, Source};

use crate::member::{Member, MemberState};

/// Most members, this node included.
pub const MAX_MEMBERS: usize = 256;
/// How long a suspect has to answer, and how often one that answers is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// A link that is up one way only for so long is worth a warning: a firewall, or a wrong advertised address.
const ONE_WAY_FOR: Duration = Duration::from_secs(5);
/// A first join waits so long for the links that are still missing.
const JOIN_PATIENCE: Duration = Duration::from_secs(5);
/// A member that was linked, and then for so long in neither direction, is down for this node, though others still hear it.
const UNLINKED_FOR: Duration = Duration::from_secs(2);
/// A roster that was not told the time for so long was not running: it is told ten times a second.
const PAUSED_FOR: Duration = Duration::from_secs(1);
/// After a pause, so long: links are dialed anew and gossip has its say before anybody is suspected.
const DOUBT_FOR: Duration = Duration::from_secs(3);
/// How long a member that is down stays in view.
const KEEP_DOWN: Duration = Duration::from_secs(300);

/// What gossip says of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gossiped {
    /// The node and its run.
    pub source: Source,
    /// Where it says that it is dialed.
    pub address: SocketAddr,
}

/// The direction of a link, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From it to here.
    In,
    /// From here to it.
    Out,
}

/// The members, their states, and where to dial.
#[derive(Debug)]
pub struct Roster {
    own: Member,
    rows: BTreeMap<NodeId, Row>,
    /// The newest live run of each node by gossip.
    gossip: BTreeMap<NodeId, Gossiped>,
    /// Runs that have left in good order; their gossip lingers and means nothing. Bounded like the members.
    left: BTreeMap<NodeId, Epoch>,
    /// Suspects to be asked.
    asks: Vec<NodeId>,
    /// Runs that are no longer in view, not yet told.
    gone: Vec<Source>,
    /// When gossip last named a node that it had not named before.
    named_at: Option<Duration>,
    /// Gossip that has named nobody new for so long has named all there are.
    settle: Duration,
    /// When a link was first up both ways.
    first_linked_at: Option<Duration>,
    /// When the rules were applied last.
    judged_at: Duration,
    /// After a pause this node doubts itself first: until then nobody's silence means anything.
    doubts_until: Duration,
}

#[derive(Debug)]
struct Row {
    epoch: Epoch,
    address: SocketAddr,
    program: String,
    state: MemberState,
    inbound: bool,
    outbound: bool,
    /// Whether its gossip was ever heard: until then links alone speak for it.
    gossiped: bool,
    asked_at: Option<Duration>,
    answered_at: Option<Duration>,
    down_at: Duration,
    /// Since when there is a link in neither direction.
    unlinked_at: Option<Duration>,
    leaving: bool,
    /// Its process has lost all state: a reset said so, signed with its key.
    was_reset: bool,
    /// Since when it is linked one way only.
    one_way_at: Option<Duration>,
    one_way_told: bool,
}

impl Roster {
    /// Nobody but this node. Gossip that names nobody new for `settle` has named everybody.
    pub fn new(own: Member, settle: Duration) -> Self {
        Self {
            own,
            rows: BTreeMap::new(),
            gossip: BTreeMap::new(),
            left: BTreeMap::new(),
            asks: Vec::new(),
            gone: Vec::new(),
            named_at: None,
            settle,
            first_linked_at: None,
            judged_at: Duration::ZERO,
            doubts_until: Duration::ZERO,
        }
    }

    /// What gossip holds for live now, this node left out.
    pub fn on_gossip(&mut self, live: Vec<Gossiped>, now: Duration) {
        let before = std::mem::take(&mut self.gossip);
        for gossiped in live {
            let node = &gossiped.source.node;
            let is_newest = self
                .gossip
                .get(node)
                .is_none_or(|known| known.source.epoch < gossiped.source.epoch);
            let is_current = self
                .known_epoch(node)
                .is_none_or(|known| known <= gossiped.source.epoch);
            let has_room = self.gossip.len() < MAX_MEMBERS;
            if *node != self.own.node && is_newest && is_current && has_room && !self.has_left(&gossiped.source) {
                if !before.contains_key(node) {
                    self.named_at = Some(now);
                }
                self.gossip.insert(node.clone(), gossiped);
            }
        }
        self.judge(now);
    }

    /// A link is up.
    pub fn on_linked(
        &mut self,
        direction: Direction,
        source: &Source,
        address: SocketAddr,
        program: &str,
        now: Duration,
    ) {
        self.left.remove(&source.node);
        if self.rows.get(&source.node).is_some_and(|row| row.epoch < source.epoch) {
            self.rows.remove(&source.node);
        }
        let row = self.rows.entry(source.node.clone()).or_insert_with(|| Row {
            epoch: source.epoch,
            address,
            program: program.to_owned(),
            state: MemberState::Alive,
            inbound: false,
            outbound: false,
            gossiped: false,
            asked_at: None,
            answered_at: None,
            down_at: now,
            unlinked_at: None,
            leaving: false,
            was_reset: false,
            one_way_at: None,
            one_way_told: false,
        });
        if row.epoch != source.epoch {
            return;
        }
        *row.side(direction) = true;
        // A living process, too, resets a connection that it has given up.
        row.was_reset = false;
        row.program = program.to_owned();
        // A link in tells the advertised address; a seed was perhaps dialed by another.
        if direction == Direction::In {
            row.address = address;
        }
        if row.state == MemberState::Down {
            row.gossiped = false;
            row.state = MemberState::Alive;
        }
        row.asked_at = None;
        if row.inbound && row.outbound {
            self.first_linked_at.get_or_insert(now);
        }
        self.judge(now);
    }

    /// The node's process has lost all its state: this run of it is over.
    pub fn on_reset(&mut self, source: &Source) {
        if let Some(row) = self.row(source) {
            row.was_reset = true;
        }
    }

    /// Whether a run is certainly over, or taken for it.
    pub fn is_over(&self, source: &Source) -> bool {
        match self.rows.get(&source.node) {
            Some(row) if row.epoch == source.epoch => row.was_reset || row.state == MemberState::Down,
            Some(row) => row.epoch > source.epoch,
            None => true,
        }
    }

    /// Whether this node was ever linked both ways with another: it is no newcomer then.
    pub fn has_been_linked(&self) -> bool {
        self.first_linked_at.is_some()
    }

    /// Whether the first join is done: every node that gossip names, and every member, is linked both ways, and gossip
    /// has named nobody new for a while (it takes a node for alive at its second heartbeat). A member
    /// that cannot be reached both ways does not put it off for ever.
    pub fn is_joined(&self, now: Duration) -> bool {
        let linked = |node: &NodeId| self.rows.get(node).is_some_and(|row| row.inbound && row.outbound);
        let alive = self
            .rows
            .iter()
            .filter(|(_, row)| row.state == MemberState::Alive)
            .map(|(node, _)| node);
        let waited = self
            .first_linked_at
            .is_some_and(|at| now.saturating_sub(at) >= JOIN_PATIENCE);
        let settled = self.named_at.is_some_and(|at| now.saturating_sub(at) >= self.settle);
        waited || (settled && !self.rows.is_empty() && alive.chain(self.gossip.keys()).all(linked))
    }

    /// A link is gone.
    pub fn on_unlinked(&mut self, direction: Direction, source: &Source, now: Duration) {
        if let Some(row) = self.row(source) {
            *row.side(direction) = false;
        }
        self.judge(now);
    }

    /// The node says that it is about to stop: its silence is no alarm.
    pub fn on_leaving(&mut self, source: &Source) {
        if let Some(row) = self.row(source) {
            row.leaving = true;
        }
    }

    /// The node has stopped in good order, or has been replaced: it is no member any more.
    pub fn on_left(&mut self, source: &Source) {
        if self.row(source).is_some() {
            self.rows.remove(&source.node);
        }
        self.gossip.remove(&source.node);
        if self.left.len() < MAX_MEMBERS {
            self.left.insert(source.node.clone(), source.epoch);
        }
    }

    /// The node has answered a ping.
    pub fn on_pong(&mut self, source: &Source, now: Duration) {
        if let Some(row) = self.row(source) {
            row.asked_at = None;
            row.answered_at = Some(now);
        }
        self.judge(now);
    }

    /// Time has passed. Returns the runs that are no longer in view.
    pub fn tick(&mut self, now: Duration) -> Vec<Source> {
        self.judge(now);
        let is_old = |row: &Row| row.state == MemberState::Down && now.saturating_sub(row.down_at) >= KEEP_DOWN;
        let old = self.rows.extract_if(.., |_, row| is_old(row));
        self.gone
            .extend(old.map(|(node, row)| Source { node, epoch: row.epoch }));
        std::mem::take(&mut self.gone)
    }

    /// The suspects to be asked now; each is named once per question.
    pub fn asks(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.asks)
    }

    /// Members that have been linked one way only for too long; each is named once per run. True: the link from here
    /// is missing; false: the one to here.
    pub fn one_way(&mut self, now: Duration) -> Vec<(NodeId, bool)> {
        let mut found = Vec::new();
        for (node, row) in &mut self.rows {
            if row.inbound == row.outbound || row.state != MemberState::Alive {
                row.one_way_at = None;
                continue;
            }
            let since = *row.one_way_at.get_or_insert(now);
            if !row.one_way_told && now.saturating_sub(since) >= ONE_WAY_FOR {
                row.one_way_told = true;
                found.push((node.clone(), row.inbound));
            }
        }
        found
    }

    /// The highest run known of a node.
    pub fn known_epoch(&self, node: &NodeId) -> Option<Epoch> {
        self.rows
            .get(node)
            .map(|row| row.epoch)
            .max(self.left.get(node).copied())
    }

    /// Whether a node has a place, or there is one.
    pub fn has_room(&self, node: &NodeId) -> bool {
        self.rows.contains_key(node) || self.rows.len() + 1 < MAX_MEMBERS
    }

    /// All members, this node included, by node id.
    pub fn members(&self) -> Vec<Member> {
        let mut members: Vec<Member> = self.rows.iter().map(|(node, row)| row.member(node)).collect();
        let at = members.partition_point(|member| member.node < self.own.node);
        members.insert(at, self.own.clone());
        members
    }

    /// Whom to keep a link to: what gossips, and every member that has not left.
    pub fn dials(&self) -> BTreeMap<NodeId, SocketAddr> {
        let alive = self
            .rows
            .values()
            .filter(|row| row.state != MemberState::Down)
            .map(|row| row.address);
        let claimed: HashSet<SocketAddr> = alive.chain(self.gossip.values().map(|known| known.address)).collect();
        // An address that a living node has taken over is no longer that of one that is down.
        let is_lost = |row: &Row| row.state == MemberState::Down && claimed.contains(&row.address);
        let members = self
            .rows
            .iter()
            .filter(|(_, row)| !row.leaving && !is_lost(row))
            .map(|(node, row)| (node.clone(), row.address));
        let mut dials: BTreeMap<NodeId, SocketAddr> = members.collect();
        dials.extend(
            self.gossip
                .iter()
                .map(|(node, gossiped)| (node.clone(), gossiped.address)),
        );
        dials
    }

    /// Applies the rules to every row.
    fn judge(&mut self, now: Duration) {
        if now.saturating_sub(self.judged_at) > PAUSED_FOR {
            self.doubts_until = now + DOUBT_FOR;
        }
        self.judged_at = now;
        let doubts = now < self.doubts_until;
        let is_silent = |row: &Row| row.leaving && !row.inbound && !row.outbound;
        let left: Vec<Source> = self
            .rows
            .extract_if(.., |_, row| is_silent(row))
            .map(|(node, row)| Source { node, epoch: row.epoch })
            .collect();
        // It said that it would stop: its end is no alarm, whether its last words arrived or not.
        for source in left {
            self.on_left(&source);
            self.gone.push(source);
        }
        for (node, row) in &mut self.rows {
            let gossips = self
                .gossip
                .get(node)
                .is_some_and(|gossiped| gossiped.source.epoch == row.epoch);
            row.gossiped |= gossips;
            let is_linked = row.inbound || row.outbound;
            if is_linked || doubts {
                row.unlinked_at = None;
            }
            let unlinked_at = *row.unlinked_at.get_or_insert(now);
            // What it gossips may come by others, who reach it: nothing else does.
            let is_reached = is_linked || now.saturating_sub(unlinked_at) < UNLINKED_FOR;
            if gossips && !is_reached && row.state != MemberState::Down {
                row.state = MemberState::Down;
                row.down_at = now;
                row.asked_at = None;
                continue;
            }
            let speaks = (gossips && is_reached) || (!row.gossiped && is_linked);
            if speaks {
                row.state = MemberState::Alive;
                row.asked_at = None;
                row.answered_at = None;
                continue;
            }
            if row.state == MemberState::Down {
                continue;
            }
            if doubts {
                row.asked_at = None;
                continue;
            }
            match (row.asked_at, row.answered_at) {
                (Some(asked), _)
                    if now.saturating_sub(asked) >= ANSWER_WITHIN || is_planted(Planted::SuspectNotAsked) =>
                {
                    row.state = MemberState::Down;
                    row.down_at = now;
                    row.asked_at = None;
                }
                (Some(_), _) => {}
                (None, Some(answered)) if now.saturating_sub(answered) < ANSWER_WITHIN => {
                    row.state = MemberState::Alive
                }
                (None, _) => {
                    row.state = MemberState::Suspect;
                    row.asked_at = Some(now);
                    self.asks.push(node.clone());
                }
            }
        }
    }

    fn has_left(&self, source: &Source) -> bool {
        self.left.get(&source.node).is_some_and(|epoch| *epoch >= source.epoch)
    }

    fn row(&mut self, source: &Source) -> Option<&mut Row> {
        self.rows.get_mut(&source.node).filter(|row| row.epoch == source.epoch)
    }
}

impl Row {
    fn side(&mut self, direction: Direction) -> &mut bool {
        match direction {
            Direction::In => &mut self.inbound,
            Direction::Out => &mut self.outbound,
        }
    }

    fn member(&self, node: &NodeId) -> Member {
        Member {
            node: node.clone(),
            epoch: self.epoch,
            address: self.address,
            state: self.state,
            inbound: self.inbound,
            outbound: self.outbound,
            version: self.program.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
