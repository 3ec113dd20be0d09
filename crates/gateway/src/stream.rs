//! The body of a subscription's answer: deliveries as a stream of bytes.
//!
//! Pulled by the connection, so it renders only as fast as its client reads. What the client leaves waits in the
//! subscriptions' own bounded queues, whose policy tells it of gaps; nothing else is queued here. So is what a session that is
//! not well must wait for.
//!
//! Each delivery is asked for before it is rendered, and twice a second whether the client still may have the stream; one
//! that may not is told so and the stream ends.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bellwether::LiveReport;
use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, Sleep};

use crate::merged::Merged;
use crate::rendering::{HEARTBEAT, Rendering};
use crate::session::Session;
use crate::watch::ClientWatch;

/// A chunk is sent once it has this many bytes, or nothing more is ready. It may exceed them by one delivery.
const CHUNK_BYTES: usize = 64 * 1024;
/// After so many deliveries that the client may not have, others have their turn.
const TURN_PASSED_OVER: usize = 1024;

/// Ends once its deliveries do, or its client may not have them any more. Dropping it unsubscribes.
pub(crate) struct DeliveryStream {
    deliveries: Merged,
    rendering: Rendering,
    chunk: Vec<u8>,
    chunk_bytes: usize,
    has_ended: bool,
    /// Moved on with every chunk; `None` if the form has no comments.
    heartbeat: Option<Pin<Box<Sleep>>>,
    /// If the client has given it a name: whether deliveries may go.
    session: Option<Session>,
    watch: ClientWatch,
}

impl DeliveryStream {
    /// Begins with the report.
    pub(crate) fn new(
        mut deliveries: Merged,
        report: &LiveReport,
        mut rendering: Rendering,
        session: Option<Session>,
        watch: ClientWatch,
    ) -> Self {
        let mut chunk = Vec::new();
        rendering.begin(report, deliveries.token(), &mut chunk);
        let queued_bytes = watch.client().session().limits().queued_bytes;
        Self {
            deliveries,
            chunk,
            chunk_bytes: CHUNK_BYTES.min(queued_bytes),
            has_ended: false,
            heartbeat: rendering
                .has_heartbeats()
                .then(|| Box::pin(tokio::time::sleep(HEARTBEAT))),
            rendering,
            session,
            watch,
        }
    }

    /// Renders what is ready until the chunk is full or nothing more is.
    fn fill(&mut self, context: &mut Context<'_>) {
        let mut passed_over = 0;
        while self.chunk.len() < self.chunk_bytes {
            if passed_over == TURN_PASSED_OVER {
                context.waker().wake_by_ref();
                return;
            }
            if let Some(session) = &mut self.session
                && session.poll_turn(context).is_pending()
            {
                return;
            }
            match self.deliveries.poll_next(context) {
                Poll::Ready(Some(delivery)) if !self.watch.may_receive(&delivery) => passed_over += 1,
                Poll::Ready(Some(delivery)) => {
                    if let Some(session) = &mut self.session {
                        session.on_delivery(&delivery);
                    }
                    self.rendering
                        .delivery(&delivery, self.deliveries.token(), &mut self.chunk);
                }
                Poll::Ready(None) => {
                    self.has_ended = true;
                    return;
                }
                Poll::Pending => return,
            }
        }
    }

    fn poll_heartbeat(&mut self, context: &mut Context<'_>) {
        let Some(heartbeat) = &mut self.heartbeat else {
            return;
        };
        if !self.chunk.is_empty() {
            heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
        }
        while heartbeat.as_mut().poll(context).is_ready() {
            self.rendering.heartbeat(&mut self.chunk);
            heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
        }
    }
}

impl Stream for DeliveryStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if !this.has_ended {
            let may_go_on = |client: &_| this.deliveries.may_go_on(client);
            if let Poll::Ready(err) = this.watch.poll_denied(context, may_go_on) {
                this.rendering.error(&err, &mut this.chunk);
                this.has_ended = true;
            } else {
                if let Poll::Ready(report) = this.deliveries.poll_live(context) {
                    this.rendering
                        .subscribed(&report, this.deliveries.token(), &mut this.chunk);
                }
                this.fill(context);
            }
        }
        if this.chunk.is_empty() && this.has_ended {
            return Poll::Ready(None);
        }
        this.poll_heartbeat(context);
        if this.chunk.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(std::mem::take(&mut this.chunk).into())))
    }
}
