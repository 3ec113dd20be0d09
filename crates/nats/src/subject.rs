//! NATS subjects and the places of the mesh that they name.
//!
//! | subject | instance | topic |
//! | --- | --- | --- |
//! | `health.stores.s1` | `health` | `stores:s1` |
//! | `system.version.0%2E8` | `system` | `version:0.8` |
//! | `orders.new`, `_INBOX.x.1`, `events` | `events` | `$nats:orders:new`, `$nats:_INBOX:x:1`, `$nats:events` |
//!
//! So a subject whose first token is an instance and that has a second one lies in that instance; every other one lies under
//! `$nats` in `events`. Each place has one subject and each subject at most one place: what has none cannot be published
//! to, and what is published there by others reaches no NATS client.

use bellwether::{Instance, Topic};

use crate::token::{foreign_level, level, write_foreign_token, write_token};

/// The first level of what is no instance's.
pub(crate) const FOREIGN: &str = "$nats";
/// The first level of what nodes tell each other.
pub(crate) const OWN: &str = "$bw";

/// Where a subject lies; none if it is no subject (an empty token, a wildcard), or has too many tokens or bytes, or lies in
/// an instance and is not spelt as [`write_subject`] does.
pub fn place_of(subject: &[u8]) -> Option<(Instance, Topic)> {
    let subject = std::str::from_utf8(subject).ok()?;
    let (first, rest) = subject.split_once('.').unwrap_or((subject, ""));
    let mut topic = String::with_capacity(FOREIGN.len() + 1 + subject.len());
    let (instance, tokens) = match instance_of(first).filter(|_| !rest.is_empty()) {
        Some(instance) => (instance, rest),
        None => {
            topic.push_str(FOREIGN);
            (Instance::Events, subject)
        }
    };
    let is_foreign = !topic.is_empty();
    for token in tokens.split('.') {
        let level = level_of(token, is_foreign)?;
        if !topic.is_empty() {
            topic.push(':');
        }
        topic.push_str(&level);
    }
    if !is_foreign && instance == Instance::Events && is_under(&topic, FOREIGN) {
        // It has another subject.
        return None;
    }
    Some((instance, Topic::new(&topic).ok()?))
}

/// Writes the subject of a place; false, and some of it may have been written, if it has none.
#[must_use]
pub fn write_subject(instance: Instance, topic: &str, out: &mut Vec<u8>) -> bool {
    let foreign = match instance {
        Instance::Events => foreign(topic),
        _ => None,
    };
    let begin = out.len();
    let Some(foreign) = foreign else {
        if instance == Instance::Events && topic == FOREIGN {
            return false;
        }
        out.extend_from_slice(instance.name().as_bytes());
        for level in topic.split(':') {
            out.push(b'.');
            write_token(level, out);
        }
        return true;
    };
    for level in foreign.split(':') {
        if out.len() > begin {
            out.push(b'.');
        }
        if !write_foreign_token(level, out) {
            return false;
        }
    }
    // What looks like an instance's subject means that instance.
    let has_more = foreign.contains(':');
    let first = foreign.split(':').next().unwrap_or_default();
    !(has_more && instance_of(first).is_some())
}

/// Whether a topic is this first level or stands under it.
pub(crate) fn is_under(topic: &str, first: &str) -> bool {
    topic
        .strip_prefix(first)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

pub(crate) fn instance_of(token: &str) -> Option<Instance> {
    Instance::ALL.into_iter().find(|instance| instance.name() == token)
}

/// The level for a token that is no wildcard.
pub(crate) fn level_of(token: &str, is_foreign: bool) -> Option<std::borrow::Cow<'_, str>> {
    let is_text = !token.is_empty()
        && !matches!(token, "*" | ">")
        && !token
            .bytes()
            .any(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0));
    match is_text {
        true if is_foreign => Some(foreign_level(token)),
        true => level(token),
        false => None,
    }
}

fn foreign(topic: &str) -> Option<&str> {
    topic.strip_prefix(FOREIGN)?.strip_prefix(':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subject_of(instance: Instance, topic: &str) -> Option<String> {
        let mut out = Vec::new();
        write_subject(instance, topic, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    fn place(subject: &str) -> Option<(Instance, String)> {
        place_of(subject.as_bytes()).map(|(instance, topic)| (instance, topic.to_string()))
    }

    #[test]
    fn an_instances_name_and_a_second_token_are_needed_to_lie_in_it() {
        let events = |topic: &str| Some((Instance::Events, topic.to_owned()));
        assert_eq!(
            place("health.stores.s1"),
            Some((Instance::Health, "stores:s1".to_owned()))
        );
        assert_eq!(place("events.a"), events("a"));
        assert_eq!(place("events"), events("$nats:events"));
        assert_eq!(place("Events.a"), events("$nats:Events:a"));
        assert_eq!(place("orders.new"), events("$nats:orders:new"));
        assert_eq!(place("_INBOX.aB3.1"), events("$nats:_INBOX:aB3:1"));
        assert_eq!(place("$JS.API.INFO"), events("$nats:$JS:API:INFO"));
    }

    #[test]
    fn what_the_other_side_forbids_is_encoded() {
        assert_eq!(
            subject_of(Instance::System, "version:0.8.0").unwrap(),
            "system.version.0%2E8%2E0"
        );
        assert_eq!(
            subject_of(Instance::System, "a b:50%:a*b:>").unwrap(),
            "system.a%20b.50%25.a%2Ab.%3E"
        );
        assert_eq!(place("user:1.a*b.+.50%").unwrap().1, "$nats:user%3A1:a*b:%2B:50%25");
        assert_eq!(
            subject_of(Instance::Events, "$nats:user%3A1:a*b:%2B:50%25").unwrap(),
            "user:1.a*b.+.50%"
        );
    }

    #[test]
    fn what_is_no_subject_has_no_place() {
        for subject in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "*",
            ">",
            "a.*",
            "a.>",
            "a.>.b",
            "a b",
            "events.+",
            "events.a:b",
            "events.%2a",
            "events.%41",
            "events.a*b",
            "events.%",
            "events.$nats.a",
            "events.$nats",
            "events.",
            "events.*",
        ] {
            assert_eq!(place(subject), None, "{subject:?}");
        }
        assert_eq!(place_of(b"a.\xff"), None);
        assert_eq!(place(&"x".repeat(235)), None);
        assert_eq!(place(&["a"; 16].join(".")), None);
        assert!(place(&["a"; 15].join(".")).is_some());
        assert!(place(&"x".repeat(234)).is_some());
    }

    #[test]
    fn what_nobody_can_name_reaches_no_client() {
        for topic in [
            "$nats",
            "$nats:a.b",
            "$nats:%41",
            "$nats:events:a",
            "$nats:a b",
            "$nats:>",
            "$nats:%2E",
        ] {
            assert_eq!(subject_of(Instance::Events, topic), None, "{topic}");
        }
        assert_eq!(subject_of(Instance::Health, "$nats:a.b").unwrap(), "health.$nats.a%2Eb");
    }

    /// Letters that mean something to either side are as frequent as others.
    fn text() -> impl Strategy<Value = String> {
        "[a:.%*>+ \\$2E0\u{e9}\t\u{85}]{1,12}"
    }

    proptest! {
        #[test]
        fn a_subject_that_has_a_place_is_that_places_subject(
            first in prop_oneof![Just("events".to_owned()), Just("health".to_owned()), Just("$nats".to_owned()), text()],
            rest in prop::collection::vec(text(), 0..5),
        ) {
            let subject = std::iter::once(first).chain(rest).collect::<Vec<_>>().join(".");
            if let Some((instance, topic)) = place_of(subject.as_bytes()) {
                prop_assert_eq!(subject_of(instance, topic.as_str()), Some(subject));
            }
        }

        #[test]
        fn a_topic_that_has_a_subject_is_that_subjects_place(
            instance in 0..10_usize,
            first in prop_oneof![Just("$nats".to_owned()), Just("events".to_owned()), text()],
            rest in prop::collection::vec(text(), 0..5),
        ) {
            let instance = Instance::ALL[instance];
            let topic = std::iter::once(first).chain(rest).collect::<Vec<_>>().join(":");
            if let (Ok(topic), Some(subject)) = (Topic::new(&topic), subject_of(instance, &topic)) {
                prop_assert_eq!(place_of(subject.as_bytes()), Some((instance, topic)));
            }
        }

        #[test]
        fn every_topic_outside_of_nats_has_a_subject(levels in prop::collection::vec(text(), 1..5)) {
            let topic = levels.join(":");
            if let Ok(topic) = Topic::new(&topic) && !is_under(topic.as_str(), FOREIGN) {
                prop_assert!(subject_of(Instance::Events, topic.as_str()).is_some());
            }
        }

        #[test]
        fn every_ordinary_subject_has_a_place(
            first in "[^.\\s*>\\x00]{1,10}",
            rest in prop::collection::vec("[^.\\s\\x00]{2,10}", 0..5),
        ) {
            prop_assume!(instance_of(&first).is_none());
            let subject = std::iter::once(first).chain(rest).collect::<Vec<_>>().join(".");
            let fits = |topic: &str| topic.len() < 240;
            let foreign: usize = subject.split('.').map(|token| foreign_level(token).len() + 1).sum();
            prop_assume!(fits(&"x".repeat(foreign + 6)));
            prop_assert!(place_of(subject.as_bytes()).is_some(), "{subject:?}");
        }
    }
}
