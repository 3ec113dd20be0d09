//! Values of this crate as text: how foreign text is quoted in errors, and what every text-like type offers.
//!
//! Knows no rule of any type; those stand beside the types.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Visitor};

/// Characters of foreign text that an error repeats. Enough to recognise a mistyped name; more would let a stranger
/// fill our terminal and logs.
const EXCERPT_CHARS: usize = 64;

/// The beginning of `given` in printable characters only, at most [`EXCERPT_CHARS`] of them, then `…` if cut.
///
/// Control characters, and others that could steer a terminal, come out as escapes such as `\u{1b}`.
pub(crate) fn excerpt(given: &str) -> String {
    let mut shown = String::new();
    let mut room = EXCERPT_CHARS;
    for character in given.chars() {
        let escaped = character.escape_debug();
        let Some(left) = room.checked_sub(escaped.len()) else {
            shown.push('…');
            break;
        };
        room = left;
        shown.extend(escaped);
    }
    shown
}

/// Reads `T` from a string through its `FromStr`; see [`serde_as_text`].
pub(crate) struct TextVisitor<T> {
    /// What should have stood there, for the error: "a topic".
    pub(crate) expected: &'static str,
    pub(crate) value: PhantomData<T>,
}

impl<T> Visitor<'_> for TextVisitor<T>
where
    T: FromStr,
    T::Err: Error,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as a string", self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|err| E::custom(WithCauses(&err)))
    }
}

/// Prints an error and its causes in one line, because serde's errors carry text and no source.
struct WithCauses<'a>(&'a dyn Error);

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(err) = cause {
            write!(f, ": {err}")?;
            cause = err.source();
        }
        Ok(())
    }
}

/// Implements serde's traits by way of `Display` and `FromStr`, so that each type has one text form everywhere.
macro_rules! serde_as_text {
    ($type:ident, $expected:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::text::TextVisitor {
                    expected: $expected,
                    value: std::marker::PhantomData,
                })
            }
        }
    };
}
pub(crate) use serde_as_text;

/// Implements the conversions of a checked `struct $type(Arc<str>)` that has `new(&str) -> Result<Self, $error>` and
/// `as_str`. Its `Hash`, `Eq` and `Ord` must be derived: `Borrow<str>` promises that they equal those of `str`.
macro_rules! text_newtype {
    ($type:ident, $error:ident, $expected:literal) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::new(&text)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        $crate::text::serde_as_text!($type, $expected);
    };
}
pub(crate) use text_newtype;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(excerpt("a\u{1b}[31m\n\u{202e}ü"), "a\\u{1b}[31m\\n\\u{202e}ü");
    }

    #[test]
    fn an_excerpt_of_exactly_the_limit_is_whole_and_one_more_is_cut() {
        assert_eq!(excerpt(&"x".repeat(EXCERPT_CHARS)), "x".repeat(EXCERPT_CHARS));
        assert_eq!(excerpt(&"x".repeat(EXCERPT_CHARS + 1)), "x".repeat(EXCERPT_CHARS) + "…");
    }

    #[test]
    fn escapes_count_at_their_printed_length() {
        assert!(excerpt(&"\u{1b}".repeat(1000)).chars().count() <= EXCERPT_CHARS + 1);
    }
}
