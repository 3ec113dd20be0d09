//! What an observer is given: its view of the members, and what others have said.

use bellwether_message::{Epoch, NodeId};

use super::effect::News;

/// One row of an observer's membership view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The member. The observer itself may be among the rows; it is passed over.
    pub node: NodeId,
    /// Its run.
    pub epoch: Epoch,
    /// What is known of its life.
    pub state: Life,
}

/// What a view says of a member's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It speaks.
    Alive,
    /// It has fallen silent and is being asked: no alarm yet, and perhaps never.
    Suspect,
    /// It did not answer: crashed, or cut off.
    Down,
}

/// What another node was heard to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// [`Failed`](News::Failed) and [`Recovered`](News::Recovered) from the alerts `node_failure` and
    /// `node_recovered`; [`Joined`](News::Joined), [`Left`](News::Left) and [`Returned`](News::Returned) from the
    /// lifecycle events `joined`, `left` and `reconnected`. The lifecycle event `down` says nothing that the alert does
    /// not, and is not to be passed in: on another instance it may overtake the alert before it.
    pub news: News,
    /// The node concerned.
    pub node: NodeId,
    /// Its run.
    pub epoch: Epoch,
    /// Who said it, from the authenticated link.
    pub reporter: NodeId,
}
