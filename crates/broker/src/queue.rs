//! Queue groups: of the subscriptions of the mesh that share one, one gets each message.
//!
//! The origin chooses when it publishes, so that nobody has to agree on anything: one of its own subscriptions if it has
//! any, else a peer, in turn; which one is remembered beside the backlog until the peer's link has come so far. The peer
//! chooses among its own subscriptions. A message that was chosen for somebody who then goes is lost to the group, as in
//! every system of at most one delivery; it is never delivered twice.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Pattern, Source};

use crate::group::Group;

/// Workers that are looked at for the one with the least to do; more would make a publish cost more with every worker.
const LOOKED_AT: usize = 8;
/// Choices that are remembered; when full, the oldest goes, and its peer is not told that it was chosen.
const MAX_CHOICES: usize = 262_144;

/// One queue group, as one node knows it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The subscriptions of this node, each a group of its own.
    workers: Vec<Arc<Group>>,
    /// Peers whose links have asked for a part, by seat.
    seats: Vec<(u64, Arc<Source>)>,
    /// Whose turn it is.
    turn: usize,
}

/// Who gets a message.
#[derive(Debug)]
pub(crate) enum Chosen<'a> {
    Here(&'a Arc<Group>),
    There(&'a Arc<Source>),
}

impl Queue {
    pub(crate) fn add_worker(&mut self, worker: Arc<Group>) {
        self.workers.push(worker);
    }

    pub(crate) fn remove_worker(&mut self, worker: &Arc<Group>) {
        self.workers.retain(|known| !Arc::ptr_eq(known, worker));
    }

    pub(crate) fn workers(&self) -> &[Arc<Group>] {
        &self.workers
    }

    pub(crate) fn add_seat(&mut self, seat: u64, peer: Arc<Source>) {
        if !self.seats.iter().any(|(known, _)| *known == seat) {
            self.seats.push((seat, peer));
        }
    }

    /// For a planted bug alone.
    pub(crate) fn any_peer(&self) -> Option<&Arc<Source>> {
        self.seats.first().map(|(_, peer)| peer)
    }

    pub(crate) fn remove_seat(&mut self, seat: u64) {
        if is_planted(Planted::QueueSeatKept) {
            return;
        }
        self.seats.retain(|(known, _)| *known != seat);
    }

    /// Whether nobody is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.workers.is_empty() && self.seats.is_empty()
    }

    /// Who gets the next message of this node's own feed.
    pub(crate) fn choose(&mut self) -> Option<Chosen<'_>> {
        if !self.workers.is_empty() {
            return self.choose_worker().map(Chosen::Here);
        }
        self.turn = self.turn.wrapping_add(1);
        let place = self.turn.checked_rem(self.seats.len())?;
        self.seats.get(place).map(|(_, peer)| Chosen::There(peer))
    }

    /// Which of this node's subscriptions gets a message: the next in turn, unless one of those after it has less to do.
    pub(crate) fn choose_worker(&mut self) -> Option<&Arc<Group>> {
        let count = self.workers.len();
        self.turn = self.turn.wrapping_add(1);
        let begin = self.turn.checked_rem(count)?;
        let looked_at = (0..count.min(LOOKED_AT)).map(|step| (begin + step) % count);
        let waiting = |place: &usize| {
            self.workers
                .get(*place)
                .map_or(usize::MAX, |worker| worker.lock().ring.len())
        };
        let place = looked_at.min_by_key(waiting)?;
        self.workers.get(place)
    }
}

/// Which peers were chosen for which messages of this node's feed, in the feed's order.
#[derive(Debug, Default)]
pub(crate) struct Choices(VecDeque<Choice>);

#[derive(Debug)]
struct Choice {
    seq: u64,
    queue: Pattern,
    peer: Arc<Source>,
}

impl Choices {
    /// The message goes to a peer. What lies before `oldest` is no longer in the backlog, and forgotten.
    pub(crate) fn add(&mut self, seq: u64, queue: Pattern, peer: Arc<Source>, oldest: u64) {
        while self.0.len() >= MAX_CHOICES || self.0.front().is_some_and(|first| first.seq < oldest) {
            self.0.pop_front();
        }
        self.0.push_back(Choice { seq, queue, peer });
    }

    /// What a peer was chosen for among these seqs, in order: the seq and the queue.
    pub(crate) fn of(&self, peer: &Source, seqs: RangeInclusive<u64>, out: &mut Vec<(u64, Pattern)>) {
        let begin = self.0.partition_point(|choice| choice.seq < *seqs.start());
        let among = self.0.range(begin..).take_while(|choice| choice.seq <= *seqs.end());
        let theirs = among.filter(|choice| *choice.peer == *peer);
        out.extend(theirs.map(|choice| (choice.seq, choice.queue.clone())));
    }
}

#[cfg(test)]
mod tests {
    use bellwether_message::{Epoch, NodeId};

    use super::*;

    fn peer(node: &str) -> Arc<Source> {
        Arc::new(Source {
            node: NodeId::new(node).unwrap(),
            epoch: Epoch(1),
        })
    }

    fn chosen(queue: &mut Queue) -> Option<String> {
        match queue.choose()? {
            Chosen::There(peer) => Some(peer.node.to_string()),
            Chosen::Here(_) => Some("here".to_owned()),
        }
    }

    #[test]
    fn peers_take_turns_and_one_that_left_is_not_chosen() {
        let mut queue = Queue::default();
        assert_eq!(chosen(&mut queue), None);
        queue.add_seat(1, peer("b"));
        queue.add_seat(2, peer("c"));
        queue.add_seat(2, peer("c"));
        let mut four: Vec<_> = (0..4).filter_map(|_| chosen(&mut queue)).collect();
        four.sort();
        assert_eq!(four, ["b", "b", "c", "c"]);
        queue.remove_seat(1);
        assert_eq!([chosen(&mut queue), chosen(&mut queue)].map(Option::unwrap), ["c", "c"]);
        queue.remove_seat(2);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_link_finds_its_choices_wherever_it_reads() {
        let (b, c) = (peer("b"), peer("c"));
        let queue = Pattern::new("$queue:w:t").unwrap();
        let mut choices = Choices::default();
        for (seq, peer) in [(3, &b), (4, &c), (4, &b), (9, &b)] {
            choices.add(seq, queue.clone(), peer.clone(), 1);
        }
        let of = |choices: &Choices, peer: &Source, seqs| {
            let mut found = Vec::new();
            choices.of(peer, seqs, &mut found);
            found.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>()
        };
        assert_eq!(of(&choices, &b, 1..=9), [3, 4, 9]);
        assert_eq!(of(&choices, &b, 4..=8), [4]);
        assert_eq!(of(&choices, &c, 1..=9), [4]);
        assert_eq!(of(&choices, &b, 10..=20), [0; 0]);
        choices.add(12, queue, c.clone(), 5);
        assert_eq!(
            of(&choices, &b, 1..=20),
            [9],
            "what the backlog no longer has is forgotten"
        );
    }
}
