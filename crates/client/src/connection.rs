//! One connection to a node: TCP, TLS or a Unix socket, and HTTP/1.1 on it.

#[cfg(feature = "tls")]
mod tls;

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::http::request::Builder;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::NodeAddress;
use crate::address::Place;
use crate::error::{CallError, words_for_loss};
use crate::options::Settings;

/// Longest answer that is not a stream. A list of a thousand members has about 150 KiB.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// A stream may be silent for hours; the kernel asks this often whether the node's host is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// Bytes buffered of what a node sends and nobody has taken yet.
const READ_BUFFER_BYTES: usize = 256 * 1024;

/// Requests go one after the other. Dropping it closes it, whatever is under way.
#[derive(Debug)]
pub(crate) struct Connection {
    node: NodeAddress,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// The task that moves a connection's bytes. Dropping it ends the task.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request that was not sent at all, or an error.
pub(crate) enum SendError {
    /// The connection had been closed before. Nothing was sent.
    NotSent(Box<Request<Full<Bytes>>>),
    /// It was sent, or begun to be.
    Failed(CallError),
}

impl Connection {
    /// Dials. Must be called on a tokio runtime.
    pub(crate) async fn dial(settings: &Settings) -> Result<Self, CallError> {
        let node = &settings.node;
        let unreachable = |source| CallError::Unreachable {
            node: node.clone(),
            source,
        };
        let authorization = match &settings.token {
            None => None,
            Some(token) => Some(token.header().map_err(misconfigured)?),
        };
        let host = HeaderValue::from_str(&node.authority())
            .map_err(|source| CallError::Unsendable { source: source.into() })?;
        let dialing = Self::open(settings);
        let (sender, driver) = match timeout(settings.connect_timeout, dialing).await {
            Ok(opened) => opened?,
            Err(_) => {
                let words = format!("no answer within {} s", settings.connect_timeout.as_secs());
                return Err(unreachable(io::Error::new(ErrorKind::TimedOut, words)));
            }
        };
        Ok(Self {
            node: node.clone(),
            host,
            authorization,
            sender,
            driver,
        })
    }

    async fn open(settings: &Settings) -> Result<(SendRequest<Full<Bytes>>, Driver), CallError> {
        let node = &settings.node;
        let unreachable = |source| CallError::Unreachable {
            node: node.clone(),
            source,
        };
        match &node.0 {
            Place::Tcp { host, port, tls } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
                prepare(&stream).map_err(unreachable)?;
                match tls {
                    false => handshake(node, stream).await,
                    #[cfg(feature = "tls")]
                    true => {
                        let config = tls::config(settings).map_err(misconfigured)?;
                        handshake(node, tls::begin(config, host, stream).await.map_err(unreachable)?).await
                    }
                    #[cfg(not(feature = "tls"))]
                    true => Err(CallError::Misconfigured {
                        words: format!("{node} needs TLS, and this program was built without the feature `tls`"),
                    }),
                }
            }
            #[cfg(unix)]
            Place::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await.map_err(unreachable)?;
                handshake(node, stream).await
            }
            #[cfg(not(unix))]
            Place::Unix(_) => Err(CallError::Misconfigured {
                words: format!("{node} is a Unix socket, which this system does not have"),
            }),
        }
    }

    /// Sends a request and gives the head of its answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        longest: Duration,
    ) -> Result<Response<Incoming>, SendError> {
        let failed = |err| Err(SendError::Failed(err));
        match timeout(longest, self.sender.try_send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(mut err)) => match err.take_message() {
                Some(request) => Err(SendError::NotSent(Box::new(request))),
                None if err.error().is_parse() => failed(self.not_a_node("something that is not HTTP")),
                None => failed(self.lost(err.error())),
            },
            Err(_) => failed(self.silent(longest)),
        }
    }

    /// Completes a request with who we are and whom we mean.
    pub(crate) fn write(&self, request: Builder, body: Bytes) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = request
            .body(Full::new(body))
            .map_err(|source| CallError::Unsendable { source })?;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }

    /// The whole body of an answer.
    pub(crate) async fn read(&self, response: Response<Incoming>, longest: Duration) -> Result<Bytes, CallError> {
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect();
        match timeout(longest, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(err)) => match err.downcast::<hyper::Error>() {
                Ok(source) => Err(self.lost(&source)),
                Err(_) => Err(self.not_a_node("an answer without end")),
            },
            Err(_) => Err(self.silent(longest)),
        }
    }

    /// What the node says with a status of failure.
    pub(crate) async fn refusal(&self, response: Response<Incoming>, longest: Duration) -> CallError {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            reason: String,
        }

        let status = response.status();
        let body = match self.read(response, longest).await {
            Ok(body) => body,
            Err(err) => return err,
        };
        match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => CallError::refusal(status, &refusal.reason, &refusal.error),
            Err(_) => self.not_a_node(&status.to_string()),
        }
    }

    /// Waits until a request may be sent; an error if it is closed.
    pub(crate) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Waits until the connection is closed. Cancel safe.
    pub(crate) async fn closed(&mut self) {
        if !self.driver.0.is_finished() {
            let _ = (&mut self.driver.0).await;
        }
    }

    /// Whether the connection is closed, as far as we know already.
    pub(crate) fn is_closed(&self) -> bool {
        self.driver.0.is_finished() || self.sender.is_closed()
    }

    pub(crate) fn lost(&self, err: &hyper::Error) -> CallError {
        CallError::Lost {
            node: self.node.clone(),
            words: words_for_loss(err),
        }
    }

    pub(crate) fn silent(&self, waited: Duration) -> CallError {
        CallError::Silent {
            node: self.node.clone(),
            waited,
        }
    }

    pub(crate) fn not_a_node(&self, answer: &str) -> CallError {
        CallError::NotANode {
            node: self.node.clone(),
            answer: answer.to_owned(),
        }
    }
}

/// Begins HTTP on a stream.
async fn handshake<S>(node: &NodeAddress, stream: S) -> Result<(SendRequest<Full<Bytes>>, Driver), CallError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let begun = http1::Builder::new()
        .max_buf_size(READ_BUFFER_BYTES)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = begun.map_err(|err| CallError::Lost {
        node: node.clone(),
        words: words_for_loss(&err),
    })?;
    let driver = tokio::spawn(async move {
        // Its error also reaches whoever waits for an answer; an idle connection that breaks is seen as closed.
        let _ = connection.await;
    });
    Ok((sender, Driver(driver)))
}

/// Small requests go at once, and a host that vanished is noticed.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn misconfigured(err: io::Error) -> CallError {
    CallError::Misconfigured { words: err.to_string() }
}
