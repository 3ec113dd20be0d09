//! What a client is told when something goes wrong, in the words of the reference server: clients compare them.

use std::fmt;

use crate::parser::ParseError;

/// Longest subject that an error repeats.
const MAX_QUOTED_BYTES: usize = 256;

/// What is wrong. Its text is the one on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("Authorization Violation")]
    Authorization,
    #[error("Authentication Timeout")]
    AuthenticationTimeout,
    #[error("User Authentication Expired")]
    AuthenticationExpired,
    #[error("User Authentication Revoked")]
    AuthenticationRevoked,
    #[error("Invalid Client Protocol")]
    ClientProtocol,
    #[error("No Responders Requires Headers Support")]
    NoRespondersWithoutHeaders,
    #[error("Message Headers Not Supported")]
    HeadersNotSupported,
    #[error("Secure Connection - TLS Required")]
    TlsRequired,
    #[error("Stale Connection")]
    Stale,
    #[error("Maximum Connections Exceeded")]
    Connections,
    #[error("Maximum Payload Violation")]
    Payload,
    #[error("Maximum Publish Rate Exceeded")]
    Rate,
    #[error("Slow Consumer")]
    SlowConsumer,
    #[error("Server Shutdown")]
    Stopping,
    #[error("Invalid Subject")]
    Subject,
    #[error("Invalid Publish Subject")]
    PublishSubject,
    #[error("Invalid Message Header")]
    Header,
    #[error("Maximum Subscriptions Exceeded")]
    Subscriptions,
    #[error("Permissions Violation for Publish to \"{0}\"")]
    MayNotPublish(Quoted),
    #[error("Permissions Violation for Subscription to \"{0}\"")]
    MayNotSubscribe(Quoted),
    #[error("Permissions Violation for Subscription to \"{0}\" using queue \"{1}\"")]
    MayNotJoin(Quoted, Quoted),
}

impl Fault {
    /// Whether the connection is over.
    pub(crate) fn closes(&self) -> bool {
        !matches!(
            self,
            Self::Subject
                | Self::PublishSubject
                | Self::Header
                | Self::Subscriptions
                | Self::MayNotPublish(_)
                | Self::MayNotSubscribe(_)
                | Self::MayNotJoin(..)
        )
    }
}

/// What a client said, printable and short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quoted(String);

impl Quoted {
    pub(crate) fn new(text: &[u8]) -> Self {
        let shown = text.get(..MAX_QUOTED_BYTES).unwrap_or(text);
        let printable = |character: char| match character {
            '\'' | '"' => '?',
            character if character.is_control() => '?',
            character => character,
        };
        Self(String::from_utf8_lossy(shown).chars().map(printable).collect())
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_said_cannot_end_the_line() {
        let fault = Fault::MayNotPublish(Quoted::new(b"a'\r\n-ERR 'b\"\xff"));
        assert_eq!(
            fault.to_string(),
            "Permissions Violation for Publish to \"a???-ERR ?b?\u{fffd}\""
        );
        assert!(!fault.closes());
        assert_eq!(Quoted::new(&[b'x'; 9999]).to_string().len(), MAX_QUOTED_BYTES);
    }

    #[test]
    fn what_the_bytes_say_no_more_ends_the_connection() {
        for fault in [
            Fault::Parse(ParseError::Malformed),
            Fault::Payload,
            Fault::Stale,
            Fault::SlowConsumer,
        ] {
            assert!(fault.closes(), "{fault}");
        }
        assert_eq!(
            Fault::from(ParseError::ControlLine).to_string(),
            "Maximum Control Line Exceeded"
        );
    }
}
