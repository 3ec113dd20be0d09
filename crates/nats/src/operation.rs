//! What a client says.

/// One operation, borrowed from the bytes that it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// `CONNECT {json}`
    Connect(&'a [u8]),
    /// `PUB` or `HPUB`.
    Publish(Publish<'a>),
    /// `SUB subject [queue] sid`
    Subscribe {
        /// A subject, wildcards allowed; not checked yet.
        subject: &'a [u8],
        /// The queue group.
        queue: Option<&'a [u8]>,
        /// What the client calls the subscription.
        sid: &'a [u8],
    },
    /// `UNSUB sid [max]`
    Unsubscribe {
        /// Which.
        sid: &'a [u8],
        /// After how many messages since it began; 0 and none: at once.
        max: Option<u64>,
    },
    /// `PING`
    Ping,
    /// `PONG`
    Pong,
}

/// A message to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Not checked yet.
    pub subject: &'a [u8],
    /// Where answers go; not checked yet.
    pub reply: Option<&'a [u8]>,
    /// Of `HPUB`: the headers, with the line of the version and the empty one; not checked yet.
    pub headers: Option<&'a [u8]>,
    /// The payload.
    pub payload: &'a [u8],
}
