//! What may go wrong between a program and its node, whatever was asked.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::NodeAddress;

/// The reason of a node that has no room for one message more.
const NO_ROOM: &str = "no_room";
/// The reason of a node that takes no more messages from anybody.
const STOPPING: &str = "stopping";
/// Longest words of a node that an error repeats, in characters.
const WORDS_CHARS: usize = 1024;

/// Why a request to a node did not succeed.
///
/// [`is_done`](Self::is_done) says what became of what was asked, [`may_heal`](Self::may_heal) whether it may be asked
/// again later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no connection; nothing was sent.
    #[error("cannot reach a node at {node}: {}", words_for(source))]
    Unreachable {
        /// Where.
        node: NodeAddress,
        /// Why.
        source: io::Error,
    },
    /// A connection cannot be made as it was asked for: a token or certificate that cannot be read, TLS that this program
    /// was built without. Nothing was sent.
    #[error("{words}")]
    Misconfigured {
        /// What is wrong.
        words: String,
    },
    /// The connection broke. What was under way may or may not have been done.
    #[error("the node at {node} is gone: {words}")]
    Lost {
        /// Where.
        node: NodeAddress,
        /// How.
        words: String,
    },
    /// The connection stands, but nothing comes. What was under way may or may not have been done.
    #[error("the node at {node} has not answered for {} s", waited.as_secs())]
    Silent {
        /// Where.
        node: NodeAddress,
        /// For how long.
        waited: Duration,
    },
    /// The node is stopping or overloaded, and did not do it.
    #[error("the node is not available: {words}")]
    Unavailable {
        /// The code of it, such as `stopping`.
        reason: String,
        /// The node's words.
        words: String,
    },
    /// The node did not do it.
    #[error("the node refused: {words}")]
    Refused {
        /// The status of the answer; 200 where one message of a batch was refused.
        status: u16,
        /// The code of it, such as `too_large`.
        reason: String,
        /// The node's words.
        words: String,
    },
    /// Something answers there, but no node does.
    #[error("{node} gave {answer}; is it a node, and is it the same version as this program?")]
    NotANode {
        /// Where.
        node: NodeAddress,
        /// What it gave.
        answer: String,
    },
    /// A value that cannot travel in a header. Nothing was sent.
    #[error("the request cannot be written down as HTTP: {source}")]
    Unsendable {
        /// Why.
        source: hyper::http::Error,
    },
}

impl CallError {
    /// Whether what was asked has been done: `Some(false)` if surely not, `None` if nobody can say.
    pub fn is_done(&self) -> Option<bool> {
        match self {
            Self::Lost { .. } | Self::Silent { .. } | Self::NotANode { .. } => None,
            _ => Some(false),
        }
    }

    /// Whether the same request may succeed once the node is back.
    pub fn may_heal(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Silent { .. } | Self::Unavailable { .. }
        )
    }

    /// The code of a node that did not do it, such as `too_large` or `denied`.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Unavailable { reason, .. } | Self::Refused { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// What a node says of one message of a batch, whose status is 200 whatever becomes of its messages.
    pub(crate) fn refused_line(reason: &str, words: &str) -> Self {
        let (words, reason) = (cut(words), cut(reason));
        match reason == STOPPING {
            true => Self::Unavailable { reason, words },
            false => Self::Refused {
                status: hyper::StatusCode::OK.as_u16(),
                reason,
                words,
            },
        }
    }

    /// What a node says with a status of failure.
    pub(crate) fn refusal(status: hyper::StatusCode, reason: &str, words: &str) -> Self {
        let (words, reason) = (cut(words), cut(reason));
        // A node without room is well, and answers for this message only.
        if status == hyper::StatusCode::SERVICE_UNAVAILABLE && reason != NO_ROOM {
            return Self::Unavailable { reason, words };
        }
        Self::Refused {
            status: status.as_u16(),
            reason,
            words,
        }
    }
}

/// Escaped as far as it could steer a terminal, and cut.
fn cut(text: &str) -> String {
    let mut words = String::new();
    for (place, character) in text.chars().enumerate() {
        if place == WORDS_CHARS {
            words.push('…');
            break;
        }
        match character.is_control() {
            true => words.extend(character.escape_default()),
            false => words.push(character),
        }
    }
    words
}

/// The system's words without its error number.
pub(crate) fn words_for(err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::NotFound => "there is no such socket or host".to_owned(),
        _ => {
            let text = err.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        }
    }
}

/// The words for a connection that broke.
pub(crate) fn words_for_loss(err: &hyper::Error) -> String {
    if err.is_incomplete_message() || err.is_closed() || err.is_canceled() {
        return "it closed the connection".to_owned();
    }
    let mut cause: &dyn Error = err;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match cause.downcast_ref::<io::Error>() {
        Some(cause) => words_for(cause),
        None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;

    #[test]
    fn a_node_without_room_refuses_and_one_that_stops_is_not_available() {
        let refusal = |reason| CallError::refusal(StatusCode::SERVICE_UNAVAILABLE, reason, "words");
        assert!(matches!(refusal("no_room"), CallError::Refused { status: 503, .. }));
        assert!(matches!(refusal("stopping"), CallError::Unavailable { .. }));
        assert!(refusal("stopping").may_heal() && !refusal("no_room").may_heal());
        assert_eq!(refusal("no_room").is_done(), Some(false));
    }

    #[test]
    fn words_of_a_node_are_escaped_and_cut() {
        let words = format!("\u{1b}[2J{}", "x".repeat(5000));
        let err = CallError::refusal(StatusCode::BAD_REQUEST, "bad\nreason", &words);
        assert_eq!(err.reason(), Some("bad\\nreason"));
        let text = err.to_string();
        assert!(
            text.starts_with("the node refused: \\u{1b}[2Jxxx") && text.len() < 1100,
            "{text}"
        );
    }
}
