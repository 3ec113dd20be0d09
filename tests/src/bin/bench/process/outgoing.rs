//! What carries messages from the publisher to its subscribers: a node, or raw QUIC.

use super::payload::Payload;

/// The publisher's end of it.
pub(crate) trait Outgoing {
    /// Sends messages; of its own, so that another thread can.
    type Sender: Sender;

    /// A sender of messages of this size.
    fn sender(&self, bytes: usize) -> anyhow::Result<Self::Sender>;

    /// The next word of a subscriber about how far it is.
    async fn next_progress(&mut self) -> anyhow::Result<Progress>;

    /// Such a word that is there now.
    fn try_progress(&mut self) -> anyhow::Result<Option<Progress>>;
}

/// Sends messages to all subscribers.
pub(crate) trait Sender: Send + 'static {
    /// Never waits.
    fn send(&mut self, payload: Payload) -> anyhow::Result<()>;
}

/// How far a subscriber is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) subscriber: String,
    /// It has received all messages before this number.
    pub(crate) next: u64,
}
