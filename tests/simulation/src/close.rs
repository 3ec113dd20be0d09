//! Why a connection is closed, as the mesh's own close codes say it.

/// An application close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Close {
    /// The hello or the answer was not what it must be.
    BadHello,
    /// A newer run of the node is known: this one.
    StaleEpoch(u64),
    /// Another node runs under this id and answers.
    DuplicateNodeId,
    /// A node dialed itself.
    OwnDial,
    /// The mesh has as many members as it may.
    Full,
    /// A newer link of the same dialer has taken over.
    Replaced,
    /// The peer is no longer needed.
    Gone,
    /// The node stops in good order.
    Leaving,
    /// A frame broke the protocol.
    Protocol,
}
