//! A path that carries what Ethernet carries, though the loopback interface carries more.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bellwether::{Host, SocketFactory};
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

/// The largest UDP payload that comes through: Ethernet's 1500 less IPv6's and UDP's headers, where quinn's own search
/// ends too.
const LARGEST: usize = 1452;

/// Makes sockets that lose datagrams above [`LARGEST`] without a word, as a router does.
#[derive(Debug)]
pub(crate) struct Sockets1452 {
    inner: Arc<dyn SocketFactory>,
}

impl Sockets1452 {
    /// The real host, with such sockets.
    pub(crate) fn host() -> Host {
        let Host { sockets, clock } = Host::default();
        Host {
            sockets: Arc::new(Self { inner: sockets }),
            clock,
        }
    }
}

impl SocketFactory for Sockets1452 {
    fn socket(&self, bind: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = self.inner.socket(bind)?;
        Ok(Arc::new(Socket1452 { inner }))
    }
}

#[derive(Debug)]
struct Socket1452 {
    inner: Arc<dyn AsyncUdpSocket>,
}

impl AsyncUdpSocket for Socket1452 {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.inner.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if datagram_bytes(transmit) > LARGEST {
            return Ok(());
        }
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(context, buffers, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}

/// The first and largest of the datagrams that one call sends.
fn datagram_bytes(transmit: &Transmit<'_>) -> usize {
    let len = transmit.contents.len();
    transmit.segment_size.map_or(len, |segment| segment.min(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_as_large_as_its_segments() {
        let transmit = |len: usize, segment_size| {
            datagram_bytes(&Transmit {
                destination: SocketAddr::from(([127, 0, 0, 1], 1)),
                ecn: None,
                contents: &[0; 8_000][..len],
                segment_size,
                src_ip: None,
            })
        };
        assert_eq!(transmit(8_000, Some(1452)), 1452);
        assert_eq!(transmit(900, Some(1452)), 900);
        assert_eq!(transmit(2_000, None), 2_000);
    }
}
