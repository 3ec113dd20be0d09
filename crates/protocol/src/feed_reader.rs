//! One data stream, being received: frames are split, verified, checked for their place in the feed, and handed to the
//! broker.

use std::sync::Arc;

use bellwether_broker::{Broker, DropReason, EpochEnded, Gap, GapCause, SourceSlot};
use bellwether_message::planted::{Planted, is_planted};
use bellwether_message::{Envelope, Instance, KeyRing, Opener, Pattern, Source, StreamHeader, VerifyError};
use bytes::Bytes;

use crate::frame::{Frame, FrameError, FrameParser};
use crate::incoming_feed::{IncomingFeed, OrderError};
use crate::mark::Mark;

/// Receives one data stream of one feed.
///
/// The feed itself outlives the stream and is passed in: whoever owns it holds it while frames are taken, so that an
/// older link's stream never delivers beside a newer one's.
pub struct FeedReader {
    instance: Instance,
    slot: SourceSlot,
    source: Arc<Source>,
    opener: Opener,
    parser: FrameParser,
    /// Verified, not yet handed to the broker: one chunk's worth.
    batch: Vec<Envelope>,
}

impl FeedReader {
    /// A stream that announced itself with `header`, which the authenticated peer `source` must have written, begins
    /// at seq `start` of the feed.
    ///
    /// # Errors
    /// [`ReceiveError`]; the feed is as it was.
    pub fn begin(
        header: &StreamHeader,
        start: u64,
        (cluster, ring): (&str, &KeyRing),
        (source, slot): (&Arc<Source>, SourceSlot),
        feed: &mut IncomingFeed,
    ) -> Result<Self, ReceiveError> {
        // The writer of the feed is the authenticated node at the other end, and nobody else.
        if header.source != **source {
            return Err(ReceiveError::Header);
        }
        let opener = Opener::new(Some(ring), cluster, header).map_err(ReceiveError::Unverified)?;
        feed.on_start(start)?;
        Ok(Self {
            instance: header.instance,
            slot,
            source: source.clone(),
            opener,
            parser: FrameParser::default(),
            batch: Vec::new(),
        })
    }

    /// The instance of the feed.
    pub fn instance(&self) -> Instance {
        self.instance
    }

    /// Takes the next bytes of the stream, and delivers every whole frame that is there. True if the source has
    /// confirmed something ([`Mark::Live`]).
    ///
    /// # Errors
    /// [`ReceiveError`]; what was verified before was delivered, and the stream must be given up.
    pub fn take(&mut self, chunk: Bytes, feed: &mut IncomingFeed, broker: &Broker) -> Result<bool, ReceiveError> {
        self.parser.push(chunk);
        let mut confirmed = false;
        let outcome = loop {
            let frame = match self.parser.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break Ok(()),
                Err(err) => break Err(err.into()),
            };
            let taken = match frame {
                Frame::Message { delta, body } => self.take_message(feed, delta, body, broker),
                Frame::Mark { body } => self.take_mark(feed, &body, broker).map(|live| confirmed |= live),
            };
            if taken.is_err() {
                break taken;
            }
        };
        // What was verified before an error was received in good order.
        self.flush(broker);
        outcome.map(|()| confirmed)
    }

    /// Whether a frame has begun and not ended: a stream must not end here.
    pub fn is_inside_frame(&self) -> bool {
        self.parser.is_inside_frame()
    }

    fn take_message(
        &mut self,
        feed: &mut IncomingFeed,
        delta: u64,
        body: Bytes,
        broker: &Broker,
    ) -> Result<(), ReceiveError> {
        match self.opener.open(body) {
            Ok(envelope) => {
                feed.on_message(delta, envelope.seq())?;
                self.batch.push(envelope);
            }
            // TLS has brought it unharmed, so the source's backlog holds it like this: to dial again would bring it again.
            Err(_) => {
                let seq = feed.seen().saturating_add(delta);
                feed.on_gap(seq, seq)?;
                broker.counters(self.instance).dropped(DropReason::Unverified).add(1);
                self.flush(broker);
                self.deliver_gap(seq, seq, GapCause::Unverified, broker);
            }
        }
        Ok(())
    }

    fn take_mark(&mut self, feed: &mut IncomingFeed, body: &[u8], broker: &Broker) -> Result<bool, ReceiveError> {
        let mark = self.opener.open_mark(body).map_err(ReceiveError::Unverified)?;
        self.flush(broker);
        match mark {
            Mark::Live { pattern, added, from } => {
                let pattern = Pattern::new(pattern).map_err(|_| ReceiveError::Order(OrderError))?;
                return Ok(broker.open(self.slot, self.instance, &pattern, added, from));
            }
            Mark::Gap { first, last, resumed } => {
                feed.on_gap(first, last)?;
                let cause = if resumed {
                    GapCause::BacklogOverrun
                } else {
                    GapCause::LinkOverrun
                };
                self.deliver_gap(first, last, cause, broker);
            }
            Mark::Skipped { through } => feed.on_skipped(through)?,
            Mark::EpochEnded { last } => {
                if !feed.on_ended(last)? {
                    return Ok(false);
                }
                let ended = EpochEnded {
                    source: self.source.clone(),
                    instance: self.instance,
                    last_seq: last,
                    tail_unknown: false,
                };
                broker.deliver_end(self.slot, &ended);
            }
        }
        Ok(false)
    }

    fn deliver_gap(&self, first: u64, last: u64, cause: GapCause, broker: &Broker) {
        let gap = Gap {
            source: self.source.clone(),
            instance: self.instance,
            first,
            last,
            count: last - first + 1,
            exact: false,
            cause,
        };
        broker.deliver_gap(self.slot, &gap);
    }

    fn flush(&mut self, broker: &Broker) {
        if !self.batch.is_empty() {
            if is_planted(Planted::SwappedInBatch) {
                self.batch.reverse()
            }
            broker.deliver(self.slot, self.instance, &self.batch);
            self.batch.clear();
        }
    }
}

/// Why a data stream was given up. Everything verified before was delivered; the link is dialed again and resumes.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The header is not the authenticated peer's.
    #[error("the stream's header is not this peer's")]
    Header,
    /// The stream's key is unknown, or a mark failed verification.
    #[error("the stream failed verification")]
    Unverified(#[source] VerifyError),
    /// The framing is broken.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Something is out of its place.
    #[error(transparent)]
    Order(#[from] OrderError),
}
