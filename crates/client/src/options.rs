//! How a client connects.

use std::path::PathBuf;
#[cfg(feature = "tls")]
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::address::{AddressError, NodeAddress};
use crate::client::Client;
use crate::error::CallError;
use crate::token::Token;

/// Longest wait for a connection, unless told otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for an answer, unless told otherwise. A node answers a publish at once, unless it is to wait, and a
/// subscribe within 7 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// A node's stream says something every 15 s.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(45);
/// Requests under way at once, unless told otherwise.
const CONNECTIONS: usize = 8;

/// How a [`Client`] connects; made by [`Client::options`].
///
/// ```no_run
/// use std::time::Duration;
///
/// use bellwether_client::Client;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::options()
///     .token_file("/run/credentials/billing/token")
///     .ca_file("/etc/bellwether/ca.pem")
///     .answer_timeout(Duration::from_secs(10))
///     .connect("https://node.example:7480")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is dialed before `connect`"]
pub struct Options {
    token: Option<Token>,
    token_in_the_clear: bool,
    ca_file: Option<PathBuf>,
    connect_timeout: Duration,
    answer_timeout: Duration,
    silence_timeout: Duration,
    connections: usize,
}

/// What every connection of a client needs.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) node: NodeAddress,
    pub(crate) token: Option<Token>,
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "only TLS asks for it"))]
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) connect_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) silence_timeout: Duration,
    pub(crate) connections: usize,
    /// Whom TLS believes, once it is known.
    #[cfg(feature = "tls")]
    pub(crate) tls: OnceLock<Arc<tokio_rustls::rustls::ClientConfig>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: None,
            token_in_the_clear: false,
            ca_file: None,
            connect_timeout: CONNECT_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            silence_timeout: SILENCE_TIMEOUT,
            connections: CONNECTIONS,
        }
    }
}

impl Options {
    /// Says who this program is, by a token of the node. Default: nobody.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Token::Given(token.into()));
        self
    }

    /// The same, by a token in a file (one word; at most 4 KiB). It is read at every new connection, and every answer
    /// that the token is not good makes a new one, so that it may be replaced under a running program.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token = Some(Token::File(path.into()));
        self
    }

    /// Sends the token over plain `http://` to another host too, where everybody on the way can read it. Without this
    /// such a connection is refused.
    pub fn dangerous_token_in_the_clear(mut self) -> Self {
        self.token_in_the_clear = true;
        self
    }

    /// Believes the authorities in this PEM file, and nobody else. Default: those of the system. Only for `https://`;
    /// read once.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Longest wait for a connection. Default: 5 s.
    pub fn connect_timeout(mut self, longest: Duration) -> Self {
        self.connect_timeout = longest;
        self
    }

    /// Longest wait for an answer, beyond what the request itself asks the node to wait. Default: 30 s. A node takes up
    /// to 7 s for a subscription.
    pub fn answer_timeout(mut self, longest: Duration) -> Self {
        self.answer_timeout = longest;
        self
    }

    /// A subscription that receives nothing for so long counts as lost. Default: 45 s; a node's stream says something
    /// every 15 s, so anything below 20 s would cut streams that are well.
    pub fn silence_timeout(mut self, longest: Duration) -> Self {
        self.silence_timeout = longest;
        self
    }

    /// Requests under way at once; further ones wait for their turn. Default: 8; at least 1. Each subscription has a
    /// connection of its own beside these.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// Connects, and keeps the connection for the first request.
    ///
    /// # Errors
    /// [`ConnectError`]; the node is dialed once.
    pub async fn connect(self, node: impl AsAddress) -> Result<Client, ConnectError> {
        let client = self.client(node)?;
        client.dial().await.map_err(|source| ConnectError::Call { source })?;
        Ok(client)
    }

    /// A client that dials when it is first needed: for programs that may start before their node.
    ///
    /// # Errors
    /// [`ConnectError`], of what shows without dialing.
    pub fn client(self, node: impl AsAddress) -> Result<Client, ConnectError> {
        let node = node.as_address().map_err(|source| ConnectError::Address { source })?;
        if self.token.is_some() && !self.token_in_the_clear && node.is_readable_on_the_way() {
            return Err(ConnectError::TokenInTheClear { node });
        }
        Ok(Client::new(Settings {
            node,
            token: self.token,
            ca_file: self.ca_file,
            connect_timeout: self.connect_timeout,
            answer_timeout: self.answer_timeout,
            silence_timeout: self.silence_timeout,
            connections: self.connections,
            #[cfg(feature = "tls")]
            tls: OnceLock::new(),
        }))
    }
}

/// What names a node: a [`NodeAddress`], or its text.
pub trait AsAddress {
    /// The address.
    ///
    /// # Errors
    /// If the text is none.
    fn as_address(&self) -> Result<NodeAddress, AddressError>;
}

impl AsAddress for NodeAddress {
    fn as_address(&self) -> Result<NodeAddress, AddressError> {
        Ok(self.clone())
    }
}

impl AsAddress for &NodeAddress {
    fn as_address(&self) -> Result<NodeAddress, AddressError> {
        Ok((*self).clone())
    }
}

impl AsAddress for &str {
    fn as_address(&self) -> Result<NodeAddress, AddressError> {
        self.parse()
    }
}

impl AsAddress for String {
    fn as_address(&self) -> Result<NodeAddress, AddressError> {
        self.parse()
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The text names no node.
    #[error("the address of the node is wrong")]
    Address {
        /// What is wrong with it.
        source: AddressError,
    },
    /// A token would travel where others can read it.
    #[error(
        "a token is not sent to {node}, since everybody on the way could read it: use https://, or a socket or port of \
         this host"
    )]
    TokenInTheClear {
        /// Where it would have gone.
        node: NodeAddress,
    },
    /// The node was not reached.
    #[error(transparent)]
    Call {
        /// Why.
        source: CallError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_sent_where_everybody_can_read_it() {
        let client = |node: &str, options: Options| options.token("s3cret").client(node);
        for node in ["http://192.0.2.7", "http://node.example:7480"] {
            let err = client(node, Options::default()).unwrap_err();
            assert!(matches!(err, ConnectError::TokenInTheClear { .. }), "{err}");
            assert!(client(node, Options::default().dangerous_token_in_the_clear()).is_ok());
        }
        for node in ["http://127.0.0.3", "https://node.example", "unix:/run/a.sock"] {
            assert!(client(node, Options::default()).is_ok(), "{node}");
        }
        assert!(Options::default().client("http://192.0.2.7").is_ok());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let options = Options::default().token("s3cret");
        assert!(!format!("{options:?}").contains("s3cret"));
        let client = options.client("http://127.0.0.1").unwrap();
        assert!(!format!("{client:?}").contains("s3cret"));
    }
}
