//! Topics: the exact names that messages are published to.
//!
//! Holds the rules on length, levels and characters that topics share with [patterns](crate::Pattern).

use std::sync::Arc;

use crate::text::text_newtype;

/// Longest topic or pattern, in bytes of UTF-8.
pub const MAX_TOPIC_BYTES: usize = 240;

/// Most levels in a topic or pattern. Bounds the depth of every matcher.
pub const MAX_TOPIC_LEVELS: usize = 16;

/// What a message is published to inside its instance: levels joined by `:`, such as `system_alerts:critical`.
///
/// 1 to [`MAX_TOPIC_BYTES`] bytes in at most [`MAX_TOPIC_LEVELS`] levels, none of them empty and none with a control
/// character. No level is exactly `*` or `+`, which are wildcards in a [`Pattern`](crate::Pattern); `a*b` and `*x` are
/// ordinary text. Upper and lower case differ. Cloning shares the text.
///
/// ```
/// use bellwether_message::Topic;
///
/// let topic = Topic::new("orders:new")?;
/// assert!(topic.levels().eq(["orders", "new"]));
/// # Ok::<(), bellwether_message::TopicError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

impl Topic {
    /// Checks and copies `text`.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn new(text: &str) -> Result<Self, TopicError> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }

    /// Whether `text` is a topic, without allocating: for paths that only pass the text on.
    ///
    /// # Errors
    ///
    /// Names the first rule that `text` breaks. Reserved topics pass, see [`is_reserved`](Self::is_reserved).
    pub fn check(text: &str) -> Result<(), TopicError> {
        check_levels(text, Wildcards::Refused)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text between the `:`, from 1 to [`MAX_TOPIC_LEVELS`] items, none empty.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split(':')
    }

    /// Whether the first level begins with `$`. Such topics are kept for the mesh itself (`$bw:`) and for foreign names
    /// (`$nats:`); who may publish to them is decided where messages enter.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with('$')
    }

    pub(crate) fn into_shared(self) -> Arc<str> {
        self.0
    }
}

text_newtype!(Topic, TopicError, "a topic");

/// Why text is not a topic or not a pattern. Levels are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// The text is empty.
    #[error("the text is empty: at least one level is needed, such as `orders` or `orders:new`")]
    Empty,
    /// The text is too long as a whole.
    #[error("the text has {bytes} bytes: at most {limit} are allowed")]
    TooLong {
        /// Bytes given.
        bytes: usize,
        /// [`MAX_TOPIC_BYTES`].
        limit: usize,
    },
    /// The text has too many `:`.
    #[error("the text has {levels} levels: at most {limit}, joined by `:`, are allowed")]
    TooManyLevels {
        /// Levels given.
        levels: usize,
        /// [`MAX_TOPIC_LEVELS`].
        limit: usize,
    },
    /// Two `:` in a row, or one at the beginning or end.
    #[error("level {level} is empty: put one `:` between two levels and none at the beginning or end")]
    EmptyLevel {
        /// The level, counted from 1.
        level: usize,
    },
    /// A character such as a line feed, which would break lines of output or steer a terminal.
    #[error("level {level} contains the control character {character:?}: only printable text is allowed")]
    ControlCharacter {
        /// The level, counted from 1.
        level: usize,
        /// The first such character.
        character: char,
    },
    /// A level of a topic is a wildcard. Patterns never fail so.
    #[error(
        "level {level} is the wildcard `{given}`: only patterns of subscriptions have wildcards, \
         a topic names every level"
    )]
    Wildcard {
        /// The level, counted from 1.
        level: usize,
        /// `*` or `+`.
        given: char,
    },
}

/// Whether levels that are exactly `*` or `+` may stand in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wildcards {
    Allowed,
    Refused,
}

/// The rules that topics and patterns share, in one pass over the bytes: every publish pays for it.
pub(crate) fn check_levels(text: &str, wildcards: Wildcards) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > MAX_TOPIC_BYTES {
        return Err(TopicError::TooLong {
            bytes: text.len(),
            limit: MAX_TOPIC_BYTES,
        });
    }
    let mut levels = 0;
    for level in text.as_bytes().split(|byte| *byte == b':') {
        levels += 1;
        match level {
            [] => return Err(TopicError::EmptyLevel { level: levels }),
            [wildcard @ (b'*' | b'+')] if wildcards == Wildcards::Refused => {
                return Err(TopicError::Wildcard {
                    level: levels,
                    given: char::from(*wildcard),
                });
            }
            _ => {}
        }
    }
    if levels > MAX_TOPIC_LEVELS {
        return Err(TopicError::TooManyLevels {
            levels,
            limit: MAX_TOPIC_LEVELS,
        });
    }
    if text.bytes().any(may_begin_control) {
        return refuse_control_characters(text);
    }
    Ok(())
}

/// Whether a UTF-8 sequence that begins with `byte` may be a control character: U+0000 to U+001F, U+007F, and U+0080 to
/// U+009F, which UTF-8 writes as 0xC2 and a second byte. Harmless characters such as `°` begin with 0xC2 too.
fn may_begin_control(byte: u8) -> bool {
    byte.is_ascii_control() || byte == 0xC2
}

#[cold]
fn refuse_control_characters(text: &str) -> Result<(), TopicError> {
    for (index, level) in text.split(':').enumerate() {
        if let Some(character) = level.chars().find(|character| character.is_control()) {
            return Err(TopicError::ControlCharacter {
                level: index + 1,
                character,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_topics_are_accepted_as_they_are() {
        for text in [
            "orders",
            "a:b:c",
            "a*b",
            "*x:+y",
            "**",
            "$all",
            "Ünïcode:°C",
            "with space",
            "a.b/c-d_e",
            "{stream_id}",
        ] {
            assert_eq!(Topic::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn the_longest_topic_is_accepted_and_one_byte_more_is_not() {
        assert!(Topic::new(&"x".repeat(MAX_TOPIC_BYTES)).is_ok());
        let err = Topic::new(&"x".repeat(MAX_TOPIC_BYTES + 1)).unwrap_err();
        assert_eq!(err, TopicError::TooLong { bytes: 241, limit: 240 });
        assert_eq!(err.to_string(), "the text has 241 bytes: at most 240 are allowed");
    }

    #[test]
    fn sixteen_levels_are_accepted_and_seventeen_are_not() {
        assert_eq!(Topic::new(&["x"; 16].join(":")).unwrap().levels().count(), 16);
        let err = Topic::new(&["x"; 17].join(":")).unwrap_err();
        assert_eq!(err, TopicError::TooManyLevels { levels: 17, limit: 16 });
    }

    #[test]
    fn an_empty_level_is_named_by_its_place() {
        assert_eq!(Topic::new(""), Err(TopicError::Empty));
        for (text, level) in [(":", 1), (":a", 1), ("a:", 2), ("a::b", 2), ("a:b:", 3)] {
            assert_eq!(Topic::new(text), Err(TopicError::EmptyLevel { level }), "{text}");
        }
    }

    #[test]
    fn control_characters_are_named_without_being_printed() {
        for character in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{80}', '\u{9f}'] {
            let err = Topic::new(&format!("a:b{character}")).unwrap_err();
            assert_eq!(err, TopicError::ControlCharacter { level: 2, character });
            assert!(!err.to_string().chars().any(char::is_control));
        }
        assert!(
            Topic::new("\u{a0}").is_ok(),
            "U+00A0 is just above the control characters"
        );
    }

    #[test]
    fn a_wildcard_level_is_refused_in_a_topic() {
        let err = Topic::new("orders:*").unwrap_err();
        assert_eq!(err, TopicError::Wildcard { level: 2, given: '*' });
        assert_eq!(
            err.to_string(),
            "level 2 is the wildcard `*`: only patterns of subscriptions have wildcards, \
         a topic names every level"
        );
        assert_eq!(Topic::new("+:a"), Err(TopicError::Wildcard { level: 1, given: '+' }));
    }

    #[test]
    fn reserved_is_what_begins_with_a_dollar() {
        assert!(Topic::new("$bw:snapshot:a").unwrap().is_reserved());
        assert!(!Topic::new("a:$bw").unwrap().is_reserved());
    }

    #[test]
    fn a_map_of_topics_is_searched_by_text() {
        let map = HashMap::from([(Topic::new("a:b").unwrap(), 1)]);
        assert_eq!(map.get("a:b"), Some(&1));
    }

    #[test]
    fn json_is_the_text_and_is_checked() {
        let topic = Topic::new("a:b").unwrap();
        assert_eq!(serde_json::to_string(&topic).unwrap(), "\"a:b\"");
        assert_eq!(serde_json::from_str::<Topic>("\"a:b\"").unwrap(), topic);
        let err = serde_json::from_str::<Topic>("\"a::b\"").unwrap_err();
        assert!(err.to_string().starts_with("level 2 is empty"), "{err}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn exactly_the_documented_texts_are_topics(
            text in prop_oneof![any::<String>(), "[ab:*+\u{0}\u{7f}\u{9f}°é]{0,8}", "(a:?){0,250}"],
        ) {
            let levels: Vec<&str> = text.split(':').collect();
            let legal = text.len() <= 240
                && levels.len() <= 16
                && levels.iter().all(|level| !matches!(*level, "" | "*" | "+"))
                && !text.contains(char::is_control);
            prop_assert_eq!(Topic::new(&text).is_ok(), legal);
            prop_assert_eq!(Topic::check(&text).is_ok(), legal);
        }
    }
}
