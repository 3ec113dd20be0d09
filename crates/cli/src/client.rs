//! The client: one HTTP connection to a node's gateway. The only place that speaks HTTP.
//!
//! Never dials again by itself: what a lost connection means is the command's decision.

mod events;
mod stream;

use std::io;
use std::time::Duration;

use bellwether::Confirm;
use bellwether_message::{ContentType, Instance, NodeId, Pattern, Topic};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use self::stream::Stream;
use crate::failure::Failure;
use crate::node_url::NodeUrl;

/// Longest answer that is not a stream. A list of a thousand members has about 150 KiB.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for an answer. A node answers a publish at once, unless it is to wait, and a subscribe within 7 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The reason of a node that has no room for one message more.
const NO_ROOM: &str = "no_room";
/// Says how far an earlier subscription came.
const LAST_EVENT_ID: &str = "last-event-id";
/// A stream may be silent for hours; the kernel asks this often whether the node's host is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// One connection to a node. Requests go one after the other. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Client {
    node: NodeUrl,
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
}

/// Where and as what a payload is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) instance: Instance,
    pub(crate) topic: Topic,
    pub(crate) event: Option<String>,
    pub(crate) originating_node: Option<NodeId>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) causation_id: Option<String>,
}

/// As what, and where if not on its usual topic, a typed message is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypedTarget {
    pub(crate) instance: Instance,
    /// A tag, or the name of a type.
    pub(crate) tag: String,
    pub(crate) topic: Option<Topic>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) causation_id: Option<String>,
}

/// What the node is to wait for when it publishes a payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Care {
    /// For room, at most so many seconds; otherwise not at all.
    pub(crate) wait_s: Option<u64>,
    /// Until these hold the message; otherwise this node.
    pub(crate) confirm: Option<Confirm>,
    /// Those have so many seconds; otherwise the node's own bound.
    pub(crate) confirm_within_s: Option<u64>,
}

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Since<'a> {
    /// As the user asks for it.
    pub(crate) beginning: Option<&'a str>,
    /// Behind the event that had this id, which stands above the other.
    pub(crate) last_event: Option<&'a [u8]>,
}

impl Client {
    /// Connects to `node`. Must be called on a tokio runtime.
    pub(crate) async fn connect(node: &NodeUrl) -> Result<Self, ClientError> {
        let unreachable = |source| ClientError::Unreachable {
            node: node.clone(),
            source,
        };
        let stream = match timeout(CONNECT_TIMEOUT, TcpStream::connect((node.host(), node.port()))).await {
            Err(_) => return Err(unreachable(io::ErrorKind::TimedOut.into())),
            Ok(stream) => stream.map_err(unreachable)?,
        };
        prepare(&stream).map_err(unreachable)?;
        let lost = |source| ClientError::Lost {
            node: node.clone(),
            source: Some(source),
        };
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        let connection = tokio::spawn(async move {
            // Its error also reaches whoever waits for an answer; an idle connection that breaks is seen as closed.
            let _ = connection.await;
        });
        Ok(Self {
            node: node.clone(),
            sender,
            connection,
        })
    }

    /// Publishes one message and gives its id, once the node has it, and those that are to confirm it.
    ///
    /// # Errors
    /// With [`ClientError::Unconfirmed`] it is published all the same.
    pub(crate) async fn publish(
        &mut self,
        target: &Target,
        care: &Care,
        content_type: &ContentType,
        payload: Bytes,
    ) -> Result<String, ClientError> {
        let request = Request::post(target.path_and_query(care)).header(CONTENT_TYPE, content_type.name());
        let published: Published = self.ask(request, payload, care.longest()).await?;
        published.confirmed()
    }

    /// What the node answers to a GET of this path, as JSON.
    pub(crate) async fn list<T: DeserializeOwned>(&mut self, path_and_query: &str) -> Result<T, ClientError> {
        self.ask(Request::get(path_and_query), Bytes::new(), ANSWER_TIMEOUT)
            .await
    }

    /// Publishes a typed message, and gives what the node answers: the message as it is published.
    pub(crate) async fn say(&mut self, target: &TypedTarget, care: &Care, payload: Bytes) -> Result<Said, ClientError> {
        let request = Request::post(target.path_and_query(care)).header(CONTENT_TYPE, "application/json");
        let answer: Box<RawValue> = self.ask(request, payload, care.longest()).await?;
        let published: Published = serde_json::from_str(answer.get())
            .map_err(|_| self.not_a_node("an answer that is not the JSON of a node"))?;
        Ok(Said {
            answer,
            id: published.confirmed(),
        })
    }

    /// What the node answers to a POST of this JSON.
    pub(crate) async fn post<T: DeserializeOwned>(&mut self, path: &str, body: Bytes) -> Result<T, ClientError> {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        self.ask(request, body, ANSWER_TIMEOUT).await
    }

    /// What the node answers to a PUT of this JSON.
    pub(crate) async fn put<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<T, ClientError> {
        let request = Request::put(path).header(CONTENT_TYPE, "application/json");
        self.ask(request, body.into(), ANSWER_TIMEOUT).await
    }

    /// What the node answers to a DELETE.
    pub(crate) async fn delete<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, ClientError> {
        self.ask(Request::delete(path), Bytes::new(), ANSWER_TIMEOUT).await
    }

    /// Subscribes, and from there on is that stream.
    pub(crate) async fn subscribe(
        mut self,
        wanted: &[(Instance, Pattern)],
        since: Since<'_>,
    ) -> Result<Stream, ClientError> {
        let mut query = Query::new("/v1/subscribe");
        query.add("format", "sse");
        for (instance, pattern) in wanted {
            query.add("pattern", &format!("{instance}/{pattern}"));
        }
        if let Some(beginning) = since.beginning {
            query.add("from", beginning);
        }
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(query.text)
            .header(ACCEPT, "text/event-stream");
        if let Some(id) = since.last_event {
            request = request.header(LAST_EVENT_ID, id);
        }
        let response = self.send(request, Bytes::new(), ANSWER_TIMEOUT).await?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response).await);
        }
        Ok(Stream::new(response.into_body(), self))
    }

    /// Waits until the connection is closed. Cancel safe.
    pub(crate) async fn closed(&mut self) {
        if !self.connection.is_finished() {
            let _ = (&mut self.connection).await;
        }
    }

    /// Whether the connection is closed, as far as we know already.
    pub(crate) fn is_closed(&self) -> bool {
        self.connection.is_finished() || self.sender.is_closed()
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        request: hyper::http::request::Builder,
        body: Bytes,
        longest: Duration,
    ) -> Result<T, ClientError> {
        let response = self.send(request, body, longest).await?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let answer = self.read(response).await?;
        serde_json::from_slice(&answer).map_err(|_| self.not_a_node("an answer that is not the JSON of a node"))
    }

    async fn send(
        &mut self,
        request: hyper::http::request::Builder,
        body: Bytes,
        longest: Duration,
    ) -> Result<Response<Incoming>, ClientError> {
        let request = request
            .header(HOST, self.node.authority())
            .body(Full::new(body))
            .map_err(|source| ClientError::Unsendable { source })?;
        match timeout(longest, self.sender.send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(source)) if source.is_parse() => Err(self.not_a_node("something that is not HTTP")),
            Ok(Err(source)) => Err(self.lost(Some(source))),
            Err(_) => Err(ClientError::Silent {
                node: self.node.clone(),
                waited: longest,
            }),
        }
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect();
        match timeout(ANSWER_TIMEOUT, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(err)) => match err.downcast() {
                Ok(source) => Err(self.lost(Some(*source))),
                Err(_) => Err(self.not_a_node("an answer without end")),
            },
            Err(_) => Err(ClientError::Silent {
                node: self.node.clone(),
                waited: ANSWER_TIMEOUT,
            }),
        }
    }

    /// What the node says with a status of failure.
    async fn refusal(&self, response: Response<Incoming>) -> ClientError {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            reason: String,
        }

        let status = response.status();
        let body = match self.read(response).await {
            Ok(body) => body,
            Err(err) => return err,
        };
        match serde_json::from_slice::<Refusal>(&body) {
            // A node without room is well, and answers for this message only.
            Ok(refusal) if status == StatusCode::SERVICE_UNAVAILABLE && refusal.reason != NO_ROOM => {
                ClientError::Unavailable { words: refusal.error }
            }
            Ok(refusal) => ClientError::Refused { words: refusal.error },
            Err(_) => self.not_a_node(&status.to_string()),
        }
    }

    fn lost(&self, source: Option<hyper::Error>) -> ClientError {
        ClientError::Lost {
            node: self.node.clone(),
            source,
        }
    }

    fn not_a_node(&self, answer: &str) -> ClientError {
        ClientError::NotANode {
            node: self.node.clone(),
            answer: answer.to_owned(),
        }
    }
}

/// Small requests go at once, and a host that vanished is noticed.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

impl Target {
    fn path_and_query(&self, care: &Care) -> String {
        let mut path = format!("/v1/publish/{}/", self.instance);
        push_encoded(&mut path, self.topic.as_str());
        let mut query = Query::new(path);
        for (key, value) in [
            ("event", self.event.as_deref()),
            ("originating_node", self.originating_node.as_ref().map(NodeId::as_str)),
            ("correlation_id", self.correlation_id.as_deref()),
            ("causation_id", self.causation_id.as_deref()),
        ] {
            query.add_given(key, value);
        }
        care.add_to(&mut query);
        query.text
    }
}

impl TypedTarget {
    fn path_and_query(&self, care: &Care) -> String {
        let mut path = format!("/v1/messages/{}/", self.instance);
        push_encoded(&mut path, &self.tag);
        let mut query = Query::new(path);
        for (key, value) in [
            ("topic", self.topic.as_ref().map(Topic::as_str)),
            ("correlation_id", self.correlation_id.as_deref()),
            ("causation_id", self.causation_id.as_deref()),
        ] {
            query.add_given(key, value);
        }
        care.add_to(&mut query);
        query.text
    }
}

impl Care {
    fn add_to(&self, query: &mut Query) {
        for (key, value) in [
            ("wait", self.wait_s.map(|seconds| seconds.to_string())),
            ("confirm", self.confirm.map(|confirm| confirm.to_string())),
            (
                "confirm_within",
                self.confirm_within_s.map(|seconds| seconds.to_string()),
            ),
        ] {
            query.add_given(key, value.as_deref());
        }
    }

    /// The longest wait for the answer.
    fn longest(&self) -> Duration {
        let seconds = self.wait_s.unwrap_or_default() + self.confirm_within_s.unwrap_or_default();
        ANSWER_TIMEOUT + Duration::from_secs(seconds)
    }
}

/// A typed message that is published.
#[derive(Debug)]
pub(crate) struct Said {
    /// What the node answered.
    pub(crate) answer: Box<RawValue>,
    /// Its id, if as many peers as had to hold it.
    pub(crate) id: Result<String, ClientError>,
}

/// What a node says of a message that it has published.
#[derive(Debug, Deserialize)]
struct Published {
    id: String,
    /// How many peers hold it, and how many had to; nothing where none had to.
    #[serde(default)]
    confirmed: usize,
    #[serde(default)]
    required: usize,
    #[serde(default)]
    peers: Vec<PublishedAt>,
}

#[derive(Debug, Deserialize)]
struct PublishedAt {
    node: NodeId,
    outcome: String,
}

impl Published {
    /// Its id, if as many peers as had to hold it.
    fn confirmed(self) -> Result<String, ClientError> {
        if self.confirmed >= self.required {
            return Ok(self.id);
        }
        let at = |peer: &PublishedAt| format!("{}: {}", peer.node, peer.outcome.escape_debug());
        Err(ClientError::Unconfirmed {
            id: self.id.escape_debug().to_string(),
            confirmed: self.confirmed,
            required: self.required,
            peers: self.peers.iter().map(at).collect::<Vec<_>>().join(", "),
        })
    }
}

/// A path, every segment that is added to it encoded.
pub(crate) struct Path {
    pub(crate) text: String,
}

impl Path {
    /// A path that needs no encoding, without a slash at its end.
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self { text: path.into() }
    }

    /// The path of what has this name there.
    #[must_use]
    pub(crate) fn segment(mut self, name: &str) -> Self {
        self.text.push('/');
        push_encoded(&mut self.text, name);
        self
    }
}

/// A path with a query, every value encoded.
pub(crate) struct Query {
    pub(crate) text: String,
    separator: char,
}

impl Query {
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self {
            text: path.into(),
            separator: '?',
        }
    }

    pub(crate) fn add(&mut self, key: &str, value: &str) {
        self.text.push(self.separator);
        self.text.push_str(key);
        self.text.push('=');
        push_encoded(&mut self.text, value);
        self.separator = '&';
    }

    /// Nothing is added where nothing is given.
    fn add_given(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }
}

/// Appends `text` percent-encoded (RFC 3986): everything but unreserved characters and `:`, which stands for itself
/// in paths and queries and is in every topic.
fn push_encoded(to: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push(char::from(HEX[usize::from(byte >> 4)]));
            to.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// There is no connection; nothing was sent.
    #[error("cannot reach a node at {node}: {}", words_for(source))]
    Unreachable { node: NodeUrl, source: io::Error },
    /// The connection broke. What was under way may or may not have been done.
    #[error("the node at {node} is gone: {}", source.as_ref().map_or_else(|| "it closed the connection".to_owned(), describe))]
    Lost {
        node: NodeUrl,
        source: Option<hyper::Error>,
    },
    /// The connection stands, but nothing comes. What was under way may or may not have been done.
    #[error("the node at {node} has not answered for {} s", waited.as_secs())]
    Silent { node: NodeUrl, waited: Duration },
    /// The node is stopping or overloaded, and did not do it.
    #[error("the node is not available: {words}")]
    Unavailable { words: String },
    /// The node did not do it, in its own words.
    #[error("the node refused: {words}")]
    Refused { words: String },
    /// The message is published, but fewer peers than had to have said in time that they hold it.
    #[error("{id} is published, but {confirmed} of the {required} peers that were to confirm it have ({peers})")]
    Unconfirmed {
        id: String,
        confirmed: usize,
        required: usize,
        /// Each peer with what became of the message there.
        peers: String,
    },
    /// Something answers there, but no node does.
    #[error("{node} gave {answer}; is it a node, and is it the same version as this program?")]
    NotANode { node: NodeUrl, answer: String },
    /// A value that cannot travel in a header. Nothing was sent.
    #[error("the request cannot be written down as HTTP: {source}")]
    Unsendable { source: hyper::http::Error },
}

impl ClientError {
    /// Whether the same request may succeed once the node is back.
    pub(crate) fn may_heal(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Silent { .. } | Self::Unavailable { .. }
        )
    }
}

impl From<ClientError> for Failure {
    fn from(err: ClientError) -> Self {
        let words = err.to_string();
        match err {
            ClientError::Unreachable { .. } => Self::with_hint(
                words,
                "Is one running? Start it with `bellwether start`, or name another with --node.",
            ),
            _ => Self::new(words),
        }
    }
}

/// The system's words without its error number, and in lower case as the middle of a sentence.
fn words_for(err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::TimedOut => format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        _ => {
            let text = err.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        }
    }
}

fn describe(err: &hyper::Error) -> String {
    if err.is_incomplete_message() || err.is_closed() || err.is_canceled() {
        return "it closed the connection".to_owned();
    }
    let mut cause: &dyn std::error::Error = err;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match cause.downcast_ref::<io::Error>() {
        Some(cause) => words_for(cause),
        None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests;
