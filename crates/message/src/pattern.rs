//! Patterns: what subscriptions match topics with.
//!
//! Decides one pattern against one topic. Finding the matching patterns among thousands is the broker's matcher.

use std::sync::Arc;

use crate::text::text_newtype;
use crate::topic::{Topic, TopicError, Wildcards, check_levels};

/// What the pattern of a queue group begins with.
const QUEUE: &str = "$queue:";

/// What a subscription matches [topics](Topic) with: levels joined by `:`, some of which may be wildcards.
///
/// | level | matches |
/// | --- | --- |
/// | `*` as the last level | one or more levels |
/// | `*` elsewhere | exactly one level |
/// | `+` anywhere | exactly one level |
/// | anything else | the same text |
///
/// **Queue groups**: `$queue:NAME:PATTERN` matches what PATTERN does, and of all subscriptions of the mesh with that same
/// text one gets each message. NAME is one level; PATTERN has as many levels and bytes as any pattern.
///
/// So `orders:*` does not match `orders` itself. Wildcards make no difference between reserved topics (`$…`) and
/// others. Length, levels and characters are bound as in a topic. Cloning shares the text.
///
/// ```
/// use bellwether_message::Pattern;
///
/// let pattern = Pattern::new("orders:+:*")?;
/// assert!(pattern.matches("orders:eu:new"));
/// assert!(pattern.matches("orders:eu:new:17"));
/// assert!(!pattern.matches("orders:eu"));
/// # Ok::<(), bellwether_message::TopicError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Checks and copies `text`.
    ///
    /// # Errors
    ///
    /// Names the first rule that `text` breaks; never [`TopicError::Wildcard`].
    pub fn new(text: &str) -> Result<Self, TopicError> {
        let matched = match split_queue(text) {
            Some((name, matched)) => {
                check_levels(name, Wildcards::Refused)?;
                matched
            }
            None => text,
        };
        check_levels(matched, Wildcards::Allowed)?;
        Ok(Self(text.into()))
    }

    /// This pattern for the members of a queue group: of those one gets each message. A pattern that is one of another
    /// group's becomes one of this.
    ///
    /// # Errors
    /// What is wrong with the name: it is one level of a topic.
    pub fn in_queue(&self, name: &str) -> Result<Self, TopicError> {
        if name.contains(':') {
            return Err(TopicError::TooManyLevels {
                levels: name.split(':').count(),
                limit: 1,
            });
        }
        Self::new(&format!("{QUEUE}{name}:{}", self.matched()))
    }

    /// The queue group's name, if it is one of a group's.
    pub fn queue(&self) -> Option<&str> {
        split_queue(&self.0).map(|(name, _)| name)
    }

    /// The pattern without its queue group.
    #[must_use]
    pub fn without_queue(&self) -> Self {
        match split_queue(&self.0) {
            Some((_, matched)) => Self(matched.into()),
            None => self.clone(),
        }
    }

    /// The text of what is matched.
    fn matched(&self) -> &str {
        split_queue(&self.0).map_or(&self.0, |(_, matched)| matched)
    }

    /// Whether a message on `topic` is for this pattern. Does not allocate.
    ///
    /// `topic` is taken as a valid topic. Other text has no meaning here but is safe: it is compared level by level.
    pub fn matches(&self, topic: &str) -> bool {
        let mut wanted = self.matched().as_bytes().split(is_separator).peekable();
        let mut given = topic.as_bytes().split(is_separator);
        while let Some(level) = wanted.next() {
            let Some(named) = given.next() else {
                return false;
            };
            match level {
                b"*" if wanted.peek().is_none() => return true,
                b"*" | b"+" => {}
                literal if literal == named => {}
                _ => return false,
            }
        }
        given.next().is_none()
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The levels that are matched, wildcards included, from 1 to [`MAX_TOPIC_LEVELS`](crate::MAX_TOPIC_LEVELS) items; those
    /// that name a queue group are not among them.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.matched().split(':')
    }

    /// Whether the pattern has no wildcard, so that it matches the one topic of the same text.
    pub fn is_literal(&self) -> bool {
        self.levels().all(|level| !matches!(level, "*" | "+"))
    }

    /// Whether the pattern is `*`, the only one that matches every topic.
    pub fn matches_everything(&self) -> bool {
        self.matched() == "*"
    }
}

text_newtype!(Pattern, TopicError, "a pattern");

/// The pattern that matches this topic and no other.
impl From<Topic> for Pattern {
    fn from(topic: Topic) -> Self {
        Self(topic.into_shared())
    }
}

/// The name of a queue group and the rest, if the text begins like one of a group's.
fn split_queue(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(QUEUE)?.split_once(':')
}

fn is_separator(byte: &u8) -> bool {
    *byte == b':'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    #[test]
    fn a_trailing_star_matches_one_or_more_levels() {
        let orders = pattern("orders:*");
        assert!(orders.matches("orders:new"));
        assert!(orders.matches("orders:new:eu:17"));
        assert!(!orders.matches("orders"));
        assert!(!orders.matches("ordersnew"));
        assert!(!orders.matches("bills:new"));
    }

    #[test]
    fn a_star_elsewhere_matches_exactly_one_level() {
        let new = pattern("*:new");
        assert!(new.matches("orders:new"));
        assert!(!new.matches("new"));
        assert!(!new.matches("orders:eu:new"));
    }

    #[test]
    fn a_plus_matches_exactly_one_level_even_at_the_end() {
        let one = pattern("orders:+");
        assert!(one.matches("orders:new"));
        assert!(!one.matches("orders:new:eu"));
        assert!(!one.matches("orders"));
        assert!(pattern("+").matches("orders"));
        assert!(!pattern("+").matches("orders:new"));
    }

    #[test]
    fn a_queue_group_matches_what_its_pattern_does() {
        let grouped = pattern("$queue:workers:orders:*");
        assert_eq!(grouped.queue(), Some("workers"));
        assert!(grouped.matches("orders:new") && !grouped.matches("$queue:workers:orders:new"));
        assert!(grouped.levels().eq(["orders", "*"]));
        assert_eq!(grouped, pattern("orders:*").in_queue("workers").unwrap());
        assert_eq!(grouped.in_queue("others").unwrap().as_str(), "$queue:others:orders:*");
        assert_eq!(grouped.without_queue(), pattern("orders:*"));
        assert!(pattern("$queue:w:*").matches_everything() && pattern("$queue:w:a").is_literal());
        let longest = ["x"; 16].join(":");
        assert!(pattern(&longest).in_queue(&"n".repeat(240)).is_ok());
        assert_eq!(pattern("a").queue(), None);
        // A topic of that name may be matched like any other.
        assert_eq!(pattern("$queue:a").queue(), None);
        for name in ["", "a:b", "*", "+", "\n"] {
            assert!(pattern("a").in_queue(name).is_err(), "{name:?}");
        }
        for text in ["$queue::a", "$queue:w:", "$queue:*:a", "$queue:w:a::b"] {
            assert!(Pattern::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_star_inside_a_level_is_ordinary_text() {
        let literal = pattern("a*b:*x");
        assert!(literal.is_literal());
        assert!(literal.matches("a*b:*x"));
        assert!(!literal.matches("aab:xx"));
        assert!(pattern("**").is_literal());
    }

    #[test]
    fn only_the_lone_star_matches_everything() {
        assert!(pattern("*").matches_everything());
        assert!(pattern("*").matches("$bw:snapshot:a"));
        for text in ["+", "*:*", "a:*", "**"] {
            assert!(!pattern(text).matches_everything(), "{text}");
        }
    }

    #[test]
    fn a_topic_becomes_the_pattern_that_matches_it_alone() {
        let pattern = Pattern::from(Topic::new("a:b").unwrap());
        assert!(pattern.is_literal());
        assert!(pattern.matches("a:b"));
        assert!(!pattern.matches("a:b:c"));
        assert_eq!(pattern, Pattern::new("a:b").unwrap());
    }

    #[test]
    fn the_rules_of_topics_hold_for_patterns_too() {
        assert_eq!(Pattern::new(""), Err(TopicError::Empty));
        assert_eq!(Pattern::new("*::a"), Err(TopicError::EmptyLevel { level: 2 }));
        assert!(matches!(
            Pattern::new(&"x".repeat(241)),
            Err(TopicError::TooLong { .. })
        ));
        assert!(Pattern::new(&["+"; 16].join(":")).is_ok());
        assert!(matches!(
            Pattern::new(&["+"; 17].join(":")),
            Err(TopicError::TooManyLevels { .. })
        ));
        assert!(matches!(
            Pattern::new("*:\n"),
            Err(TopicError::ControlCharacter { level: 2, .. })
        ));
    }

    #[test]
    fn text_that_is_no_topic_is_compared_without_harm() {
        for text in ["", ":", "::", "a:"] {
            pattern("a:*").matches(text);
            pattern("+:+").matches(text);
        }
    }

    #[test]
    fn json_is_the_text_and_is_checked() {
        assert_eq!(serde_json::to_string(&pattern("a:*")).unwrap(), "\"a:*\"");
        assert_eq!(serde_json::from_str::<Pattern>("\"a:*\"").unwrap(), pattern("a:*"));
        assert!(serde_json::from_str::<Pattern>("\"\"").is_err());
    }

    /// The table of [`Pattern`] read aloud, one level at a time; knows nothing of how `matches` is written.
    fn reference(wanted: Vec<&str>, given: Vec<&str>) -> bool {
        if wanted.is_empty() || given.is_empty() {
            return wanted.is_empty() && given.is_empty();
        }
        if wanted == ["*"] {
            return true;
        }
        let same = wanted[0] == "*" || wanted[0] == "+" || wanted[0] == given[0];
        same && reference(wanted[1..].to_vec(), given[1..].to_vec())
    }

    /// Up to five levels of so few names that about every seventh pair matches.
    fn levels(names: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(names), 1..=5).prop_map(|levels| levels.join(":"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn matching_agrees_with_the_reference(
            wanted in levels(&["a", "b", "*", "+"]),
            given in levels(&["a", "b", "*a"]),
        ) {
            let expected = reference(wanted.split(':').collect(), given.split(':').collect());
            prop_assert_eq!(pattern(&wanted).matches(&given), expected);
        }

        #[test]
        fn a_topic_matches_each_pattern_made_of_it(
            given in levels(&["a", "b", "c*"]),
            wildcards in prop::collection::vec(prop::sample::select(&["", "+", "*"][..]), 5),
            cut in 0..5_usize,
        ) {
            let named: Vec<&str> = given.split(':').collect();
            let mut wanted: Vec<&str> = named
                .iter()
                .zip(&wildcards)
                .map(|(level, wildcard)| if wildcard.is_empty() { *level } else { *wildcard })
                .collect();
            prop_assert!(pattern(&wanted.join(":")).matches(&given));
            wanted.truncate(cut % named.len());
            wanted.push("*");
            prop_assert!(pattern(&wanted.join(":")).matches(&given));
        }

        #[test]
        fn a_literal_pattern_matches_its_own_text_alone(
            wanted in levels(&["a", "b"]),
            given in levels(&["a", "b"]),
        ) {
            let literal = Pattern::from(Topic::new(&wanted).unwrap());
            prop_assert_eq!(literal.matches(&given), wanted == given);
        }
    }
}
