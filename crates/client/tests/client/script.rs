//! A server that does as a test wants.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A listener, and the address under which it is reached.
pub(crate) struct Script {
    pub(crate) listener: TcpListener,
    pub(crate) url: String,
}

impl Script {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    /// Answers the requests of one connection with these, one after the other, and closes; the requests.
    pub(crate) fn answering(self, answers: Vec<String>) -> tokio::task::JoinHandle<Vec<String>> {
        tokio::spawn(async move {
            let mut stream = self.accept().await;
            let mut requests = Vec::new();
            for answer in answers {
                requests.push(request(&mut stream).await.expect("a request"));
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            requests
        })
    }
}

/// The next request, head and body; none when the client has closed the connection.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        request.extend_from_slice(&byte);
    }
    let head = String::from_utf8(request.clone()).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

pub(crate) fn first_line(request: &str) -> &str {
    request.lines().next().unwrap()
}

pub(crate) fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// An event of a stream, as a chunk.
pub(crate) fn event(id: Option<&str>, json: &str) -> String {
    let id = id.map_or(String::new(), |id| format!("id: {id}\n"));
    let event = format!("{id}event: any\ndata: {json}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len())
}

pub(crate) const LIVE: &str = r#"{"subscribed":{"live":1,"nodes":1,"not_yet":[],"joined":true}}"#;

pub(crate) fn message(seq: u64) -> String {
    format!(
        r#"{{"id":"alerts/a/1/{seq}","instance":"alerts","topic":"t","event":"e","originating_node":"a","reporting_node":"a","timestamp":"2026-11-21T10:57:54.123Z","correlation_id":null,"causation_id":null,"schema_version":1,"content_type":"text/plain","signed":true,"payload":"p{seq}"}}"#
    )
}
