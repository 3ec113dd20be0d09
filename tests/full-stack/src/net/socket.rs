//! UDP sockets of the simulated network, as quinn uses them.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bellwether::SocketFactory;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::SimNet;

/// Datagrams that wait to be read; a kernel's buffer would hold some megabytes.
const MAILBOX: usize = 4096;

/// Addresses, and where what arrives there is put.
type Bound = Vec<(SocketAddr, Arc<Mailbox>)>;

/// The sockets of one run of a node: they die together.
#[derive(Debug, Clone)]
pub struct HostSockets {
    net: SimNet,
    is_dead: Arc<AtomicBool>,
    bound: Arc<Mutex<Bound>>,
}

impl HostSockets {
    /// For a new run of a node.
    pub fn new(net: &SimNet) -> Self {
        Self {
            net: net.clone(),
            is_dead: Arc::default(),
            bound: Arc::default(),
        }
    }

    /// As when the process is killed: nothing leaves these sockets or reaches them any more, and their ports are free.
    pub fn kill(&self) {
        self.is_dead.store(true, Ordering::Release);
        for (address, mailbox) in self.bound.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            self.net.unbind(address, &mailbox);
        }
    }
}

impl SocketFactory for HostSockets {
    fn socket(&self, bind: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let mailbox = Arc::<Mailbox>::default();
        let address = self.net.bind(bind, mailbox.clone())?;
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        bound.push((address, mailbox.clone()));
        drop(bound);
        Ok(Arc::new(SimSocket {
            net: self.net.clone(),
            is_dead: self.is_dead.clone(),
            address,
            mailbox,
        }))
    }
}

/// A bound socket.
pub struct SimSocket {
    net: SimNet,
    is_dead: Arc<AtomicBool>,
    address: SocketAddr,
    mailbox: Arc<Mailbox>,
}

impl fmt::Debug for SimSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimSocket({})", self.address)
    }
}

/// What has arrived at a socket.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    inner: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    waker: Option<Waker>,
}

impl Mailbox {
    pub(super) fn put(&self, from: SocketAddr, bytes: Vec<u8>) {
        let waker = {
            let mut waiting = self.lock();
            if waiting.datagrams.len() < MAILBOX {
                waiting.datagrams.push_back((from, bytes));
            }
            waiting.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncUdpSocket for SimSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if !self.is_dead.load(Ordering::Acquire) {
            self.net.send(self.address, transmit.destination, transmit.contents);
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut waiting = self.mailbox.lock();
        let mut received = 0;
        for (buffer, meta) in buffers.iter_mut().zip(meta) {
            let Some((from, bytes)) = waiting.datagrams.pop_front() else {
                break;
            };
            // As recvmsg(2): what exceeds the buffer is cut.
            let len = bytes.len().min(buffer.len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..len), bytes.get(..len)) {
                to.copy_from_slice(from);
            }
            *meta = RecvMeta {
                addr: from,
                len,
                stride: len,
                ecn: None,
                dst_ip: None,
            };
            received += 1;
        }
        if received == 0 {
            waiting.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        self.net.unbind(self.address, &self.mailbox);
    }
}

/// The simulated network takes whatever it is given.
#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
