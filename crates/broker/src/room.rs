//! Room in queues: what a publisher that waits goes by.

/// Room in the queues of an instance's subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// So many more messages fit into every queue that is read.
    pub messages: usize,
    /// Whether no queue is filling up, so that there will not be more.
    pub is_all: bool,
}
