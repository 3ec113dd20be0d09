//! The policy of a node, as it is now.

use std::sync::Arc;

use bellwether_message::Timestamp;

use crate::caller::Caller;

/// The policy of a node. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Access {
    _inner: Arc<()>,
}

/// What a client has shown of itself.
#[derive(Debug, Clone, Copy)]
pub enum Credentials<'a> {
    /// Nothing.
    Anonymous,
    /// The user and group at the other end of a Unix socket, as the system says.
    Peer {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
    /// A token, as `bellwether token new` prints it.
    Token(&'a str),
}

impl Access {
    /// No `[access]` section: every client may do everything.
    pub fn open() -> Self {
        Self::default()
    }

    /// Who somebody is.
    ///
    /// # Errors
    /// [`AuthenticateError`]
    pub fn authenticate(&self, _credentials: Credentials<'_>, _now: Timestamp) -> Result<Caller, AuthenticateError> {
        Ok(Caller::everybody())
    }
}

/// Why somebody is nobody here. The words never hold the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticateError {
    /// Nothing was shown, and that is not enough.
    #[error("this node serves nobody without a token; make one with `bellwether token new`")]
    Missing,
    /// The token is none, or not this cluster's, or was changed.
    #[error("the token is not valid here")]
    Invalid,
    /// It was valid.
    #[error("the token has expired")]
    Expired,
    /// It is on the list of those that no longer count.
    #[error("the token was revoked")]
    Revoked,
}
