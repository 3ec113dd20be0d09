//! A subscription that outlives the connections it comes over.
//!
//! Pulls: bytes are read from the node only while its user waits for more, and what is left unread waits in the node's own
//! bounded queue, whose policy tells of gaps. Here at most one chunk, and one item that is not whole, are kept.

mod place;
mod stream;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use bellwether_message::{Instance, Pattern};
use bytes::Bytes;
use futures_core::Stream;
use hyper::Request;
use hyper::header::{ACCEPT, HeaderName};
use rand::RngExt;
use tokio::time::Sleep;

use self::place::Place;
pub(crate) use self::stream::EventStream;
use crate::NodeAddress;
use crate::backoff::Backoff;
use crate::beginning::{Beginning, Cursor};
use crate::client::Client;
use crate::delivery::{Delivery, Reconnected};
use crate::error::CallError;
use crate::query::Path;

/// Says how far an earlier subscription came.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

impl Client {
    /// Subscribes to patterns, each in an instance. The pattern of a queue group ([`Pattern::in_queue`]) stands alone: of
    /// all subscriptions of the mesh with it one gets each message, live only.
    ///
    /// ```no_run
    /// use bellwether_client::{Beginning, Client, Delivery, Instance, Pattern};
    ///
    /// # async fn run(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut orders = client
    ///     .subscribe([(Instance::Events, Pattern::new("orders:*")?)])
    ///     .from(Beginning::Earliest)
    ///     .open()
    ///     .await?;
    /// while let Some(delivery) = orders.next().await {
    ///     match delivery? {
    ///         Delivery::Message(message) => println!("{}: {:?}", message.topic, message.text()),
    ///         Delivery::Gap(gap) => println!("{} messages of {} are missing: {}", gap.count, gap.node, gap.cause),
    ///         Delivery::Lost(loss) => println!("{loss}; waiting for it"),
    ///         Delivery::Reconnected(again) => println!("back: {}", again.how),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self, wanted: impl IntoIterator<Item = (Instance, Pattern)>) -> Subscribe {
        Subscribe {
            client: self.clone(),
            wanted: wanted.into_iter().collect(),
            beginning: Beginning::Live,
            reconnects: true,
        }
    }
}

/// A subscription that is not opened yet.
#[derive(Debug, Clone)]
#[must_use = "nothing is subscribed before `open`"]
pub struct Subscribe {
    client: Client,
    wanted: Vec<(Instance, Pattern)>,
    beginning: Beginning,
    reconnects: bool,
}

impl Subscribe {
    /// Begins there; default: [`Beginning::Live`].
    pub fn from(mut self, beginning: Beginning) -> Self {
        self.beginning = beginning;
        self
    }

    /// Ends when the node is lost, instead of waiting for it.
    pub fn without_reconnect(mut self) -> Self {
        self.reconnects = false;
        self
    }

    /// Subscribes; returns once every node that is known has confirmed, or has had its time to (the node's bound is 7 s).
    /// What is published from then on is received. Cancel safe: dropped, there is no subscription.
    ///
    /// # Errors
    /// [`SubscribeError`]: the first try is not repeated.
    pub async fn open(self) -> Result<Subscription, SubscribeError> {
        if self.wanted.is_empty() {
            return Err(SubscribeError::NoPattern);
        }
        let place = Place::new(&self.beginning);
        let stream = connect(&self.client, &self.wanted, &self.beginning, None).await;
        let stream = stream.map_err(|source| SubscribeError::Call { source })?;
        Ok(Subscription {
            asked: self,
            place,
            backoff: Backoff::default(),
            state: State::Open(Box::new(stream)),
        })
    }
}

/// What is published, as a [`Stream`] of deliveries, in the order of each feed.
///
/// When the connection is cut or the node restarts it dials again, with back-off (200 ms to 5 s, without end), and goes on
/// behind the last item that it has handed out: nothing that the nodes still keep is missed, nothing comes twice, and what
/// is gone is told as a [`Gap`](crate::Gap). [`Delivery::Lost`] and [`Delivery::Reconnected`] tell of it.
///
/// Ends after an error; never otherwise while it reconnects. Dropping it unsubscribes.
#[must_use = "nothing is received unless it is polled; dropping it unsubscribes"]
pub struct Subscription {
    asked: Subscribe,
    place: Place,
    backoff: Backoff,
    state: State,
}

/// An item of a subscription, as it came.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item {
    /// A message or a marker, as the node wrote it: see [`Delivery::of`].
    Json(Bytes),
    /// The node is lost; it is tried until it is back.
    Lost(Loss),
    /// The node is back.
    Reconnected(Reconnected),
}

impl From<Item> for Delivery {
    fn from(item: Item) -> Self {
        match item {
            Item::Json(json) => Self::of(&json),
            Item::Lost(loss) => Self::Lost(loss),
            Item::Reconnected(again) => Self::Reconnected(again),
        }
    }
}

/// How far a subscription is.
enum State {
    Open(Box<EventStream>),
    /// For the next try.
    Waiting(Pin<Box<Sleep>>),
    Dialing(Dialing),
    Over,
}

type Dialing = Pin<Box<dyn Future<Output = Result<EventStream, CallError>> + Send>>;

impl Subscription {
    /// The next delivery; none once it is over. Cancel safe.
    ///
    /// # Errors
    /// [`StreamError`], once, as the last item.
    pub async fn next(&mut self) -> Option<Result<Delivery, StreamError>> {
        let item = self.next_item().await?;
        Some(item.map(Delivery::from))
    }

    /// The next delivery as it came, for programs that pass JSON on. Cancel safe.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_item(&mut self) -> Option<Result<Item, StreamError>> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// An item that has been received already, if there is one: for programs that write out what they hold before they
    /// wait.
    pub fn received_item(&mut self) -> Option<Item> {
        let State::Open(stream) = &mut self.state else {
            return None;
        };
        while let Some(event) = stream.received() {
            if let Some(json) = self.place.pass(event) {
                return Some(Item::Json(json));
            }
        }
        None
    }

    /// How far it came: behind the last item that was handed out. A later subscription to the same patterns that begins
    /// at [`Beginning::Cursor`] goes on from there, on this node or another one of the mesh.
    ///
    /// To be kept once that item is dealt with. None before the node has said how to go on: it does so with the first
    /// item, but for the replay of the last few messages or of those since a time only with its end.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.place.cursor()
    }

    /// The node.
    pub fn node(&self) -> &NodeAddress {
        self.asked.client.node()
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Item, StreamError>>> {
        loop {
            if let Some(item) = self.received_item() {
                self.backoff = Backoff::default();
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut self.state {
                State::Open(stream) => match stream.poll_receive(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(loss)) => return Poll::Ready(Some(self.on_lost(loss))),
                },
                State::Waiting(pause) => match pause.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => self.state = State::Dialing(self.dial()),
                },
                State::Dialing(dialing) => match dialing.as_mut().poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(stream)) => {
                        self.state = State::Open(Box::new(stream));
                        let again = Reconnected {
                            how: self.place.continuation(),
                            tries: self.backoff.tries(),
                        };
                        return Poll::Ready(Some(Ok(Item::Reconnected(again))));
                    }
                    Poll::Ready(Err(err)) if err.may_heal() => self.wait(),
                    Poll::Ready(Err(source)) => {
                        self.state = State::Over;
                        return Poll::Ready(Some(Err(StreamError::NotResumed { source })));
                    }
                },
                State::Over => return Poll::Ready(None),
            }
        }
    }

    fn on_lost(&mut self, loss: Loss) -> Result<Item, StreamError> {
        if !self.asked.reconnects || !loss.may_heal() {
            self.state = State::Over;
            return Err(StreamError::Lost { loss });
        }
        self.wait();
        Ok(Item::Lost(loss))
    }

    fn wait(&mut self) {
        let pause = self.backoff.wait(rand::rng().random());
        self.state = State::Waiting(Box::pin(tokio::time::sleep(pause)));
    }

    fn dial(&self) -> Dialing {
        let asked = self.asked.clone();
        let cursor = self.place.cursor().cloned();
        Box::pin(async move { connect(&asked.client, &asked.wanted, &asked.beginning, cursor.as_ref()).await })
    }
}

impl Stream for Subscription {
    type Item = Result<Delivery, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = self.poll_item(context);
        item.map(|item| item.map(|item| item.map(Delivery::from)))
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("node", self.node())
            .field("wanted", &self.asked.wanted)
            .finish_non_exhaustive()
    }
}

/// One stream, from the beginning that was asked for or from a cursor, which stands above it.
async fn connect(
    client: &Client,
    wanted: &[(Instance, Pattern)],
    beginning: &Beginning,
    cursor: Option<&Cursor>,
) -> Result<EventStream, CallError> {
    let mut query = Path::new("/v1/subscribe").query();
    query.add("format", "sse");
    for (instance, pattern) in wanted {
        query.add("pattern", &format!("{instance}/{pattern}"));
    }
    let given = match beginning {
        // It may be too long for the line of a request.
        Beginning::Cursor(cursor) => Some(cursor),
        _ => None,
    };
    if given.is_none() && *beginning != Beginning::Live {
        query.add("from", &beginning.to_string());
    }
    let mut request = Request::get(query.as_str()).header(ACCEPT, "text/event-stream");
    if let Some(cursor) = cursor.or(given) {
        request = request.header(LAST_EVENT_ID, cursor.as_str());
    }
    let (connection, body) = client.stream(request).await?;
    Ok(EventStream::new(connection, body, client))
}

/// Why there is no subscription.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// Nothing is wanted.
    #[error("no pattern is given")]
    NoPattern,
    /// The node was not reached, or refused.
    #[error(transparent)]
    Call {
        /// Why.
        source: CallError,
    },
}

/// Why a subscription is over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It was lost, and was not to reconnect; or what is there is no node.
    #[error("{loss}")]
    Lost {
        /// How.
        loss: Loss,
    },
    /// It was lost, and the node that is back refuses it for good: a token or a cursor is not taken any more.
    #[error("the subscription cannot go on")]
    NotResumed {
        /// Why.
        source: CallError,
    },
}

/// How a subscription was lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Loss {
    /// The connection broke, or nothing came any more.
    #[error(transparent)]
    Call {
        /// Why.
        source: CallError,
    },
    /// The node has ended the stream: it stops, or who we are does not hold any more.
    #[error("the node at {node} has ended the subscription")]
    Ended {
        /// The node.
        node: NodeAddress,
    },
    /// The node has ended it, since too much waited to be read.
    #[error("the node at {node} has ended the subscription, since it was read too slowly")]
    TooSlow {
        /// The node.
        node: NodeAddress,
    },
}

impl Loss {
    /// Whether the subscription may go on once the node is back.
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Call { source } => source.may_heal(),
            Self::Ended { .. } | Self::TooSlow { .. } => true,
        }
    }
}
