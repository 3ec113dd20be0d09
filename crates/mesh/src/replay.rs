//! Asking a source for a part of its backlog, and answering.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bellwether_broker::Delivery;
use bellwether_message::{Instance, SealError, Source};
use bellwether_protocol::control::MAX_FRAME;
use bellwether_protocol::feed_reader::ReceiveError;
use bellwether_protocol::frame::{STREAM_DATA, put_preface};
use bellwether_protocol::lane::Lane;
use bellwether_protocol::replay::{ReplayReader, ReplayRequest, ReplayWriter};
use bytes::BytesMut;
use quinn::{RecvStream, SendStream, VarInt};

use crate::control_stream::{self, ControlError};
use crate::dial::LinkError;
use crate::reader::{StreamError, read_preface};
use crate::shared::Shared;

/// Replays that one connection may carry at once; a further one waits for its turn.
pub(crate) const REPLAYS: u32 = 16;
/// So long, at most: readers that are slow keep theirs.
const TURN_WITHIN: Duration = Duration::from_secs(10);
/// A source that has not begun to answer within this time is not waited for; nor is one that then falls silent.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// An asker says what it wants within this time.
const REQUEST_WITHIN: Duration = Duration::from_secs(2);
/// Below every feed of the lane: a replay must not delay what is live.
const PRIORITY: i32 = -10;

/// The answer of one source, being read. Dropping it ends the replay.
pub struct Replay {
    recv: RecvStream,
    reader: ReplayReader,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("seen", &self.reader.seen()).finish()
    }
}

impl Replay {
    /// Appends what comes next. False: that was all. Cancel safe, but for what is lost with the answer.
    ///
    /// # Errors
    /// [`ReplayError`]: the source no longer answers; what it said before was appended.
    pub async fn read(&mut self, out: &mut VecDeque<Delivery>) -> Result<bool, ReplayError> {
        let read = tokio::time::timeout(ANSWER_WITHIN, self.recv.read_chunk(usize::MAX, true)).await;
        match read.map_err(|_| ReplayError::Silent)? {
            Ok(Some(chunk)) => self.reader.take(chunk.bytes, out)?,
            Ok(None) if self.reader.is_complete() => return Ok(false),
            Ok(None) => return Err(ReplayError::Silent),
            Err(err) => return Err(StreamError::Read(err).into()),
        }
        Ok(!self.reader.is_complete())
    }

    /// The last seq that was accounted for.
    pub fn seen(&self) -> u64 {
        self.reader.seen()
    }
}

/// Asks a run, on the link that is up to it.
pub(crate) async fn ask(shared: &Shared, run: &Arc<Source>, request: &ReplayRequest) -> Result<Replay, ReplayError> {
    let opening = async {
        let linked = shared
            .links
            .to_node(&run.node)
            .filter(|(_, session)| session.peer == **run);
        let (link, session) = linked.ok_or(ReplayError::NotLinked)?;
        let instance = Instance::from_index(request.instance).ok_or(ReceiveError::Header)?;
        let connection = session.lane(shared, &link, Lane::of(instance)).await?;
        let (send, recv) = connection.open_bi().await.map_err(LinkError::Connection)?;
        Ok::<_, ReplayError>((send, recv, instance))
    };
    let (mut send, mut recv, instance) = tokio::time::timeout(TURN_WITHIN, opening)
        .await
        .map_err(|_| ReplayError::Silent)??;
    let asking = async {
        control_stream::write(&mut send, request).await?;
        // The request is all that is said.
        let _ = send.finish();
        let mut kind = [0];
        recv.read_exact(&mut kind).await.map_err(StreamError::ReadExact)?;
        if kind != [STREAM_DATA] {
            return Err(ReceiveError::Header.into());
        }
        let (header, start) = read_preface(&mut recv).await?;
        let ring = shared.keys.ring();
        let reader = ReplayReader::begin(&header, start, (&shared.cluster, &ring), run, instance)?;
        Ok(Replay { recv, reader })
    };
    tokio::time::timeout(ANSWER_WITHIN, asking)
        .await
        .map_err(|_| ReplayError::Silent)?
}

/// Answers one request of a member.
pub(crate) async fn answer(shared: &Shared, mut send: SendStream, mut recv: RecvStream) -> Result<(), AnswerError> {
    let request = tokio::time::timeout(REQUEST_WITHIN, control_stream::read(&mut recv, MAX_FRAME));
    let request: ReplayRequest = request.await.map_err(|_| AnswerError::NoRequest)??;
    let broker = &shared.broker;
    let Some(mut writer) = ReplayWriter::new(broker, &request) else {
        let _ = send.reset(VarInt::from_u32(0));
        return Ok(());
    };
    send.set_priority(PRIORITY).ok();
    let mut batch = BytesMut::new();
    put_preface(
        writer.header().ok_or(AnswerError::Unsigned)?,
        writer.start(),
        &mut batch,
    );
    loop {
        let more = writer.fill(broker, &mut batch)?;
        send.write_chunk(batch.split().freeze()).await?;
        if !more {
            break;
        }
        tokio::task::yield_now().await;
    }
    let _ = send.finish();
    // Until the asker has it all, or has gone.
    let _ = send.stopped().await;
    Ok(())
}

/// Why a source does not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// No link to it is up.
    #[error("no link to it is up")]
    NotLinked,
    /// It says nothing, or no more.
    #[error("it does not answer")]
    Silent,
    /// The connection does not work, or what it says is not in order.
    #[error("the answer is broken")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<LinkError> for ReplayError {
    fn from(err: LinkError) -> Self {
        Self::Broken(err.into())
    }
}

impl From<ControlError> for ReplayError {
    fn from(err: ControlError) -> Self {
        Self::Broken(err.into())
    }
}

impl From<StreamError> for ReplayError {
    fn from(err: StreamError) -> Self {
        Self::Broken(err.into())
    }
}

impl From<ReceiveError> for ReplayError {
    fn from(err: ReceiveError) -> Self {
        Self::Broken(err.into())
    }
}

/// Why a request was not answered to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("nothing was asked")]
    NoRequest,
    #[error("the feed is not signed")]
    Unsigned,
    #[error(transparent)]
    Request(#[from] ControlError),
    #[error("a mark cannot be sealed")]
    Seal(#[from] SealError),
    #[error("the asker has gone")]
    Write(#[from] quinn::WriteError),
}
