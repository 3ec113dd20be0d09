//! A client that writes and reads frames by hand.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;

use futures_core::Stream;
use futures_sink::Sink;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::served::soon;

pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    /// The last ref.
    reference: u64,
}

/// A frame that came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) join_ref: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: Value,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::open(addr, "/socket/websocket?vsn=2.0.0", &[]).await.unwrap().0
    }

    pub(crate) async fn open(
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Response), Error> {
        let stream = TcpStream::connect(addr).await.unwrap();
        Self::open_on(stream, addr, path, headers).await
    }

    pub(crate) async fn open_on(
        stream: TcpStream,
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Response), Error> {
        let mut request = format!("ws://{addr}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let opened = soon(tokio_tungstenite::client_async(request, stream)).await;
        opened.map(|(socket, response)| (Self { socket, reference: 0 }, response))
    }

    /// Sends a message of the WebSocket protocol.
    pub(crate) async fn send(&mut self, message: Message) {
        let sent = async {
            poll_fn(|context| Pin::new(&mut self.socket).poll_ready(context)).await?;
            Pin::new(&mut self.socket).start_send(message)?;
            poll_fn(|context| Pin::new(&mut self.socket).poll_flush(context)).await
        };
        soon(sent).await.unwrap();
    }

    /// The next message of the WebSocket protocol but pings.
    pub(crate) async fn receive(&mut self) -> Message {
        soon(poll_fn(|context| Pin::new(&mut self.socket).poll_next(context)))
            .await
            .expect("the socket is open")
            .unwrap()
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Frame {
        match self.receive().await {
            Message::Text(text) => {
                let (join_ref, reference, topic, event, payload) = serde_json::from_str(&text).unwrap();
                Frame {
                    join_ref,
                    reference,
                    topic,
                    event,
                    payload,
                }
            }
            other => panic!("{other:?}"),
        }
    }

    /// The code with which the server closes; nothing may come before.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.receive().await {
            Message::Close(Some(close)) => (close.code.into(), close.reason.to_string()),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a frame and returns its ref.
    pub(crate) async fn push(&mut self, join_ref: Option<&str>, topic: &str, event: &str, payload: Value) -> String {
        self.reference += 1;
        let reference = self.reference.to_string();
        let join_ref = if event == "phx_join" {
            Some(&*reference)
        } else {
            join_ref
        };
        let frame = json!([join_ref, reference, topic, event, payload]);
        self.send(Message::text(frame.to_string())).await;
        reference
    }

    /// Joins, and returns the ref and the answer's status and response.
    pub(crate) async fn try_join(&mut self, topic: &str, params: Value) -> (String, String, Value) {
        let join_ref = self.push(None, topic, "phx_join", params).await;
        let frame = self.next().await;
        assert_eq!(
            (frame.join_ref.as_ref(), frame.reference.as_ref()),
            (Some(&join_ref), Some(&join_ref)),
            "{frame:?}"
        );
        let (status, response) = frame.answer();
        (join_ref, status, response)
    }

    /// Joins, and returns the ref and the response.
    pub(crate) async fn join(&mut self, topic: &str, params: Value) -> (String, Value) {
        let (join_ref, status, response) = self.try_join(topic, params).await;
        assert_eq!(status, "ok", "{topic}: {response}");
        (join_ref, response)
    }

    /// Pushes, and returns the answer's status and response; nothing may come before.
    pub(crate) async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> (String, Value) {
        let reference = self.push(None, topic, event, payload).await;
        let frame = self.next().await;
        assert_eq!(frame.reference, Some(reference), "{frame:?}");
        frame.answer()
    }

    /// Pushes what must be refused, and returns the reason and the words.
    pub(crate) async fn refused(&mut self, topic: &str, event: &str, payload: Value) -> (String, String) {
        let (status, response) = self.ask(topic, event, payload).await;
        assert_eq!(status, "error", "{response}");
        let text = |name: &str| response[name].as_str().unwrap().to_owned();
        (text("reason"), text("message"))
    }

    /// Nothing comes but the answer to a heartbeat: everything that was to be sent before was read.
    pub(crate) async fn expect_nothing(&mut self) {
        let reference = self.push(None, "phoenix", "heartbeat", json!({})).await;
        let frame = self.next().await;
        assert_eq!(
            (&*frame.topic, frame.reference.as_ref()),
            ("phoenix", Some(&reference)),
            "{frame:?}"
        );
        assert_eq!(frame.answer(), ("ok".to_owned(), json!({})));
    }
}

impl Frame {
    /// Status and response of an answer.
    pub(crate) fn answer(self) -> (String, Value) {
        assert_eq!(self.event, "phx_reply", "{self:?}");
        let status = self.payload["status"].as_str().unwrap().to_owned();
        (status, self.payload["response"].clone())
    }

    /// The cursor that it came with.
    pub(crate) fn cursor(&self) -> &str {
        let cursor = &self.payload["_bellwether"]["cursor"];
        cursor.as_str().unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// What is answered to a plain request: its status line and body.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// Status, reason and words of a socket that was not opened.
pub(crate) fn refusal(err: Error) -> (u16, String, String) {
    let Error::Http(response) = err else {
        panic!("{err}");
    };
    let body: Value = serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (response.status().as_u16(), text("reason"), text("error"))
}
