//! The end that sends.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use quinn::{Connection, Endpoint, SendStream};
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::endpoint;
use super::frames::Frame;
use super::outbox::Outbox;
use crate::process::outgoing::{Outgoing, Progress, Sender};
use crate::process::payload::Payload;

/// Words about progress that wait to be heard; the window allows far fewer.
const PROGRESS_QUEUE: usize = 1024;
/// Opens a stream, so that the subscriber learns of it.
const PREFACE: &[u8] = b"r";

/// Waits for its subscribers.
pub(crate) struct Listening {
    endpoint: Endpoint,
}

impl Listening {
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Self> {
        let endpoint = endpoint::server(folder)?;
        Ok(Self { endpoint })
    }

    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.endpoint.local_addr()?)
    }

    /// Waits for so many subscribers, and opens a stream to each.
    pub(crate) async fn accept(self, subscribers: usize) -> anyhow::Result<RawOutgoing> {
        let (tell, progress) = mpsc::channel(PROGRESS_QUEUE);
        let mut outboxes = Vec::new();
        for index in 0..subscribers {
            let incoming = self.endpoint.accept().await.context("the endpoint is closed")?;
            let connection = incoming.await?;
            let mut stream = connection.open_uni().await?;
            stream.write_all(PREFACE).await?;
            let outbox = Arc::new(Outbox::default());
            tokio::spawn(write(outbox.clone(), stream));
            tokio::spawn(hear(connection, index.to_string(), tell.clone()));
            outboxes.push(outbox);
        }
        Ok(RawOutgoing {
            outboxes: outboxes.into(),
            progress,
            _endpoint: self.endpoint,
        })
    }
}

/// Writes what is there, until the connection is lost; then the publisher misses the subscriber's progress.
async fn write(outbox: Arc<Outbox>, mut stream: SendStream) -> anyhow::Result<()> {
    loop {
        let (batch, is_more) = outbox.next().await;
        stream.write_chunk(batch).await?;
        if is_more {
            // Lets the connection send first, as the mesh does.
            yield_now().await;
        }
    }
}

/// Reads the numbers that a subscriber sends back.
async fn hear(connection: Connection, subscriber: String, tell: mpsc::Sender<Progress>) -> anyhow::Result<()> {
    let mut stream = connection.accept_uni().await?;
    loop {
        let mut number = [0; 8];
        stream.read_exact(&mut number).await?;
        let progress = Progress {
            subscriber: subscriber.clone(),
            next: u64::from_le_bytes(number),
        };
        tell.send(progress).await?;
    }
}

/// A stream to each subscriber, and what they say.
pub(crate) struct RawOutgoing {
    outboxes: Arc<[Arc<Outbox>]>,
    progress: mpsc::Receiver<Progress>,
    _endpoint: Endpoint,
}

impl Outgoing for RawOutgoing {
    type Sender = RawSender;

    fn sender(&self, bytes: usize) -> anyhow::Result<RawSender> {
        Ok(RawSender {
            outboxes: self.outboxes.clone(),
            frame: Frame::new(bytes),
        })
    }

    async fn next_progress(&mut self) -> anyhow::Result<Progress> {
        self.progress.recv().await.context("no subscriber is left")
    }

    fn try_progress(&mut self) -> anyhow::Result<Option<Progress>> {
        Ok(self.progress.try_recv().ok())
    }
}

/// Copies each message to the end of every outbox.
pub(crate) struct RawSender {
    outboxes: Arc<[Arc<Outbox>]>,
    frame: Frame,
}

impl Sender for RawSender {
    fn send(&mut self, payload: Payload) -> anyhow::Result<()> {
        payload.write(self.frame.payload_mut());
        for outbox in &*self.outboxes {
            outbox.push(self.frame.bytes());
        }
        Ok(())
    }
}
