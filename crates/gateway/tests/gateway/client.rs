//! A plain HTTP client: one connection, one request at a time.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::served::soon;

pub(crate) struct Client {
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        Self::over(stream, &addr.to_string()).await
    }

    /// Over any connection, to a host of this name.
    pub(crate) async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, host: &str) -> Self {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let host = host.to_owned();
        Self { host, sender }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&mut self, path: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
        self.send("POST", path, &[("content-type", content_type)], body).await
    }

    /// Sends a request. `Host` is the address unless given.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let response = self.begin(method, path, headers, body).await;
        let status = response.status();
        let content_type = response.headers().get("content-type");
        let content_type = content_type.map_or("", |value| value.to_str().unwrap()).to_owned();
        let body = soon(response.into_body().collect()).await.unwrap().to_bytes();
        Answer {
            status,
            content_type,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Sends a request and returns once the header of the answer is there.
    pub(crate) async fn begin(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == HOST.as_str()) {
            request = request.header(HOST, &self.host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        soon(self.sender.ready()).await.unwrap();
        soon(self.sender.send_request(request)).await.unwrap()
    }

    /// Subscribes with the last part of the query, and takes the first line, `subscribed`.
    pub(crate) async fn subscribe(self, query: &str) -> Lines {
        let mut lines = self.open(query).await;
        let subscribed = lines.next_json().await;
        assert_eq!(subscribed["subscribed"]["live"], 1, "{subscribed}");
        lines
    }

    pub(crate) async fn open(self, query: &str) -> Lines {
        self.open_with(query, &[]).await
    }

    /// Subscribes to server-sent events; with the id of an event, behind that. The first event, `subscribed`, is taken:
    /// its id is given.
    pub(crate) async fn events(self, query: &str, behind: Option<&str>) -> (Lines, Option<String>) {
        let headers: Vec<_> = behind.into_iter().map(|id| ("last-event-id", id)).collect();
        let mut lines = self.open_with(&format!("format=sse&{query}"), &headers).await;
        let subscribed = lines.next_event().await.expect("the stream goes on");
        assert_eq!(subscribed.name, "subscribed");
        (lines, subscribed.id)
    }

    /// A stream at another path.
    pub(crate) async fn open_path(self, path: &str) -> Lines {
        self.open_at(path, &[]).await
    }

    pub(crate) async fn open_with(self, query: &str, headers: &[(&str, &str)]) -> Lines {
        self.open_at(&format!("/v1/subscribe?{query}"), headers).await
    }

    async fn open_at(mut self, path: &str, headers: &[(&str, &str)]) -> Lines {
        let response = self.begin("GET", path, headers, "").await;
        assert_eq!(response.status(), StatusCode::OK);
        Lines {
            body: response.into_body(),
            rest: Vec::new(),
            _connection: self,
        }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.content_type, "application/json", "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// Checks the error of what is not as its type says, which also names the fields.
    pub(crate) fn expect_invalid(&self, reason: &str, fields: &Value, words: &str) {
        assert_eq!(self.status, 422, "{self:?}");
        let form = self.json();
        assert_eq!(form.as_object().unwrap().len(), 3, "{form}");
        assert_eq!((&form["reason"], &form["fields"]), (&reason.into(), fields), "{form}");
        let said = form["error"].as_str().unwrap();
        assert!(said.contains(words), "{form} does not say: {words}");
    }

    /// Checks the one form of an error.
    pub(crate) fn expect_error(&self, status: u16, reason: &str, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let form = self.json();
        assert_eq!(form.as_object().unwrap().len(), 2, "{form}");
        assert_eq!(form["reason"], reason, "{form}");
        assert!(
            form["error"].as_str().unwrap().contains(words),
            "{form} does not say: {words}"
        );
    }
}

/// A server-sent event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// The lines of a stream.
pub(crate) struct Lines {
    body: Incoming,
    rest: Vec<u8>,
    _connection: Client,
}

impl Lines {
    /// The next line; `None` at a clean end of the stream.
    pub(crate) async fn next(&mut self) -> Option<String> {
        soon(self.next_patiently()).await
    }

    /// The next line, however long it takes.
    pub(crate) async fn next_patiently(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            let frame = self.body.frame().await?;
            let frame = frame.expect("the stream ends cleanly");
            self.rest.extend_from_slice(frame.data_ref().unwrap());
        }
    }

    pub(crate) async fn next_json(&mut self) -> Value {
        let line = self.next().await.expect("the stream goes on");
        serde_json::from_str(&line).unwrap()
    }

    /// The next server-sent event; `None` at a clean end of the stream.
    pub(crate) async fn next_event(&mut self) -> Option<Event> {
        let (mut id, mut name, mut data) = (None, String::new(), Value::Null);
        loop {
            let line = self.next().await?;
            match line.split_once(": ") {
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("data", value)) => data = serde_json::from_str(value).unwrap(),
                Some(("retry", _)) => {}
                None if line.is_empty() && name.is_empty() => {}
                None if line.is_empty() => return Some(Event { id, name, data }),
                _ => panic!("{line}"),
            }
        }
    }
}
