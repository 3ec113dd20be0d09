//! Where a stream begins, as a client writes it.

use std::str::FromStr;

use bellwether::{FeedPosition, Instance, MessageId, MessageIdError, ReplayFrom, Timestamp, TimestampError};

use crate::resume_token::{ResumeToken, ResumeTokenError};

/// Characters of what was given that an error repeats.
const EXCERPT_CHARS: usize = 40;

/// Where a stream begins: `live`, `earliest`, `last:N`, `id:ID` or `time:RFC3339`; for each instance of the stream.
///
/// An ID is a resume token, the `id:` of a server-sent event, and the stream goes on behind that event; or it is the id
/// of a message, and the stream goes on behind that message in its feed, all other feeds being live. `last:N` counts in
/// each instance for itself, up to [`ReplayFrom::MAX_LAST`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beginning(ReplayFrom);

impl Beginning {
    /// Behind this event or message.
    ///
    /// # Errors
    /// It is neither a resume token nor the id of a message.
    pub fn behind(id: &str) -> Result<Self, BeginningError> {
        if id.contains('/') {
            let id: MessageId = id.parse().map_err(|source| BeginningError::MessageId { source })?;
            return Ok(Self(ReplayFrom::After(id)));
        }
        let positions = ResumeToken::parse(id).map_err(|source| BeginningError::Token { source })?;
        Ok(Self(ReplayFrom::Resume(positions)))
    }

    /// Where the subscription of this instance begins.
    pub fn of(&self, instance: Instance) -> ReplayFrom {
        let is_here = |position: &&FeedPosition| position.instance == instance;
        match &self.0 {
            ReplayFrom::After(id) if id.instance != instance => ReplayFrom::Live,
            ReplayFrom::Resume(positions) => ReplayFrom::Resume(positions.iter().filter(is_here).cloned().collect()),
            from => from.clone(),
        }
    }
}

impl FromStr for Beginning {
    type Err = BeginningError;

    fn from_str(text: &str) -> Result<Self, BeginningError> {
        let from = match text.split_once(':') {
            None if text == "live" => ReplayFrom::Live,
            None if text == "earliest" => ReplayFrom::Earliest,
            Some(("last", count)) => ReplayFrom::Last(last(count)?),
            Some(("time", time)) => {
                let time: Timestamp = time.parse().map_err(|source| BeginningError::Time { source })?;
                ReplayFrom::Time(time)
            }
            Some(("id", id)) => return Self::behind(id),
            _ => return Err(BeginningError::Form { given: excerpt(text) }),
        };
        Ok(Self(from))
    }
}

fn last(count: &str) -> Result<u32, BeginningError> {
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BeginningError::Count { given: excerpt(count) });
    }
    // What does not even fit into the type is too large as well.
    let number = count.parse().unwrap_or(u32::MAX);
    if number > ReplayFrom::MAX_LAST {
        return Err(BeginningError::TooMany { given: excerpt(count) });
    }
    Ok(number)
}

fn excerpt(text: &str) -> String {
    text.escape_debug().take(EXCERPT_CHARS).collect()
}

/// Why text is no beginning of a stream. What was given is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeginningError {
    /// None of the five forms.
    #[error("`{given}` is none of `live`, `earliest`, `last:N`, `id:ID` and `time:RFC3339`")]
    Form {
        /// What was given.
        given: String,
    },
    /// `last:` without a number.
    #[error("`last:{given}` has no number of messages; write for example `last:100`")]
    Count {
        /// What follows `last:`.
        given: String,
    },
    /// More than [`ReplayFrom::MAX_LAST`].
    #[error(
        "`last:{given}` asks for too many messages; {} is the most, and `earliest` gives all",
        ReplayFrom::MAX_LAST
    )]
    TooMany {
        /// What follows `last:`.
        given: String,
    },
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
    /// `id:` with something that is no resume token.
    #[error("the resume token of `id:` is wrong")]
    Token {
        /// What is wrong with it.
        source: ResumeTokenError,
    },
}

#[cfg(test)]
mod tests {
    use bellwether::{Epoch, NodeId};

    use super::*;

    #[test]
    fn there_are_five_forms() {
        let id = MessageId {
            instance: Instance::Alerts,
            node: NodeId::new("a").unwrap(),
            epoch: Epoch(7),
            seq: 9,
        };
        for (text, from) in [
            ("live", ReplayFrom::Live),
            ("earliest", ReplayFrom::Earliest),
            ("last:0", ReplayFrom::Last(0)),
            ("last:65536", ReplayFrom::Last(65_536)),
            ("id:alerts/a/7/9", ReplayFrom::After(id)),
            ("id:AQ", ReplayFrom::Resume(Vec::new())),
            (
                "time:1970-01-01T00:00:01Z",
                ReplayFrom::Time(Timestamp::from_millis(1000)),
            ),
        ] {
            assert_eq!(text.parse(), Ok(Beginning(from)), "{text}");
        }
        let wrong = |text: &str| {
            let err = text.parse::<Beginning>().unwrap_err();
            let cause = std::error::Error::source(&err).map(ToString::to_string);
            format!("{err}: {}", cause.unwrap_or_default())
        };
        for (text, words) in [
            ("", "`` is none of `live`, `earliest`, `last:N`"),
            ("Live", "`Live` is none of"),
            ("live:", "`live:` is none of"),
            ("first", "`first` is none of"),
            ("last", "`last` is none of"),
            ("last:", "write for example `last:100`"),
            ("last:+5", "`last:+5` has no number"),
            ("last:-1", "`last:-1` has no number"),
            ("last:65537", "65536 is the most"),
            ("last:99999999999999999999", "65536 is the most"),
            ("time:yesterday", "`yesterday` is not a time in RFC 3339"),
            ("time:2026-13-01T00:00:00Z", "does not exist"),
            ("id:", "it is empty"),
            ("id:alerts/a/7", "3 of the four parts"),
            ("id:alerts/a/7/0", "the sequence, is `0`"),
            ("id:!", "not the `id:` of an event"),
        ] {
            assert!(wrong(text).contains(words), "{text}: {}", wrong(text));
        }
        assert!(wrong(&"\u{1b}".repeat(1000)).len() < 200);
    }

    #[test]
    fn a_message_id_resumes_its_instance_only() {
        let beginning: Beginning = "id:alerts/a/7/9".parse().unwrap();
        assert!(matches!(beginning.of(Instance::Alerts), ReplayFrom::After(_)));
        assert_eq!(beginning.of(Instance::Events), ReplayFrom::Live);
        assert_eq!(Beginning(ReplayFrom::Last(3)).of(Instance::Audit), ReplayFrom::Last(3));
    }
}
