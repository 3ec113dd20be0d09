//! A socket at work: the shell around [`Conversation`].

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bellwether::LiveReport;
use futures_core::Stream;
use futures_sink::Sink;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::conversation::{Conversation, MAX_SUBSCRIPTIONS, Step};
use super::frame::{About, Refused, Reply, Subscribe};
use crate::api::Api;
use crate::assurance::Wanted;
use crate::client::Client;
use crate::error::{ApiError, Reason};
use crate::merged::Merged;
use crate::message_line::MessageLine;
use crate::publishing::Publishing;
use crate::subscribe::subscribe_all;
use crate::watch::ClientWatch;

/// What is ready is written once it has so many bytes. It may exceed them by one delivery.
const TURN_BYTES: usize = 64 * 1024;
/// Deliveries of one subscription before it is the next one's turn.
const TURN_DELIVERIES: usize = 64;
/// After so many deliveries that the client may not have, others have their turn.
const TURN_PASSED_OVER: usize = 1024;
/// A client that has said nothing for so long is pinged,
const PING_AFTER: Duration = Duration::from_secs(20);
/// and after so long it is taken for dead.
const DEAD_AFTER: Duration = Duration::from_secs(50);
/// What is written must get on within this,
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// and a second more for so many bytes.
const BYTES_PER_SECOND: usize = 1 << 20;
/// A client has this long to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// One socket, until it is closed.
pub(super) struct Serving {
    api: Api,
    socket: WebSocket,
    watch: ClientWatch,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    conversation: Conversation,
    /// Whose turn it is comes first.
    feeds: VecDeque<Feed>,
    publishing: Publishing<Option<String>>,
    /// Frames that are to be written.
    out: Vec<String>,
    out_bytes: usize,
    /// When the client was heard last, and the time of the next look at that.
    heard: Instant,
    pinged: bool,
    alarm: Pin<Box<Sleep>>,
}

/// A subscription of the client.
struct Feed {
    id: String,
    state: State,
}

type Subscribing = Pin<Box<dyn Future<Output = Result<(Merged, LiveReport), ApiError>> + Send>>;

enum State {
    Waiting(Subscribing),
    Open(Merged),
}

/// Why a socket is closed, and with what words.
#[derive(Debug, PartialEq, Eq)]
struct Close {
    code: u16,
    words: String,
}

/// What is next to be done, once what is ready is written.
enum Turn {
    GoOn,
    Ping,
    Close(Close),
    /// The client is gone, or has closed.
    Gone,
}

impl Serving {
    pub(super) fn new(api: Api, client: Client, socket: WebSocket, stop: CancellationToken) -> Self {
        let now = Instant::now();
        let mut this = Self {
            api,
            socket,
            watch: ClientWatch::new(client),
            stop: Box::pin(stop.cancelled_owned()),
            conversation: Conversation::default(),
            feeds: VecDeque::new(),
            publishing: Publishing::default(),
            out: Vec::new(),
            out_bytes: 0,
            heard: now,
            pinged: false,
            alarm: Box::pin(sleep_until(now + PING_AFTER)),
        };
        let hello = Reply::Hello {
            node: this.api.node.id(),
            epoch: this.api.node.epoch(),
            max_frame_bytes: this.api.max_line_bytes(),
            max_subscriptions: MAX_SUBSCRIPTIONS,
        };
        let hello = hello.text();
        this.say(hello);
        this
    }

    pub(super) async fn run(mut self) {
        loop {
            let turn = poll_fn(|context| self.poll_turn(context)).await;
            let written = self.write(matches!(turn, Turn::Ping)).await;
            match (written, turn) {
                (Err(Stuck), _) => {
                    tracing::info!("a client's socket is closed: it takes nothing");
                    return;
                }
                (Ok(false), _) | (_, Turn::Gone) => return,
                (Ok(true), Turn::Close(close)) => return self.close(close).await,
                (Ok(true), Turn::GoOn | Turn::Ping) => {}
            }
        }
    }

    /// Reads what came, does it, and takes what is ready to be written.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Turn> {
        if let Poll::Ready(err) = self.watch.poll_ended(context) {
            self.say_error(&About::default(), &err);
            let close = Close::new(close_code::POLICY, err.words());
            return Poll::Ready(Turn::Close(close));
        }
        if self.watch.must_ask_again() {
            self.end_the_denied();
        }
        let mut turn = self.poll_received(context);
        self.poll_published(context);
        self.poll_feeds(context);
        if matches!(turn, Turn::GoOn) && self.stop.as_mut().poll(context).is_ready() {
            turn = Turn::Close(Close::new(close_code::AWAY, "the node stops"));
        }
        if matches!(turn, Turn::GoOn) {
            turn = self.poll_alarm(context);
        }
        match turn {
            Turn::GoOn if self.out.is_empty() => Poll::Pending,
            turn => Poll::Ready(turn),
        }
    }

    /// Ends the subscriptions of which the client may have nothing any more.
    fn end_the_denied(&mut self) {
        for feed in std::mem::take(&mut self.feeds) {
            let may_go_on = match &feed.state {
                State::Open(deliveries) => deliveries.may_go_on(self.watch.client()),
                // It is asked for again once it is open.
                State::Waiting(_) => Ok(()),
            };
            match may_go_on {
                Ok(()) => self.feeds.push_back(feed),
                Err(err) => {
                    let (id, error) = (feed.id.as_str(), err.json());
                    self.say(Reply::Ended { id, error }.text());
                    self.conversation.ended(id);
                }
            }
        }
    }

    /// Reads no further than what is said of it has room.
    fn poll_received(&mut self, context: &mut Context<'_>) -> Turn {
        while self.out_bytes < TURN_BYTES && self.publishing.has_room() {
            let Poll::Ready(received) = Pin::new(&mut self.socket).poll_next(context) else {
                return Turn::GoOn;
            };
            self.heard = Instant::now();
            self.pinged = false;
            match received {
                Some(Ok(Message::Text(text))) => self.receive(context, &text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => {
                    let words = "binary frames are not spoken here; payloads go as payload_base64";
                    return Turn::Close(Close::new(close_code::UNSUPPORTED, words));
                }
                Some(Ok(Message::Close(_))) | None => return Turn::Gone,
                Some(Err(err)) => return broken(err),
            }
        }
        Turn::GoOn
    }

    fn receive(&mut self, context: &mut Context<'_>, text: &str) {
        match self.conversation.receive(text) {
            Ok(Step::Subscribe(subscribe)) => self.subscribe(subscribe),
            Ok(Step::Unsubscribe { id }) => {
                self.feeds.retain(|feed| feed.id != id);
                self.say(Reply::Unsubscribed { id: &id }.text());
            }
            Ok(Step::Publish(line)) => self.publish(context, *line),
            Ok(Step::Pong { reference }) => {
                let reference = reference.as_deref();
                self.say(Reply::Pong { reference }.text());
            }
            Ok(Step::Credited) => {}
            Err(Refused { about, err }) => self.say_error(&about, &err),
        }
    }

    fn subscribe(&mut self, subscribe: Subscribe) {
        let Subscribe { id, patterns, from, .. } = subscribe;
        let (node, client) = (self.api.node.clone(), self.watch.client().clone());
        let subscribing = async move {
            let (merged, report) = subscribe_all(&node, &client, patterns, &from).await?;
            Ok((merged.with_place(&node, &from), report))
        };
        self.feeds.push_back(Feed {
            id,
            state: State::Waiting(Box::pin(subscribing)),
        });
    }

    fn publish(&mut self, context: &mut Context<'_>, mut line: MessageLine<'_>) {
        let reference = line.reference.take();
        let outgoing = line.outgoing(&Wanted::default());
        let client = self.watch.client();
        self.publishing.begin(context, reference, outgoing, (&self.api, client));
    }

    fn poll_published(&mut self, context: &mut Context<'_>) {
        while self.out_bytes < TURN_BYTES
            && let Poll::Ready((reference, outcome)) = self.publishing.poll_any(context)
        {
            match outcome {
                Ok(assured) => {
                    let published = Reply::Published {
                        reference: reference.as_deref(),
                        published: assured.published(),
                    };
                    let published = published.text();
                    self.say(published);
                }
                Err(err) => self.say_error(&About::reference(reference), &err),
            }
        }
    }

    /// Gives each subscription its turn, until all sleep or there is enough to write.
    fn poll_feeds(&mut self, context: &mut Context<'_>) {
        let mut asleep_in_a_row = 0;
        let mut passed_over = 0;
        while asleep_in_a_row < self.feeds.len() && self.out_bytes < TURN_BYTES {
            if passed_over >= TURN_PASSED_OVER {
                context.waker().wake_by_ref();
                return;
            }
            let Some(mut feed) = self.feeds.pop_front() else {
                return;
            };
            match self.poll_feed(&mut feed, context) {
                Given::Nothing => {
                    asleep_in_a_row += 1;
                    self.feeds.push_back(feed);
                }
                Given::Some { passed_over: more } => {
                    asleep_in_a_row = 0;
                    passed_over += more;
                    self.feeds.push_back(feed);
                }
                Given::End => {
                    asleep_in_a_row = 0;
                    self.conversation.ended(&feed.id);
                }
            }
        }
    }

    fn poll_feed(&mut self, feed: &mut Feed, context: &mut Context<'_>) -> Given {
        let Feed { id, state } = feed;
        let deliveries = match state {
            State::Open(deliveries) => deliveries,
            State::Waiting(subscribing) => match subscribing.as_mut().poll(context) {
                Poll::Pending => return Given::Nothing,
                Poll::Ready(Ok((merged, report))) => {
                    self.say(Reply::Subscribed { id, report: &report }.text());
                    *state = State::Open(merged);
                    self.watch.begin_anew();
                    context.waker().wake_by_ref();
                    return Given::Some { passed_over: 0 };
                }
                Poll::Ready(Err(err)) => {
                    self.say_error(&About::subscription(id.as_str()), &err);
                    return Given::End;
                }
            },
        };
        if let Poll::Ready(report) = deliveries.poll_live(context) {
            self.say(Reply::Subscribed { id, report: &report }.text());
        }
        let (mut given, mut passed_over) = (0, 0);
        while given + passed_over < TURN_DELIVERIES && self.out_bytes < TURN_BYTES && self.conversation.may_deliver(id)
        {
            match deliveries.poll_next(context) {
                Poll::Ready(Some(delivery)) if !self.watch.may_receive(&delivery) => passed_over += 1,
                Poll::Ready(Some(delivery)) => {
                    given += 1;
                    let mut cursor = None;
                    if let Some(token) = deliveries.token() {
                        let mut word = Vec::new();
                        token.write(&mut word);
                        cursor = String::from_utf8(word).ok();
                    }
                    if let Some(reply) = Reply::delivery(id, cursor.as_deref(), &delivery) {
                        if let Reply::Deliver { .. } = reply {
                            self.conversation.delivered(id);
                        }
                        let text = reply.text();
                        self.say(text);
                    }
                }
                Poll::Ready(None) => {
                    let err = match deliveries.is_disconnected() {
                        true => ApiError::new(
                            Reason::SlowSubscriber,
                            "the subscription was read too slowly, and ends; its last cursor goes on where it stood",
                        ),
                        false => ApiError::new(Reason::Stopping, "the node stops"),
                    };
                    self.say(Reply::Ended { id, error: err.json() }.text());
                    return Given::End;
                }
                Poll::Pending if given + passed_over == 0 => return Given::Nothing,
                Poll::Pending => break,
            }
        }
        match given + passed_over {
            // Without credit, or with enough to write.
            0 => Given::Nothing,
            _ => Given::Some { passed_over },
        }
    }

    /// Pings a client that is silent, and gives up one that stays so.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Turn {
        if !self.publishing.has_room() {
            // It may say what it likes: we do not listen.
            self.heard = Instant::now();
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            let silence = self.heard.elapsed();
            if silence >= DEAD_AFTER {
                let words = "nothing was heard of the client, not even an answer to a ping";
                return Turn::Close(Close::new(close_code::AGAIN, words));
            }
            let is_due = silence >= PING_AFTER && !self.pinged;
            let next = match silence < PING_AFTER {
                true => self.heard + PING_AFTER,
                false => (Instant::now() + PING_AFTER).min(self.heard + DEAD_AFTER),
            };
            self.alarm.as_mut().reset(next);
            if is_due {
                self.pinged = true;
                return Turn::Ping;
            }
        }
        Turn::GoOn
    }

    fn say(&mut self, text: String) {
        self.out_bytes += text.len();
        self.out.push(text);
    }

    fn say_error(&mut self, about: &About, err: &ApiError) {
        let error = err.json();
        self.say(Reply::Error { about, error }.text());
    }

    /// Writes what was said; false if the client is gone.
    async fn write(&mut self, ping: bool) -> Result<bool, Stuck> {
        let seconds = self.out_bytes / BYTES_PER_SECOND;
        let within = WRITE_WITHIN + Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
        self.out_bytes = 0;
        let socket = &mut self.socket;
        let frames = self.out.drain(..).filter(|text| !text.is_empty());
        let frames = frames.map(|text| Message::Text(text.into()));
        let frames = frames.chain(ping.then(|| Message::Ping(axum::body::Bytes::new())));
        let writing = async {
            let mut socket = Pin::new(socket);
            for frame in frames {
                poll_fn(|context| socket.as_mut().poll_ready(context)).await?;
                socket.as_mut().start_send(frame)?;
            }
            poll_fn(|context| socket.as_mut().poll_flush(context)).await
        };
        match timeout(within, writing).await {
            Ok(written) => {
                if let Err(err) = &written {
                    tracing::debug!(%err, "a client's socket ended early");
                }
                Ok(written.is_ok())
            }
            Err(_) => Err(Stuck),
        }
    }

    /// Says why, and waits a little for the client to have read it.
    async fn close(mut self, Close { code, words }: Close) {
        let reason = words.into();
        let closing = async {
            let frame = Message::Close(Some(CloseFrame { code, reason }));
            if self.socket.send(frame).await.is_err() {
                return;
            }
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        let _ = timeout(CLOSE_WITHIN, closing).await;
    }
}

/// What a subscription gave in its turn.
enum Given {
    Nothing,
    Some { passed_over: usize },
    End,
}

/// The client takes nothing.
struct Stuck;

impl Close {
    /// The words of a close have at most 123 bytes.
    fn new(code: u16, words: &str) -> Self {
        const MAX_WORDS_BYTES: usize = 123;
        let end = words.floor_char_boundary(MAX_WORDS_BYTES);
        Self {
            code,
            words: words.get(..end).unwrap_or_default().to_owned(),
        }
    }
}

/// What could not be read.
fn broken(err: axum::Error) -> Turn {
    use tungstenite::Error;

    let words = err.to_string();
    match err.into_inner().downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => {
            let words = "a frame is larger than `max_frame_bytes` of the hello";
            Turn::Close(Close::new(close_code::SIZE, words))
        }
        Some(Error::Utf8(_)) => Turn::Close(Close::new(close_code::INVALID, "a text frame is not UTF-8")),
        Some(Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => Turn::Gone,
        Some(Error::Protocol(_)) => Turn::Close(Close::new(close_code::PROTOCOL, &words)),
        _ => Turn::Gone,
    }
}
