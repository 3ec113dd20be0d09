//! What a book makes of what it is told.

/// What became of a raised alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is an alert of its own.
    New,
    /// One with its key is kept already, and was raised so often now.
    Repeated {
        /// How often.
        count: u64,
    },
    /// As `Repeated`, but it is worse, and has given the alert its severity.
    Worsened {
        /// How often it was raised now.
        count: u64,
    },
    /// This very alert was here before; nothing has changed.
    Known,
    /// Its id is empty, or longer than [`MAX_ALERT_ID_BYTES`](super::MAX_ALERT_ID_BYTES); it is not kept.
    Refused,
    /// The book is full of alerts that need somebody, and this one does not; counted as evicted.
    Full,
}

/// What became of a word about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was applied.
    Now,
    /// Its alert is not here, or not any more. It is kept for a while, see [`MAX_EARLY`](super::MAX_EARLY).
    Early,
    /// The id is no alert's: empty, or longer than [`MAX_ALERT_ID_BYTES`](super::MAX_ALERT_ID_BYTES).
    Refused,
}
