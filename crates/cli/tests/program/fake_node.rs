//! Something that answers like a node for as long as a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// One request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) first_line: String,
    pub(crate) content_type: Option<String>,
    pub(crate) last_event_id: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// A listener, and the URL under which it is reached.
pub(crate) struct FakeNode {
    pub(crate) listener: TcpListener,
    pub(crate) url: String,
}

impl FakeNode {
    pub(crate) fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    /// Goes through with this in a thread of its own; the listener is gone when it ends.
    pub(crate) fn play<T: Send + 'static>(
        self,
        script: impl FnOnce(&TcpListener) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        std::thread::spawn(move || script(&self.listener))
    }
}

/// The next connection.
pub(crate) fn accept(listener: &TcpListener) -> BufReader<TcpStream> {
    BufReader::new(listener.accept().unwrap().0)
}

/// The next request of a connection, without its body; `None` when the client has closed it.
pub(crate) fn head(connection: &mut BufReader<impl Read>) -> Option<(Request, usize)> {
    let mut lines = connection.by_ref().lines().map(Result::unwrap);
    let first_line = lines.next()?;
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        let value = headers.iter().filter_map(|line| line.split_once(": "));
        value
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
            .next()
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let request = Request {
        first_line,
        content_type: header("content-type"),
        last_event_id: header("last-event-id"),
        authorization: header("authorization"),
        body: Vec::new(),
    };
    Some((request, length))
}

/// The next request of a connection; `None` when the client has closed it.
pub(crate) fn request(connection: &mut BufReader<impl Read>) -> Option<Request> {
    let (mut request, length) = head(connection)?;
    request.body.resize(length, 0);
    connection.read_exact(&mut request.body).unwrap();
    Some(request)
}

pub(crate) fn answer(connection: &mut BufReader<impl Read + Write>, status: &str, body: &str) {
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    connection.get_mut().write_all(text.as_bytes()).unwrap();
}

/// Begins a stream of events.
pub(crate) fn begin_stream(connection: &mut BufReader<TcpStream>) {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.get_mut().write_all(head).unwrap();
}

/// Sends an event of a stream.
pub(crate) fn stream_event(connection: &mut BufReader<TcpStream>, id: Option<&str>, json: &str) {
    connection.get_mut().write_all(event(id, json).as_bytes()).unwrap();
}

/// An event as a chunk of a stream.
pub(crate) fn event(id: Option<&str>, json: &str) -> String {
    let id = id.map_or(String::new(), |id| format!("id: {id}\n"));
    let event = format!("{id}event: any\ndata: {json}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len())
}
