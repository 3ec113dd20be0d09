//! How far feeds have come here, and from where a subscription receives them.

use std::sync::Arc;

use bellwether_message::Source;

/// How far a source's feed has come in this instance.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) source: Arc<Source>,
    pub(crate) seq: u64,
}

/// From where a subscription receives a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The writer of the feed.
    pub source: Arc<Source>,
    /// Everything that matches, from this seq on; `None` while the source has not confirmed.
    pub live_from: Option<u64>,
}
