//! A session: one time a link is up, and the control loop that serves it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_broker::MAX_PATTERNS;
use bellwether_message::{Instance, Pattern, Source};
use bellwether_protocol::control::{FromAcceptor, FromDialer, InterestFrame};
use bellwether_protocol::frame::STREAM_GOSSIP;
use bellwether_protocol::interest::{Heard, InterestError, InterestHearer};
use bellwether_protocol::lane::Lane;
use bellwether_protocol::outgoing_feed::OutgoingFeed;
use quinn::{Connection, RecvStream, SendStream};
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::close::Close;
use crate::control_stream;
use crate::dial::{Dialed, LinkError, dial};
use crate::figures::{LaneFigures, LinkFigures};
use crate::links::{Command, Link};
use crate::shared::Shared;
use crate::writer::FeedOut;

/// Waits between attempts to open a lane of a link that is up.
const LANE_RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Pings under way at once on one link; a further one counts as unanswered.
const PINGS: usize = 16;

/// One time a link is up: from the welcome to the loss of its urgent connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) peer: Source,
    /// Drop the link and dial again: the peer has a newer run.
    pub(crate) redial: CancellationToken,
    pub(crate) number: u64,
    connection: Connection,
    lanes: [OnceCell<Connection>; Lane::ALL.len()],
    /// Per instance the seq that the welcome asked for.
    next: Vec<u64>,
    feeds: Mutex<[Option<Arc<FeedOut>>; Instance::COUNT]>,
    leaving: AtomicBool,
    /// Whether the peer's whole interest was heard.
    heard: AtomicBool,
}

impl Session {
    /// The session that a welcome begins.
    pub(crate) fn new(peer: Source, number: u64, dialed: &Dialed) -> Self {
        Self {
            peer,
            redial: CancellationToken::new(),
            number,
            lanes: std::array::from_fn(|_| OnceCell::new()),
            connection: dialed.connection.clone(),
            next: dialed.welcome.next.clone(),
            feeds: Mutex::default(),
            leaving: AtomicBool::new(false),
            heard: AtomicBool::new(false),
        }
    }

    /// Feeds that the peer wants.
    pub(crate) fn feeds(&self) -> Vec<Arc<FeedOut>> {
        self.lock().iter().flatten().cloned().collect()
    }

    /// What the peer wants of an instance.
    pub(crate) fn interest(&self, instance: Instance) -> Vec<Pattern> {
        self.feed(instance)
            .map(|feed| feed.lock().patterns().cloned().collect())
            .unwrap_or_default()
    }

    /// The feed of an instance, if the peer ever wanted it.
    pub(crate) fn feed(&self, instance: Instance) -> Option<Arc<FeedOut>> {
        self.lock().get(instance.index()).cloned().flatten()
    }

    /// Whether the peer's whole interest was heard.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard.load(Ordering::Acquire)
    }

    /// Patterns that the peer wants, over all instances.
    fn wants(&self) -> usize {
        self.feeds().iter().map(|feed| feed.lock().wants()).sum()
    }

    /// Ends every feed once all it holds is sent.
    pub(crate) fn end_feeds(&self, shared: &Shared) {
        self.leaving.store(true, Ordering::Release);
        for feed in self.feeds() {
            feed.change(&shared.broker, |feed, _| feed.end());
        }
    }

    /// Whether the peer has acknowledged everything it was sent, ends included.
    pub(crate) fn is_drained(&self) -> bool {
        self.has_heard() && self.feeds().iter().all(|feed| feed.is_drained())
    }

    /// Whether the peer, as it has shown itself on each lane, would still be let in.
    fn is_trusted(&self, shared: &Shared) -> bool {
        self.connections().all(|connection| shared.endpoints.trusts(connection))
    }

    /// The lanes that are open.
    fn connections(&self) -> impl Iterator<Item = &Connection> {
        std::iter::once(&self.connection).chain(self.lanes.iter().filter_map(OnceCell::get))
    }

    /// How long a packet takes to the peer and back.
    pub(crate) fn round_trip(&self) -> Duration {
        self.connection.rtt()
    }

    /// What the lanes that are open have measured.
    pub(crate) fn figures(&self) -> LinkFigures {
        let others = Lane::ALL.into_iter().zip(&self.lanes);
        let open = others.filter_map(|(lane, cell)| Some((lane, cell.get()?)));
        let lanes = std::iter::once((Lane::Urgent, &self.connection)).chain(open);
        LinkFigures {
            peer: self.peer.node.clone(),
            lanes: lanes
                .map(|(lane, connection)| LaneFigures::of(lane, connection))
                .collect(),
        }
    }

    /// Closes every lane.
    pub(crate) fn close(&self, close: Close) {
        self.connections()
            .for_each(|connection| connection.close(close.code(), close.name().as_bytes()));
    }

    fn lock(&self) -> MutexGuard<'_, [Option<Arc<FeedOut>>; Instance::COUNT]> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection of a lane. A dial that fails is tried again, and does not take the lanes that are up with it.
    async fn open_lane(&self, shared: &Shared, link: &Link, lane: Lane) -> Result<Connection, LinkError> {
        let (mut wait, longest) = LANE_RETRY;
        loop {
            match self.lane(shared, link, lane).await {
                Ok(connection) => return Ok(connection),
                // The peer knows a newer link, or this one is over: it must be dialed anew.
                Err(err) if err.close().is_some() => return Err(err),
                Err(err) => {
                    tracing::debug!(peer = %self.peer, ?lane, err = &err as &dyn std::error::Error, "cannot open a lane");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    /// The connection of a lane, dialed when first needed.
    pub(crate) async fn lane(&self, shared: &Shared, link: &Link, lane: Lane) -> Result<Connection, LinkError> {
        if lane == Lane::Urgent {
            return Ok(self.connection.clone());
        }
        let Some(cell) = self.lanes.get(lane as usize) else {
            return Err(LinkError::Unexpected);
        };
        let dialed = cell.get_or_try_init(|| async {
            let dialed = dial(shared, link, Some(&self.peer.node), lane, self.number).await?;
            match dialed.peer(Some(&self.peer.node)) {
                Some((peer, _)) if peer == self.peer => Ok(dialed.connection),
                _ => Err(LinkError::Unexpected),
            }
        });
        dialed.await.cloned()
    }
}

/// The control loop of a session.
pub(crate) struct Serving<'a> {
    shared: &'a Arc<Shared>,
    link: &'a Arc<Link>,
    session: &'a Arc<Session>,
    writers: JoinSet<Result<(), LinkError>>,
    pings: Vec<(u64, oneshot::Sender<()>)>,
    next_ping: u64,
    hearer: InterestHearer,
    gossip: Option<SendStream>,
}

impl<'a> Serving<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>, link: &'a Arc<Link>, session: &'a Arc<Session>) -> Self {
        let (writers, pings) = (JoinSet::new(), Vec::new());
        Self {
            shared,
            link,
            session,
            writers,
            pings,
            next_ping: 0,
            hearer: InterestHearer::default(),
            gossip: None,
        }
    }

    /// Serves until the link is lost.
    pub(crate) async fn run(
        mut self,
        mut send: SendStream,
        recv: RecvStream,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<(), LinkError> {
        let (tell, mut inbox) = control_stream::inbox();
        let mut pump = std::pin::pin!(control_stream::pump::<FromAcceptor>(recv, tell));
        let mut ring = self.shared.keys.watch();
        self.on_ring(&mut send).await?;
        loop {
            tokio::select! {
                ended = &mut pump => return ended.map_err(LinkError::Control),
                Some(frame) = inbox.recv() => self.on_frame(frame)?,
                () = self.link.gossip_ready.notified() => self.send_gossip().await?,
                Ok(()) = ring.changed() => self.on_ring(&mut send).await?,
                Some(command) = commands.recv() => self.on_command(command, &mut send).await?,
                Some(writer) = self.writers.join_next() => match writer {
                    Ok(ended) => ended?,
                    Err(err) if err.is_panic() => std::panic::resume_unwind(err.into_panic()),
                    Err(_) => {}
                },
                reason = self.session.connection.closed() => return Err(reason.into()),
            }
        }
    }

    /// The ring is another: the link goes on only if the peer has shown a key that is still there, and is told.
    async fn on_ring(&mut self, send: &mut SendStream) -> Result<(), LinkError> {
        if !self.session.is_trusted(self.shared) {
            self.session.close(Close::KeyRemoved);
            return Err(LinkError::KeyRemoved);
        }
        control_stream::write(send, &FromDialer::Keys(self.shared.keys.told())).await?;
        Ok(())
    }

    fn on_frame(&mut self, frame: FromAcceptor) -> Result<(), LinkError> {
        match frame {
            FromAcceptor::Interest(frame) => self.on_interest(frame)?,
            FromAcceptor::Pong(nonce) => {
                if let Some(at) = self.pings.iter().position(|(asked, _)| *asked == nonce) {
                    let _ = self.pings.swap_remove(at).1.send(());
                }
            }
            FromAcceptor::Ack(acks) => {
                for ack in acks {
                    let feed = Instance::from_index(ack.instance).and_then(|instance| self.session.feed(instance));
                    if let Some(feed) = feed {
                        feed.on_ack(&ack);
                    }
                }
                self.shared.links.acknowledged();
            }
            FromAcceptor::Welcome(_) => return Err(LinkError::Unexpected),
        }
        Ok(())
    }

    fn on_interest(&mut self, frame: InterestFrame) -> Result<(), LinkError> {
        for heard in self.hearer.hear(frame)? {
            match heard {
                Heard::Whole(whole) => self.on_whole_interest(*whole),
                Heard::Add(instance, pattern, added, from) => {
                    if self.session.wants() >= MAX_PATTERNS {
                        return Err(InterestError::TooMany.into());
                    }
                    self.change(instance, |feed, head| feed.want(pattern, added, from, head));
                }
                Heard::Remove(instance, pattern, added) => {
                    self.change(instance, |feed, _| feed.unwant(&pattern, added))
                }
            }
        }
        Ok(())
    }

    fn on_whole_interest(&mut self, whole: [Vec<(Pattern, u64, u64)>; Instance::COUNT]) {
        for (instance, wants) in Instance::ALL.into_iter().zip(whole) {
            if wants.is_empty() && self.session.feed(instance).is_none() {
                continue;
            }
            self.change(instance, |feed, head| feed.want_only(wants, head));
        }
        self.session.heard.store(true, Ordering::Release);
    }

    fn change(&mut self, instance: Instance, change: impl FnOnce(&mut OutgoingFeed, u64)) {
        self.feed(instance).change(&self.shared.broker, change);
    }

    /// The feed of an instance; its writer starts, and its lane opens, when first wanted.
    fn feed(&mut self, instance: Instance) -> Arc<FeedOut> {
        let mut feeds = self.session.lock();
        if let Some(feed) = feeds.get(instance.index()).cloned().flatten() {
            return feed;
        }
        let next = self.session.next.get(instance.index()).copied().unwrap_or(0);
        let feed = Arc::new(FeedOut::new(
            &self.shared.broker,
            instance,
            next,
            Arc::new(self.session.peer.clone()),
        ));
        feed.change(&self.shared.broker, |feed, head| {
            feed.want_only(Vec::new(), head);
            if self.session.leaving.load(Ordering::Acquire) {
                feed.end();
            }
        });
        if let Some(slot) = feeds.get_mut(instance.index()) {
            *slot = Some(feed.clone());
        }
        let (shared, link, session, writing) = (
            self.shared.clone(),
            self.link.clone(),
            self.session.clone(),
            feed.clone(),
        );
        self.writers.spawn(async move {
            let connection = session.open_lane(&shared, &link, Lane::of(instance)).await?;
            writing
                .write(&shared.broker, &connection)
                .await
                .map_err(LinkError::Send)
        });
        feed
    }

    async fn send_gossip(&mut self) -> Result<(), LinkError> {
        let mut batch = Vec::new();
        let stream = match &mut self.gossip {
            Some(stream) => stream,
            None => {
                let stream = self.session.connection.open_uni().await?;
                stream.set_priority(100).ok();
                batch.push(STREAM_GOSSIP);
                self.gossip.insert(stream)
            }
        };
        while let Some(message) = self.link.next_gossip() {
            let Ok(len) = u32::try_from(message.len()) else {
                continue;
            };
            batch.extend_from_slice(&len.to_le_bytes());
            batch.extend_from_slice(&message);
            self.shared.gossip.sent.fetch_add(1, Ordering::Relaxed);
        }
        stream
            .write_all(&batch)
            .await
            .map_err(|err| LinkError::Send(err.into()))
    }

    async fn on_command(&mut self, command: Command, send: &mut SendStream) -> Result<(), LinkError> {
        match command {
            Command::Ping(run, answer) => {
                // Whoever no longer waits makes room for others.
                self.pings.retain(|(_, answer)| !answer.is_closed());
                // A ping that has waited over a restart is not for the newer run to answer.
                if run == self.session.peer && self.pings.len() < PINGS {
                    self.next_ping += 1;
                    self.pings.push((self.next_ping, answer));
                    control_stream::write(send, &FromDialer::Ping(self.next_ping)).await?;
                }
            }
            Command::Leave => control_stream::write(send, &FromDialer::Leaving).await?,
        }
        Ok(())
    }
}
