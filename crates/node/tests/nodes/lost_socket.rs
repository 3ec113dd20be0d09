//! A node whose socket fails under it.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bellwether::{Host, Node, NodeId, SocketFactory};
use bellwether_mesh::UdpSockets;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

/// Real sockets, until they are broken.
#[derive(Debug, Clone, Default)]
struct Breakable(Arc<AtomicBool>);

struct Socket {
    inner: Arc<dyn AsyncUdpSocket>,
    is_broken: Arc<AtomicBool>,
}

impl SocketFactory for Breakable {
    fn socket(&self, bind: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(Socket {
            inner: UdpSockets.socket(bind)?,
            is_broken: self.0.clone(),
        }))
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Socket")
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.inner.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.inner.poll_recv(context, buffers, meta);
        match received.is_ready() && self.is_broken.load(Ordering::Relaxed) {
            true => Poll::Ready(Err(io::ErrorKind::PermissionDenied.into())),
            false => received,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

#[tokio::test]
async fn a_node_whose_socket_is_lost_says_so_and_ends() {
    let sockets = Breakable::default();
    let folder = tempfile::tempdir().unwrap();
    let host = Host {
        sockets: Arc::new(sockets.clone()),
        ..Host::default()
    };
    let node = Node::builder(NodeId::new("a").unwrap())
        .secrets(["0123456789abcdef0123456789abcdef"])
        .unwrap()
        .listen("127.0.0.1:0".parse().unwrap())
        .data_dir(folder.path())
        .host(host)
        .start()
        .await
        .unwrap();
    sockets.0.store(true, Ordering::Relaxed);
    let knock = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    knock.send_to(b"x", node.listen_addr().unwrap()).unwrap();
    let reason = tokio::time::timeout(std::time::Duration::from_secs(10), node.failed())
        .await
        .unwrap();
    assert!(reason.contains("socket is lost"), "{reason}");
    node.shutdown().await;
}
