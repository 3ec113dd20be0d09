//! Why a connection is closed: the application codes of QUIC, each with a name for the log.

use quinn::{ConnectionError, VarInt};

/// An application close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Close {
    /// The hello was malformed, or its node id is not the certificate's.
    BadHello = 1,
    /// The hello is of a wire version that is not spoken here.
    UnsupportedVersion = 2,
    /// The hello is of another cluster.
    WrongCluster = 3,
    /// A newer run of the node is known.
    StaleEpoch = 4,
    /// Another node runs under this id and answers.
    DuplicateNodeId = 5,
    /// A node dialed itself.
    OwnDial = 6,
    /// The mesh has as many members as it may.
    Full = 7,
    /// A newer link of the same dialer has taken over.
    Replaced = 8,
    /// The peer is no longer a member.
    Gone = 9,
    /// The node stops in good order; it sent everything it had.
    Leaving = 10,
    /// A frame broke the protocol or failed verification.
    Protocol = 11,
    /// The key that stands for the peer, or signs what it sends, was removed from the ring. With another it may come
    /// again at once.
    KeyRemoved = 12,
}

impl Close {
    const ALL: [Self; 12] = [
        Self::BadHello,
        Self::UnsupportedVersion,
        Self::WrongCluster,
        Self::StaleEpoch,
        Self::DuplicateNodeId,
        Self::OwnDial,
        Self::Full,
        Self::Replaced,
        Self::Gone,
        Self::Leaving,
        Self::Protocol,
        Self::KeyRemoved,
    ];

    /// Its name in logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BadHello => "bad_hello",
            Self::UnsupportedVersion => "unsupported_version",
            Self::WrongCluster => "wrong_cluster",
            Self::StaleEpoch => "stale_epoch",
            Self::DuplicateNodeId => "duplicate_node_id",
            Self::OwnDial => "own_dial",
            Self::Full => "full",
            Self::Replaced => "replaced",
            Self::Gone => "gone",
            Self::Leaving => "leaving",
            Self::Protocol => "protocol",
            Self::KeyRemoved => "key_removed",
        }
    }

    /// Its number on the wire.
    pub(crate) fn code(self) -> VarInt {
        VarInt::from_u32(self as u32)
    }

    /// The code the other end closed with, if it did.
    pub(crate) fn of(error: &ConnectionError) -> Option<Self> {
        let ConnectionError::ApplicationClosed(close) = error else {
            return None;
        };
        Self::ALL.into_iter().find(|known| known.code() == close.error_code)
    }
}
