//! A client of the socket.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;

use futures_core::Stream;
use futures_sink::Sink;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::served::soon;

pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// What the node said first.
    pub(crate) hello: Value,
    /// The sub-protocol that it has chosen.
    pub(crate) protocol: Option<String>,
}

impl Socket {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, Some("bellwether.v1")).await.unwrap()
    }

    /// With a token.
    pub(crate) async fn connect_as(addr: SocketAddr, token: &str) -> Self {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("sec-websocket-protocol", "bellwether.v1"),
            ("authorization", bearer.as_str()),
        ];
        Self::connect_saying(addr, &headers).await.unwrap()
    }

    pub(crate) async fn connect_with(addr: SocketAddr, protocol: Option<&str>) -> Result<Self, Error> {
        let headers: Vec<_> = protocol
            .into_iter()
            .map(|name| ("sec-websocket-protocol", name))
            .collect();
        Self::connect_saying(addr, &headers).await
    }

    async fn connect_saying(addr: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{addr}/v1/socket").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let tcp = TcpStream::connect(addr).await.unwrap();
        let (stream, response) = soon(client_async(request, tcp)).await?;
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol.map(|name| name.to_str().unwrap().to_owned());
        let mut this = Self {
            stream,
            hello: Value::Null,
            protocol,
        };
        this.hello = this.next().await;
        assert_eq!(this.hello["op"], "hello");
        Ok(this)
    }

    pub(crate) async fn say(&mut self, frame: &Value) {
        self.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: Message) -> Result<(), Error> {
        let mut stream = Pin::new(&mut self.stream);
        soon(async {
            poll_fn(|context| stream.as_mut().poll_ready(context)).await?;
            stream.as_mut().start_send(message)?;
            poll_fn(|context| stream.as_mut().poll_flush(context)).await
        })
        .await
    }

    /// Says it, and what the node says next.
    pub(crate) async fn ask(&mut self, frame: &Value) -> Value {
        self.say(frame).await;
        self.next().await
    }

    /// Subscribes, and is told that the subscription is live.
    pub(crate) async fn subscribe(&mut self, frame: &Value) {
        let subscribed = self.ask(frame).await;
        assert_eq!(subscribed["op"], "subscribed", "{subscribed}");
        assert_eq!((&subscribed["id"], &subscribed["live"]), (&frame["id"], &1.into()));
    }

    /// The next frame of JSON.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.receive().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next frame of any kind.
    pub(crate) async fn receive(&mut self) -> Option<Result<Message, Error>> {
        soon(self.receive_patiently()).await
    }

    /// The next frame, however long it takes.
    pub(crate) async fn receive_patiently(&mut self) -> Option<Result<Message, Error>> {
        let stream = &mut self.stream;
        poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
    }

    /// Reads up to the close.
    pub(crate) async fn closed(&mut self) -> CloseFrame {
        loop {
            match self.receive().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame,
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The bytes below, to break rules with.
    pub(crate) fn tcp(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }
}
