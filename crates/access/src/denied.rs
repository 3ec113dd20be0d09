//! What somebody may not do.

use bellwether_message::Instance;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// To publish.
    Publish,
    /// To subscribe.
    Subscribe,
    /// To see the state of the node and its mesh.
    Look,
    /// To change what the node does.
    Administer,
}

/// Somebody may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{principal}` may not do that")]
pub struct Denied {
    /// What was asked for.
    pub action: Action,
    /// Where, if it was about messages.
    pub instance: Option<Instance>,
    /// Who asked.
    pub principal: String,
}
