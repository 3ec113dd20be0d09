//! Which messages belong together, and what led to what. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bellwether_message::{MessageId, Timestamp};
use bytes::Bytes;
use serde::Deserialize;

/// Bytes of messages that may turn out to belong to the story. Beyond them further ones are only counted.
const CANDIDATE_BYTES: usize = 64 * 1024 * 1024;
/// What a candidate takes beside its JSON, roughly: its ids, and its places in two indexes.
const CANDIDATE_OVERHEAD_BYTES: usize = 512;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) id: MessageId,
    pub(super) timestamp: Timestamp,
    correlation_id: Option<String>,
    pub(super) causation_id: Option<String>,
    /// All of it.
    pub(super) json: Bytes,
}

/// The messages that are tied to a word by their ids, their causes or their correlation, directly or over others.
///
/// Messages come in any order, effects before causes too. So whatever names others is kept until it is known whether it
/// belongs here, up to 64 MiB.
#[derive(Debug)]
pub(super) struct Story {
    /// What ties messages to it.
    words: HashSet<String>,
    /// By the text of their ids.
    steps: BTreeMap<String, Step>,
    candidates: HashMap<String, Step>,
    /// The candidates that have a word.
    by_word: HashMap<String, Vec<String>>,
    candidate_bytes: usize,
    most: usize,
    looked_at: u64,
    overlooked: u64,
}

/// A step in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Branch<'a> {
    pub(super) step: &'a Step,
    pub(super) cause: Cause<'a>,
    /// Of it and of each step above it but the first: whether it is the last one there.
    pub(super) is_last: Vec<bool>,
}

/// What led to a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cause<'a> {
    /// Nothing that it says.
    None,
    /// Another step.
    Step(&'a Step),
    /// Something that is not here.
    Unknown(&'a str),
}

/// What is looked at of every message.
#[derive(Deserialize)]
struct Form<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    timestamp: Timestamp,
    #[serde(borrow)]
    correlation_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    causation_id: Option<Cow<'a, str>>,
}

impl Story {
    /// What is tied to `word`: an id of a message, or what messages have as their correlation or cause. At most so many.
    pub(super) fn new(word: &str, most: usize) -> Self {
        Self {
            words: HashSet::from([word.to_owned()]),
            steps: BTreeMap::new(),
            candidates: HashMap::new(),
            by_word: HashMap::new(),
            candidate_bytes: 0,
            most,
            looked_at: 0,
            overlooked: 0,
        }
    }

    /// Takes a message, given in its JSON form. Returns the ids of the steps that are new by it, in time order: itself,
    /// and what it ties to the story.
    pub(super) fn absorb(&mut self, json: &[u8]) -> Vec<String> {
        let Ok(form) = serde_json::from_slice::<Form<'_>>(json) else {
            return Vec::new();
        };
        self.looked_at += 1;
        let is_tied = self.words.contains(&*form.id);
        if form.correlation_id.is_none() && form.causation_id.is_none() && !is_tied {
            return Vec::new();
        }
        let key = form.id.into_owned();
        let Ok(id) = key.parse() else {
            return Vec::new();
        };
        if self.steps.contains_key(&key) || self.candidates.contains_key(&key) {
            return Vec::new();
        }
        let step = Step {
            id,
            timestamp: form.timestamp,
            correlation_id: form.correlation_id.map(Cow::into_owned),
            causation_id: form.causation_id.map(Cow::into_owned),
            // A slice would keep all that was received with it.
            json: Bytes::copy_from_slice(json),
        };
        let mut words = words_of(&key, &step);
        match is_tied || words.any(|word| self.words.contains(word)) {
            true => {
                drop(words);
                self.tie(key, step)
            }
            false => {
                drop(words);
                self.keep(key, step);
                Vec::new()
            }
        }
    }

    /// The messages that led to steps and are not here, as far as they can be asked for.
    pub(super) fn missing_causes(&self) -> BTreeSet<MessageId> {
        let causes = self.steps.values().filter_map(|step| step.causation_id.as_deref());
        let missing = causes.filter(|cause| !self.steps.contains_key(*cause));
        missing.filter_map(|cause| cause.parse().ok()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it has as many steps as it may.
    pub(super) fn is_full(&self) -> bool {
        self.steps.len() >= self.most
    }

    /// Messages that were given.
    pub(super) fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// Messages that may belong here, but there was no room to keep them until that would be known.
    pub(super) fn overlooked(&self) -> u64 {
        self.overlooked
    }

    /// The time of the first step.
    pub(super) fn begin(&self) -> Option<Timestamp> {
        self.steps.values().map(|step| step.timestamp).min()
    }

    /// Every step below what led to it, in time order. Steps whose causes go round in a ring begin at the earliest.
    pub(super) fn tree(&self) -> Vec<Branch<'_>> {
        let in_time: BTreeSet<(Timestamp, &str)> = self
            .steps
            .iter()
            .map(|(key, step)| (step.timestamp, key.as_str()))
            .collect();
        let mut effects: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut roots = Vec::new();
        for (_, key) in &in_time {
            match self.cause_key(key) {
                Some(cause) => effects.entry(cause).or_default().push(key),
                None => roots.push(*key),
            }
        }
        let mut branches = Vec::new();
        let mut seen = HashSet::new();
        for root in roots.into_iter().chain(in_time.iter().map(|(_, key)| *key)) {
            let mut stack = vec![(root, Vec::new())];
            while let Some((key, is_last)) = stack.pop() {
                if !seen.insert(key) {
                    continue;
                }
                let below = effects.get(key).map_or(&[][..], Vec::as_slice);
                for (place, effect) in below.iter().enumerate().rev() {
                    stack.push((*effect, [&is_last[..], &[place + 1 == below.len()]].concat()));
                }
                branches.extend(self.branch(key, is_last));
            }
        }
        branches
    }

    /// A step alone, as deep as it stands.
    pub(super) fn place(&self, key: &str) -> Option<Branch<'_>> {
        let mut above = HashSet::from([key]);
        let mut at = key;
        while let Some(cause) = self.cause_key(at).filter(|cause| above.insert(cause)) {
            at = cause;
        }
        self.branch(key, vec![true; above.len() - 1])
    }

    fn branch(&self, key: &str, is_last: Vec<bool>) -> Option<Branch<'_>> {
        let step = self.steps.get(key)?;
        let cause = match (
            self.cause_key(key).and_then(|key| self.steps.get(key)),
            &step.causation_id,
        ) {
            (Some(cause), _) => Cause::Step(cause),
            (None, Some(word)) => Cause::Unknown(word),
            (None, None) => Cause::None,
        };
        Some(Branch { step, cause, is_last })
    }

    /// The step that it says it was caused by; if it says nothing, the one whose id it has as its correlation.
    fn cause_key(&self, key: &str) -> Option<&str> {
        let step = self.steps.get(key)?;
        let word = step.causation_id.as_ref().or(step.correlation_id.as_ref())?;
        let (cause, _) = self.steps.get_key_value(word).filter(|(cause, _)| *cause != key)?;
        Some(cause)
    }

    fn keep(&mut self, key: String, step: Step) {
        let bytes = step.json.len() + CANDIDATE_OVERHEAD_BYTES;
        if self.candidate_bytes + bytes > CANDIDATE_BYTES {
            self.overlooked += 1;
            return;
        }
        self.candidate_bytes += bytes;
        for word in words_of(&key, &step) {
            self.by_word.entry(word.to_owned()).or_default().push(key.clone());
        }
        self.candidates.insert(key, step);
    }

    /// Makes it a step, and all candidates that it ties to the story.
    fn tie(&mut self, key: String, step: Step) -> Vec<String> {
        let mut new = Vec::new();
        let mut waiting = vec![(key, step)];
        while let Some((key, step)) = waiting.pop() {
            if self.is_full() {
                break;
            }
            for word in words_of(&key, &step) {
                if !self.words.insert(word.to_owned()) {
                    continue;
                }
                for tied in self.by_word.remove(word).unwrap_or_default() {
                    if let Some(step) = self.candidates.remove(&tied) {
                        self.candidate_bytes -= step.json.len() + CANDIDATE_OVERHEAD_BYTES;
                        waiting.push((tied, step));
                    }
                }
            }
            new.push((step.timestamp, key.clone()));
            self.steps.insert(key, step);
        }
        new.sort_unstable();
        new.into_iter().map(|(_, key)| key).collect()
    }
}

impl Cause<'_> {
    /// Its id, or what it is called.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Step(step) => Some(step.id.to_string()),
            Self::Unknown(word) => Some((*word).to_owned()),
        }
    }
}

impl Branch<'_> {
    /// Milliseconds since its cause was published, if that is here: by one clock, if one node has published both.
    pub(super) fn since_cause(&self) -> Option<(i64, bool)> {
        let Cause::Step(cause) = &self.cause else {
            return None;
        };
        let since = self
            .step
            .timestamp
            .as_millis()
            .saturating_sub(cause.timestamp.as_millis());
        Some((since, self.step.id.node == cause.id.node))
    }
}

/// What ties a message to others.
fn words_of<'a>(key: &'a str, step: &'a Step) -> impl Iterator<Item = &'a str> {
    let others = [step.correlation_id.as_deref(), step.causation_id.as_deref()];
    std::iter::once(key).chain(others.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100;

    fn message(id: &str, ms: i64, correlation: Option<&str>, causation: Option<&str>) -> String {
        serde_json::json!({
            "id": id, "timestamp": Timestamp::from_millis(ms), "correlation_id": correlation,
            "causation_id": causation, "payload": {},
        })
        .to_string()
    }

    fn story(word: &str, messages: &[String]) -> Story {
        let mut story = Story::new(word, MOST);
        for message in messages {
            story.absorb(message.as_bytes());
        }
        story
    }

    /// Each step as its id, its depth and how it is told from its neighbours.
    fn drawn(story: &Story) -> Vec<(String, Vec<bool>)> {
        let tree = story.tree();
        let lines = tree
            .into_iter()
            .map(|branch| (branch.step.id.to_string(), branch.is_last));
        lines.collect()
    }

    fn line(id: &str, is_last: &[bool]) -> (String, Vec<bool>) {
        (id.to_owned(), is_last.to_vec())
    }

    /// a/1 leads to b/1 and c/1, b/1 to a/2; x is another story.
    fn orders() -> [String; 5] {
        [
            message("events/a/1/1", 100, None, None),
            message("events/b/1/1", 107, Some("order-7"), Some("events/a/1/1")),
            message("alerts/c/1/1", 109, None, Some("events/a/1/1")),
            message("metrics/a/1/2", 120, Some("order-7"), Some("events/b/1/1")),
            message("events/x/1/1", 101, Some("order-8"), None),
        ]
    }

    #[test]
    fn effects_stand_below_their_causes_in_time_order() {
        let expected = [
            line("events/a/1/1", &[]),
            line("events/b/1/1", &[false]),
            line("metrics/a/1/2", &[false, true]),
            line("alerts/c/1/1", &[true]),
        ];
        assert_eq!(drawn(&story("events/a/1/1", &orders())), expected);
        // Whatever comes first: but a message that names no other is only known once another has named it.
        let mut late = orders();
        late.reverse();
        assert_eq!(drawn(&story("events/a/1/1", &late)), expected);
        assert_eq!(drawn(&story("events/b/1/1", &late)), expected);
    }

    #[test]
    fn a_correlation_ties_what_has_it_and_a_cause_can_be_asked_for() {
        let mut story = story("order-7", &orders());
        assert_eq!(
            drawn(&story),
            [
                line("events/b/1/1", &[]),
                line("metrics/a/1/2", &[true]),
                line("alerts/c/1/1", &[]),
            ]
        );
        let missing: Vec<String> = story.missing_causes().iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["events/a/1/1"]);
        assert_eq!(story.tree()[0].cause, Cause::Unknown("events/a/1/1"));
        assert_eq!(story.absorb(orders()[0].as_bytes()), ["events/a/1/1"]);
        assert_eq!(drawn(&story).len(), 4);
        assert_eq!((story.missing_causes().len(), story.looked_at()), (0, 6));
    }

    #[test]
    fn what_a_message_ties_to_the_story_comes_with_it() {
        let mut story = Story::new("first", MOST);
        for kept in [
            message("events/a/1/3", 30, Some("s"), Some("events/a/1/2")),
            message("events/a/1/2", 20, Some("t"), None),
        ] {
            assert_eq!(story.absorb(kept.as_bytes()), [""; 0]);
        }
        let tie = message("events/b/1/1", 10, Some("t"), Some("first"));
        assert_eq!(
            story.absorb(tie.as_bytes()),
            ["events/b/1/1", "events/a/1/2", "events/a/1/3"]
        );
        assert_eq!(story.absorb(tie.as_bytes()), [""; 0], "nothing comes twice");
    }

    #[test]
    fn a_correlation_that_is_an_id_stands_for_a_cause() {
        let messages = [
            message("events/b/1/1", 9, Some("events/a/1/1"), None),
            message("events/a/1/1", 5, Some("events/a/1/1"), None),
        ];
        let story = story("events/a/1/1", &messages);
        assert_eq!(
            drawn(&story),
            [line("events/a/1/1", &[]), line("events/b/1/1", &[true])]
        );
        assert_eq!(story.tree()[1].since_cause(), Some((4, false)));
    }

    #[test]
    fn causes_that_go_round_are_drawn_once_each() {
        let messages = [
            message("events/a/1/1", 5, None, Some("events/a/1/2")),
            message("events/a/1/2", 6, None, Some("events/a/1/1")),
            message("events/a/1/3", 7, None, Some("events/a/1/3")),
        ];
        let both = story("events/a/1/1", &messages);
        assert_eq!(drawn(&both), [line("events/a/1/1", &[]), line("events/a/1/2", &[true])]);
        assert_eq!(both.place("events/a/1/2").unwrap().is_last, [true]);
        assert_eq!(drawn(&story("events/a/1/3", &messages)), [line("events/a/1/3", &[])]);
    }

    #[test]
    fn delays_may_be_negative_between_two_clocks() {
        let messages = [
            message("events/a/1/1", 100, Some("s"), None),
            message("events/b/1/1", 90, Some("s"), Some("events/a/1/1")),
            message("events/a/1/2", 130, Some("s"), Some("events/a/1/1")),
        ];
        let story = story("s", &messages);
        let since: Vec<_> = story.tree().iter().map(Branch::since_cause).collect();
        assert_eq!(since, [None, Some((-10, false)), Some((30, true))]);
        assert_eq!(story.begin(), Some(Timestamp::from_millis(90)));
    }

    #[test]
    fn there_is_an_end_of_steps_and_of_candidates() {
        let mut story = Story::new("s", 2);
        for seq in 1..=3 {
            story.absorb(message(&format!("events/a/1/{seq}"), seq, Some("s"), None).as_bytes());
        }
        assert_eq!((story.len(), story.is_full()), (2, true));

        let mut story = Story::new("s", MOST);
        let padding = "x".repeat(CANDIDATE_BYTES / 4);
        for seq in 1..=5 {
            let message = message(&format!("events/a/1/{seq}"), seq, Some("other"), None);
            story.absorb(message.replace("{}", &format!("\"{padding}\"")).as_bytes());
        }
        assert_eq!(story.overlooked(), 2);
    }

    #[test]
    fn what_is_no_message_is_passed_over() {
        let mut story = Story::new("s", MOST);
        for json in ["", "{}", r#"{"id":"s","timestamp":"2026-11-21T10:57:54.123Z"}"#] {
            assert_eq!(story.absorb(json.as_bytes()), [""; 0], "{json}");
        }
        assert_eq!(story.len(), 0);
    }
}
