//! The one form of a refusal: `{"reason":"<code>","message":"<words>"}`, the response of an answer with status `error`.

use bellwether_access::LimitExceeded;
use serde::Serialize;

/// Why something was not done. Nothing was, unless its words say otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What programs tell refusals apart by.
    pub reason: Reason,
    /// For people: what was wrong, and what would be right.
    pub words: String,
}

impl Refusal {
    /// The words are for people.
    pub fn new(reason: Reason, words: impl Into<String>) -> Self {
        Self {
            reason,
            words: words.into(),
        }
    }

    /// The client has taken too much.
    pub(crate) fn limited(err: &LimitExceeded) -> Self {
        let reason = match err {
            LimitExceeded::Payload { .. } => Reason::TooLarge,
            _ => Reason::LimitExceeded,
        };
        Self::new(reason, err.to_string())
    }

    /// The response, in JSON.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Form<'a> {
            reason: &'a str,
            message: &'a str,
        }

        let form = Form {
            reason: self.reason.code(),
            message: &self.words,
        };
        serde_json::to_string(&form).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// What programs may tell refusals apart by. The first three are Phoenix's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No channel has that topic: it names no instance, or was not joined.
    UnmatchedTopic,
    /// The socket has as many channels as it may.
    TooManyChannels,
    /// The client may not do that.
    Unauthorized,
    /// The parameters of a join.
    BadParams,
    /// A join's `since` that is no cursor.
    BadToken,
    /// The topic to publish to.
    BadTopic,
    /// A topic that is kept for the mesh itself.
    ReservedTopic,
    /// What a push carries.
    BadPayload,
    /// A message that is not what its type says.
    Invalid,
    /// A field of a message.
    BadField,
    /// A payload above the instance's limit.
    TooLarge,
    /// The client has taken as much as it may.
    LimitExceeded,
    /// Too many pushes of the socket wait.
    Busy,
    /// The node has as many patterns as it may.
    TooManyPatterns,
    /// Fewer peers want the message than are to confirm it.
    TooFewPeers,
    /// A question that nobody hears.
    NoResponders,
    /// The mesh is slower than what is published.
    NoRoom,
    /// The node stops.
    Stopping,
    /// The node's own fault.
    Internal,
}

impl Reason {
    /// As it is written.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnmatchedTopic => "unmatched topic",
            Self::TooManyChannels => "too many channels joined",
            Self::Unauthorized => "unauthorized",
            Self::BadParams => "bad_params",
            Self::BadToken => "bad_token",
            Self::BadTopic => "bad_topic",
            Self::ReservedTopic => "reserved_topic",
            Self::BadPayload => "bad_payload",
            Self::Invalid => "invalid",
            Self::BadField => "bad_field",
            Self::TooLarge => "too_large",
            Self::LimitExceeded => "limit_exceeded",
            Self::Busy => "busy",
            Self::TooManyPatterns => "too_many_patterns",
            Self::TooFewPeers => "too_few_peers",
            Self::NoResponders => "no_responders",
            Self::NoRoom => "no_room",
            Self::Stopping => "stopping",
            Self::Internal => "internal",
        }
    }
}
