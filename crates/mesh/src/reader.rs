//! Reads one data stream from its connection.

use std::time::Duration;

use bellwether_message::{Instance, StreamHeader};
use bellwether_protocol::feed_reader::{FeedReader, ReceiveError};
use bellwether_protocol::frame::{FrameError, MAX_STREAM_HEADER};
use bellwether_protocol::lane::Lane;
use bytes::Bytes;
use quinn::RecvStream;

use crate::shared::Shared;
use crate::sources::Upstream;

/// Chunks, of a packet each, that are taken together: few enough that the room of queues is looked at between them.
const CHUNKS: usize = 8;

/// Receives a data stream, whose kind byte was read, until it ends.
pub(crate) async fn receive(
    shared: &Shared,
    upstream: &Upstream,
    link: u64,
    lane: Lane,
    mut stream: RecvStream,
) -> Result<(), StreamError> {
    let (header, start) = read_preface(&mut stream).await?;
    if Lane::of(header.instance) != lane {
        return Err(ReceiveError::Header.into());
    }
    let mut ring = shared.keys.watch();
    let mut reader = {
        let keys = ring.borrow_and_update().clone();
        let mut feed = upstream.feed(header.instance);
        if !upstream.is_current(link) {
            return Err(StreamError::Replaced);
        }
        let keys = (shared.cluster.as_str(), &keys);
        FeedReader::begin(&header, start, keys, (&upstream.source, upstream.slot), &mut feed)?
    };
    let mut patience = Patience::default();
    // At a packet size of 1452 bytes a chunk holds seven messages of 128 B: taken one by one, the locks cost a tenth.
    let mut chunks: [Bytes; CHUNKS] = Default::default();
    while let Some(read) = stream.read_chunks(&mut chunks).await? {
        patience.wait_for_room(shared, header.instance).await;
        if ring.has_changed().unwrap_or(false) {
            reader.replace_ring(ring.borrow_and_update().clone())?;
        }
        let taken = {
            let mut feed = upstream.feed(header.instance);
            if !upstream.is_current(link) {
                return Err(StreamError::Replaced);
            }
            reader.take(
                chunks.iter_mut().take(read).map(std::mem::take),
                &mut feed,
                &shared.broker,
            )
        };
        upstream.carrier.ack_due.notify_one();
        if taken? {
            shared.sources.confirmed();
        }
    }
    if reader.is_inside_frame() {
        Err(ReceiveError::Frame(FrameError::Malformed).into())
    } else {
        Ok(())
    }
}

/// How long a stream may still be held back for local subscriptions that read, but not as fast as it brings.
///
/// After a cut a whole backlog comes at the speed of the link, and would overflow the queues of subscriptions that keep
/// up with what is published. Only so much in all, and only while they read fast: once one is found to be slow the stream
/// is never held back again, and what it leaves unread costs it alone.
struct Patience {
    left: Duration,
}

/// What one stream may be held back in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether there is room.
const ROOM_POLL: Duration = Duration::from_millis(2);
/// A subscription that reads fewer than so many messages in so long is slow: below 8,000 a second.
const PACE: (u64, Duration) = (160, Duration::from_millis(20));

impl Default for Patience {
    fn default() -> Self {
        Self { left: PATIENCE }
    }
}

impl Patience {
    async fn wait_for_room(&mut self, shared: &Shared, instance: Instance) {
        let (messages, within) = PACE;
        let mut waited = Duration::ZERO;
        // Looked at only while there is patience left: it takes the instance's lock, for every chunk.
        if self.left.is_zero() {
            return;
        }
        let Some(mut begin) = shared.broker.crowded_at(instance) else {
            return;
        };
        while !self.left.is_zero() {
            tokio::time::sleep(ROOM_POLL).await;
            self.left = self.left.saturating_sub(ROOM_POLL);
            waited += ROOM_POLL;
            let Some(at) = shared.broker.crowded_at(instance) else {
                return;
            };
            if waited >= within {
                if at < begin.saturating_add(messages) {
                    self.left = Duration::ZERO;
                }
                (begin, waited) = (at, Duration::ZERO);
            }
        }
    }
}

/// What a data stream begins with, after its kind: the header and the first seq.
pub(crate) async fn read_preface(stream: &mut RecvStream) -> Result<(StreamHeader, u64), StreamError> {
    let mut len = [0; 2];
    stream.read_exact(&mut len).await?;
    let len = usize::from(u16::from_le_bytes(len));
    if len > MAX_STREAM_HEADER {
        return Err(ReceiveError::Header.into());
    }
    let mut header = vec![0; len];
    stream.read_exact(&mut header).await?;
    let mut start = [0; 8];
    stream.read_exact(&mut start).await?;
    let header = StreamHeader::decode(&header).ok_or(ReceiveError::Header)?;
    Ok((header, u64::from_le_bytes(start)))
}

/// Why a stream is read no further. Everything verified before was delivered; the link is dialed again and resumes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    #[error("a newer link has taken over")]
    Replaced,
    #[error("the stream has ended")]
    Read(#[from] quinn::ReadError),
    #[error("the stream has ended early")]
    ReadExact(#[from] quinn::ReadExactError),
}
