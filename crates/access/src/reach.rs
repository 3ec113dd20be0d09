//! How much of what a pattern matches is permitted: exactly, by looking at every kind of topic that the patterns tell apart.
//!
//! Patterns go level by level, so that after some levels each is out, satisfied for good (a last `*`), or at that very
//! level. Of the infinitely many texts of a level only those differ that some pattern names there: one that none names
//! stands for all others.

use std::collections::BTreeSet;

use bellwether_message::{Instance, MAX_TOPIC_LEVELS, Pattern};

use crate::caller::Reach;

/// Steps before the question is given up, and each delivery asked for instead. Policies and tokens of people need a few
/// dozen; only rules that were made for it need more.
const MAX_STEPS: usize = 4096;

/// A level that no pattern can name, as no topic can have it.
const OTHER: &str = "";
/// The same of a topic that belongs to the mesh.
const OTHER_RESERVED: &str = "$\0";
/// The first level of foreign NATS subjects.
const NATS: &str = "$nats";

/// Whether a pattern that allows something matches a topic. One that begins with a wildcard does not reach what belongs to
/// the mesh.
pub(crate) fn allows(instance: Instance, pattern: &Pattern, topic: &str) -> bool {
    let is_bound = topic.starts_with('$') && begins_wild(pattern);
    (!is_bound || is_open(instance, topic.split(':').next().unwrap_or_default())) && pattern.matches(topic)
}

/// Whether a wildcard that stands first in an allowance reaches topics with this first level.
fn is_open(instance: Instance, first_level: &str) -> bool {
    !first_level.starts_with('$') || (instance == Instance::Events && first_level == NATS)
}

fn begins_wild(pattern: &Pattern) -> bool {
    matches!(pattern.levels().next(), Some("*" | "+"))
}

/// How much of `wanted` is allowed and not denied; `None`: nothing.
pub(crate) fn reach(instance: Instance, wanted: &Pattern, allow: &[Pattern], deny: &[Pattern]) -> Option<Reach> {
    if allow.is_empty() {
        return None;
    }
    let mut search = Search {
        instance,
        wanted: wanted.levels().collect(),
        allow: allow.iter().map(|pattern| pattern.levels().collect()).collect(),
        deny: deny.iter().map(|pattern| pattern.levels().collect()).collect(),
        seen: BTreeSet::new(),
        finds: Finds::default(),
    };
    search.look(0, Place::start(allow.len(), deny.len()));
    match (search.finds.allowed, search.finds.refused) {
        (true, false) => Some(Reach::All),
        (true, true) => Some(Reach::Some),
        (false, _) => None,
    }
}

/// Where one pattern stands after some levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    /// Nothing that begins so matches.
    Out,
    /// All levels so far match.
    On,
    /// Whatever follows matches.
    Done,
}

/// Where all patterns stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    wanted: Status,
    allow: Vec<Status>,
    deny: Vec<Status>,
}

impl Place {
    fn start(allow: usize, deny: usize) -> Self {
        Self {
            wanted: Status::On,
            allow: vec![Status::On; allow],
            deny: vec![Status::On; deny],
        }
    }
}

/// Whether a topic was found that is wanted and allowed, and one that is wanted and not.
#[derive(Debug, Default)]
struct Finds {
    allowed: bool,
    refused: bool,
}

struct Search<'a> {
    instance: Instance,
    wanted: Vec<&'a str>,
    allow: Vec<Vec<&'a str>>,
    deny: Vec<Vec<&'a str>>,
    seen: BTreeSet<(usize, Place)>,
    finds: Finds,
}

impl<'a> Search<'a> {
    /// Looks at the topics that have `depth` levels and stand at `place`, and at those that go on from there.
    fn look(&mut self, depth: usize, place: Place) {
        let is_decided = self.finds.allowed && self.finds.refused;
        if is_decided || place.wanted == Status::Out || self.seen.contains(&(depth, place.clone())) {
            return;
        }
        if self.seen.len() >= MAX_STEPS {
            (self.finds.allowed, self.finds.refused) = (true, true);
            return;
        }
        if depth > 0 && ends(&self.wanted, place.wanted, depth) {
            let any = |patterns: &[Vec<&str>], statuses: &[Status]| {
                let mut pairs = patterns.iter().zip(statuses);
                pairs.any(|(levels, status)| ends(levels, *status, depth))
            };
            match any(&self.allow, &place.allow) && !any(&self.deny, &place.deny) {
                true => self.finds.allowed = true,
                false => self.finds.refused = true,
            }
        }
        let statuses = || {
            [place.wanted]
                .into_iter()
                .chain(place.allow.iter().chain(&place.deny).copied())
        };
        // Where nothing is at its level any more, longer topics are judged like this one.
        if depth < MAX_TOPIC_LEVELS && statuses().any(|status| status == Status::On) {
            for level in self.levels_at(depth, &place) {
                let next = self.step(depth, &place, level);
                self.look(depth + 1, next);
            }
        }
        self.seen.insert((depth, place));
    }

    /// One text for each kind of level that the patterns tell apart here.
    fn levels_at(&self, depth: usize, place: &Place) -> BTreeSet<&'a str> {
        let named = |levels: &Vec<&'a str>, status: &Status| -> Option<&'a str> {
            let level = levels.get(depth).copied().filter(|_| *status == Status::On);
            level.filter(|level| !matches!(*level, "*" | "+"))
        };
        if let Some(level) = named(&self.wanted, &place.wanted) {
            return BTreeSet::from([level]);
        }
        let allow = self.allow.iter().zip(&place.allow);
        let rules = allow.chain(self.deny.iter().zip(&place.deny));
        let mut levels: BTreeSet<&str> = rules.filter_map(|(levels, status)| named(levels, status)).collect();
        levels.insert(OTHER);
        if depth == 0 {
            levels.extend([OTHER_RESERVED, NATS]);
        }
        levels
    }

    fn step(&self, depth: usize, place: &Place, level: &str) -> Place {
        let is_open = depth > 0 || is_open(self.instance, level);
        let each = |patterns: &[Vec<&str>], statuses: &[Status], is_open: bool| {
            let pairs = patterns.iter().zip(statuses);
            pairs
                .map(|(levels, status)| next(levels, *status, depth, level, is_open))
                .collect()
        };
        Place {
            wanted: next(&self.wanted, place.wanted, depth, level, true),
            allow: each(&self.allow, &place.allow, is_open),
            deny: each(&self.deny, &place.deny, true),
        }
    }
}

/// Whether a topic of `depth` levels matches.
fn ends(levels: &[&str], status: Status, depth: usize) -> bool {
    match status {
        Status::Out => false,
        Status::On => levels.len() == depth,
        Status::Done => true,
    }
}

/// Where a pattern stands after one more level; a wildcard takes it only if it `is_open` to wildcards.
fn next(levels: &[&str], status: Status, depth: usize, level: &str, is_open: bool) -> Status {
    let is_last = levels.len() == depth + 1;
    match (status, levels.get(depth).copied()) {
        (Status::Done, _) => Status::Done,
        (Status::Out, _) | (Status::On, None) => Status::Out,
        (Status::On, Some("*" | "+")) if !is_open => Status::Out,
        (Status::On, Some("*")) if is_last => Status::Done,
        (Status::On, Some("*" | "+")) => Status::On,
        (Status::On, Some(named)) if named == level => Status::On,
        (Status::On, Some(_)) => Status::Out,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().copied().map(pattern).collect()
    }

    #[test]
    fn a_pattern_is_refused_only_if_nothing_of_it_may_be_received() {
        for (wanted, allow, deny, expected) in [
            ("a:b", &["a:*"][..], &[][..], Some(Reach::All)),
            ("a", &["a:*"], &[], None),
            ("a:*", &["a:b"], &[], Some(Reach::Some)),
            ("*", &["a:b"], &[], Some(Reach::Some)),
            ("*", &["*"], &[], Some(Reach::Some)), // not what belongs to the mesh
            ("$bw:*", &["*"], &[], None),
            ("$bw:*", &["+:*"], &[], None),
            ("$bw:*", &["$bw:*"], &[], Some(Reach::All)),
            ("$nats:*", &["*"], &[], Some(Reach::All)),
            ("a:*", &["a:*"], &["a:b"], Some(Reach::Some)),
            ("a:b", &["a:*"], &["a:b"], None),
            ("a:b", &["a:*"], &["*"], None),
            ("a:+", &["a:b", "a:c"], &[], Some(Reach::Some)),
            ("a:*", &["a:+", "a:+:*"], &[], Some(Reach::All)), // together they allow all
            ("a:*", &["a:*"], &["a:+:*", "a:+"], None),        // together they deny all
            ("a:+:c", &["a:b:*"], &["+:b:c"], None),
            ("a", &[], &[], None),
        ] {
            let found = reach(Instance::Events, &pattern(wanted), &patterns(allow), &patterns(deny));
            assert_eq!(found, expected, "{wanted} with {allow:?} without {deny:?}");
        }
        let nats = reach(Instance::Metrics, &pattern("$nats:*"), &patterns(&["*"]), &[]);
        assert_eq!(nats, None, "foreign subjects are in events only");
    }

    #[test]
    fn a_policy_made_to_be_slow_leaves_each_delivery_to_be_asked_for() {
        // Every subset of the rules is a place of its own.
        let rule = |at: usize| {
            let levels: Vec<String> = (0..16).map(|n| if n == at { "x".into() } else { "+".into() }).collect();
            pattern(&levels.join(":"))
        };
        let deny: Vec<Pattern> = (0..16).map(rule).collect();
        let allow = patterns(&[&["+"; 16].join(":")]);
        let found = reach(Instance::Events, &pattern("*"), &allow, &deny);
        assert_eq!(found, Some(Reach::Some));
    }

    const NAMES: [&str; 6] = ["a", "b", "$bw", "$nats", "*", "+"];

    fn any_pattern() -> impl Strategy<Value = Pattern> {
        prop::collection::vec(prop::sample::select(&NAMES[..]), 1..=3).prop_map(|levels| pattern(&levels.join(":")))
    }

    fn any_patterns() -> impl Strategy<Value = Vec<Pattern>> {
        prop::collection::vec(any_pattern(), 0..=3)
    }

    /// Every topic of up to four levels out of the names above and one that none has.
    fn topics() -> Vec<String> {
        let names = ["a", "b", "c", "$bw", "$nats", "$other"];
        let mut all: Vec<String> = names.map(str::to_owned).to_vec();
        let mut last = all.clone();
        for _ in 1..4 {
            last = last
                .iter()
                .flat_map(|topic| names.map(|name| format!("{topic}:{name}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn it_is_what_asking_for_every_topic_says(
            wanted in any_pattern(),
            allow in any_patterns(),
            deny in any_patterns(),
            in_events in any::<bool>(),
        ) {
            let instance = if in_events { Instance::Events } else { Instance::Metrics };
            let may = |topic: &str| {
                allow.iter().any(|pattern| allows(instance, pattern, topic))
                    && !deny.iter().any(|pattern| pattern.matches(topic))
            };
            let (allowed, refused): (Vec<_>, Vec<_>) =
                topics().into_iter().filter(|topic| wanted.matches(topic)).partition(|topic| may(topic));
            let expected = match (allowed.is_empty(), refused.is_empty()) {
                (true, _) => None,
                (false, true) => Some(Reach::All),
                (false, false) => Some(Reach::Some),
            };
            prop_assert_eq!(
                reach(instance, &wanted, &allow, &deny), expected,
                "allowed {:?}, refused {:?}", allowed.first(), refused.first()
            );
        }
    }
}
