//! A health event, as it came in.

use bellwether_message::Timestamp;

use super::HealthEvent;

/// Longest name of a store or a subscription: a topic with both has 240 bytes at most.
pub const MAX_NAME_BYTES: usize = 240;
/// Longest key of a message: an id has less.
pub const MAX_KEY_BYTES: usize = 320;

/// One health event, as it came in.
#[derive(Debug, Clone)]
pub struct Observation<'a> {
    /// The store.
    pub store: &'a str,
    /// The subscription's name in it.
    pub subscription: &'a str,
    /// What is told.
    pub event: HealthEvent,
    /// What the event's metadata gives as error, crash reason, or reason; its beginning is kept.
    pub error: Option<&'a str>,
    /// When it was told, for people to read.
    pub at: Timestamp,
    /// What is equal for copies of one event that went to several topics: the second copy is not counted. None: it is
    /// counted in any case.
    pub key: Option<&'a str>,
}

impl Observation<'_> {
    /// Whether its names and its key are within their bounds.
    pub(super) fn check(&self) -> Result<(), ObserveError> {
        check_name("store", self.store)?;
        check_name("subscription", self.subscription)?;
        match self.key {
            Some(key) if key.len() > MAX_KEY_BYTES => Err(ObserveError::KeyTooLong { bytes: key.len() }),
            _ => Ok(()),
        }
    }
}

/// Why an event was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObserveError {
    /// A name is empty.
    #[error("the name of the {what} is empty: it must have 1 to {MAX_NAME_BYTES} bytes")]
    NameEmpty {
        /// Whose name: store or subscription.
        what: &'static str,
    },
    /// A name is too long.
    #[error("the name of the {what} has {bytes} bytes: it must have 1 to {MAX_NAME_BYTES}")]
    NameTooLong {
        /// Whose name: store or subscription.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The key of the message is too long.
    #[error("the key of the message has {bytes} bytes: it must have at most {MAX_KEY_BYTES}")]
    KeyTooLong {
        /// Its length.
        bytes: usize,
    },
}

fn check_name(what: &'static str, name: &str) -> Result<(), ObserveError> {
    match name.len() {
        0 => Err(ObserveError::NameEmpty { what }),
        1..=MAX_NAME_BYTES => Ok(()),
        bytes => Err(ObserveError::NameTooLong { what, bytes }),
    }
}
