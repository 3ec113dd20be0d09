//! A connection a peer dialed: this node receives on it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_message::{Epoch, KeyId, Source};
use bellwether_protocol::acks::Acks;
use bellwether_protocol::control::{FromAcceptor, FromDialer, Hello, MAX_HELLO, WIRE_VERSION, Welcome};
use bellwether_protocol::feed_reader::ReceiveError;
use bellwether_protocol::frame::{STREAM_DATA, STREAM_GOSSIP};
use bellwether_protocol::interest::InterestTeller;
use bellwether_protocol::lane::Lane;
use bellwether_protocol::roster::Direction;
use bellwether_protocol::upstream::LinkRefused;
use quinn::{Connection, Endpoint, Incoming, RecvStream, SendStream, VarInt};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::close::Close;
use crate::control_stream::{self, ControlError};
use crate::identity::Identity;
use crate::membership::{self, Received};
use crate::reader::{self, StreamError};
use crate::replay::{self, REPLAYS};
use crate::shared::Shared;
use crate::sources::Upstream;

/// A handshake that is not done within this time is a stranger's.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(3);
/// So is a hello.
const HELLO_WITHIN: Duration = Duration::from_secs(2);
/// Connections that have not said a valid hello yet: in all, and from one address. Half are kept for addresses of
/// members, so that strangers cannot lock members out.
const UNPROVEN: usize = 64;
const UNPROVEN_PER_ADDRESS: usize = 16;
/// Streams a dialer may have: one per instance, gossip, and some that are being replaced.
const STREAMS: u32 = 16;

/// Accepts connections until the node stops.
pub(crate) async fn accept(shared: Arc<Shared>) {
    let unproven = Arc::new(Unproven::default());
    let endpoint = shared.endpoints.server();
    while let Some(incoming) = accept_next(endpoint.as_ref()).await {
        let address = incoming.remote_address();
        if unproven.is_crowded() && !incoming.remote_address_validated() {
            // Under pressure everybody first proves that its address is its own.
            let _ = incoming.retry();
            continue;
        }
        let Some(place) = unproven.enter(address.ip(), shared.is_known_host(address.ip())) else {
            shared.strangers.refused(address, "too_many");
            incoming.refuse();
            continue;
        };
        shared
            .supervisor
            .spawn("inbound", serve(shared.clone(), incoming, place));
    }
    // Holding it would hold the port.
    drop(endpoint);
    if shared.endpoints.server().is_some() {
        // Nobody has closed it. Without it the node would never hear of the mesh again, and not know it.
        let words = "the mesh's socket is lost: the system does not let this process read from it any more";
        shared.supervisor.fail(words.to_owned());
    }
    std::future::pending::<()>().await;
}

async fn accept_next(endpoint: Option<&Endpoint>) -> Option<Incoming> {
    endpoint?.accept().await
}

/// Connections that have not proven who they are, by address.
#[derive(Debug, Default)]
struct Unproven {
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among the unproven, given back on drop.
struct Place {
    unproven: Arc<Unproven>,
    address: IpAddr,
}

impl Unproven {
    fn enter(self: &Arc<Self>, address: IpAddr, known: bool) -> Option<Place> {
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = by_address.values().sum();
        let room = if known { UNPROVEN } else { UNPROVEN / 2 };
        let here = by_address.entry(address).or_default();
        if all >= room || (*here >= UNPROVEN_PER_ADDRESS && !known) {
            if *here == 0 {
                by_address.remove(&address);
            }
            return None;
        }
        *here += 1;
        Some(Place {
            unproven: self.clone(),
            address,
        })
    }

    fn is_crowded(&self) -> bool {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum::<usize>()
            > UNPROVEN / 4
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.unproven.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

async fn serve(shared: Arc<Shared>, incoming: Incoming, place: Place) {
    let address = incoming.remote_address();
    let connection = match tokio::time::timeout(HANDSHAKE_WITHIN, async { incoming.accept()?.await }).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(err)) => {
            tracing::debug!(%address, err = &err as &dyn std::error::Error, "handshake failed");
            return shared.strangers.refused(address, "handshake");
        }
        Err(_) => return shared.strangers.refused(address, "handshake_timeout"),
    };
    let greeting = tokio::time::timeout(HELLO_WITHIN, read_hello(&shared, &connection)).await;
    let (greeting, send, recv) = match greeting {
        Ok(Ok(greeting)) => greeting,
        Ok(Err(close)) => return refuse(&connection, close),
        // The client's certificate is judged after its side believes to be connected: most strangers end here.
        Err(_) => {
            shared.strangers.refused(address, "no_hello");
            return refuse(&connection, Close::BadHello);
        }
    };
    drop(place);
    if let Err(close) = shared.admit(&greeting.source, greeting.joined).await {
        if close != Close::OwnDial {
            tracing::debug!(peer = %greeting.source, %address, reason = close.name(), "refused a link");
        }
        if let (Close::StaleEpoch, Some(known)) = (close, shared.known_epoch(&greeting.source.node)) {
            // It names the newer run, so that the node can go above it.
            return connection.close(close.code(), known.to_string().as_bytes());
        }
        return refuse(&connection, close);
    }
    let accepted = match greeting.lane {
        Lane::Urgent => shared
            .sources
            .accept_link(&greeting.source, greeting.link, shared.has_joined()),
        Lane::Events | Lane::Bulk => shared
            .sources
            .accept_lane(&greeting.source, greeting.link, greeting.lane),
    };
    let (upstream, session) = match accepted {
        Ok(accepted) => accepted,
        Err(LinkRefused::Stale) => return refuse(&connection, Close::StaleEpoch),
        Err(LinkRefused::Replaced) => return refuse(&connection, Close::Replaced),
    };
    let inbound = Inbound {
        shared: &shared,
        connection: &connection,
        upstream: &upstream,
        greeting: &greeting,
        session: &session,
    };
    let close = inbound.run(send, recv).await;
    connection.close(close.code(), close.name().as_bytes());
}

fn refuse(connection: &Connection, close: Close) {
    connection.close(close.code(), close.name().as_bytes());
}

/// A hello that is in order.
struct Greeting {
    source: Source,
    advertise: SocketAddr,
    link: u64,
    lane: Lane,
    joined: bool,
    program: String,
}

async fn read_hello(shared: &Shared, connection: &Connection) -> Result<(Greeting, SendStream, RecvStream), Close> {
    let stranger = |reason| shared.strangers.refused(connection.remote_address(), reason);
    let (send, mut recv) = connection.accept_bi().await.map_err(|_| {
        stranger("no_hello");
        Close::BadHello
    })?;
    let hello: Hello = control_stream::read(&mut recv, MAX_HELLO).await.map_err(|_| {
        stranger("bad_hello");
        Close::BadHello
    })?;
    if hello.wire_version != WIRE_VERSION {
        return Err(Close::UnsupportedVersion);
    }
    if hello.cluster != shared.cluster {
        return Err(Close::WrongCluster);
    }
    let certified = Identity::of_peer(connection)
        .filter(|node| node.as_str() == hello.node)
        .ok_or(Close::BadHello)?;
    let advertise: SocketAddr = hello.advertise.parse().map_err(|_| Close::BadHello)?;
    let lane = Lane::from_wire(hello.lane).ok_or(Close::BadHello)?;
    if hello.link == u64::MAX {
        // The mark of a link that is over.
        return Err(Close::BadHello);
    }
    let source = Source {
        node: certified,
        epoch: Epoch(hello.epoch),
    };
    let greeting = Greeting {
        source,
        advertise,
        link: hello.link,
        lane,
        joined: hello.joined,
        program: hello.program,
    };
    Ok((greeting, send, recv))
}

/// An accepted connection of a link.
struct Inbound<'a> {
    shared: &'a Arc<Shared>,
    connection: &'a Connection,
    upstream: &'a Arc<Upstream>,
    greeting: &'a Greeting,
    session: &'a CancellationToken,
}

impl Inbound<'_> {
    async fn run(&self, mut send: SendStream, recv: RecvStream) -> Close {
        let next = if self.greeting.lane == Lane::Urgent {
            self.upstream.next()
        } else {
            Vec::new()
        };
        let welcome = FromAcceptor::Welcome(Welcome {
            wire_version: WIRE_VERSION,
            node: self.shared.own.node.to_string(),
            epoch: self.shared.own.epoch.0,
            program: self.shared.program.clone(),
            joined: self.shared.is_settled(),
            next,
        });
        if control_stream::write(&mut send, &welcome).await.is_err() {
            return Close::Gone;
        }
        self.connection
            .set_max_concurrent_uni_streams(VarInt::from_u32(STREAMS));
        // The control stream is one of them.
        self.connection
            .set_max_concurrent_bi_streams(VarInt::from_u32(1 + REPLAYS));
        match self.greeting.lane {
            Lane::Urgent => self.run_urgent(send, recv).await,
            Lane::Events | Lane::Bulk => {
                // The control streams of these lanes stay open and say nothing more.
                let _keep = (send, recv);
                self.run_streams(std::future::pending()).await
            }
        }
    }

    async fn run_urgent(&self, send: SendStream, recv: RecvStream) -> Close {
        let (source, shared) = (&self.greeting.source, self.shared);
        let address = self.greeting.advertise;
        shared.update(|roster, now| roster.on_linked(Direction::In, source, address, &self.greeting.program, now));
        shared.links.heard_from(source, address);
        tracing::debug!(peer = %source, %address, "link in is up");
        let guard = Down {
            shared,
            source,
            upstream: self.upstream,
            link: self.greeting.link,
        };
        let close = self.run_streams(self.run_control(send, recv)).await;
        drop(guard);
        tracing::debug!(peer = %source, reason = close.name(), "link in is down");
        // The session is over with its urgent connection; its other lanes end too.
        self.session.cancel();
        if self.connection.close_reason().as_ref().and_then(Close::of) == Some(Close::Leaving) {
            shared.left(source);
        }
        close
    }

    /// Receives streams beside `control`, until either ends.
    async fn run_streams(&self, control: impl Future<Output = Result<(), ControlError>>) -> Close {
        let mut control = std::pin::pin!(control);
        let mut ring = self.shared.keys.watch();
        // Keys may have been removed since the handshake.
        if !self.shared.endpoints.trusts(self.connection) {
            return Close::KeyRemoved;
        }
        let mut streams: JoinSet<Result<(), StreamError>> = JoinSet::new();
        let mut replays: JoinSet<()> = JoinSet::new();
        loop {
            tokio::select! {
                () = self.session.cancelled() => return Close::Replaced,
                Ok(()) = ring.changed() => {
                    if !self.shared.endpoints.trusts(self.connection) {
                        return Close::KeyRemoved;
                    }
                }
                _ended = &mut control => return Close::Gone,
                accepted = self.connection.accept_uni() => match accepted {
                    Ok(stream) => {
                        let (shared, upstream) = (self.shared.clone(), self.upstream.clone());
                        let (link, lane, from) = (self.greeting.link, self.greeting.lane, self.greeting.advertise);
                        streams.spawn(async move { receive(&shared, &upstream, link, lane, from, stream).await });
                    }
                    Err(_lost) => return Close::Gone,
                },
                asked = self.connection.accept_bi() => match asked {
                    Ok((send, recv)) => {
                        let (shared, peer) = (self.shared.clone(), self.greeting.source.clone());
                        replays.spawn(async move {
                            if let Err(err) = replay::answer(&shared, send, recv).await {
                                tracing::debug!(%peer, err = &err as &dyn std::error::Error, "a replay ended early");
                            }
                        });
                    }
                    Err(_lost) => return Close::Gone,
                },
                Some(ended) = replays.join_next() => match ended {
                    Err(err) if err.is_panic() => std::panic::resume_unwind(err.into_panic()),
                    _ => {}
                },
                Some(ended) = streams.join_next() => match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(StreamError::Replaced)) => return Close::Replaced,
                    Ok(Err(StreamError::Receive(ReceiveError::KeyRemoved))) => return Close::KeyRemoved,
                    Ok(Err(StreamError::Read(_) | StreamError::ReadExact(_))) => return Close::Gone,
                    Ok(Err(StreamError::Receive(ReceiveError::UnknownKey(key)))) => {
                        tracing::warn!(peer = %self.greeting.source, %key, "closed a link that signs with a key which this node lacks: `bellwether keys add` brings it");
                        return Close::Protocol;
                    }
                    Ok(Err(err)) => {
                        tracing::warn!(peer = %self.greeting.source, err = &err as &dyn std::error::Error, "closed a link that broke the protocol");
                        return Close::Protocol;
                    }
                    Err(err) if err.is_panic() => std::panic::resume_unwind(err.into_panic()),
                    Err(_) => {}
                },
            }
        }
    }

    /// Tells interest and acknowledgements, and answers.
    async fn run_control(&self, mut send: SendStream, recv: RecvStream) -> Result<(), ControlError> {
        let mut versions = self.shared.broker.interest_version();
        let mut teller = InterestTeller::new(self.upstream.slot);
        self.tell_interest(&mut send, &mut teller).await?;
        let (tell, mut inbox) = control_stream::inbox();
        let mut pump = std::pin::pin!(control_stream::pump::<FromDialer>(recv, tell));
        let mut acks = Acks::new(self.shared.sources.floods());
        let mut acked_at = Instant::now();
        let mut ack_at: Option<Instant> = None;
        loop {
            tokio::select! {
                ended = &mut pump => return ended,
                Some(frame) = inbox.recv() => match frame {
                    FromDialer::Ping(nonce) => control_stream::write(&mut send, &FromAcceptor::Pong(nonce)).await?,
                    FromDialer::Leaving => self.shared.update(|roster, _| roster.on_leaving(&self.greeting.source)),
                    FromDialer::Keys(keys) if self.upstream.is_current(self.greeting.link) => {
                        self.upstream.carrier.set_keys(Some(keys.into_iter().map(KeyId).collect()));
                    }
                    FromDialer::Keys(_) => {}
                },
                changed = versions.changed() => match changed {
                    Ok(()) => self.tell_interest(&mut send, &mut teller).await?,
                    // The broker is gone: the node stops.
                    Err(_) => return Ok(()),
                },
                () = self.upstream.carrier.ack_due.notified(), if ack_at.is_none_or(|at| at > acked_at + acks.delay()) => {
                    ack_at = Some(acked_at + acks.delay());
                }
                () = tokio::time::sleep_until(ack_at.unwrap_or_else(Instant::now)), if ack_at.is_some() => {
                    acked_at = Instant::now();
                    let (sources, now) = (self.shared.sources.count(), self.shared.started.elapsed());
                    let due = acks.due(&self.shared.broker, self.upstream, sources, now);
                    ack_at = acks.look_again().map(|later| acked_at + later);
                    if !due.is_empty() {
                        control_stream::write(&mut send, &FromAcceptor::Ack(due)).await?;
                    }
                }
            }
        }
    }

    /// Tells what has changed since it was told last; at first, everything.
    async fn tell_interest(&self, send: &mut SendStream, teller: &mut InterestTeller) -> Result<(), ControlError> {
        for frame in teller.frames(&self.shared.broker) {
            control_stream::write(send, &FromAcceptor::Interest(frame)).await?;
        }
        Ok(())
    }
}

/// Whatever ends the link in, also the drop of its task: the roster is told, unless a newer link has taken over.
struct Down<'a> {
    shared: &'a Arc<Shared>,
    source: &'a Source,
    upstream: &'a Upstream,
    link: u64,
}

impl Drop for Down<'_> {
    fn drop(&mut self) {
        if self.upstream.is_current(self.link) {
            self.upstream.carrier.set_keys(None);
            self.shared
                .update(|roster, now| roster.on_unlinked(Direction::In, self.source, now));
        }
    }
}

async fn receive(
    shared: &Shared,
    upstream: &Upstream,
    link: u64,
    lane: Lane,
    from: SocketAddr,
    mut stream: RecvStream,
) -> Result<(), StreamError> {
    let mut kind = [0];
    stream.read_exact(&mut kind).await?;
    match kind {
        [STREAM_DATA] => reader::receive(shared, upstream, link, lane, stream).await,
        [STREAM_GOSSIP] if lane == Lane::Urgent => receive_gossip(shared, from, stream).await,
        _ => Err(ReceiveError::Header.into()),
    }
}

async fn receive_gossip(shared: &Shared, from: SocketAddr, mut stream: RecvStream) -> Result<(), StreamError> {
    loop {
        let mut len = [0; 4];
        stream.read_exact(&mut len).await?;
        let len = u32::from_le_bytes(len) as usize;
        if len > membership::MAX_MESSAGE {
            return Err(ReceiveError::Header.into());
        }
        let mut bytes = vec![0; len];
        stream.read_exact(&mut bytes).await?;
        let received: Received = (from, membership::decode(&bytes).ok_or(ReceiveError::Header)?);
        shared.gossip.received.fetch_add(1, Ordering::Relaxed);
        // Full: dropped, as a datagram would be; gossip says it again.
        if shared.gossip_inbox.try_send(received).is_err() {
            shared.gossip.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
