//! What a NATS client subscribes to: a subject whose tokens may be wildcards.
//!
//! A wildcard in the first token speaks of all ten instances and of what lies under `$nats`. What nodes tell each other
//! (`$bw`) is delivered only to who names that level.

use bellwether::{Instance, Pattern};

use crate::subject::{FOREIGN, OWN, instance_of, is_under, level_of};
use crate::token::foreign_level;

/// A subject as a subscription gives it: `*` is one token, `>` at the end one or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubjectPattern {
    text: Box<str>,
}

/// What one subscription needs of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Want {
    /// The instance.
    pub(crate) instance: Instance,
    /// Its patterns there, at least one.
    pub(crate) patterns: Vec<Pattern>,
}

impl SubjectPattern {
    /// None if it is none, or can match nothing.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let this = Self {
            text: std::str::from_utf8(text).ok()?.into(),
        };
        // A `>` that is not the last token is none, and no text either.
        let body = this.text.strip_suffix(".>").unwrap_or(&this.text);
        let is_token = |token| token == "*" || level_of(token, true).is_some();
        let is_pattern = body == ">" || body.split('.').all(is_token);
        (is_pattern && !this.wants().is_empty()).then_some(this)
    }

    /// The whole text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What it needs of each instance.
    pub(crate) fn wants(&self) -> Vec<Want> {
        let (first, rest) = self.text.split_once('.').unwrap_or((&self.text, ""));
        let inside = || levels(rest, false);
        let foreign = || levels(&self.text, true).and_then(|levels| pattern(&format!("{FOREIGN}:{levels}")));
        let of = |instance, patterns: Vec<Pattern>| (!patterns.is_empty()).then_some(Want { instance, patterns });
        match (first, rest) {
            (">", "") => Instance::ALL
                .into_iter()
                .filter_map(|instance| of(instance, pattern("*").into_iter().collect()))
                .collect(),
            ("*", "") => of(Instance::Events, foreign().into_iter().collect())
                .into_iter()
                .collect(),
            ("*", _) => {
                let inside = inside().and_then(|levels| pattern(&levels));
                let is_all = inside.as_ref().is_some_and(Pattern::matches_everything);
                let foreign = foreign().filter(|_| !is_all);
                let patterns = |instance| {
                    let foreign = foreign.clone().filter(|_| instance == Instance::Events);
                    inside.clone().into_iter().chain(foreign).collect()
                };
                Instance::ALL
                    .into_iter()
                    .filter_map(|instance| of(instance, patterns(instance)))
                    .collect()
            }
            (first, rest) => {
                let want = match instance_of(first).filter(|_| !rest.is_empty()) {
                    Some(instance) => {
                        let levels =
                            inside().filter(|levels| !(instance == Instance::Events && is_under(levels, FOREIGN)));
                        of(
                            instance,
                            levels.and_then(|levels| pattern(&levels)).into_iter().collect(),
                        )
                    }
                    None => of(Instance::Events, foreign().into_iter().collect()),
                };
                want.into_iter().collect()
            }
        }
    }

    /// The same for a member of a queue group: one pattern each, of a group that is that of other doors too where the first
    /// token names an instance. None if no group can be called so.
    pub(crate) fn queue_wants(&self, queue: &str) -> Option<Vec<Want>> {
        // `>` and `events.>` are different groups, though both need all of `events`. No name is encoded like this.
        let spans = matches!(self.tokens().next(), Some("*" | ">"));
        let mut name = foreign_level(queue).into_owned();
        if spans {
            name.push_str("%3E");
        }
        let mut wants = Vec::new();
        for want in self.wants() {
            for pattern in want.patterns {
                wants.push(Want {
                    instance: want.instance,
                    patterns: vec![pattern.in_queue(&name).ok()?],
                });
            }
        }
        Some(wants)
    }

    /// Whether a subject matches.
    pub(crate) fn matches(&self, subject: &[u8]) -> bool {
        let mut given = subject.split(|byte| *byte == b'.');
        let mut wanted = self.text.as_bytes().split(|byte| *byte == b'.').peekable();
        while let Some(token) = wanted.next() {
            let Some(named) = given.next() else {
                return false;
            };
            match token {
                b">" if wanted.peek().is_none() => return true,
                b"*" => {}
                literal if literal == named => {}
                _ => return false,
            }
        }
        given.next().is_none()
    }

    /// Whether what the wants brought is what was asked for: `events.*` also brings what lies under `$nats`, and has another
    /// subject. Other topics are not compared, because another spelling of a topic brings that topic.
    pub(crate) fn admits(&self, topic: &str, subject: &[u8]) -> bool {
        if !topic.starts_with('$') {
            return true;
        }
        if is_under(topic, OWN) {
            return self.tokens().nth(1) == Some(OWN) && self.matches(subject);
        }
        self.matches(subject)
    }

    fn tokens(&self) -> impl Iterator<Item = &str> {
        self.text.split('.')
    }
}

/// The levels of a pattern; none if a token cannot be a level there.
fn levels(tokens: &str, is_foreign: bool) -> Option<String> {
    let mut text = String::with_capacity(tokens.len() + FOREIGN.len() + 1);
    for token in tokens.split('.') {
        if !text.is_empty() {
            text.push(':');
        }
        match token {
            "*" => text.push('+'),
            ">" => text.push('*'),
            token => text.push_str(&level_of(token, is_foreign)?),
        }
    }
    Some(text)
}

/// Not one that says itself that it is a queue group's.
fn pattern(text: &str) -> Option<Pattern> {
    Pattern::new(text).ok().filter(|pattern| pattern.queue().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::subject::{place_of, write_subject};

    fn parse(text: &str) -> SubjectPattern {
        SubjectPattern::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    fn wants(text: &str) -> Vec<String> {
        let of = |want: Want| {
            want.patterns
                .iter()
                .map(|pattern| format!("{}/{pattern}", want.instance))
                .collect::<Vec<_>>()
        };
        parse(text).wants().into_iter().flat_map(of).collect()
    }

    #[test]
    fn a_first_token_that_is_an_instance_needs_that_instance_only() {
        assert_eq!(wants("health.stores.*"), ["health/stores:+"]);
        assert_eq!(wants("health.*.s1.>"), ["health/+:s1:*"]);
        assert_eq!(wants("events.>"), ["events/*"]);
        assert_eq!(wants("events.0%2E8"), ["events/0.8"]);
        assert_eq!(wants("orders.*.new"), ["events/$nats:orders:+:new"]);
        assert_eq!(wants("_INBOX.x.*"), ["events/$nats:_INBOX:x:+"]);
        assert_eq!(wants("events"), ["events/$nats:events"]);
        assert_eq!(wants("diagnostics.$bw.nats.>"), ["diagnostics/$bw:nats:*"]);
    }

    #[test]
    fn a_wildcard_in_the_first_token_spans_all() {
        assert_eq!(wants("*"), ["events/$nats:+"]);
        let all = wants(">");
        assert_eq!(all.len(), 10);
        assert_eq!(all[0], "events/*");
        assert_eq!(wants("*.>"), all);
        let second = wants("*.a");
        assert_eq!(second.len(), 11);
        assert_eq!(second[..3], ["events/a", "events/$nats:+:a", "system/a"]);
        assert_eq!(wants("*.user:1"), ["events/$nats:+:user%3A1"]);
    }

    #[test]
    fn groups_of_other_doors_are_joined_and_those_that_span_are_their_own() {
        let group = |text: &str, queue: &str| {
            let wants = parse(text).queue_wants(queue)?;
            Some(
                wants
                    .iter()
                    .map(|want| format!("{}/{}", want.instance, want.patterns[0]))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(group("events.orders.>", "w").unwrap(), ["events/$queue:w:orders:*"]);
        assert_eq!(
            group("orders.*", "a:b").unwrap(),
            ["events/$queue:a%3Ab:$nats:orders:+"]
        );
        assert_eq!(group("orders", "*").unwrap(), ["events/$queue:%2A:$nats:orders"]);
        assert_eq!(group(">", "w").unwrap()[0], "events/$queue:w%3E:*");
        assert_eq!(group("a", ""), None);
        assert_eq!(group("a", &"q".repeat(300)), None);
    }

    #[test]
    fn what_is_no_pattern() {
        for text in [
            "",
            ".",
            "a.",
            "a..b",
            ">.a",
            "a.>.b",
            "a b",
            "events.$nats.a",
            "events.a:b",
            "events.%2a",
            "events.$queue.w.a",
        ] {
            assert_eq!(SubjectPattern::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(SubjectPattern::parse(&[0xff]), None);
        assert_eq!(SubjectPattern::parse(["a"; 17].join(".").as_bytes()), None);
    }

    #[test]
    fn what_a_pattern_brings_too_much_is_not_admitted() {
        let events = parse("events.>");
        assert!(events.admits("a", b"events.a"));
        assert!(!events.admits("$nats:a", b"a"));
        assert!(parse(">").admits("$nats:a", b"a"));
        assert!(!parse(">").admits("$bw:nats:a", b"diagnostics.$bw.nats.a"));
        assert!(parse("diagnostics.$bw.>").admits("$bw:nats:a", b"diagnostics.$bw.nats.a"));
        // A topic of which the client named another spelling.
        assert!(parse("health.unspecific").admits("the:name", b"health.the.name"));
    }

    fn token() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("events".to_owned()),
            Just("health".to_owned()),
            Just("*".to_owned()),
            Just(">".to_owned()),
            "[ab%:+$]{1,3}",
        ]
    }

    proptest! {
        /// The mesh and NATS agree on every subject that has a place, once what was brought too much is left out.
        #[test]
        fn the_wants_bring_exactly_what_matches(
            wanted in prop::collection::vec(token(), 1..4),
            given in prop::collection::vec(token(), 1..4),
        ) {
            let (wanted, given) = (wanted.join("."), given.join("."));
            if let (Some(pattern), Some((instance, topic))) =
                (SubjectPattern::parse(wanted.as_bytes()), place_of(given.as_bytes()))
            {
                prop_assume!(!is_under(topic.as_str(), OWN));
                let brought = pattern.wants().iter().any(|want| {
                    want.instance == instance && want.patterns.iter().any(|pattern| pattern.matches(topic.as_str()))
                });
                let mut subject = Vec::new();
                prop_assert!(write_subject(instance, topic.as_str(), &mut subject));
                let delivered = brought && pattern.admits(topic.as_str(), &subject);
                prop_assert_eq!(delivered, pattern.matches(given.as_bytes()), "{} {}", wanted, given);
            }
        }
    }
}
