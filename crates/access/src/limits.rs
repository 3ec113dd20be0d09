//! How much one client may take.

/// Bounds per session and principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections of one principal at once.
    pub connections: u32,
    /// Subscriptions of one session at once.
    pub subscriptions: u32,
    /// Messages published per second and session, and as many at once.
    pub messages_per_second: Option<u32>,
    /// Payload bytes published per second and session, and as many at once.
    pub bytes_per_second: Option<u64>,
    /// Bytes that may wait for the client to read them before it counts as stuck.
    pub queued_bytes: usize,
    /// Largest payload.
    pub payload_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            subscriptions: 8192,
            messages_per_second: None,
            bytes_per_second: None,
            queued_bytes: 64 << 20,
            payload_bytes: bellwether_message::MAX_PAYLOAD_BYTES,
        }
    }
}

/// A bound was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// The principal has as many connections as it may.
    #[error("too many connections: {limit} is the most")]
    Connections {
        /// The bound.
        limit: u32,
    },
    /// The session has as many subscriptions as it may.
    #[error("too many subscriptions: {limit} is the most of one connection")]
    Subscriptions {
        /// The bound.
        limit: u32,
    },
    /// The session publishes faster than it may.
    #[error("published faster than {limit} a second")]
    Rate {
        /// The bound: messages or bytes.
        limit: u64,
    },
    /// One payload is too large.
    #[error("the payload has {bytes} bytes; {limit} is the most")]
    Payload {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
}
