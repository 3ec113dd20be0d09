//! Where clients come in: TCP, with TLS or without, and Unix sockets.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bellwether_delivery::Peer;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::socket_file::SocketFile;

/// A client has this long to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that may wait in the system for a client to take those before; more waits for it here.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_BYTES: u32 = 128 * 1024;

/// A listener that is bound and not yet watched.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp {
        listener: std::net::TcpListener,
        local_addr: SocketAddr,
        tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    },
    Unix {
        listener: std::os::unix::net::UnixListener,
        file: SocketFile,
    },
}

/// A listener at work.
pub(crate) enum Listener {
    Tcp(TcpListener, Option<watch::Receiver<Arc<ServerConfig>>>),
    /// The file goes with its listener.
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "removes the socket when dropped")] SocketFile,
    ),
}

/// Somebody who has come in, and has not yet agreed on TLS where that is asked for.
pub(crate) enum Arrived {
    Tcp(TcpStream, SocketAddr, Option<TlsAcceptor>),
    Unix(UnixStream),
}

impl Bound {
    /// Has the runtime watch it.
    pub(crate) fn listen(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp { listener, tls, .. } => Listener::Tcp(TcpListener::from_std(listener)?, tls),
            Self::Unix { listener, file } => Listener::Unix(UnixListener::from_std(listener)?, file),
        })
    }
}

impl Listener {
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Arrived>> {
        match self {
            Self::Tcp(listener, tls) => listener.poll_accept(context).map_ok(|(stream, addr)| {
                let tls = tls.as_ref().map(|tls| TlsAcceptor::from(tls.borrow().clone()));
                Arrived::Tcp(stream, addr, tls)
            }),
            Self::Unix(listener, _) => listener
                .poll_accept(context)
                .map_ok(|(stream, _)| Arrived::Unix(stream)),
        }
    }
}

/// The next client of any listener; each in turn, so that a flood at one does not shut the others. Cancel safe.
pub(crate) async fn accept(listeners: &[Listener], turn: &mut usize) -> io::Result<Arrived> {
    std::future::poll_fn(|context| {
        for _ in 0..listeners.len() {
            *turn = (*turn + 1) % listeners.len();
            let Some(listener) = listeners.get(*turn) else { continue };
            if let Poll::Ready(arrived) = listener.poll_accept(context) {
                return Poll::Ready(arrived);
            }
        }
        Poll::Pending
    })
    .await
}

impl Arrived {
    /// The connection as it is spoken over, once TLS is agreed on.
    pub(crate) async fn open(self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(stream, _, None) => {
                prepare(&stream);
                Ok((Stream::Tcp(stream), Peer::Tcp))
            }
            Self::Tcp(stream, _, Some(tls)) => {
                prepare(&stream);
                let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await??;
                Ok((Stream::Tls(Box::new(stream)), Peer::Tls))
            }
            Self::Unix(stream) => {
                let credentials = stream.peer_cred()?;
                let (uid, gid) = (credentials.uid(), credentials.gid());
                Ok((Stream::Unix(stream), Peer::Unix { uid, gid }))
            }
        }
    }

    /// Where it comes from, for the log.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Tcp(_, addr, _) => addr.to_string(),
            Self::Unix(stream) => match stream.peer_cred() {
                Ok(credentials) => format!("uid {}", credentials.uid()),
                Err(_) => "unix".to_owned(),
            },
        }
    }
}

/// Answers and deliveries are small and must not wait for the acknowledgement of the one before. And what a client leaves
/// waits in its subscriptions, not in the system: there megabytes would wait unseen, and a client that reads slowly would
/// look for seconds like one that has stopped.
fn prepare(stream: &TcpStream) {
    let prepared = stream.set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let prepared = prepared.and_then(|()| socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES));
    if let Err(err) = prepared {
        tracing::debug!(%err, "the socket of a client cannot be prepared");
    }
}

/// A connection of any kind.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
