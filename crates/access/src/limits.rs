//! How much one client may take.

/// Bounds per principal, over all its connections, and some per connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections of one principal at once; of HTTP, requests. Default: 4,096.
    pub connections: u32,
    /// Subscriptions of one principal at once. Default: 65,536.
    pub subscriptions: u32,
    /// Messages published per second by one principal, and as many at once. Default: no bound.
    pub messages_per_second: Option<u32>,
    /// Payload bytes published per second by one principal, and as many at once. A payload larger than that passes when
    /// nothing was published for a second, and counts in full. Default: no bound.
    pub bytes_per_second: Option<u64>,
    /// Bytes that may wait for one connection's client to read them before it counts as stuck. Default: 64 MiB.
    pub queued_bytes: usize,
    /// Largest payload. Default: what the instance takes.
    pub payload_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            subscriptions: 65_536,
            messages_per_second: None,
            bytes_per_second: None,
            queued_bytes: 64 << 20,
            payload_bytes: bellwether_message::MAX_PAYLOAD_BYTES,
        }
    }
}

impl Limits {
    /// What says all of them.
    pub fn whole(&self) -> LimitsOverride {
        LimitsOverride {
            connections: Some(self.connections),
            subscriptions: Some(self.subscriptions),
            messages_per_second: self.messages_per_second,
            bytes_per_second: self.bytes_per_second,
            queued_bytes: Some(self.queued_bytes),
            payload_bytes: Some(self.payload_bytes),
        }
    }
}

/// What of the limits differs for one principal; `None`: nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitsOverride {
    /// See [`Limits::connections`].
    pub connections: Option<u32>,
    /// See [`Limits::subscriptions`].
    pub subscriptions: Option<u32>,
    /// See [`Limits::messages_per_second`].
    pub messages_per_second: Option<u32>,
    /// See [`Limits::bytes_per_second`].
    pub bytes_per_second: Option<u64>,
    /// See [`Limits::queued_bytes`].
    pub queued_bytes: Option<usize>,
    /// See [`Limits::payload_bytes`].
    pub payload_bytes: Option<usize>,
}

impl LimitsOverride {
    /// The limits, with what differs.
    pub fn over(&self, limits: &Limits) -> Limits {
        Limits {
            connections: self.connections.unwrap_or(limits.connections),
            subscriptions: self.subscriptions.unwrap_or(limits.subscriptions),
            messages_per_second: self.messages_per_second.or(limits.messages_per_second),
            bytes_per_second: self.bytes_per_second.or(limits.bytes_per_second),
            queued_bytes: self.queued_bytes.unwrap_or(limits.queued_bytes),
            payload_bytes: self.payload_bytes.unwrap_or(limits.payload_bytes),
        }
    }
}

/// A bound was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// The principal has as many connections as it may.
    #[error("too many connections: {limit} is the most of one principal")]
    Connections {
        /// The bound.
        limit: u32,
    },
    /// The principal has as many subscriptions as it may.
    #[error("too many subscriptions: {limit} is the most of one principal")]
    Subscriptions {
        /// The bound.
        limit: u32,
    },
    /// The principal publishes faster than it may.
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
