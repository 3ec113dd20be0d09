//! Where a subscription begins.

use std::fmt;
use std::str::FromStr;

use bellwether_message::{MessageId, MessageIdError, Timestamp, TimestampError};
use bytes::Bytes;

/// How far a subscription came: a word of the node, to be kept and given back as it is.
///
/// Text of printable ASCII, some tens of bytes for each node and instance. It stands for everything up to and including
/// the last item that [`Subscription`](crate::Subscription) has handed out; see
/// [`Subscription::cursor`](crate::Subscription::cursor).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(Bytes);

/// Longest cursor. A stream of ten instances on 256 nodes stays below it.
const MAX_CURSOR_BYTES: usize = 256 * 1024;

impl Cursor {
    /// A word that came from a stream; none if it could not travel back.
    pub(crate) fn new(word: Bytes) -> Option<Self> {
        let is_word = !word.is_empty() && word.len() <= MAX_CURSOR_BYTES && word.iter().all(u8::is_ascii_graphic);
        is_word.then_some(Self(word))
    }

    /// The text to be kept.
    pub fn as_str(&self) -> &str {
        // Checked to be ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        Self::new(Bytes::copy_from_slice(text.as_bytes())).ok_or(CursorError)
    }
}

/// Text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is one word of printable ASCII; give it as it came")]
pub struct CursorError;

/// Where a subscription begins: with what is published from now on, or with what the nodes still keep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beginning {
    /// With what is published from now on.
    #[default]
    Live,
    /// With everything that is kept.
    Earliest,
    /// With the last so many messages that match; at most 65,536.
    Last(u32),
    /// With what is not older than this.
    Time(Timestamp),
    /// Behind the message with this id, in its instance; live in others.
    After(MessageId),
    /// Behind what an earlier subscription has handed out.
    Cursor(Cursor),
}

impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Earliest => f.write_str("earliest"),
            Self::Last(count) => write!(f, "last:{count}"),
            Self::Time(time) => write!(f, "time:{time}"),
            Self::After(id) => write!(f, "id:{id}"),
            Self::Cursor(cursor) => write!(f, "id:{cursor}"),
        }
    }
}

impl FromStr for Beginning {
    type Err = BeginningError;

    /// Reads `live`, `earliest`, `last:N`, `id:ID` (of a message, or a cursor) or `time:RFC3339`.
    fn from_str(text: &str) -> Result<Self, BeginningError> {
        match text.split_once(':') {
            None if text == "live" => Ok(Self::Live),
            None if text == "earliest" => Ok(Self::Earliest),
            Some(("last", count)) => {
                let is_plain = count.bytes().all(|byte| byte.is_ascii_digit());
                let count = count.parse().ok().filter(|_| is_plain);
                count.map(Self::Last).ok_or(BeginningError::Last)
            }
            Some(("time", time)) => match time.parse() {
                Ok(time) => Ok(Self::Time(time)),
                Err(source) => Err(BeginningError::Time { source }),
            },
            Some(("id", id)) if id.contains('/') => match id.parse() {
                Ok(id) => Ok(Self::After(id)),
                Err(source) => Err(BeginningError::MessageId { source }),
            },
            Some(("id", cursor)) => match cursor.parse() {
                Ok(cursor) => Ok(Self::Cursor(cursor)),
                Err(source) => Err(BeginningError::Cursor { source }),
            },
            _ => Err(BeginningError::Unknown),
        }
    }
}

/// Why text says no beginning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeginningError {
    /// None of the forms.
    #[error("write `live`, `earliest`, `last:N`, `id:ID` or `time:RFC3339`")]
    Unknown,
    /// `last:` without a number.
    #[error("`last:` wants a number of messages, for example `last:100`")]
    Last,
    /// `time:` without a time.
    #[error("the time of `time:` is wrong")]
    Time {
        /// What is wrong with it.
        source: TimestampError,
    },
    /// `id:` with something like a message id.
    #[error("the message id of `id:` is wrong")]
    MessageId {
        /// What is wrong with it.
        source: MessageIdError,
    },
    /// `id:` with something that is no cursor.
    #[error("the cursor of `id:` is wrong")]
    Cursor {
        /// What is wrong with it.
        source: CursorError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_read_as_it_is_written() {
        for text in [
            "live",
            "earliest",
            "last:10",
            "id:alerts/a/1/7",
            "id:AQUBYQ",
            "time:1970-01-01T00:00:01.000Z",
        ] {
            assert_eq!(text.parse::<Beginning>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "Live",
            "last:",
            "last:+5",
            "last:99999999999",
            "id:",
            "id:a b",
            "id:alerts/a/1",
            "time:noon",
        ] {
            assert!(text.parse::<Beginning>().is_err(), "{text}");
        }
    }
}
