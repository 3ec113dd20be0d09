//! Where a stream stands: which resume token goes with which delivery.

use std::sync::Arc;

use bellwether::{Delivery, FeedPosition, GapCause, Instance, Node, Position, ReplayFrom, Source, Subscription};

use crate::resume_token::ResumeToken;

/// The place of one stream in every feed it knows: behind what was handed out, or told as gone.
#[derive(Debug, Default)]
pub struct Place {
    token: ResumeToken,
    /// How each instance of the stream stands.
    standings: Vec<(Instance, Standing)>,
}

/// How the subscription of one instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// What the token does not name is read live: it is to be named before the stream can be resumed.
    Live,
    /// What the token does not name is read from its first message, as a resume does.
    FromFirst,
    /// The last few, or what is not older than a time, is being replayed. No token says how to go on with that, so there
    /// is none until the subscription is live.
    Unsayable,
    /// The subscription was disconnected. The place stays where it was, so that a resume brings what had no room.
    Disconnected,
}

impl Place {
    /// The subscription begins here.
    pub fn begin(&mut self, subscription: &Subscription, from: &ReplayFrom, node: &Node) {
        let instance = subscription.instance();
        let standing = match from {
            ReplayFrom::Earliest | ReplayFrom::Resume(_) => Standing::FromFirst,
            ReplayFrom::Last(_) | ReplayFrom::Time(_) => Standing::Unsayable,
            _ => Standing::Live,
        };
        self.standings.push((instance, standing));
        match from {
            ReplayFrom::Live => self.place(instance, &subscription.positions()),
            ReplayFrom::Resume(positions) => {
                for position in positions {
                    self.token.place(instance, &position.source, position.seq);
                }
            }
            ReplayFrom::After(id) => {
                for member in node.members() {
                    let (node, epoch) = (member.node, member.epoch);
                    let run = Arc::new(Source { node, epoch });
                    self.token.place(instance, &run, FeedPosition::LIVE);
                }
                let (node, epoch) = (id.node.clone(), id.epoch);
                self.token.place(instance, &Arc::new(Source { node, epoch }), id.seq);
            }
            _ => {}
        }
    }

    /// From which seq on the subscription receives each feed that is known now.
    pub fn place(&mut self, instance: Instance, positions: &[Position]) {
        let is_live = self.standing(instance) == Some(Standing::Live);
        for Position { source, live_from } in positions {
            match live_from {
                Some(seq) => self.token.raise(instance, source, seq - 1),
                None if is_live && !self.token.names(instance, source) => {
                    self.token.place(instance, source, FeedPosition::LIVE);
                }
                None => {}
            }
        }
    }

    /// The subscription has gone over from its replay, and receives the feeds from here.
    pub fn went_live(&mut self, instance: Instance, positions: &[Position]) {
        for (known, standing) in &mut self.standings {
            if *known == instance && *standing == Standing::Unsayable {
                *standing = Standing::Live;
            }
        }
        self.place(instance, positions);
    }

    /// This is handed out next.
    pub fn pass(&mut self, delivery: &Delivery) {
        let is_disconnected = |instance| self.standing(instance) == Some(Standing::Disconnected);
        match delivery {
            // Behind the gap of a disconnected subscription: to be told again by a resume.
            Delivery::EpochEnded(ended) if is_disconnected(ended.instance) => {}
            Delivery::Message(envelope) => self
                .token
                .advance(envelope.instance(), envelope.source(), envelope.seq()),
            Delivery::Gap(gap) if gap.cause == GapCause::Disconnected => {
                for (known, standing) in &mut self.standings {
                    if *known == gap.instance {
                        *standing = Standing::Disconnected;
                    }
                }
            }
            Delivery::Gap(gap) => self.token.advance(gap.instance, &gap.source, gap.last),
            // The run may come back, and then goes on behind this.
            Delivery::EpochEnded(ended) if ended.tail_unknown => {
                self.token.advance(ended.instance, &ended.source, ended.last_seq);
            }
            Delivery::EpochEnded(ended) => self.token.end(ended.instance, &ended.source),
            _ => {}
        }
    }

    /// The token of this place, if there is one.
    pub fn token(&mut self) -> Option<&mut ResumeToken> {
        let is_unsayable = |(_, standing): &(Instance, Standing)| *standing == Standing::Unsayable;
        (!self.standings.iter().any(is_unsayable)).then_some(&mut self.token)
    }

    fn standing(&self, instance: Instance) -> Option<Standing> {
        let found = self.standings.iter().find(|(known, _)| *known == instance);
        found.map(|(_, standing)| *standing)
    }
}

#[cfg(test)]
mod tests {
    use bellwether::{Epoch, EpochEnded, Gap, NodeId};

    use super::*;

    const INSTANCE: Instance = Instance::Events;

    fn source(node: &str, epoch: u64) -> Arc<Source> {
        Arc::new(Source {
            node: NodeId::new(node).unwrap(),
            epoch: Epoch(epoch),
        })
    }

    fn position(node: &str, live_from: Option<u64>) -> Position {
        Position {
            source: source(node, 1),
            live_from,
        }
    }

    fn place(standing: Standing) -> Place {
        Place {
            standings: vec![(INSTANCE, standing)],
            ..Place::default()
        }
    }

    fn gap(node: &str, last: u64, cause: GapCause) -> Delivery {
        Delivery::Gap(Gap {
            source: source(node, 1),
            instance: INSTANCE,
            first: 1,
            last,
            count: last,
            exact: true,
            cause,
        })
    }

    fn ended(node: &str, last_seq: u64, tail_unknown: bool) -> Delivery {
        Delivery::EpochEnded(EpochEnded {
            source: source(node, 1),
            instance: INSTANCE,
            last_seq,
            tail_unknown,
        })
    }

    /// What a resume is told: node and seq.
    fn said(place: &mut Place) -> Option<Vec<(String, u64)>> {
        let mut word = Vec::new();
        place.token()?.write(&mut word);
        let feeds = ResumeToken::parse(std::str::from_utf8(&word).unwrap()).unwrap();
        let feed = |feed: FeedPosition| (feed.source.node.to_string(), feed.seq);
        Some(feeds.into_iter().map(feed).collect())
    }

    fn expect(place: &mut Place, feeds: &[(&str, u64)]) {
        let feeds: Vec<_> = feeds.iter().map(|(node, seq)| ((*node).to_owned(), *seq)).collect();
        assert_eq!(said(place), Some(feeds));
    }

    #[test]
    fn every_feed_that_is_known_is_named_from_the_beginning_on() {
        let mut live = place(Standing::Live);
        live.place(
            INSTANCE,
            &[position("a", Some(8)), position("b", Some(1)), position("c", None)],
        );
        expect(&mut live, &[("a", 7), ("c", FeedPosition::LIVE)]);
        // It has confirmed since.
        live.place(INSTANCE, &[position("a", Some(8)), position("c", Some(5))]);
        expect(&mut live, &[("a", 7), ("c", 4)]);
        live.pass(&gap("c", 9, GapCause::LinkOverrun));
        live.place(INSTANCE, &[position("c", Some(5))]);
        expect(&mut live, &[("a", 7), ("c", 9)]);
    }

    #[test]
    fn a_resume_keeps_what_it_was_asked_for_and_leaves_out_what_it_has_not_heard_of() {
        let mut resumed = place(Standing::FromFirst);
        resumed.token.place(INSTANCE, &source("a", 1), 9);
        resumed.went_live(
            INSTANCE,
            &[position("a", Some(3)), position("b", None), position("c", Some(4))],
        );
        expect(&mut resumed, &[("a", 9), ("c", 3)]);
    }

    #[test]
    fn a_replay_that_no_token_can_go_on_with_has_none_until_it_is_over() {
        let mut last = place(Standing::Unsayable);
        last.pass(&gap("a", 3, GapCause::BacklogOverrun));
        assert_eq!(said(&mut last), None);
        last.went_live(INSTANCE, &[position("a", Some(8)), position("b", None)]);
        expect(&mut last, &[("a", 7), ("b", FeedPosition::LIVE)]);
    }

    #[test]
    fn a_run_that_may_come_back_keeps_its_place() {
        let mut live = place(Standing::Live);
        live.place(INSTANCE, &[position("a", Some(8)), position("b", Some(8))]);
        live.pass(&ended("a", 12, true));
        live.pass(&ended("b", 12, false));
        expect(&mut live, &[("a", 12)]);
    }

    #[test]
    fn a_disconnected_subscription_is_resumed_where_it_stood() {
        let mut live = place(Standing::Live);
        live.place(INSTANCE, &[position("a", Some(8)), position("b", Some(4))]);
        live.pass(&gap("a", 99, GapCause::Disconnected));
        live.pass(&gap("b", 50, GapCause::Disconnected));
        live.pass(&ended("b", 50, false));
        expect(&mut live, &[("a", 7), ("b", 3)]);
    }
}
