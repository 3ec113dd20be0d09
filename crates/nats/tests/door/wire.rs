//! A client that says exactly what a test says.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::lab::soon;

pub(crate) struct Wire<S = TcpStream> {
    stream: BufReader<S>,
    pub(crate) info: Value,
}

/// A message as it arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// All before the sizes: `MSG a.b 1`.
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) payload: String,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Wire {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::over(TcpStream::connect(addr).await.unwrap()).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Reads what the node says of itself.
    pub(crate) async fn over(stream: S) -> Self {
        let mut this = Self::silent(stream);
        this.info = this.next_info().await;
        this
    }

    pub(crate) fn silent(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
            info: Value::Null,
        }
    }

    pub(crate) fn into_inner(self) -> S {
        assert!(self.stream.buffer().is_empty());
        self.stream.into_inner()
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.say_bytes(text.as_bytes()).await;
    }

    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) {
        soon("the node reads", self.stream.get_mut().write_all(bytes))
            .await
            .unwrap();
        self.stream.get_mut().flush().await.unwrap();
    }

    /// What was said before has been carried out.
    pub(crate) async fn sync(&mut self) {
        self.say("PING\r\n").await;
        self.expect("PONG").await;
    }

    /// The next line; empty at the end.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = soon("a line from the node", self.stream.read_line(&mut line)).await;
        if read.is_err() {
            return String::new();
        }
        line.strip_suffix("\r\n").unwrap_or(&line).to_owned()
    }

    pub(crate) async fn expect(&mut self, line: &str) {
        assert_eq!(self.line().await, line);
    }

    pub(crate) async fn next_info(&mut self) -> Value {
        let line = self.line().await;
        let json = line.strip_prefix("INFO ").unwrap_or_else(|| panic!("{line}"));
        serde_json::from_str(json).unwrap()
    }

    /// The next message, with the version of its headers' line.
    pub(crate) async fn message(&mut self) -> Message {
        let line = self.line().await;
        let mut fields: Vec<&str> = line.split(' ').collect();
        let bytes: usize = fields
            .pop()
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or_else(|| panic!("{line}"));
        let headers: usize = match fields[0] {
            "HMSG" => fields.pop().unwrap().parse().unwrap(),
            "MSG" => 0,
            _ => panic!("{line}"),
        };
        let mut body = vec![0; bytes + 2];
        soon("the rest of the message", self.stream.read_exact(&mut body))
            .await
            .unwrap();
        let body = String::from_utf8(body).unwrap();
        let (headers, payload) = body.split_at(headers);
        Message {
            line: fields.join(" "),
            headers: headers.to_owned(),
            payload: payload.strip_suffix("\r\n").unwrap().to_owned(),
        }
    }

    /// The next message is this one: its line without sizes, and its payload.
    pub(crate) async fn expect_message(&mut self, line: &str, payload: &str) {
        let message = self.message().await;
        assert_eq!((&*message.line, &*message.payload), (line, payload));
    }

    /// The node says this, and nothing more.
    pub(crate) async fn expect_end(&mut self, line: &str) {
        self.expect(line).await;
        self.expect("").await;
    }
}
