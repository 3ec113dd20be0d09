//! One client's socket: waits for whatever comes next, gives it to the rules, and carries out what they say.
//!
//! A task of its own. What its client does not take waits in the queues of its own subscriptions, so that a client that is
//! stuck costs only itself.

use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket};
use bellwether::{Delivery, LiveReport, Node, ReplayFrom, SubscribeError, Subscription, Timestamp};
use bellwether_access::{Permit, PolicyWatch, Session};
use bellwether_delivery::Beginning;
use futures_core::Stream;
use serde::Serialize;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::channels::{Answer, ChannelId, Channels, Effect};
use crate::feed::{Feed, Told};
use crate::frame::{ClientFrame, FrameError, Outgoing};
use crate::outbox::Outbox;
use crate::payload::{Shown, notice, show};
use crate::publication::Publication;
use crate::publishing;
use crate::refusal::{Reason, Refusal};
use crate::topic::ChannelTopic;

/// How often a socket looks whether its client still may be there, is there, and takes what it gets.
const LOOK: Duration = Duration::from_millis(500);
/// How long the last frames and the closing of both sides may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Deliveries taken from one channel before it is the next one's turn.
const TURN_DELIVERIES: usize = 64;
/// Longest reason of a close frame, by the WebSocket protocol.
const MAX_CLOSE_REASON_BYTES: usize = 123;

/// Both sides may go on later: the client was silent.
const GOING_AWAY: CloseCode = 1001;
/// What came is no frame of ours.
const PROTOCOL: CloseCode = 1002;
/// The client may be there no longer.
const POLICY: CloseCode = 1008;
/// A frame was too large.
const TOO_BIG: CloseCode = 1009;
/// The node stops; another may take its place.
const RESTART: CloseCode = 1012;

/// What a socket is opened with.
pub(crate) struct Opened {
    pub(crate) node: Node,
    pub(crate) session: Arc<Session>,
    /// Largest frame that a client may send.
    pub(crate) max_frame_bytes: usize,
    /// Cancelled when the socket is to be closed.
    pub(crate) stop: CancellationToken,
}

/// Serves one client until it or the node goes.
pub(crate) async fn serve(socket: WebSocket, opened: Opened) {
    let stop = Box::pin(opened.stop.clone().cancelled_owned());
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let served = Served {
        opened,
        socket,
        started: Instant::now(),
        channels: Channels::new(Duration::ZERO),
        outbox: Outbox::default(),
        feeds: Vec::new(),
        turn: 0,
        taken_in_turn: 0,
        is_clients_turn: false,
        waiting: Vec::new(),
        looks,
        stop: Some(stop),
        closing: None,
        policy: PolicyWatch::default(),
    };
    served.run().await;
}

struct Served {
    opened: Opened,
    socket: WebSocket,
    started: Instant,
    channels: Channels,
    outbox: Outbox,
    feeds: Vec<Feed>,
    /// Whose turn it is among them, and what it has taken of it.
    turn: usize,
    taken_in_turn: usize,
    is_clients_turn: bool,
    /// Joins, at most one per channel, and pushes, at most [`crate::MAX_OUTSTANDING`].
    waiting: Vec<Waiting>,
    looks: Interval,
    stop: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Nothing is served any more; when the closing must be over.
    closing: Option<Instant>,
    policy: PolicyWatch,
}

struct Waiting {
    /// The channel that is joining. A push does not end with its channel: it was accepted.
    channel: Option<ChannelId>,
    done: Pin<Box<dyn Future<Output = Done> + Send>>,
}

/// What was waited for.
enum Done {
    Subscribed {
        channel: ChannelId,
        from: ReplayFrom,
        permit: Permit,
        subscribed: Box<Result<(Subscription, LiveReport), SubscribeError>>,
    },
    Published {
        answer: Answer,
        published: Result<String, Refusal>,
    },
}

/// What happens next.
enum Step {
    Received(Option<Result<Message, axum::Error>>),
    Told(usize, Told),
    Done(Box<Done>),
    Look,
    Stop,
    /// The client cannot be written to.
    Gone,
    /// The last was written, and the client has closed too.
    Closed,
}

impl Served {
    async fn run(mut self) {
        loop {
            let step = poll_fn(|context| self.poll(context)).await;
            if self.on_step(step).is_break() {
                return;
            }
            // A client that always has something to say must not keep others from being served.
            tokio::task::coop::consume_budget().await;
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        let now = self.started.elapsed();
        if self.outbox.poll(&mut self.socket, now, context).is_err() {
            return Poll::Ready(Step::Gone);
        }
        if self.looks.poll_tick(context).is_ready() {
            return Poll::Ready(Step::Look);
        }
        if self.closing.is_some() {
            return self.poll_closing(context);
        }
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(context).is_ready()
        {
            self.stop = None;
            return Poll::Ready(Step::Stop);
        }
        if let Poll::Ready(done) = self.poll_waiting(context) {
            return Poll::Ready(Step::Done(Box::new(done)));
        }
        if !self.outbox.has_room() {
            return Poll::Pending;
        }
        // The client and its channels have the first word in turn.
        self.is_clients_turn = !self.is_clients_turn;
        if self.is_clients_turn
            && let Poll::Ready(received) = Pin::new(&mut self.socket).poll_next(context)
        {
            return Poll::Ready(Step::Received(received));
        }
        if let Poll::Ready((feed, told)) = self.poll_feeds(context) {
            return Poll::Ready(Step::Told(feed, told));
        }
        Pin::new(&mut self.socket).poll_next(context).map(Step::Received)
    }

    fn poll_closing(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        loop {
            match Pin::new(&mut self.socket).poll_next(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(Step::Closed),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<Done> {
        for index in 0..self.waiting.len() {
            if let Some(waiting) = self.waiting.get_mut(index)
                && let Poll::Ready(done) = waiting.done.as_mut().poll(context)
            {
                drop(self.waiting.swap_remove(index));
                return Poll::Ready(done);
            }
        }
        Poll::Pending
    }

    /// What the next channel has to tell, each in turn.
    fn poll_feeds(&mut self, context: &mut Context<'_>) -> Poll<(usize, Told)> {
        for _ in 0..self.feeds.len() {
            if self.taken_in_turn >= TURN_DELIVERIES {
                self.next_turn();
            }
            self.turn %= self.feeds.len();
            if let Some(feed) = self.feeds.get_mut(self.turn)
                && let Poll::Ready(told) = feed.poll(context)
            {
                self.taken_in_turn += 1;
                return Poll::Ready((self.turn, told));
            }
            self.next_turn();
        }
        Poll::Pending
    }

    fn next_turn(&mut self) {
        self.turn += 1;
        self.taken_in_turn = 0;
    }

    fn on_step(&mut self, step: Step) -> ControlFlow<()> {
        match step {
            Step::Received(Some(Ok(message))) => self.on_message(&message),
            Step::Received(Some(Err(err))) => {
                tracing::debug!(%err, "what a client of channels sent cannot be read");
                self.close(PROTOCOL, "what was sent is no frame of a WebSocket, or is too large");
            }
            Step::Told(feed, told) => self.on_told(feed, told),
            Step::Done(done) => self.on_done(*done),
            Step::Look => return self.on_look(),
            Step::Stop => self.close(RESTART, "the node stops"),
            Step::Received(None) | Step::Gone | Step::Closed => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    fn on_look(&mut self) -> ControlFlow<()> {
        let now = self.started.elapsed();
        if let Some(deadline) = self.closing {
            return match Instant::now() >= deadline {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
        }
        if self.outbox.is_stuck(now) {
            tracing::info!(
                channels = self.channels.len(),
                "a client of channels took nothing for too long and was cut off"
            );
            return ControlFlow::Break(());
        }
        if let Err(err) = self.opened.session.caller().check(Timestamp::now()) {
            for frame in self.channels.all_failed() {
                self.outbox.push(frame);
            }
            // Told to join again the client connects again, and that is refused before it is open: it comes back
            // more and more slowly.
            self.close(POLICY, &err.to_string());
        } else if self.policy.has_changed(self.opened.session.caller()) {
            self.end_the_denied();
        } else if self.channels.is_idle(now) {
            self.close(
                GOING_AWAY,
                "nothing was heard for too long; send a heartbeat every 30 s",
            );
        }
        ControlFlow::Continue(())
    }

    /// Fails the channels of which the client may have nothing any more: it joins again, and is told why it may not.
    fn end_the_denied(&mut self) {
        let caller = self.opened.session.caller();
        let denied = self.feeds.iter().filter(|feed| !feed.may_go_on(caller));
        let denied: Vec<ChannelId> = denied.map(Feed::channel).collect();
        for channel in denied {
            self.end(channel);
            let frame = self.channels.failed(channel);
            self.outbox_push(frame);
        }
    }

    fn on_message(&mut self, message: &Message) {
        self.channels.heard(self.started.elapsed());
        let bytes = match message {
            Message::Text(text) => text.len(),
            Message::Binary(data) => data.len(),
            Message::Close(_) => {
                self.closing = Some(Instant::now() + CLOSE_WITHIN);
                self.leave();
                return;
            }
            Message::Ping(_) | Message::Pong(_) => return,
        };
        if bytes > self.opened.max_frame_bytes {
            let words = format!(
                "the frame has {bytes} bytes; {} is the most",
                self.opened.max_frame_bytes
            );
            self.close(TOO_BIG, &words);
            return;
        }
        let frame = match message {
            Message::Text(text) => ClientFrame::from_text(text),
            Message::Binary(data) => ClientFrame::from_binary(data),
            _ => return,
        };
        match frame {
            Ok(frame) => self.on_frame(frame),
            Err(err) => self.on_bad_frame(&err),
        }
    }

    fn on_bad_frame(&mut self, err: &FrameError) {
        tracing::debug!(%err, "a client of channels sent what is no frame");
        self.close(PROTOCOL, &err.to_string());
    }

    fn on_frame(&mut self, frame: ClientFrame<'_>) {
        for effect in self.channels.on_frame(frame) {
            match effect {
                Effect::Write(frame) => self.outbox.push(frame),
                Effect::Begin { channel, topic, from } => {
                    if let Err(refusal) = self.begin(channel, &topic, &from) {
                        self.refuse(channel, &refusal);
                    }
                }
                Effect::End(channel) => self.end(channel),
                Effect::Publish {
                    answer,
                    topic,
                    event,
                    payload,
                } => {
                    let asked = Publication::of(&topic, event, payload);
                    if let Err(refusal) = asked.and_then(|publication| self.publish(publication, &answer)) {
                        self.outbox_push(answer.refused(&refusal));
                    }
                }
            }
        }
    }

    fn begin(&mut self, channel: ChannelId, topic: &ChannelTopic, from: &Beginning) -> Result<(), Refusal> {
        let session = &self.opened.session;
        session
            .caller()
            .may_subscribe(topic.instance, &topic.pattern)
            .map_err(|err| Refusal::new(Reason::Unauthorized, err.to_string()))?;
        let permit = session.subscribe().map_err(|err| Refusal::limited(&err))?;
        let (node, instance, pattern) = (self.opened.node.clone(), topic.instance, topic.pattern.clone());
        let from = from.of(instance);
        let done = Box::pin(async move {
            let subscribed = Box::new(node.subscribe_from(instance, [pattern], from.clone()).await);
            Done::Subscribed {
                channel,
                from,
                permit,
                subscribed,
            }
        });
        self.waiting.push(Waiting {
            channel: Some(channel),
            done,
        });
        Ok(())
    }

    fn end(&mut self, channel: ChannelId) {
        self.feeds.retain(|feed| feed.channel() != channel);
        self.waiting.retain(|waiting| waiting.channel != Some(channel));
    }

    fn refuse(&mut self, channel: ChannelId, refusal: &Refusal) {
        let frame = self.channels.refused(channel, refusal);
        self.outbox_push(frame);
    }

    fn publish(&mut self, publication: Publication, answer: &Answer) -> Result<(), Refusal> {
        let (node, session) = (&self.opened.node, &self.opened.session);
        let ready = publishing::prepare(node, session, publication)?;
        if !ready.must_wait() {
            let response = ready.publish_now(node)?;
            self.outbox_push(answer.ok(&response));
            return Ok(());
        }
        self.channels.wait()?;
        let (node, answer) = (node.clone(), answer.clone());
        let done = Box::pin(async move {
            let published = ready.publish(&node).await;
            Done::Published { answer, published }
        });
        self.waiting.push(Waiting { channel: None, done });
        Ok(())
    }

    fn on_done(&mut self, done: Done) {
        match done {
            Done::Published { answer, published } => {
                self.channels.done();
                self.outbox_push(match published {
                    Ok(response) => answer.ok(&response),
                    Err(refusal) => answer.refused(&refusal),
                });
            }
            Done::Subscribed {
                channel,
                from,
                permit,
                subscribed,
            } => match *subscribed {
                Ok((subscription, report)) => {
                    let mut feed = Feed::new(&self.opened.node, channel, subscription, &report, &from, permit);
                    let response = joined(&report, feed.cursor());
                    let frame = self.channels.joined(channel, &response);
                    self.outbox_push(frame);
                    self.feeds.push(feed);
                    self.policy.begin_anew();
                }
                Err(err) => {
                    let reason = match err {
                        SubscribeError::TooManyPatterns => Reason::TooManyPatterns,
                        SubscribeError::Closed => Reason::Stopping,
                        SubscribeError::QueueReplay => Reason::BadParams,
                        _ => Reason::Internal,
                    };
                    self.refuse(channel, &Refusal::new(reason, err.to_string()));
                }
            },
        }
    }

    fn on_told(&mut self, index: usize, told: Told) {
        let Some(feed) = self.feeds.get_mut(index) else {
            return;
        };
        let channel = feed.channel();
        match told {
            Told::Delivery(delivery) => {
                if let Delivery::Message(envelope) = &delivery
                    && !self
                        .opened
                        .session
                        .caller()
                        .may_receive(envelope.instance(), envelope.topic())
                {
                    return;
                }
                let cursor = feed.cursor();
                if let Some(shown) = show(&delivery, cursor.as_deref()) {
                    self.tell(channel, &shown);
                }
            }
            Told::Live(report) => {
                let cursor = feed.cursor();
                self.tell(channel, &notice("subscribed", &report, cursor.as_deref()));
            }
            Told::Disconnected => {
                self.end(channel);
                let frame = self.channels.failed(channel);
                self.outbox_push(frame);
            }
            Told::Ended => {
                self.feeds.retain(|feed| feed.channel() != channel);
                // What the others have left is still told.
                if self.feeds.is_empty() {
                    self.close(RESTART, "the node stops");
                }
            }
        }
    }

    fn tell(&mut self, channel: ChannelId, shown: &Shown<'_>) {
        let frame = match shown {
            Shown::Json { event, payload } => self.channels.push(channel, event, payload),
            Shown::Bytes { event, data } => self.channels.push_bytes(channel, event, data),
        };
        self.outbox_push(frame);
    }

    fn outbox_push(&mut self, frame: Option<Outgoing>) {
        if let Some(frame) = frame {
            self.outbox.push(frame);
        }
    }

    /// Says so behind what waits to be written, and serves nothing more.
    fn close(&mut self, code: CloseCode, reason: &str) {
        if self.closing.is_none() {
            let reason = cut(reason).into();
            self.outbox.close(Message::Close(Some(CloseFrame { code, reason })));
            self.closing = Some(Instant::now() + CLOSE_WITHIN);
            self.leave();
        }
    }

    fn leave(&mut self) {
        self.feeds.clear();
        self.waiting.clear();
    }
}

/// The response to a join.
fn joined(report: &LiveReport, cursor: Option<String>) -> String {
    #[derive(Serialize)]
    struct Joined<'a> {
        live: &'a LiveReport,
        cursor: Option<String>,
    }

    serde_json::to_string(&Joined { live: report, cursor }).unwrap_or_else(|_| "{}".to_owned())
}

/// As much of a reason as a close frame holds.
fn cut(reason: &str) -> String {
    let mut end = reason.len().min(MAX_CLOSE_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default().to_owned()
}
