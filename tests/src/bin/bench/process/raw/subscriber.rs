//! The end that receives.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, bail};
use quinn::{Endpoint, RecvStream, SendStream};

use super::endpoint;
use super::frames::Splitter;
use crate::process::commands::{Command, Commands};
use crate::process::tally::Tally;

pub(crate) struct RawSubscriber {
    messages: RecvStream,
    progress: SendStream,
    splitter: Splitter,
    tally: Tally,
    _endpoint: Endpoint,
}

impl RawSubscriber {
    /// Dials the publisher, and waits for its stream.
    pub(crate) async fn connect(to: SocketAddr, folder: &Path) -> anyhow::Result<Self> {
        let endpoint = endpoint::client(folder)?;
        let connection = endpoint.connect(to, endpoint::SERVER_NAME)?.await?;
        let progress = connection.open_uni().await?;
        let mut messages = connection.accept_uni().await?;
        let mut preface = [0];
        messages.read_exact(&mut preface).await?;
        Ok(Self {
            messages,
            progress,
            splitter: Splitter::default(),
            tally: Tally::default(),
            _endpoint: endpoint,
        })
    }

    /// Reads, and reports when it is told to, until there are no more commands.
    pub(crate) async fn run(mut self, commands: &mut Commands) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                biased;
                chunk = self.messages.read_chunk(usize::MAX, true) => {
                    let chunk = chunk?.context("the publisher has ended the stream")?;
                    self.take(&chunk.bytes).await?;
                }
                command = commands.next() => match command? {
                    Some(Command::Report) => println!("{}", self.tally.report()),
                    Some(other) => bail!("a subscriber does not {other:?}"),
                    None => return Ok(()),
                },
            }
        }
    }

    async fn take(&mut self, chunk: &[u8]) -> anyhow::Result<()> {
        let (tally, mut is_marked) = (&mut self.tally, false);
        self.splitter.split(chunk, |payload| {
            is_marked |= tally.take(payload)?;
            Ok(())
        })?;
        if is_marked {
            self.progress.write_all(&self.tally.next().to_le_bytes()).await?;
        }
        Ok(())
    }
}
