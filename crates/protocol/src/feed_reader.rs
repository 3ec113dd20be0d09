//! One data stream, being received: frames are split, verified, checked for their place in the feed, and handed to the
//! broker.

use std::sync::Arc;

use bellwether_broker::{Broker, DropReason, EpochEnded, Gap, GapCause, MAX_PATTERNS, SourceSlot};
use bellwether_message::{
    BatchBuilder, Instance, KeyId, KeyRing, Opener, Pattern, Source, StreamHeader, Verified, VerifyError,
};
use bytes::Bytes;

use crate::frame::{Frame, FrameError, FrameParser};
use crate::incoming_feed::{IncomingFeed, OrderError};
use crate::mark::Mark;

/// Most queue groups of a node that can want one message: as many as it may have patterns.
const MAX_CHOSEN: usize = MAX_PATTERNS;

/// Receives one data stream of one feed.
///
/// The feed itself outlives the stream and is passed in: whoever owns it holds it while frames are taken, so that an
/// older link's stream never delivers beside a newer one's.
pub struct FeedReader {
    parser: FrameParser,
    frames: FrameReader,
}

/// The same without what splits the stream.
struct FrameReader {
    instance: Instance,
    slot: SourceSlot,
    source: Arc<Source>,
    ring: Arc<KeyRing>,
    /// With the key that signs now.
    header: StreamHeader,
    opener: Opener,
    /// Verified, not yet handed to the broker.
    batch: BatchBuilder,
    /// By place in the batch: the queue groups that have chosen this node for the message.
    chosen: Vec<(usize, Pattern)>,
    /// Those that have for the next message.
    next_chosen: Vec<Pattern>,
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
        (cluster, ring): (&str, &Arc<KeyRing>),
        (source, slot): (&Arc<Source>, SourceSlot),
        feed: &mut IncomingFeed,
    ) -> Result<Self, ReceiveError> {
        // The writer of the feed is the authenticated node at the other end, and nobody else.
        if header.source != **source {
            return Err(ReceiveError::Header);
        }
        let opener = opener(ring, cluster, header)?;
        feed.on_start(start)?;
        Ok(Self {
            parser: FrameParser::default(),
            frames: FrameReader {
                instance: header.instance,
                slot,
                source: source.clone(),
                ring: ring.clone(),
                header: header.clone(),
                opener,
                batch: BatchBuilder::new(source.clone()),
                chosen: Vec::new(),
                next_chosen: Vec::new(),
            },
        })
    }

    /// The instance of the feed.
    pub fn instance(&self) -> Instance {
        self.frames.instance
    }

    /// From now on these keys verify.
    ///
    /// # Errors
    /// [`ReceiveError::KeyRemoved`] if the key that signs the stream is not among them; the stream must be given up.
    pub fn replace_ring(&mut self, ring: Arc<KeyRing>) -> Result<(), ReceiveError> {
        let is_known = ring.contains(self.frames.header.key);
        self.frames.ring = ring;
        is_known.then_some(()).ok_or(ReceiveError::KeyRemoved)
    }

    /// Takes the next bytes of the stream, and delivers every whole frame that is there. Many chunks at once are cheaper:
    /// what is in them is delivered together. True if the source has
    /// confirmed something ([`Mark::Live`]).
    ///
    /// # Errors
    /// [`ReceiveError`]; what was verified before was delivered, and the stream must be given up.
    pub fn take(
        &mut self,
        chunks: impl IntoIterator<Item = Bytes>,
        feed: &mut IncomingFeed,
        broker: &Broker,
    ) -> Result<bool, ReceiveError> {
        let mut confirmed = false;
        let mut outcome = Ok(());
        for chunk in chunks {
            self.parser.push(chunk);
            while let Some(frame) = self.parser.next_frame().transpose() {
                outcome = match frame {
                    Ok(Frame::Message { delta, body }) => self.frames.take_message(feed, delta, body, broker),
                    Ok(Frame::Mark { body }) => {
                        let taken = self.frames.take_mark(feed, body, broker);
                        taken.map(|live| confirmed |= live)
                    }
                    Err(err) => Err(err.into()),
                };
                if outcome.is_err() {
                    break;
                }
            }
            if outcome.is_err() {
                break;
            }
        }
        // What was verified before an error was received in good order.
        self.frames.flush(broker);
        outcome.map(|()| confirmed)
    }

    /// Whether a frame has begun and not ended: a stream must not end here.
    pub fn is_inside_frame(&self) -> bool {
        self.parser.is_inside_frame()
    }
}

impl FrameReader {
    fn take_message(
        &mut self,
        feed: &mut IncomingFeed,
        delta: u64,
        body: &[u8],
        broker: &Broker,
    ) -> Result<(), ReceiveError> {
        match open_message(&mut self.opener, feed, delta, body)? {
            Opened::Message(verified) => {
                let is_alone = BatchBuilder::is_alone(body);
                if is_alone {
                    self.flush(broker);
                }
                self.batch.push(verified, body);
                let place = self.batch.len() - 1;
                self.chosen
                    .extend(self.next_chosen.drain(..).map(|queue| (place, queue)));
                if is_alone || self.batch.is_full() {
                    self.flush(broker);
                }
            }
            Opened::Unverified { seq } => {
                broker.counters(self.instance).dropped(DropReason::Unverified).add(1);
                self.next_chosen.clear();
                self.flush(broker);
                self.deliver_gap(seq, seq, GapCause::Unverified, broker);
            }
        }
        Ok(())
    }

    fn take_mark(&mut self, feed: &mut IncomingFeed, body: &[u8], broker: &Broker) -> Result<bool, ReceiveError> {
        let mark = self.opener.open_mark(body).map_err(ReceiveError::Unverified)?;
        if let Mark::Queue { queue } = mark {
            let queue = Pattern::new(queue).ok().filter(|queue| queue.queue().is_some());
            let room = self.next_chosen.len() < MAX_CHOSEN;
            self.next_chosen.push(queue.filter(|_| room).ok_or(OrderError)?);
            return Ok(false);
        }
        self.flush(broker);
        match mark {
            Mark::Queue { .. } => {}
            Mark::Key { key } => {
                self.header.key = KeyId(key);
                self.opener = opener(&self.ring, &self.header.cluster, &self.header)?;
            }
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
        let gap = Gap::up_to(self.source.clone(), self.instance, first, last, cause);
        broker.deliver_gap(self.slot, &gap);
    }

    fn flush(&mut self, broker: &Broker) {
        if let Some(batch) = self.batch.finish() {
            broker.deliver_chosen(self.slot, self.instance, &batch, &self.chosen);
            self.chosen.clear();
        }
    }
}

/// What a message frame turned out to be.
pub(crate) enum Opened {
    /// The next message of the feed.
    Message(Verified),
    /// It failed verification. TLS has brought it unharmed, so the source's backlog holds it like this: to dial again
    /// would bring it again. It is a gap.
    Unverified {
        /// The seq that it stands for.
        seq: u64,
    },
}

/// Verifies a message that follows `delta` after the last, and takes its place in the feed.
pub(crate) fn open_message(
    opener: &mut Opener,
    feed: &mut IncomingFeed,
    delta: u64,
    body: &[u8],
) -> Result<Opened, OrderError> {
    match opener.open(body) {
        Ok(verified) => {
            feed.on_message(delta, verified.seq())?;
            Ok(Opened::Message(verified))
        }
        Err(_) => {
            let seq = feed.seen().saturating_add(delta);
            feed.on_gap(seq, seq)?;
            Ok(Opened::Unverified { seq })
        }
    }
}

fn opener(ring: &KeyRing, cluster: &str, header: &StreamHeader) -> Result<Opener, ReceiveError> {
    if !ring.contains(header.key) {
        return Err(ReceiveError::UnknownKey(header.key));
    }
    Opener::new(Some(ring), cluster, header).map_err(ReceiveError::Unverified)
}

/// Why a data stream was given up. Everything verified before was delivered; the link is dialed again and resumes.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The header is not the authenticated peer's.
    #[error("the stream's header is not this peer's")]
    Header,
    /// A mark failed verification, or the stream is of another cluster.
    #[error("the stream failed verification")]
    Unverified(#[source] VerifyError),
    /// The stream is signed by a key that never was in the ring.
    #[error("the stream is signed by the key {0}, which this node does not have")]
    UnknownKey(KeyId),
    /// The stream's key is no longer in the ring.
    #[error("the stream is signed by a key that was removed")]
    KeyRemoved,
    /// The framing is broken.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Something is out of its place.
    #[error(transparent)]
    Order(#[from] OrderError),
}

#[cfg(test)]
mod tests;
