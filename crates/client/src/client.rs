//! The handle that programs hold.

use std::sync::Arc;
use std::time::Duration;

use bellwether_message::{Instance, Topic};
use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;

use crate::NodeAddress;
use crate::connection::{Connection, SendError};
use crate::error::CallError;
use crate::options::{AsAddress, ConnectError, Options, Settings};
use crate::pool::{Lease, Pool};
use crate::query::Path;
use crate::views::{InstanceInfo, Member, Subscriber};

/// Between two dials of a connection that only shows whether the node is there.
const WATCH_PAUSE: Duration = Duration::from_secs(1);
/// A body up to this size is read by the node before it answers. It refuses a larger one unread, and closes; the answer
/// can then be overtaken by the end of the connection.
pub(crate) const SURELY_READ_BYTES: usize = 64 * 1024;

/// A program's connection to one node.
///
/// Cheap to clone; clones share a few kept-alive connections ([`Options::connections`]), which are dialed when they are
/// needed and again when the node has closed them. No task of ours outlives a call: nothing happens between calls. Must be
/// used on a tokio runtime with time and IO.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Arc<Pool>,
}

/// What became of a request that was sent.
pub(crate) struct Answer {
    pub(crate) body: Bytes,
}

impl Client {
    /// Connects to the node at `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:PATH`, with the default options.
    ///
    /// # Errors
    /// [`ConnectError`]; the node is dialed once. [`Options::client`] does not dial.
    pub async fn connect(node: impl AsAddress) -> Result<Self, ConnectError> {
        Self::options().connect(node).await
    }

    /// Options to connect with: a token, certificates, time-outs.
    pub fn options() -> Options {
        Options::default()
    }

    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            pool: Pool::new(settings),
        }
    }

    /// The node.
    pub fn node(&self) -> &NodeAddress {
        &self.pool.settings().node
    }

    pub(crate) fn settings(&self) -> &Settings {
        self.pool.settings()
    }

    /// The members that the node knows, itself included.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn members(&self) -> Result<Vec<Member>, CallError> {
        self.get("/v1/members").await
    }

    /// The ten instances: their totals on this node, and their bounds.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn instances(&self) -> Result<Vec<InstanceInfo>, CallError> {
        self.get("/v1/instances").await
    }

    /// Who listens: the node's own subscriptions, and what its peers want; all, of one instance, or those that a message
    /// on one topic would reach.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn subscribers(
        &self,
        instance: Option<Instance>,
        topic: Option<&Topic>,
    ) -> Result<Vec<Subscriber>, CallError> {
        let mut query = Path::new("/v1/subscribers").query();
        query.add_given("instance", instance.map(Instance::name));
        query.add_given("topic", topic.map(Topic::as_str));
        self.get(query.as_str()).await
    }

    /// The JSON that the node answers to a GET of this path, which is encoded already (see [`Path`]): for what has no
    /// method here. Asked a second time where a kept connection turns out to be closed.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T, CallError> {
        self.json(Request::get(path_and_query), Bytes::new(), Repeat::Safe)
            .await
    }

    /// The same to a POST of this JSON. Asked once.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str, json: impl Into<Bytes>) -> Result<T, CallError> {
        self.change(Method::POST, path, json.into()).await
    }

    /// The same to a PUT of this JSON. Asked once.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn put<T: DeserializeOwned>(&self, path: &str, json: impl Into<Bytes>) -> Result<T, CallError> {
        self.change(Method::PUT, path, json.into()).await
    }

    /// The same to a DELETE. Asked once.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.json(Request::delete(path), Bytes::new(), Repeat::Never).await
    }

    /// Waits until the node cannot be reached any more: for a program that is idle and must notice. It holds a connection
    /// of those for requests ([`Options::connections`]) while it waits, and gives it back when it is dropped. Cancel safe.
    pub async fn unreachable(&self) -> CallError {
        loop {
            let mut lease = match self.pool.lease().await {
                Ok(lease) => lease,
                Err(err) => return err,
            };
            lease.closed().await;
            drop(lease);
            // Behind a forwarder a dial may succeed though the node is gone, again and again.
            tokio::time::sleep(WATCH_PAUSE).await;
        }
    }

    /// Dials, and keeps the connection.
    pub(crate) async fn dial(&self) -> Result<(), CallError> {
        self.pool.dial().await.map(drop)
    }

    async fn change<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, CallError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, "application/json");
        self.json(request, body, Repeat::Never).await
    }

    async fn json<T: DeserializeOwned>(&self, request: Builder, body: Bytes, repeat: Repeat) -> Result<T, CallError> {
        let answer = self.ask(request, body, Duration::ZERO, repeat).await?;
        serde_json::from_slice(&answer.body).map_err(|_| self.not_a_nodes_json())
    }

    /// Sends a request and reads the whole answer.
    ///
    /// What was surely not sent, since a kept connection had been closed before, is sent on another. What may have been
    /// is sent again only if it is safe to.
    pub(crate) async fn ask(
        &self,
        request: Builder,
        body: Bytes,
        beyond: Duration,
        repeat: Repeat,
    ) -> Result<Answer, CallError> {
        let usual = self.settings().answer_timeout;
        let is_surely_read = body.len() <= SURELY_READ_BYTES;
        let (mut lease, response) = self.send(request, body, usual + beyond, repeat).await?;
        let connection = lease.begin();
        let status = response.status();
        if status.is_success() {
            let body = connection.read(response, usual).await?;
            lease.end();
            return Ok(Answer { body });
        }
        let refusal = connection.refusal(response, usual).await;
        // After a refusal of the token another may stand in its file, which a new connection reads.
        if refusal.reason().is_some() && is_surely_read && status != StatusCode::UNAUTHORIZED {
            lease.end();
        }
        Err(refusal)
    }

    /// A request on a connection that is then kept for its answer, which is a stream.
    pub(crate) async fn stream(&self, request: Builder) -> Result<(Connection, hyper::body::Incoming), CallError> {
        let longest = self.settings().answer_timeout;
        let (mut lease, response) = self.send(request, Bytes::new(), longest, Repeat::Safe).await?;
        let connection = lease.begin();
        if response.status() != StatusCode::OK {
            return Err(connection.refusal(response, longest).await);
        }
        Ok((lease.keep(), response.into_body()))
    }

    /// A request and the head of its answer; `longest` is for that.
    pub(crate) async fn send(
        &self,
        request: Builder,
        body: Bytes,
        longest: Duration,
        repeat: Repeat,
    ) -> Result<(Lease, hyper::Response<hyper::body::Incoming>), CallError> {
        let mut lease = self.pool.lease().await?;
        let request = lease.begin().write(request, body)?;
        let again = (repeat == Repeat::Safe && lease.is_used()).then(|| request.clone());
        let request = match lease.begin().send(request, longest).await {
            Ok(response) => return Ok((lease, response)),
            Err(SendError::NotSent(request)) => *request,
            Err(SendError::Failed(err @ CallError::Lost { .. })) => again.ok_or(err)?,
            Err(SendError::Failed(err)) => return Err(err),
        };
        drop(lease);
        let mut lease = self.pool.dial().await?;
        match lease.begin().send(request, longest).await {
            Ok(response) => Ok((lease, response)),
            Err(SendError::Failed(err)) => Err(err),
            Err(SendError::NotSent(_)) => Err(CallError::Unreachable {
                node: self.node().clone(),
                source: std::io::Error::new(std::io::ErrorKind::ConnectionReset, "it closed the connection"),
            }),
        }
    }

    pub(crate) fn not_a_nodes_json(&self) -> CallError {
        CallError::NotANode {
            node: self.node().clone(),
            answer: "an answer that is not the JSON of a node".to_owned(),
        }
    }
}

/// Whether what may have been done may be asked for once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It only looks.
    Safe,
    /// It changes something.
    Never,
}
