//! Whole clusters: observers whose views and hearing lag by different times.

use proptest::prelude::*;

use super::*;

/// The granularity of time.
const STEP: u64 = 50;
/// A view lags by at most so much, and hearing another by at most so much: together less than the patience.
const LAG: u64 = 1_400;
const NODES: usize = 6;
/// All have joined long before.
const START: u64 = 20_000;
const HEAL: u64 = START + 30_000;
const END: u64 = HEAL + 30_000;

/// How each lags: in seeing each other node, and in hearing it.
#[derive(Debug, Clone)]
struct Lags {
    sight: Vec<u64>,
    hearing: Vec<u64>,
}

fn lags(hearing: u64) -> impl Strategy<Value = Lags> {
    let steps = |most: u64| proptest::collection::vec(0..=most / STEP, NODES * NODES);
    (steps(LAG), steps(hearing)).prop_map(|(sight, hearing)| Lags { sight, hearing })
}

/// One row of one observer's view changes.
struct Sight {
    at: u64,
    observer: usize,
    seen: Seen,
}

struct World {
    watches: Vec<Option<ClusterWatch>>,
    views: Vec<BTreeMap<NodeId, Seen>>,
    sights: Vec<Sight>,
    /// When it arrives, at whom.
    words: Vec<(u64, usize, Heard)>,
    lags: Lags,
    /// Nothing passes between the two until the heal.
    sides: Vec<bool>,
    /// Who said what.
    said: Vec<(usize, News, NodeId, Epoch)>,
    told: Vec<(usize, Membership)>,
}

fn node(index: usize) -> NodeId {
    id(&format!("n{index}"))
}

fn seen(index: usize, epoch: u64, state: Life) -> Seen {
    Seen {
        node: node(index),
        epoch: Epoch(epoch),
        state,
    }
}

impl World {
    fn new(lags: Lags) -> Self {
        let all = |epoch: u64| (0..NODES).map(move |index| (node(index), seen(index, epoch, Life::Alive)));
        let mut world = Self {
            watches: Vec::new(),
            views: vec![all(1).collect(); NODES],
            sights: Vec::new(),
            words: Vec::new(),
            lags,
            sides: vec![false; NODES],
            said: Vec::new(),
            told: Vec::new(),
        };
        for index in 0..NODES {
            let mut watch = ClusterWatch::new(node(index));
            watch.on_members(&world.rows(index), ms(0));
            watch.on_joined(ms(0));
            world.watches.push(Some(watch));
        }
        world
    }

    fn rows(&self, observer: usize) -> Vec<Seen> {
        self.views[observer].values().cloned().collect()
    }

    /// All who run will see it, each in its time.
    fn show(&mut self, at: u64, observers: impl Fn(usize) -> bool, of: &Seen) {
        for observer in (0..NODES).filter(|observer| observers(*observer) && node(*observer) != of.node) {
            let index = of.node.as_str()[1..].parse::<usize>().unwrap();
            let lag = self.lags.sight[observer * NODES + index] * STEP;
            self.sights.push(Sight {
                at: at + lag,
                observer,
                seen: of.clone(),
            });
        }
    }

    fn take(&mut self, from: usize, effects: Vec<Effect>, now: u64) {
        for effect in effects {
            let (news, of, epoch) = match effect {
                Effect::Announce(alert) => (alert.news, alert.node, alert.epoch),
                Effect::Membership(change) => {
                    self.told.push((from, change));
                    continue;
                }
                _ => continue,
            };
            self.said.push((from, news, of.clone(), epoch));
            for to in (0..NODES).filter(|to| *to != from) {
                let is_cut = self.sides[from] != self.sides[to];
                let sent = if is_cut { now.max(HEAL) } else { now };
                let arrives = sent + self.lags.hearing[to * NODES + from] * STEP;
                let heard = Heard {
                    news,
                    node: of.clone(),
                    epoch,
                    reporter: node(from),
                };
                self.words.push((arrives, to, heard));
            }
        }
    }

    fn run(&mut self, mut script: impl FnMut(&mut Self, u64)) {
        for now in (0..END).step_by(STEP as usize) {
            script(self, now);
            for index in 0..NODES {
                let (sights, later) = std::mem::take(&mut self.sights)
                    .into_iter()
                    .partition::<Vec<Sight>, _>(|sight| sight.at <= now && sight.observer == index);
                self.sights = later;
                let changed = !sights.is_empty();
                for sight in sights {
                    self.views[index].insert(sight.seen.node.clone(), sight.seen);
                }
                let (words, later) = std::mem::take(&mut self.words)
                    .into_iter()
                    .partition::<Vec<_>, _>(|(at, to, _)| *at <= now && *to == index);
                self.words = later;
                let Some(mut watch) = self.watches[index].take() else {
                    continue;
                };
                let mut effects = Vec::new();
                for (_, _, heard) in words {
                    effects.extend(watch.on_heard(&heard, ms(now)));
                }
                if changed {
                    effects.extend(watch.on_members(&self.rows(index), ms(now)));
                }
                effects.extend(watch.tick(ms(now)));
                self.watches[index] = Some(watch);
                self.take(index, effects, now);
            }
        }
    }

    fn count(&self, by: impl Fn(usize) -> bool, news: News, of: usize) -> usize {
        let of = node(of);
        let is_it = |(from, said, about, _): &&(usize, News, NodeId, Epoch)| by(*from) && *said == news && *about == of;
        self.said.iter().filter(is_it).count()
    }

    /// How often an observer told that a node was lost, in whatever event; and that it was there again.
    fn membership(&self, by: usize, of: usize) -> (usize, usize) {
        let of = node(of);
        let mine = self
            .told
            .iter()
            .filter(|(from, change)| *from == by && change.affected_nodes.contains(&of));
        let (lost, back): (Vec<_>, Vec<_>) = mine.partition(|(_, change)| {
            matches!(
                change.event,
                MembershipEvent::NodeRemoved | MembershipEvent::PartitionDetected
            )
        });
        (lost.len(), back.len())
    }
}

/// Some nodes crash at one moment and start again, half a minute later, in a new run.
fn crash(lags: Lags, crashed: &[bool]) -> World {
    let mut world = World::new(lags);
    let runs = |index: usize| !crashed[index];
    world.run(|world, now| {
        for index in (0..NODES).filter(|index| crashed[*index]) {
            if now == START {
                world.watches[index] = None;
                world.show(now, runs, &seen(index, 1, Life::Down));
            }
            if now == HEAL {
                world.show(now, runs, &seen(index, 2, Life::Alive));
            }
        }
    });
    world
}

/// The two sides lose each other, and find each other again half a minute later.
fn cut(lags: Lags, sides: &[bool]) -> World {
    let mut world = World::new(lags);
    world.sides = sides.to_vec();
    world.run(|world, now| {
        for index in 0..NODES {
            let others = |observer: usize| sides[observer] != sides[index];
            if now == START {
                world.show(now, others, &seen(index, 1, Life::Down));
            }
            if now == HEAL {
                world.show(now, others, &seen(index, 1, Life::Alive));
            }
        }
    });
    world
}

fn some_but_not_all() -> impl Strategy<Value = Vec<bool>> {
    (1..(1_u32 << NODES) - 1).prop_map(|mask| (0..NODES).map(|index| mask & (1 << index) != 0).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_crash_and_a_restart_are_announced_once_and_told_once_by_each(
        lags in lags(LAG),
        crashed in some_but_not_all(),
    ) {
        let world = crash(lags, &crashed);
        for index in 0..NODES {
            let expected = usize::from(crashed[index]);
            prop_assert_eq!(world.count(|_| true, News::Failed, index), expected, "{:?}", world.said);
            prop_assert_eq!(world.count(|_| true, News::Recovered, index), expected, "{:?}", world.said);
            for observer in (0..NODES).filter(|observer| !crashed[*observer]) {
                prop_assert_eq!(world.membership(observer, index), (expected, expected), "{:?}", world.told);
            }
        }
    }

    #[test]
    fn a_partition_and_its_heal_are_announced_once_per_side_and_told_once_by_each(
        lags in lags(LAG),
        sides in some_but_not_all(),
    ) {
        let world = cut(lags, &sides);
        for index in 0..NODES {
            for side in [false, true] {
                let expected = usize::from(sides[index] != side);
                let by = |observer: usize| sides[observer] == side;
                prop_assert_eq!(world.count(by, News::Failed, index), expected, "{:?}", world.said);
                prop_assert_eq!(world.count(by, News::Recovered, index), expected, "{:?}", world.said);
            }
            for observer in (0..NODES).filter(|observer| *observer != index) {
                let expected = usize::from(sides[observer] != sides[index]);
                prop_assert_eq!(world.membership(observer, index), (expected, expected), "{:?}", world.told);
            }
        }
    }

    #[test]
    fn however_late_others_are_heard_a_failure_is_announced_and_taken_back(
        lags in lags(20_000),
        crashed in some_but_not_all(),
    ) {
        let world = crash(lags, &crashed);
        for (index, crashed) in crashed.iter().enumerate() {
            prop_assert_eq!(world.count(|_| true, News::Failed, index) > 0, *crashed);
            prop_assert_eq!(world.count(|_| true, News::Recovered, index) > 0, *crashed);
        }
    }

    #[test]
    fn a_partition_that_loses_all_its_neighbours_within_the_window_is_one_event_per_observer(
        lags in lags(LAG),
        sides in some_but_not_all(),
    ) {
        let sight = lags.sight.iter().map(|steps| steps % 9).collect();
        let world = cut(Lags { sight, ..lags }, &sides);
        for observer in 0..NODES {
            let lost = sides.iter().filter(|side| **side != sides[observer]).count();
            let told = world.told.iter().filter(|(from, _)| *from == observer);
            let events: Vec<MembershipEvent> = told.map(|(_, change)| change.event).collect();
            let first = match lost {
                1 => MembershipEvent::NodeRemoved,
                _ => MembershipEvent::PartitionDetected,
            };
            prop_assert_eq!(events, [first, MembershipEvent::PartitionHealed]);
        }
    }
}
