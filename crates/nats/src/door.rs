//! The listener for NATS clients.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bellwether::Node;
use bellwether_access::Access;
use tokio::io::{AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::announce;
use crate::client::Client;
use crate::connection;
use crate::fault::Fault;
use crate::house::{House, Occasions, Urls};

/// Connections served at once unless told otherwise.
pub const DEFAULT_MAX_CONNECTIONS: usize = 1024;
/// Connections above the limit that are being told; beyond them, new ones wait in the system's own queue.
const MAX_REFUSALS: usize = 64;
/// A client has so long for each step of the beginning of TLS.
const TLS_WITHIN: Duration = Duration::from_secs(2);
/// What a TLS connection begins with.
const TLS_HANDSHAKE: u8 = 22;
/// After all clients were to have gone, those that have not are cut.
const STOP_WAIT: Duration = Duration::from_secs(3);
/// Rest after the system refused us a connection, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What the door is to be like.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NatsSettings {
    /// Where it listens (TCP). Port 0: any free one.
    pub listen: SocketAddr,
    /// What clients of this and other nodes are told to dial when they lose theirs (`connect_urls`): `host:port`. Port 0
    /// means the one that is listened at; `0.0.0.0` and `[::]` are no address to dial, and are not told. `None`: nothing is told.
    pub advertise: Option<String>,
    /// For clients that speak TLS after the first line, by whichever settings are there when they come. `None`: none can.
    pub tls: Option<watch::Receiver<Arc<rustls::ServerConfig>>>,
    /// Whether all must, if any can. Default: yes.
    pub tls_required: bool,
    /// Connections served at once; further clients are told `Maximum Connections Exceeded`. Each costs about 200 KiB and
    /// the payload it is sending, and what it has not read, up to its limit. Default: [`DEFAULT_MAX_CONNECTIONS`].
    pub max_connections: usize,
    /// A client that has said nothing for so long is asked whether it is there; unanswered twice, it is cut. Default: 2 min.
    pub ping_interval: Duration,
    /// A client that has taken nothing of what waits for it for so long is cut (`Slow Consumer`). Default: 10 s.
    pub write_deadline: Duration,
    /// When the door is stopped, clients are told so at once and are left one by one within this. Default: 2 s.
    pub drain: Duration,
}

impl NatsSettings {
    /// Listens at an address; the rest as it is by default.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            advertise: None,
            tls: None,
            tls_required: true,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            ping_interval: Duration::from_secs(120),
            write_deadline: Duration::from_secs(10),
            drain: Duration::from_secs(2),
        }
    }
}

/// A bound listener for NATS clients, not yet served.
#[derive(Debug)]
#[must_use = "clients wait until `serve` is called"]
pub struct Nats {
    listener: std::net::TcpListener,
    local_addr: SocketAddr,
    settings: NatsSettings,
}

impl Nats {
    /// Takes the address. Needs no runtime.
    ///
    /// # Errors
    /// [`BindError`]
    pub fn bind(mut settings: NatsSettings) -> Result<Self, BindError> {
        let listen = settings.listen;
        let bound = std::net::TcpListener::bind(listen).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (local_addr, listener) = bound.map_err(|source| BindError { listen, source })?;
        settings.advertise = settings.advertise.and_then(|url| dialable(&url, local_addr.port()));
        Ok(Self {
            listener,
            local_addr,
            settings,
        })
    }

    /// The address it listens at.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves clients until `stop` is cancelled. Then it takes no more, tells those that are there to go elsewhere, and ends
    /// their connections one after the other within the [drain time](NatsSettings::drain). What they publish meanwhile
    /// still goes out, so stop the door before the node.
    ///
    /// Runs on the runtime it is called on; dropping the future cuts all connections.
    ///
    /// # Errors
    /// [`ServeError`] before the first connection, never later.
    pub async fn serve(self, node: Node, access: Access, stop: CancellationToken) -> Result<(), ServeError> {
        let listener = TcpListener::from_std(self.listener).map_err(|source| ServeError { source })?;
        let own = self.settings.advertise.iter().cloned().collect::<Urls>();
        let (tell, urls) = watch::channel(own);
        let mut announcing = pin!(announce::run(node.clone(), self.settings.advertise.clone(), tell));
        let (limit, drain) = (self.settings.max_connections, self.settings.drain);
        let house = Arc::new(House::new(node, access, self.settings, self.local_addr, urls));
        let mut connections = JoinSet::new();
        let refused = Occasions::default();
        let mut id: u64 = 0;
        loop {
            let has_room = connections.len() < limit.saturating_add(MAX_REFUSALS);
            tokio::select! {
                () = stop.cancelled() => break,
                () = &mut announcing => {}
                Some(ended) = connections.join_next() => on_connection_ended(ended),
                accepted = listener.accept(), if has_room => match accepted {
                    Ok((stream, peer)) => {
                        id += 1;
                        let span = tracing::error_span!("nats", %peer);
                        let arrival = Arrival { house: house.clone(), id, peer, is_one_too_many: connections.len() >= limit };
                        if arrival.is_one_too_many && let Some(refused) = refused.count(1) {
                            tracing::warn!(limit, refused, "NATS clients are refused: too many connections");
                        }
                        connections.spawn(arrival.serve(stream, stop.clone()).instrument(span));
                    }
                    Err(err) => on_accept_failed(&err).await,
                },
            }
        }
        drop(listener);
        let ending = async {
            while let Some(ended) = connections.join_next().await {
                on_connection_ended(ended);
            }
        };
        if timeout(drain + STOP_WAIT, ending).await.is_err() {
            tracing::info!(
                connections = connections.len(),
                "NATS connections that did not end were cut"
            );
            connections.shutdown().await;
        }
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

/// What others can dial, when the port is known.
fn dialable(url: &str, port: u16) -> Option<String> {
    let is_unspecified = |addr: SocketAddr| addr.ip().is_unspecified();
    if url.parse().is_ok_and(is_unspecified) {
        return None;
    }
    Some(match url.strip_suffix(":0") {
        Some(host) => format!("{host}:{port}"),
        None => url.to_owned(),
    })
}

/// Somebody has come.
struct Arrival {
    house: Arc<House>,
    id: u64,
    peer: SocketAddr,
    is_one_too_many: bool,
}

impl Arrival {
    async fn serve(self, mut stream: TcpStream, stop: CancellationToken) {
        if let Err(err) = stream.set_nodelay(true) {
            tracing::debug!(%err, "the socket of a client cannot be prepared");
        }
        let mut urls = self.house.urls.clone();
        // What is so now is in the first line.
        urls.mark_unchanged();
        let settings = &self.house.settings;
        // Spread evenly, in no order that anybody could count on.
        let leave_after = settings
            .drain
            .mul_f64((self.id.wrapping_mul(0x9E37_79B9) % 1000) as f64 / 1000.0);
        let tls = settings.tls.as_ref().map(|tls| tls.borrow().clone());
        let tls_required = settings.tls_required;
        let Some(mut client) = Client::new(self.house, self.id, self.peer) else {
            return;
        };
        client.tell_info();
        if self.is_one_too_many {
            client.fail(Fault::Connections);
        }
        let Some(tls) = tls.filter(|_| !self.is_one_too_many) else {
            let (read, write) = stream.into_split();
            return connection::serve(client, read, write, urls, stop, leave_after).await;
        };
        // The first line goes as it is; what comes back says whether it is TLS.
        let info = client.pending().to_vec();
        match timeout(TLS_WITHIN, stream.write_all(&info)).await {
            Ok(Ok(())) => client.on_written(info.len()),
            _ => return,
        }
        let first = timeout(TLS_WITHIN, first_byte(&stream)).await;
        match first {
            Ok(Ok(TLS_HANDSHAKE)) => {
                let Ok(accepted) = timeout(TLS_WITHIN, TlsAcceptor::from(tls).accept(stream)).await else {
                    return;
                };
                match accepted {
                    Ok(stream) => {
                        let (read, write) = split(stream);
                        connection::serve(client, read, write, urls, stop, leave_after).await;
                    }
                    Err(err) => tracing::debug!(%err, "a NATS client could not agree on TLS"),
                }
            }
            Ok(Err(_)) => {}
            Ok(Ok(_)) | Err(_) => {
                if tls_required {
                    client.fail(Fault::TlsRequired);
                }
                let (read, write) = stream.into_split();
                connection::serve(client, read, write, urls, stop, leave_after).await;
            }
        }
    }
}

async fn first_byte(stream: &TcpStream) -> io::Result<u8> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(first[0]),
    }
}

fn on_connection_ended(ended: Result<(), JoinError>) {
    if let Err(err) = ended
        && err.is_panic()
    {
        tracing::error!(%err, "serving a NATS client panicked; its connection was closed");
    }
}

async fn on_accept_failed(err: &io::Error) {
    let clients_fault = [
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionRefused,
    ];
    if !clients_fault.contains(&err.kind()) {
        tracing::warn!(%err, "NATS clients cannot be accepted now");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_dialed_is_told() {
        assert_eq!(dialable("127.0.0.1:0", 4222).as_deref(), Some("127.0.0.1:4222"));
        assert_eq!(dialable("a.example:4333", 4222).as_deref(), Some("a.example:4333"));
        assert_eq!(dialable("0.0.0.0:4222", 4222), None);
        assert_eq!(dialable("[::]:0", 4222), None);
    }
}
