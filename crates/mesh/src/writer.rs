//! Writes one data stream: what a peer wants of this node's feed of one instance.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_broker::{Broker, FeedWatch};
use bellwether_message::{Instance, SealError, Source};
use bellwether_protocol::control::Ack;
use bellwether_protocol::frame::put_preface;
use bellwether_protocol::frame_buffer::FrameBuffer;
use bellwether_protocol::lane::Lane;
use bellwether_protocol::outgoing_feed::{Filled, OutgoingFeed};
use bellwether_protocol::window::{Standing, Window};
use quinn::Connection;

/// Unwanted messages are told as skipped once the feed was idle for so long.
const SKIP_AFTER: Duration = Duration::from_secs(1);

/// A feed on its way to a peer, shared by the link's control loop and the stream's writer.
#[derive(Debug)]
pub(crate) struct FeedOut {
    instance: Instance,
    feed: Mutex<OutgoingFeed>,
    watch: FeedWatch,
    window: Mutex<Window>,
    /// Bytes written to the stream.
    written: AtomicU64,
    /// Whether the end of the feed is on its way.
    ended: AtomicBool,
}

impl FeedOut {
    pub(crate) fn new(broker: &Broker, instance: Instance, next: u64, peer: Arc<Source>) -> Self {
        let watch = broker.watch_feed(instance);
        let head = broker.head(instance);
        let mut feed = OutgoingFeed::new(instance, next, head);
        feed.sit(broker.queue_seat(instance, peer));
        Self {
            instance,
            window: Mutex::new(Window::new(feed.told())),
            feed: Mutex::new(feed),
            watch,
            written: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// Changes what the peer wants, or ends the feed, and wakes the writer. `change` is given the feed's newest seq,
    /// read while the feed is held: whatever is published later comes after it.
    pub(crate) fn change(&self, broker: &Broker, change: impl FnOnce(&mut OutgoingFeed, u64)) {
        {
            let mut feed = self.lock();
            let head = broker.head(self.instance);
            change(&mut feed, head);
        }
        self.watch.wake();
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, OutgoingFeed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn on_ack(&self, ack: &Ack) {
        self.window().on_ack(ack.seq, ack.room_until);
    }

    /// Whether the peer holds the message with this seq; `None` if the backlog lost it on the way.
    pub(crate) fn holds(&self, seq: u64) -> Option<bool> {
        (!self.lock().has_lost(seq)).then(|| self.window().acked() >= seq)
    }

    /// Whether a publisher need not wait for this link.
    pub(crate) fn has_room(&self, broker: &Broker, now: Duration) -> bool {
        let standing = {
            let feed = self.lock();
            if !feed.is_wanted() {
                return true;
            }
            Standing {
                head: broker.head(self.instance),
                next: feed.next(),
                told: feed.told(),
                backlog: broker.backlog_size(self.instance),
            }
        };
        let settings = broker.settings(self.instance);
        self.window().has_room(standing, &settings, now)
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes written to the stream so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether the peer has everything, the end included.
    pub(crate) fn is_drained(&self) -> bool {
        self.ended.load(Ordering::Acquire) && self.window().acked() > self.lock().told()
    }

    /// Writes the feed to a stream of `connection` until the feed or the connection ends.
    pub(crate) async fn write(&self, broker: &Broker, connection: &Connection) -> Result<(), SendError> {
        let mut stream = connection.open_uni().await?;
        stream.set_priority(Lane::priority(self.instance))?;
        let mut batch = FrameBuffer::default();
        let (sealer, start) = {
            let mut feed = self.lock();
            (feed.sealer(broker).clone(), feed.start())
        };
        // Without a key there is no mesh, so every feed of a link has a header.
        let header = sealer.header().ok_or(SendError::Unsigned)?;
        batch.put(|out| put_preface(header, start, out));
        loop {
            self.watch.clear();
            let (filled, messages) = self.lock().fill(broker, &mut batch)?;
            if !batch.is_empty() {
                broker.counters(self.instance).forwarded.add(messages);
                self.written.fetch_add(batch.len() as u64, Ordering::Relaxed);
                stream.write_all_chunks(&mut batch.take()).await?;
            }
            match filled {
                // Lets the connection send what was handed to it before more is encoded.
                Filled::More => tokio::task::yield_now().await,
                Filled::AllToldFor => {
                    let untold = self.lock().has_untold();
                    tokio::select! {
                        () = self.watch.changed() => {}
                        () = tokio::time::sleep(SKIP_AFTER), if untold => self.lock().skip(broker, &mut batch)?,
                        // A lane may die alone, and what was in flight on it waits for a resume.
                        lost = connection.closed() => return Err(lost.into()),
                    }
                }
                Filled::Ended => break,
            }
        }
        self.ended.store(true, Ordering::Release);
        stream.finish()?;
        Ok(())
    }
}

/// Why a feed is no longer sent on a link. The link is dialed again and resumes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the feed is not signed")]
    Unsigned,
    #[error("a frame cannot be sealed")]
    Seal(#[from] SealError),
    #[error("the connection is lost")]
    Connection(#[from] quinn::ConnectionError),
    #[error("the stream cannot be written")]
    Write(#[from] quinn::WriteError),
    #[error("the stream is closed")]
    Closed(#[from] quinn::ClosedStream),
}
