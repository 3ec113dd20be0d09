//! The node's QUIC endpoints: one that listens, and one client socket per lane.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bellwether_protocol::lane::Lane;
use quinn::congestion::BbrConfig;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{
    AckFrequencyConfig, AsyncUdpSocket, ClientConfig, Connection, Endpoint, EndpointConfig, IdleTimeout,
    MtuDiscoveryConfig, Runtime, ServerConfig, TransportConfig, UdpPoller, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use socket2::{Domain, Protocol, Socket, Type};

use crate::identity::{Identity, RESET_INTERVAL};
use crate::stranger::Strangers;

/// Silence after which a connection is given up.
const IDLE: Duration = Duration::from_secs(6);
/// The dialer's sign of life.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// quinn's default of 333 ms makes a dial to a peer that starts a moment later wait a second and more.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Largest packet tried by path MTU discovery. Twice as cheap as 1452 where the path allows it; above 6,550 ten
/// segments exceed what the kernel takes at once, and quinn falls back to 1,200.
const MAX_PACKET: u16 = 6500;
/// Packets of the events lane that a peer may receive without acknowledging them at once, unless one is missing (draft-ietf-quic-ack-frequency);
/// QUIC's own number is one, and is left to the other lanes: BBR judges the path by acknowledgements (beside a flood of
/// logs on 100 Mbit/s the p99 of alerts was 230 ms instead of 3), and what is urgent is little.
const UNACKED_PACKETS: u32 = 10;
/// How long it may then wait. QUIC's own 25 ms would slow the start of a connection, when fewer packets are on their way.
const ACK_DELAY: Duration = Duration::from_millis(10);
/// Unread bytes of one stream. The connection's own window stays unlimited, so that a stalled stream cannot starve
/// gossip; the number of streams bounds the sum.
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
/// Unacknowledged bytes a connection may have in flight.
const SEND_WINDOW: u64 = 8 * 1024 * 1024;
/// Kernel buffers; with the defaults loopback loses 3.5 % of packets under load.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;
/// Handshakes of strangers and members alike that may be under way before quinn refuses more.
const MAX_INCOMING: usize = 256;

/// Makes UDP sockets; the one seam a simulated network needs.
pub trait SocketFactory: Send + Sync + fmt::Debug {
    /// A socket on `bind`.
    ///
    /// # Errors
    /// What the operating system says.
    fn socket(&self, bind: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>>;
}

/// Real UDP sockets on the current tokio runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct UdpSockets;

impl SocketFactory for UdpSockets {
    fn socket(&self, bind: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let socket = Socket::new(Domain::for_address(bind), Type::DGRAM, Some(Protocol::UDP))?;
        // Best effort: an unprivileged process gets what net.core.{r,w}mem_max allow.
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
        socket.bind(&bind.into())?;
        quinn::TokioRuntime.wrap_udp_socket(UdpSocket::from(socket))
    }
}

/// The endpoints of one node.
#[derive(Debug)]
pub(crate) struct Endpoints {
    sockets: Arc<dyn SocketFactory>,
    /// Replaced with the key ring.
    identity: Mutex<Arc<Identity>>,
    listen: SocketAddr,
    /// Taken out when the node stops: the last handle frees the port.
    server: Mutex<Option<Endpoint>>,
    clients: [OnceLock<Endpoint>; Lane::ALL.len()],
}

impl Endpoints {
    pub(crate) fn bind(
        sockets: Arc<dyn SocketFactory>,
        identity: Identity,
        listen: SocketAddr,
        strangers: Arc<Strangers>,
    ) -> io::Result<Self> {
        let mut config = EndpointConfig::new(Arc::new(identity.reset_key.clone()));
        let cid_key = identity.cid_key;
        config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(cid_key)));
        config.min_reset_interval(RESET_INTERVAL);
        adapt(&mut config)?;
        let socket = Arc::new(ListeningSocket {
            inner: sockets.socket(listen)?,
            strangers,
        });
        let server = endpoint(config, Some(server_config(&identity)), socket)?;
        let listen = server.local_addr()?;
        Ok(Self {
            sockets,
            identity: Mutex::new(Arc::new(identity)),
            listen,
            server: Mutex::new(Some(server)),
            clients: Default::default(),
        })
    }

    /// The endpoint that listens, until the node stops.
    pub(crate) fn server(&self) -> Option<Endpoint> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The address that is listened on, its port known.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// From now on connections are dialed and accepted with this identity. Those that are there stay.
    pub(crate) fn replace_identity(&self, identity: Identity) {
        if let Some(server) = self.server() {
            server.set_server_config(Some(server_config(&identity)));
        }
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(identity);
    }

    /// Whether the peer at the other end would still be let in.
    pub(crate) fn trusts(&self, connection: &Connection) -> bool {
        self.identity().trusts(connection)
    }

    fn identity(&self) -> Arc<Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Dials on the lane's own socket, made at its first dial.
    pub(crate) fn connect(&self, lane: Lane, to: SocketAddr, name: &str) -> Result<quinn::Connecting, ConnectError> {
        let client = match self.clients.get(lane as usize).and_then(OnceLock::get) {
            Some(client) => client.clone(),
            None => self.open_client(lane, to)?,
        };
        let mut config = ClientConfig::new(self.identity().client.clone());
        let mut transport = transport(Role::Dialer);
        if lane == Lane::Events {
            let mut acks = AckFrequencyConfig::default();
            acks.ack_eliciting_threshold(VarInt::from_u32(UNACKED_PACKETS));
            acks.max_ack_delay(Some(ACK_DELAY));
            transport.ack_frequency_config(Some(acks));
        }
        if lane == Lane::Bulk {
            // Cubic fills whatever buffer the path has, and alerts on their own connection wait in the same buffer: on
            // 100 Mbit/s with 50 ms of it their p99 was 54–70 ms beside a flood of logs. BBR leaves it nearly empty.
            transport.congestion_controller_factory(Arc::new(BbrConfig::default()));
        }
        config.transport_config(Arc::new(transport));
        Ok(client.connect_with(config, to, name)?)
    }

    /// Closes every connection with `code`, waits until the peers have been told, and frees the port.
    pub(crate) async fn close(&self, code: VarInt, reason: &[u8]) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        let all: Vec<&Endpoint> = server
            .iter()
            .chain(self.clients.iter().filter_map(OnceLock::get))
            .collect();
        all.iter().for_each(|endpoint| endpoint.close(code, reason));
        for endpoint in all {
            endpoint.wait_idle().await;
        }
    }

    fn open_client(&self, lane: Lane, to: SocketAddr) -> io::Result<Endpoint> {
        let listen = self.listen;
        // From the address we listen on, so that a peer sees who we say we are; any address of the other family.
        let ip = match (listen.is_ipv4(), to.is_ipv4()) {
            (true, true) | (false, false) => listen.ip(),
            (_, true) => Ipv4Addr::UNSPECIFIED.into(),
            (_, false) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let mut config = EndpointConfig::default();
        adapt(&mut config)?;
        let endpoint = endpoint(config, None, self.sockets.socket(SocketAddr::new(ip, 0))?)?;
        if let (Some(slot), true) = (self.clients.get(lane as usize), listen.is_ipv4() == to.is_ipv4()) {
            return Ok(slot.get_or_init(|| endpoint).clone());
        }
        Ok(endpoint)
    }
}

fn server_config(identity: &Identity) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(identity.server.clone());
    config.transport_config(Arc::new(transport(Role::Acceptor)));
    config.migration(false);
    config.max_incoming(MAX_INCOMING);
    config
}

fn endpoint(
    config: EndpointConfig,
    server: Option<ServerConfig>,
    socket: Arc<dyn AsyncUdpSocket>,
) -> io::Result<Endpoint> {
    Endpoint::new_with_abstract_socket(config, server, socket, Arc::new(quinn::TokioRuntime))
}

/// Counts what reaches the listening port and cannot be QUIC: quinn drops it without a word.
#[derive(Debug)]
struct ListeningSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    strangers: Arc<Strangers>,
}

impl AsyncUdpSocket for ListeningSocket {
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
        if let Poll::Ready(Ok(count)) = received {
            let filled = buffers.iter().zip(meta.iter()).take(count);
            let foreign: usize = filled.map(|(buffer, meta)| not_quic(buffer, meta)).sum();
            if foreign > 0 {
                self.strangers.not_quic(foreign as u64);
            }
        }
        received
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

/// How many datagrams of one receive lack QUIC's fixed bit (RFC 9000, section 17).
fn not_quic(buffer: &[u8], meta: &RecvMeta) -> usize {
    let received = buffer.get(..meta.len).unwrap_or_default();
    received
        .chunks(meta.stride.max(1))
        .filter(|datagram| datagram.first().is_none_or(|first| first & 0x40 == 0))
        .count()
}

/// What all endpoints have in common: large packets, and no peer is told that it may clear the fixed bit at random
/// (RFC 9287), by which [`not_quic`] knows a stranger.
fn adapt(config: &mut EndpointConfig) -> io::Result<()> {
    config
        .grease_quic_bit(false)
        .max_udp_payload_size(MAX_PACKET)
        .map(drop)
        .map_err(io::Error::other)
}

enum Role {
    Dialer,
    Acceptor,
}

fn transport(role: Role) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(MAX_PACKET);
    transport
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok())
        .initial_rtt(INITIAL_RTT)
        .mtu_discovery_config(Some(mtu))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None);
    match role {
        // The acceptor never opens a stream; it answers on the dialer's control stream.
        Role::Dialer => transport
            .keep_alive_interval(Some(KEEP_ALIVE))
            .max_concurrent_bidi_streams(VarInt::from_u32(0))
            .max_concurrent_uni_streams(VarInt::from_u32(0)),
        // Before the hello is accepted there is one stream, the control stream, and no other.
        Role::Acceptor => transport
            .max_concurrent_bidi_streams(VarInt::from_u32(1))
            .max_concurrent_uni_streams(VarInt::from_u32(0)),
    };
    transport
}

/// Why a dial could not even begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("no client socket")]
    Socket(#[from] io::Error),
    #[error("cannot dial")]
    Quic(#[from] quinn::ConnectError),
}
