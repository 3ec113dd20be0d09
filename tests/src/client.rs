//! A client: one HTTP connection to a node, one request at a time.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::deadline::soon;
use crate::stream::Stream;

/// Says how far an earlier stream came.
const LAST_EVENT_ID: &str = "last-event-id";

/// A connection to a node. What does not work is a panic, except where a method says otherwise.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: String,
}

impl Client {
    /// Connects to a node's HTTP address.
    pub async fn connect(address: SocketAddr) -> Self {
        let connect = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            // Whoever waits for an answer gets its error.
            tokio::spawn(connection);
            anyhow::Ok(Self { address, sender })
        };
        let connected = soon("a connection to the node", connect).await;
        connected.unwrap_or_else(|err| panic!("cannot connect to {address}: {err:#}"))
    }

    /// Publishes a text and gives its id.
    pub async fn publish(&mut self, instance: &str, topic: &str, text: impl Into<Bytes>) -> String {
        let path = format!("/v1/publish/{instance}/{topic}?event=test");
        self.publish_to(&path, text).await
    }

    /// Publishes a text at a path that says everything else about it, and gives its id.
    pub async fn publish_to(&mut self, path_and_query: &str, text: impl Into<Bytes>) -> String {
        #[derive(Deserialize)]
        struct Published {
            id: String,
        }

        let answer = self.post(path_and_query, "text/plain", text).await;
        assert_eq!(answer.status, StatusCode::OK, "{path_and_query}: {answer:?}");
        answer.parse::<Published>().id
    }

    /// Posts a body.
    pub async fn post(&mut self, path_and_query: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
        let content_type = (CONTENT_TYPE.as_str(), content_type);
        self.ask("POST", path_and_query, Some(content_type), body.into()).await
    }

    /// Posts a text to a node that may end meanwhile; `None` when no answer comes, so that nobody knows what it did.
    pub async fn try_post(&mut self, path_and_query: &str, text: impl Into<Bytes>) -> Option<Answer> {
        let request = self.request(
            "POST",
            path_and_query,
            Some((CONTENT_TYPE.as_str(), "text/plain")),
            text.into(),
        );
        let answered = soon("an answer or the end of the connection", async {
            self.sender.ready().await.ok()?;
            let response = self.sender.send_request(request).await.ok()?;
            let status = response.status();
            let body = response.into_body().collect().await.ok()?;
            let body = String::from_utf8(body.to_bytes().to_vec()).expect("nodes answer in UTF-8");
            Some(Answer { status, body })
        });
        answered.await
    }

    /// Gets whatever is at a path.
    pub async fn get(&mut self, path_and_query: &str) -> Answer {
        self.ask("GET", path_and_query, None, Bytes::new()).await
    }

    /// What the node lists at a path.
    pub async fn list<T: DeserializeOwned>(&mut self, path_and_query: &str) -> Vec<T> {
        let answer = self.get(path_and_query).await;
        assert_eq!(answer.status, StatusCode::OK, "{path_and_query}: {answer:?}");
        answer.parse()
    }

    /// The value of a metric, by its name and labels.
    pub async fn metric(&mut self, name: &str) -> u64 {
        let answer = self.get("/metrics").await;
        let value = answer
            .body
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no metric {name}: {answer:?}"))
    }

    /// Subscribes to patterns, each written `instance/pattern`. The first item of the stream is taken: it says on how
    /// many nodes the subscription is live.
    pub async fn subscribe(self, patterns: &[&str]) -> Stream {
        self.stream(patterns, "", None).await
    }

    /// The same, beginning as `from` says, to server-sent events.
    pub async fn subscribe_from(self, patterns: &[&str], from: &str) -> Stream {
        self.stream(patterns, &format!("&format=sse&from={from}"), None).await
    }

    /// The same, going on where an earlier stream stood, as browsers do.
    pub async fn resume(self, patterns: &[&str], place: &str) -> Stream {
        self.stream(patterns, "&format=sse", Some((LAST_EVENT_ID, place))).await
    }

    async fn stream(mut self, patterns: &[&str], rest: &str, header: Option<(&str, &str)>) -> Stream {
        // In a query a bare `+` means a space.
        let parameter = |pattern: &&str| format!("pattern={}", pattern.replace('+', "%2B"));
        let patterns: Vec<String> = patterns.iter().map(parameter).collect();
        let path_and_query = &format!("/v1/subscribe?{}{rest}", patterns.join("&"));
        let response = self.send("GET", path_and_query, header, Bytes::new()).await;
        assert_eq!(response.status(), StatusCode::OK, "{path_and_query}: {response:?}");
        Stream::begin(response.into_body(), self).await
    }

    async fn ask(&mut self, method: &str, path_and_query: &str, header: Option<(&str, &str)>, body: Bytes) -> Answer {
        let response = self.send(method, path_and_query, header, body).await;
        let status = response.status();
        let body = soon("the body of an answer", response.into_body().collect()).await;
        let body = body.unwrap_or_else(|err| panic!("the answer to {path_and_query} broke off: {err}"));
        Answer {
            status,
            body: String::from_utf8(body.to_bytes().to_vec()).expect("nodes answer in UTF-8"),
        }
    }

    async fn send(
        &mut self,
        method: &str,
        path_and_query: &str,
        header: Option<(&str, &str)>,
        body: Bytes,
    ) -> Response<Incoming> {
        let request = self.request(method, path_and_query, header, body);
        let answered = soon("an answer", async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        });
        let answered = answered.await;
        answered.unwrap_or_else(|err| panic!("no answer to {path_and_query} from {}: {err}", self.address))
    }

    fn request(
        &self,
        method: &str,
        path_and_query: &str,
        header: Option<(&str, &str)>,
        body: Bytes,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path_and_query)
            .header(HOST, self.address.to_string());
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        request.body(Full::new(body)).expect("the test asks for a valid path")
    }
}

impl Answer {
    /// Panics unless it is an error with this status, reason and these words.
    pub fn expect_error(&self, status: u16, reason: &str, words: &str) {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Error {
            error: String,
            reason: String,
        }

        assert_eq!(self.status, status, "{self:?}");
        let error: Error = self.parse();
        assert_eq!(error.reason, reason, "{self:?}");
        assert!(error.error.contains(words), "does not say `{words}`: {self:?}");
    }

    /// Its body as JSON.
    pub fn parse<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}
