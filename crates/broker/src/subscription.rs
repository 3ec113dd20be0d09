//! A subscription: a stream of deliveries.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bellwether_message::{Instance, Pattern};
use futures_core::Stream;

use crate::delivery::{Delivery, GapCause};
use crate::exchange::Exchange;
use crate::group::Group;
use crate::position::{Arrived, Position};
use crate::ring::{CursorId, Read};
use crate::source_slot::SourceSlot;

/// Delivers what matches its patterns, in feed order, until it is dropped or the node stops.
///
/// What is not read waits in a queue bounded by the instance's settings; when it overflows the oldest messages go and
/// a [gap](crate::Gap) per feed says exactly how many; with [`Overflow::Disconnect`](crate::Overflow) the stream then ends.
/// Dropping the subscription unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    exchange: Arc<Exchange>,
    group: Arc<Group>,
    cursor: CursorId,
    /// How far each feed had come when it began.
    since: Vec<Arrived>,
    /// Taken from the ring, not yet handed out.
    ready: VecDeque<Delivery>,
}

impl Subscription {
    pub(crate) fn new(exchange: Arc<Exchange>, group: Arc<Group>, cursor: CursorId, since: Vec<Arrived>) -> Self {
        Self {
            exchange,
            group,
            cursor,
            since,
            ready: VecDeque::new(),
        }
    }

    /// The next delivery; `None` once the node has stopped and everything was handed out, or the subscription was
    /// disconnected. Cancel safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|context| self.poll(Some(context.waker()))).await
    }

    /// A delivery that is there now, without waiting.
    pub fn try_next(&mut self) -> Option<Delivery> {
        match self.poll(None) {
            Poll::Ready(delivery) => delivery,
            Poll::Pending => None,
        }
    }

    /// Hands out nothing more, and nothing is kept for it; but its patterns stay wanted until it is dropped.
    pub fn stop_reading(&mut self) {
        self.ready.clear();
        self.group.lock().ring.stop(self.cursor);
    }

    /// Its instance.
    pub fn instance(&self) -> Instance {
        self.exchange.instance()
    }

    /// Its patterns, sorted, without doubles.
    pub fn patterns(&self) -> &[Pattern] {
        &self.group.patterns
    }

    /// From which seq on it receives each feed that is known now: what lies before is to be had by a replay only.
    pub fn positions(&self) -> Vec<Position> {
        self.exchange.positions(&self.group, &self.since)
    }

    /// Whether the source has confirmed to send everything that matches.
    pub fn is_confirmed_by(&self, slot: SourceSlot) -> bool {
        self.exchange.is_confirmed(slot, &self.group.patterns)
    }

    fn poll(&mut self, waker: Option<&Waker>) -> Poll<Option<Delivery>> {
        if let Some(delivery) = self.ready.pop_front() {
            return Poll::Ready(Some(delivery));
        }
        let read = self.group.lock().ring.read(self.cursor, &mut self.ready, waker);
        match read {
            Read::Some { messages } => {
                let first = self.ready.iter().find_map(|delivery| match delivery {
                    Delivery::Message(envelope) => Some(envelope),
                    _ => None,
                });
                self.exchange.count_delivered(first, messages);
                if messages == 0 && self.ready.front().is_some_and(is_disconnection) {
                    self.exchange.counters().disconnected.add(1);
                }
                Poll::Ready(self.ready.pop_front())
            }
            Read::Pending => Poll::Pending,
            Read::Closed => Poll::Ready(None),
        }
    }
}

fn is_disconnection(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Gap(gap) if gap.cause == GapCause::Disconnected)
}

impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.poll(Some(context.waker()))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.exchange.unsubscribe(&self.group, self.cursor);
    }
}
