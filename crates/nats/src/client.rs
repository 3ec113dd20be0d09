//! One client: what it says is carried out, what it is told is written to its buffer.
//!
//! Nothing here waits or touches a socket; [`crate::connection`] does.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bellwether::{Delivery, GapCause, Instance, Node, SubscribeError, Subscription, Timestamp, Topic};
use bellwether_access::{AuthenticateError, Credentials, LimitExceeded, PolicyWatch, Session};
use bytes::{Buf, BytesMut};
use futures_core::Stream;

use crate::connect::Connect;
use crate::fault::{Fault, Quoted};
use crate::house::House;
use crate::info::Info;
use crate::message::Scribe;
use crate::operation::{Operation, Publish};
use crate::own_messages::OwnMessages;
use crate::parser::{Step, parse};
use crate::pending::Pending;
use crate::pings::{Due, Pings};
use crate::publishing::{Publishing, refused};
use crate::ready::{Key, Ready};
use crate::subject::{FOREIGN, is_under};
use crate::subject_pattern::{SubjectPattern, Want};
use crate::subscriptions::Subscriptions;

/// A client must have said who it is within this, where somebody must be.
const AUTHENTICATE_WITHIN: Duration = Duration::from_secs(2);
/// An answer to a ping, and a request, wait so long until other nodes know of the client's own subscriptions.
const LIVE_WITHIN: Duration = Duration::from_secs(2);
/// A message waits so long for leave to be published, by which time everybody has leave for a second's worth.
const LEAVE_WITHIN: Duration = Duration::from_millis(1100);
/// Between two looks whether there is leave.
const LEAVE_POLL: Duration = Duration::from_millis(10);
/// Messages, and bytes, that a client publishes between two looks whether the mesh has room.
const LOOK_MESSAGES: usize = 256;
const LOOK_BYTES: usize = 256 * 1024;
/// A client that publishes faster than the mesh takes it waits so long at each look, as at a server of NATS. Then it goes on:
/// who reads slowly must not stop who publishes.
const ROOM_WITHIN: Duration = Duration::from_millis(10);
/// Subscriptions that other nodes have not been asked about yet; with more, the next waits for them.
const MAX_CONFIRMING: usize = 1024;
/// Bytes, and deliveries, of one subscription before others have their turn.
const TURN_BYTES: usize = 64 * 1024;
const TURN_DELIVERIES: usize = 1024;
/// Bytes of all of them before the socket has its turn.
const ROUND_BYTES: usize = 256 * 1024;

/// Until it resolves, nothing more is read of what the client says.
pub(crate) type Hold = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) struct Client {
    house: Arc<House>,
    id: u64,
    peer: SocketAddr,
    /// What it said of itself last.
    said: Connect,
    has_connected: bool,
    /// What the node is has changed since the client was told, which has not said yet whether it understands that.
    owes_info: bool,
    /// Somebody must be here: nobody is served without a token.
    must_authenticate: bool,
    session: Option<Session>,
    policy: PolicyWatch,
    max_payload: usize,
    subscriptions: Subscriptions,
    ready: Arc<Ready>,
    confirming: Vec<Hold>,
    /// Since when the next message waits for leave.
    waits_for_leave: Option<Duration>,
    /// Messages and bytes published since the last look.
    unlooked: (usize, usize),
    publishing: Publishing,
    own: OwnMessages,
    scribe: Scribe,
    pending: Pending,
    pings: Pings,
    opened: Duration,
    /// When what is carried out now was read: one look at the clock for many messages.
    heard: Duration,
    /// When it last took something, or nothing waited.
    progress: Duration,
    is_leaving: bool,
    is_closing: bool,
}

/// What became of an operation.
enum Taken {
    Done,
    /// Nothing was done; it comes again afterwards.
    Later(Hold),
}

impl Client {
    pub(crate) fn new(house: Arc<House>, id: u64, peer: SocketAddr) -> Option<Self> {
        let now = house.now();
        Some(Self {
            id,
            peer,
            said: Connect::default(),
            has_connected: false,
            owes_info: false,
            must_authenticate: !house.access.serves_anonymous(),
            session: None,
            policy: PolicyWatch::default(),
            max_payload: house.max_payload(),
            subscriptions: Subscriptions::default(),
            ready: Arc::default(),
            confirming: Vec::new(),
            waits_for_leave: None,
            unlooked: (0, 0),
            publishing: Publishing::new()?,
            own: OwnMessages::default(),
            scribe: Scribe::default(),
            pending: Pending::default(),
            pings: Pings::new(house.settings.ping_interval, now),
            opened: now,
            heard: now,
            progress: now,
            is_leaving: false,
            is_closing: false,
            house,
        })
    }

    /// What is written to it next.
    pub(crate) fn pending(&self) -> &[u8] {
        self.pending.front()
    }

    /// Whether so much waits that the socket should have its turn before more is taken.
    pub(crate) fn has_enough(&self) -> bool {
        self.pending.bytes() >= ROUND_BYTES
    }

    pub(crate) fn ready(&self) -> Arc<Ready> {
        self.ready.clone()
    }

    /// Whether nothing more is read from it.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Says what the node is: first of all, and when that has changed.
    pub(crate) fn tell_info(&mut self) {
        let urls = self.house.urls.borrow().clone();
        let mut info = Info::new(self.house.node.id().as_str(), self.house.local, self.id, self.peer);
        info.max_payload = self.max_payload;
        info.auth_required = self.must_authenticate;
        let has_tls = self.house.settings.tls.is_some();
        info.tls_required = has_tls && self.house.settings.tls_required;
        info.tls_available = has_tls;
        info.connect_urls = &urls;
        info.ldm = self.is_leaving;
        self.pending.add(|out| info.write(out));
    }

    /// What the node is has changed, such as the addresses of others: told now, or once the client has said who it is.
    pub(crate) fn on_news(&mut self) {
        self.owes_info = !self.has_connected;
        if self.has_connected && self.said.protocol > 0 {
            self.tell_info();
        }
    }

    /// The node is about to stop: the client should go elsewhere.
    pub(crate) fn on_leaving(&mut self) {
        self.is_leaving = true;
        self.on_news();
    }

    /// The connection ends once everything was written.
    pub(crate) fn close(&mut self) {
        self.is_closing = true;
    }

    /// Carries out what it has said, as far as that can be.
    pub(crate) fn on_input(&mut self, input: &mut BytesMut) -> Option<Hold> {
        self.heard = self.house.now();
        self.pings.on_input(self.heard);
        while !self.is_closing {
            match parse(input, self.max_payload) {
                Ok(Step::Operation { operation, used }) => {
                    let taken = self.on_operation(operation);
                    match taken {
                        Ok(Taken::Done) => {}
                        Ok(Taken::Later(hold)) => return Some(hold),
                        Err(fault) => self.fail(fault),
                    }
                    self.waits_for_leave = None;
                    input.advance(used);
                }
                Ok(Step::Incomplete { needed }) => {
                    let more = needed.saturating_sub(input.len());
                    input.reserve(more);
                    return None;
                }
                Err(err) => self.fail(err.into()),
            }
        }
        None
    }

    /// So many bytes were written to it.
    pub(crate) fn on_written(&mut self, bytes: usize) {
        self.pending.advance(bytes);
        self.progress = self.house.now();
    }

    /// Time has passed.
    pub(crate) fn on_tick(&mut self) {
        let now = self.house.now();
        if let Some(session) = &self.session {
            match session.caller().check(Timestamp::now()) {
                Ok(()) => {}
                Err(AuthenticateError::Expired) => return self.fail(Fault::AuthenticationExpired),
                Err(_) => return self.fail(Fault::AuthenticationRevoked),
            }
        } else if self.must_authenticate && now.saturating_sub(self.opened) >= AUTHENTICATE_WITHIN {
            return self.fail(Fault::AuthenticationTimeout);
        }
        self.end_the_denied();
        let most = self.most_payload();
        if std::mem::replace(&mut self.max_payload, most) != most {
            // It was configured anew: what a client is told of first of all is told again, to those that listen to it.
            self.on_news();
        }
        if self.pending.is_empty() {
            self.progress = now;
        } else if now.saturating_sub(self.progress) >= self.house.settings.write_deadline {
            return self.fail(Fault::SlowConsumer);
        }
        match self.pings.on_tick(now) {
            Due::Nothing => {}
            Due::Ping => self.pending.add(|out| out.extend_from_slice(b"PING\r\n")),
            Due::Stale => self.fail(Fault::Stale),
        }
    }

    fn on_operation(&mut self, operation: Operation<'_>) -> Result<Taken, Fault> {
        if let Operation::Connect(json) = operation {
            return self.on_connect(json);
        }
        if self.session.is_none() {
            self.authenticate(None)?;
        }
        match operation {
            Operation::Publish(message) => self.on_publish(&message),
            Operation::Subscribe { subject, queue, sid } => self.on_subscribe(subject, queue, sid),
            Operation::Unsubscribe { sid, max } => {
                self.subscriptions.end(sid, max);
                Ok(self.confirm())
            }
            Operation::Ping => {
                if let Some(hold) = self.until_live() {
                    return Ok(Taken::Later(hold));
                }
                self.pending.add(|out| out.extend_from_slice(b"PONG\r\n"));
                Ok(Taken::Done)
            }
            Operation::Pong | Operation::Connect(_) => Ok(Taken::Done),
        }
    }

    fn on_connect(&mut self, json: &[u8]) -> Result<Taken, Fault> {
        let mut said = Connect::parse(json)?;
        self.authenticate(said.token())?;
        said.forget_token();
        self.said = said;
        self.has_connected = true;
        tracing::debug!(client = self.said.name(), "a NATS client is there");
        let taken = self.confirm();
        if self.owes_info {
            self.on_news();
        }
        Ok(taken)
    }

    /// Ends subscriptions of which it may have nothing any more, where the policy has changed since the last look.
    fn end_the_denied(&mut self) {
        let Some(session) = &self.session else { return };
        let caller = session.caller();
        if !self.policy.has_changed(caller) {
            return;
        }
        let may_go_on = |part: &Subscription| caller.may_go_on(part.instance(), part.patterns()).is_ok();
        for entry in self.subscriptions.take_unless(may_go_on) {
            let subject = Quoted::new(entry.pattern.as_str().as_bytes());
            self.fail(Fault::MayNotSubscribe(subject));
        }
    }

    /// The largest payload that it may publish now.
    fn most_payload(&self) -> usize {
        let most = self.house.max_payload();
        let session = self.session.as_ref();
        session.map_or(most, |session| most.min(session.limits().payload_bytes))
    }

    fn authenticate(&mut self, token: Option<&str>) -> Result<(), Fault> {
        let credentials = token.map_or(Credentials::Anonymous, Credentials::Token);
        let authenticated = self.house.access.authenticate(credentials, Timestamp::now());
        let caller = authenticated.map_err(|err| {
            tracing::debug!(%err, "a NATS client is refused");
            Fault::Authorization
        })?;
        // An earlier one of the same connection is given back first.
        self.session = None;
        let session = caller.open_session().map_err(|_| Fault::Connections)?;
        self.session = Some(session);
        self.max_payload = self.most_payload();
        Ok(())
    }

    fn on_publish(&mut self, message: &Publish<'_>) -> Result<Taken, Fault> {
        if message.headers.is_some() && !self.said.headers {
            return Err(Fault::HeadersNotSupported);
        }
        if message.reply.is_some()
            && let Some(hold) = self.until_live()
        {
            // The answer must not come before the interest in it is known.
            return Ok(Taken::Later(hold));
        }
        let Some(session) = &self.session else {
            return Err(Fault::Authorization);
        };
        let (instance, draft) = self.publishing.prepare(message)?;
        let topic = &draft.topic;
        let is_kept = topic.is_reserved() && !(instance == Instance::Events && is_under(topic.as_str(), FOREIGN));
        if is_kept || session.caller().may_publish(instance, topic.as_str()).is_err() {
            return Err(Fault::MayNotPublish(Quoted::new(message.subject)));
        }
        if let Some(hold) = look_for_room(
            &self.house.node,
            &mut self.unlooked,
            (instance, topic),
            message.payload.len(),
        ) {
            return Ok(Taken::Later(hold));
        }
        match session.spend(message.payload.len(), self.heard) {
            Ok(()) => {}
            Err(LimitExceeded::Rate { .. }) => return self.wait_for_leave(self.heard),
            Err(_) => return Err(Fault::Payload),
        }
        if let Some(reply) = message.reply
            && self.said.no_responders
            && !self.house.node.is_wanted(instance, topic.as_str())
        {
            // Who was told that nobody heard must not be heard later.
            self.tell_no_responders(message.subject, reply);
            return Ok(self.confirm());
        }
        let draft = self.publishing.complete(message.payload);
        let id = self.house.node.publish(instance, draft).map_err(|err| refused(&err))?;
        if !self.said.echo {
            self.own.note(instance, id.seq);
        }
        Ok(self.confirm())
    }

    /// Who publishes faster than it may is read more slowly. What gets no leave though nothing else was published is more
    /// than is allowed at once.
    fn wait_for_leave(&mut self, now: Duration) -> Result<Taken, Fault> {
        let since = *self.waits_for_leave.get_or_insert(now);
        match now.saturating_sub(since) < LEAVE_WITHIN {
            true => Ok(Taken::Later(Box::pin(tokio::time::sleep(LEAVE_POLL)))),
            false => Err(Fault::Rate),
        }
    }

    fn tell_no_responders(&mut self, subject: &[u8], reply: &[u8]) {
        let Some(subscription) = self.subscriptions.matching(reply) else {
            return;
        };
        let Some(entry) = self.subscriptions.entry(subscription) else {
            return;
        };
        let (scribe, sid) = (&mut self.scribe, &entry.sid);
        self.pending
            .add(|out| scribe.write_no_responders(subject, reply, sid, out));
        if !entry.count.deliver() {
            self.subscriptions.remove(subscription);
        }
    }

    fn on_subscribe(&mut self, subject: &[u8], queue: Option<&[u8]>, sid: &[u8]) -> Result<Taken, Fault> {
        let pattern = SubjectPattern::parse(subject).ok_or(Fault::Subject)?;
        if self.subscriptions.has(sid) {
            return Ok(self.confirm());
        }
        if self.confirming.len() >= MAX_CONFIRMING
            && let Some(hold) = self.until_live()
        {
            return Ok(Taken::Later(hold));
        }
        let wants = match queue {
            Some(queue) => {
                let queue = std::str::from_utf8(queue).map_err(|_| Fault::Subject)?;
                pattern.queue_wants(queue).ok_or(Fault::Subject)?
            }
            None => pattern.wants(),
        };
        let Some(session) = &self.session else {
            return Err(Fault::Authorization);
        };
        let permit = session.subscribe().map_err(|_| Fault::Subscriptions)?;
        let mut parts = Vec::with_capacity(wants.len());
        for Want { instance, mut patterns } in wants {
            patterns.retain(|pattern| session.caller().may_subscribe(instance, pattern).is_ok());
            if patterns.is_empty() {
                continue;
            }
            let subscribed = self.house.node.subscribe_at_once(instance, patterns);
            parts.push(subscribed.map_err(|err| match err {
                SubscribeError::Closed => Fault::Stopping,
                _ => Fault::Subscriptions,
            })?);
        }
        if parts.is_empty() {
            let subject = Quoted::new(subject);
            return Err(match queue {
                Some(queue) => Fault::MayNotJoin(subject, Quoted::new(queue)),
                None => Fault::MayNotSubscribe(subject),
            });
        }
        for part in &parts {
            let live = self.house.node.became_live(part);
            self.confirming.push(Box::pin(async move {
                live.await;
            }));
        }
        self.subscriptions.add(sid, pattern, parts, permit, &self.ready);
        Ok(self.confirm())
    }

    /// Until every node that is known knows of the subscriptions; none if they do, as far as has been waited for already.
    fn until_live(&mut self) -> Option<Hold> {
        if self.confirming.is_empty() {
            return None;
        }
        let confirming = std::mem::take(&mut self.confirming);
        Some(Box::pin(async move {
            let all = async {
                for each in confirming {
                    each.await;
                }
            };
            // Who does not confirm in time gets the message all the same: an answer from there may be lost.
            let _ = tokio::time::timeout(LIVE_WITHIN, all).await;
        }))
    }

    /// The operation was carried out.
    fn confirm(&mut self) -> Taken {
        if self.said.verbose {
            self.pending.add(|out| out.extend_from_slice(b"+OK\r\n"));
        }
        Taken::Done
    }

    /// Says what went wrong, and closes if it must.
    pub(crate) fn fail(&mut self, fault: Fault) {
        if self.is_closing {
            return;
        }
        if fault == Fault::SlowConsumer {
            self.note_slow();
            self.pending.give_up();
        }
        // Clients come back to who says nothing. After an error some never do.
        if fault != Fault::Stopping {
            let text = format!("-ERR '{fault}'\r\n");
            self.pending.add(|out| out.extend_from_slice(text.as_bytes()));
        }
        tracing::debug!(client = self.said.name(), %fault, "a NATS client was told that something is wrong");
        self.is_closing = fault.closes();
    }

    fn note_slow(&self) {
        if let Some(occasions) = self.house.slow.count(1) {
            tracing::warn!(
                client = self.said.name(),
                subject = self
                    .subscriptions
                    .busiest()
                    .map(|subject| Quoted::new(subject.as_bytes()))
                    .map(tracing::field::display),
                pending_bytes = self.pending.bytes(),
                occasions,
                "a NATS client does not read what it subscribed to, and is disconnected"
            );
        }
    }

    /// Takes what the subscriptions have, up to a bound; whether some of them may have more.
    pub(crate) fn pump(&mut self) -> bool {
        if self.pending.is_empty() {
            self.progress = self.house.now();
        }
        let until = self.pending.bytes() + ROUND_BYTES;
        while self.pending.bytes() < until {
            let Some(key) = self.ready.take() else {
                return false;
            };
            if let Err(fault) = self.take_turn(key) {
                self.fail(fault);
            }
        }
        true
    }

    fn take_turn(&mut self, key: Key) -> Result<(), Fault> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let Some(entry) = self.subscriptions.entry(key.subscription) else {
            return Ok(());
        };
        let Some(part) = entry.parts.get_mut(key.part) else {
            return Ok(());
        };
        part.bell.answer();
        let (caller, node) = (session.caller(), self.house.node.id());
        let instance = part.subscription.instance();
        let most = session.limits().queued_bytes;
        let until = self.pending.bytes() + TURN_BYTES;
        for _ in 0..TURN_DELIVERIES {
            let mut context = Context::from_waker(&part.waker);
            let envelope = match Pin::new(&mut part.subscription).poll_next(&mut context) {
                Poll::Pending => return Ok(()),
                // The node stops.
                Poll::Ready(None) => return Err(Fault::Stopping),
                Poll::Ready(Some(Delivery::Message(envelope))) => envelope,
                Poll::Ready(Some(Delivery::Gap(gap))) => {
                    if let Some(lost) = self.house.lost.count(gap.count) {
                        let subject = Quoted::new(entry.pattern.as_str().as_bytes());
                        tracing::warn!(
                            client = self.said.name(), %subject, cause = %gap.cause, messages = gap.count, lost,
                            "messages did not reach a NATS client"
                        );
                    }
                    if gap.cause == GapCause::Disconnected {
                        return Err(Fault::SlowConsumer);
                    }
                    continue;
                }
                Poll::Ready(Some(_)) => continue,
            };
            let is_own = !self.said.echo && envelope.source().node == *node && self.own.has(instance, envelope.seq());
            let topic = envelope.topic();
            if is_own || !caller.may_receive(instance, topic) {
                continue;
            }
            let Some(subject) = part.subject.of(&entry.pattern, instance, topic) else {
                continue;
            };
            let (scribe, sid, with_headers) = (&mut self.scribe, &entry.sid, self.said.headers);
            self.pending
                .add(|out| scribe.write(subject, sid, &envelope, with_headers, out));
            if !entry.count.deliver() {
                self.subscriptions.remove(key.subscription);
                return Ok(());
            }
            if self.pending.bytes() > most {
                return Err(Fault::SlowConsumer);
            }
            if self.pending.bytes() >= until {
                break;
            }
        }
        part.bell.ring();
        Ok(())
    }
}

/// From time to time, looks whether there is room for more on a topic; if there is none, that is waited for a little.
fn look_for_room(node: &Node, unlooked: &mut (usize, usize), place: (Instance, &Topic), bytes: usize) -> Option<Hold> {
    let (messages, before) = *unlooked;
    *unlooked = (messages + 1, before + bytes);
    if messages < LOOK_MESSAGES && before < LOOK_BYTES {
        return None;
    }
    *unlooked = (0, 0);
    let (node, instance, topic) = (node.clone(), place.0, place.1.clone());
    let mut room: Hold = Box::pin(async move {
        node.room(instance, topic.as_str(), ROOM_WITHIN).await;
    });
    let is_there = room.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
    (!is_there).then_some(room)
}
