//! The gateway: listeners, and one task per connection.
//!
//! Bounds connections in number and time. What they ask is answered in [`crate::api`].

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bellwether::Node;
use bellwether_access::Access;
use bellwether_delivery::Handover;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::api::Api;
use crate::control::Control;
use crate::error::{ApiError, Reason};
use crate::guard::OwnHosts;
use crate::listener::{Arrived, Bound, Listener, accept};
use crate::socket_file::{SocketError, SocketFile};

/// Connections served at once unless told otherwise. Further ones are told so with status 503.
pub const DEFAULT_MAX_CONNECTIONS: usize = 1024;
/// Connections above the limit that are being told; beyond them, new ones wait in the system's own queue.
const MAX_REFUSALS: usize = 64;
/// A client has this long for the header of a request, and so may leave a connection idle for as long.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes buffered per connection and direction. A subscription to as many patterns as are allowed still fits.
const CONNECTION_BUFFER_BYTES: usize = 128 * 1024;
/// How long open requests may take to end once the gateway is stopped; then they are cut.
const STOP_WAIT: Duration = Duration::from_secs(2);
/// Rest after the system refused us a connection, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Bound listeners for clients, not yet served.
#[derive(Debug)]
#[must_use = "clients wait until `serve` is called"]
pub struct Gateway {
    listeners: Vec<Bound>,
    max_connections: usize,
    hosts: OwnHosts,
    control: Option<Control>,
}

impl Gateway {
    /// Takes the address. Port 0 takes any free one, see [`local_addr`](Self::local_addr). Needs no runtime.
    ///
    /// # Errors
    /// [`BindError`], in words a user can act on.
    pub fn bind(addr: SocketAddr) -> Result<Self, BindError> {
        Self::bind_tcp(addr, None)
    }

    /// The same, locked: clients speak TLS, by the settings that are there when they come, which
    /// [`Certified`](crate::tls::Certified) makes. Open connections stay as they are when others take their place.
    ///
    /// # Errors
    /// [`BindError`]
    pub fn bind_tls(addr: SocketAddr, tls: watch::Receiver<Arc<ServerConfig>>) -> Result<Self, BindError> {
        Self::bind_tcp(addr, Some(tls))
    }

    /// Makes a Unix socket, for its owner and group. Its folder must exist; what a process left behind that is no more is
    /// replaced; it is removed when the gateway is over.
    ///
    /// # Errors
    /// [`SocketError`], in words a user can act on.
    pub fn bind_socket(path: &Path) -> Result<Self, SocketError> {
        let (listener, file) = SocketFile::bind(path)?;
        Ok(Self::new(Bound::Unix { listener, file }))
    }

    fn new(listener: Bound) -> Self {
        Self {
            listeners: vec![listener],
            max_connections: DEFAULT_MAX_CONNECTIONS,
            hosts: OwnHosts::default(),
            control: None,
        }
    }

    fn bind_tcp(addr: SocketAddr, tls: Option<watch::Receiver<Arc<ServerConfig>>>) -> Result<Self, BindError> {
        let bound = std::net::TcpListener::bind(addr).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let local_addr = listener.local_addr()?;
            Ok(Self::new(Bound::Tcp {
                listener,
                local_addr,
                tls,
            }))
        });
        bound.map_err(|source| match source.kind() {
            ErrorKind::AddrInUse => BindError::InUse { addr },
            ErrorKind::AddrNotAvailable => BindError::NotOurs { addr },
            ErrorKind::PermissionDenied => BindError::NotAllowed { addr },
            _ => BindError::Other { addr, source },
        })
    }

    /// Serves at most this many connections at once; default: [`DEFAULT_MAX_CONNECTIONS`]. Each costs up to about
    /// 256 KiB and the payload it is sending. Further clients get status 503.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.max_connections = limit;
        self
    }

    /// Serves the clients of another's listeners, too, within its own bounds.
    pub fn and(mut self, other: Self) -> Self {
        self.listeners.extend(other.listeners);
        self
    }

    /// Lets clients dial it by these names of hosts, beside its addresses and `localhost`.
    pub fn hosts(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.hosts = OwnHosts::new(names);
        self
    }

    /// The same, by whichever names are there when a request comes.
    pub fn hosts_as_told(mut self, names: watch::Receiver<Arc<[String]>>) -> Self {
        self.hosts = OwnHosts::as_told(names);
        self
    }

    /// Takes orders for whoever runs the node. Without it, they are refused.
    pub fn controlled_by(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// The address that it listens at, the first of several; none if there are only Unix sockets.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listeners.iter().find_map(|listener| match listener {
            Bound::Tcp { local_addr, .. } => Some(*local_addr),
            Bound::Unix { .. } => None,
        })
    }

    /// Whether clients speak TLS at that address.
    pub fn is_tls(&self) -> bool {
        let mut first = self.listeners.iter().filter_map(|listener| match listener {
            Bound::Tcp { tls, .. } => Some(tls.is_some()),
            Bound::Unix { .. } => None,
        });
        first.next().unwrap_or_default()
    }

    /// The path of its Unix socket, the first of several.
    pub fn socket_path(&self) -> Option<&Path> {
        self.listeners.iter().find_map(|listener| match listener {
            Bound::Tcp { .. } => None,
            Bound::Unix { file, .. } => Some(file.path()),
        })
    }

    /// Serves clients until `stop` is cancelled: then takes no more, lets open requests end for at most two seconds,
    /// and cuts the rest. Streams of deliveries end by themselves when the node is shut down, so shut it down first.
    ///
    /// Runs on the runtime it is called on; dropping the future cuts all connections.
    ///
    /// # Errors
    /// [`ServeError`] before the first connection, never later.
    pub async fn serve(self, node: Node, access: Access, stop: CancellationToken) -> Result<(), ServeError> {
        let listeners: io::Result<Vec<Listener>> = self.listeners.into_iter().map(Bound::listen).collect();
        let listeners = listeners.map_err(|source| ServeError::Register { source })?;
        let router = TowerToHyperService::new(Api::new(node, access, self.control).router(self.hosts));
        let limit = self.max_connections;
        let mut connections = JoinSet::new();
        let mut refused: u64 = 0;
        let mut turn = 0;
        loop {
            let has_room = connections.len() < limit + MAX_REFUSALS;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => on_connection_ended(ended),
                arrived = accept(&listeners, &mut turn), if has_room => match arrived {
                    Ok(client) => {
                        let span = tracing::error_span!("client", peer = client.origin());
                        if connections.len() < limit {
                            connections.spawn(serve_connection(client, router.clone(), stop.clone()).instrument(span));
                        } else {
                            refused += 1;
                            // The 1st, 2nd, 4th, 8th time: a flood of clients must not become a flood of lines.
                            if refused.is_power_of_two() {
                                tracing::warn!(limit, refused, "clients are refused: too many connections");
                            }
                            let busy = service_fn(move |_| async move { Ok::<_, Infallible>(too_many_connections(limit)) });
                            connections.spawn(serve_connection(client, busy, stop.clone()).instrument(span));
                        }
                    }
                    Err(err) => on_accept_failed(&err).await,
                },
            }
        }
        drop(listeners);
        let ending = async {
            while let Some(ended) = connections.join_next().await {
                on_connection_ended(ended);
            }
        };
        if tokio::time::timeout(STOP_WAIT, ending).await.is_err() {
            tracing::info!(connections = connections.len(), "connections that did not end were cut");
            connections.shutdown().await;
        }
        Ok(())
    }
}

/// Why the address was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody listens there.
    #[error("{addr} is already in use: another node or program listens there; choose another with --http")]
    InUse {
        /// The address.
        addr: SocketAddr,
    },
    /// No interface of this host has it.
    #[error("{addr} is not an address of this host; choose one of its own with --http, for example 127.0.0.1:{}", addr.port())]
    NotOurs {
        /// The address.
        addr: SocketAddr,
    },
    /// The system reserves it.
    #[error("this user may not listen at {addr}; choose a port from 1024 on with --http")]
    NotAllowed {
        /// The address.
        addr: SocketAddr,
    },
    /// Anything else.
    #[error("cannot listen for clients at {addr}")]
    Other {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Why the gateway does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The runtime cannot watch the listener.
    #[error("the runtime cannot watch the listener for clients")]
    Register {
        /// What the system says.
        source: io::Error,
    },
}

async fn serve_connection<S>(client: Arrived, service: S, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let opened = tokio::select! {
        opened = client.open() => opened,
        () = stop.cancelled() => return,
    };
    let (stream, peer) = match opened {
        Ok(opened) => opened,
        Err(err) => {
            tracing::debug!(%err, "a client did not come in");
            return;
        }
    };
    let (handover, mut handed_over) = Handover::new(stop.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(handover.clone());
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = Box::pin(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    // With it goes its copy of the handover.
    drop(connection);
    if let Err(err) = ended {
        tracing::debug!(%err, "the connection ended early");
    }
    if let Some(session) = handed_over.recv().await {
        session.await;
    }
}

fn too_many_connections(limit: usize) -> Response {
    let words = format!("{limit} clients are connected, the most this node serves; try again later");
    let mut response = ApiError::new(Reason::TooManyConnections, words).into_response();
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn on_connection_ended(ended: Result<(), JoinError>) {
    if let Err(err) = ended
        && err.is_panic()
    {
        tracing::error!(%err, "serving a client panicked; its connection was closed");
    }
}

async fn on_accept_failed(err: &io::Error) {
    let clients_fault = [
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionRefused,
    ];
    if !clients_fault.contains(&err.kind()) {
        tracing::warn!(%err, "clients cannot be accepted now");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
