//! Reads one data stream: splits frames, verifies, checks the feed's order, and hands to the broker.

use bellwether_broker::{DropReason, EpochEnded, Gap, GapCause};
use bellwether_message::{Envelope, Instance, Opener, Pattern, StreamHeader, VerifyError};
use bytes::Bytes;
use quinn::RecvStream;

use crate::lane::Lane;
use crate::protocol::frame::{Frame, FrameError, FrameParser, MAX_STREAM_HEADER};
use crate::protocol::incoming_feed::{IncomingFeed, OrderError};
use crate::protocol::mark::Mark;
use crate::shared::Shared;
use crate::sources::Upstream;

/// A data stream of one feed, being received on a link.
pub(crate) struct Reader<'a> {
    shared: &'a Shared,
    upstream: &'a Upstream,
    link: u64,
    instance: Instance,
    opener: Opener,
    /// Verified, not yet handed to the broker: one chunk's worth.
    batch: Vec<Envelope>,
}

/// Receives a data stream, whose kind byte was read, until it ends.
pub(crate) async fn receive(
    shared: &Shared,
    upstream: &Upstream,
    link: u64,
    lane: Lane,
    mut stream: RecvStream,
) -> Result<(), ReceiveError> {
    let mut len = [0; 2];
    stream.read_exact(&mut len).await?;
    let len = usize::from(u16::from_le_bytes(len));
    if len > MAX_STREAM_HEADER {
        return Err(ReceiveError::Header);
    }
    let mut header = vec![0; len];
    stream.read_exact(&mut header).await?;
    let mut start = [0; 8];
    stream.read_exact(&mut start).await?;
    let header = StreamHeader::decode(&header).ok_or(ReceiveError::Header)?;
    // The writer of the feed is the authenticated node at the other end, and nobody else.
    if header.source != *upstream.source || Lane::of(header.instance) != lane {
        return Err(ReceiveError::Header);
    }
    let opener = Opener::new(Some(&shared.ring), &shared.cluster, &header).map_err(ReceiveError::Unverified)?;
    let mut reader = Reader {
        shared,
        upstream,
        link,
        instance: header.instance,
        opener,
        batch: Vec::new(),
    };
    {
        let mut feed = upstream.feed(header.instance);
        if !upstream.is_current(link) {
            return Err(ReceiveError::Replaced);
        }
        feed.on_start(u64::from_le_bytes(start))?;
    }
    let mut parser = FrameParser::default();
    while let Some(chunk) = stream.read_chunk(usize::MAX, true).await? {
        parser.push(chunk.bytes);
        let taken = reader.take_frames(&mut parser);
        upstream.ack_due.notify_one();
        taken?;
    }
    if parser.is_inside_frame() {
        Err(ReceiveError::Frame(FrameError::Malformed))
    } else {
        Ok(())
    }
}

impl Reader<'_> {
    /// Takes every whole frame that is there.
    fn take_frames(&mut self, parser: &mut FrameParser) -> Result<(), ReceiveError> {
        let mut feed = self.upstream.feed(self.instance);
        if !self.upstream.is_current(self.link) {
            return Err(ReceiveError::Replaced);
        }
        let outcome = loop {
            let frame = match parser.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => break Ok(()),
                Err(err) => break Err(err.into()),
            };
            let taken = match frame {
                Frame::Message { delta, body } => self.take_message(&mut feed, delta, body),
                Frame::Mark { body } => self.take_mark(&mut feed, &body),
            };
            if taken.is_err() {
                break taken;
            }
        };
        // What was verified before an error was received in good order.
        self.flush();
        outcome
    }

    fn take_message(&mut self, feed: &mut IncomingFeed, delta: u64, body: Bytes) -> Result<(), ReceiveError> {
        let envelope = self.opener.open(body).map_err(|err| self.unverified(err))?;
        feed.on_message(delta, envelope.seq())?;
        self.batch.push(envelope);
        Ok(())
    }

    fn take_mark(&mut self, feed: &mut IncomingFeed, body: &[u8]) -> Result<(), ReceiveError> {
        let mark = self.opener.open_mark(body).map_err(|err| self.unverified(err))?;
        let (broker, slot, source) = (&self.shared.broker, self.upstream.slot, self.upstream.source.clone());
        self.flush();
        match mark {
            Mark::Live { pattern, added, from } => {
                let pattern = Pattern::new(pattern).map_err(|_| ReceiveError::Order(OrderError))?;
                if broker.open(slot, self.instance, &pattern, added, from) {
                    self.shared.sources.confirmed();
                }
            }
            Mark::Gap { first, last } => {
                feed.on_gap(first, last)?;
                let (count, cause) = (last - first + 1, GapCause::LinkOverrun);
                broker.deliver_gap(
                    slot,
                    &Gap {
                        source,
                        instance: self.instance,
                        first,
                        last,
                        count,
                        exact: false,
                        cause,
                    },
                );
            }
            Mark::Skipped { through } => feed.on_skipped(through)?,
            Mark::EpochEnded { last } => {
                feed.on_ended(last)?;
                let ended = EpochEnded {
                    source,
                    instance: self.instance,
                    last_seq: last,
                    tail_unknown: false,
                };
                broker.deliver_end(slot, &ended);
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        if !self.batch.is_empty() {
            self.shared
                .broker
                .deliver(self.upstream.slot, self.instance, &self.batch);
            self.batch.clear();
        }
    }

    fn unverified(&self, err: VerifyError) -> ReceiveError {
        self.shared
            .broker
            .counters(self.instance)
            .dropped(DropReason::Unverified)
            .add(1);
        ReceiveError::Unverified(err)
    }
}

/// Why a data stream was given up. Everything verified before was delivered; the link is dialed again and resumes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    #[error("the stream's header is not this peer's")]
    Header,
    #[error("a frame failed verification")]
    Unverified(#[source] VerifyError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error("a newer link has taken over")]
    Replaced,
    #[error("the stream has ended")]
    Read(#[from] quinn::ReadError),
    #[error("the stream has ended early")]
    ReadExact(#[from] quinn::ReadExactError),
}
