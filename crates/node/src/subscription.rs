//! A subscription of a node: what is kept, if it was asked for, and then what is published.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bellwether_broker::{Delivery, Position};
use bellwether_message::{Instance, Pattern, Source};
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::replay::Item;

/// Delivers what matches its patterns, in the order of each feed, until it is dropped or the node stops.
///
/// With a replay, what the nodes still keep comes first, merged by time; then [`Delivery::Live`], and from there on what is
/// published. A replay goes as fast as it is read: what the sources' backlogs lose meanwhile is told as a gap.
///
/// What is not read waits in a queue bounded by the instance's settings; when it overflows the oldest messages go and
/// a [gap](crate::Gap) per feed says exactly how many, or the stream ends, by the instance's
/// [policy](crate::Overflow). Dropping the subscription unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    instance: Instance,
    patterns: Arc<[Pattern]>,
    state: State,
    /// Feeds of which everything up to a seq was handed out before, though their source was not there to be asked.
    had: Vec<(Arc<Source>, u64)>,
}

#[derive(Debug)]
enum State {
    Replaying(mpsc::Receiver<Item>),
    Live(bellwether_broker::Subscription),
    Ended,
}

impl Subscription {
    pub(crate) fn live(subscription: bellwether_broker::Subscription) -> Self {
        Self {
            instance: subscription.instance(),
            patterns: subscription.patterns().into(),
            state: State::Live(subscription),
            had: Vec::new(),
        }
    }

    /// Of `had`, nothing up to the seq is handed out again.
    pub(crate) fn replaying(
        instance: Instance,
        patterns: Arc<[Pattern]>,
        items: mpsc::Receiver<Item>,
        had: Vec<(Arc<Source>, u64)>,
    ) -> Self {
        Self {
            instance,
            patterns,
            state: State::Replaying(items),
            had,
        }
    }

    /// The next delivery; `None` once the node has stopped and everything was handed out, or the subscription was
    /// disconnected. Cancel safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|context| self.poll(context)).await
    }

    /// A delivery that is there now, without waiting.
    pub fn try_next(&mut self) -> Option<Delivery> {
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(delivery) => delivery,
            Poll::Pending => None,
        }
    }

    /// Its instance.
    pub fn instance(&self) -> Instance {
        self.instance
    }

    /// Its patterns, sorted, without doubles.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// From which seq on it receives each feed that is known now; nothing while it is replaying.
    pub fn positions(&self) -> Vec<Position> {
        match &self.state {
            State::Live(subscription) => subscription.positions(),
            State::Replaying(_) | State::Ended => Vec::new(),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        loop {
            let delivery = match &mut self.state {
                State::Live(subscription) => std::task::ready!(Pin::new(subscription).poll_next(context)),
                State::Replaying(items) => match std::task::ready!(items.poll_recv(context)) {
                    Some(Item::Delivery(delivery)) => Some(delivery),
                    Some(Item::Live(live, subscription)) => {
                        let is_open = |source: &Arc<Source>| {
                            let mut positions = subscription.positions().into_iter();
                            positions.any(|position| position.source == *source && position.live_from.is_some())
                        };
                        self.had.retain(|(source, _)| !is_open(source));
                        self.state = State::Live(subscription);
                        Some(Delivery::Live(live))
                    }
                    // The node stops.
                    None => {
                        self.state = State::Ended;
                        None
                    }
                },
                State::Ended => None,
            };
            match &delivery {
                Some(Delivery::Message(envelope)) if !self.had.is_empty() => {
                    let had =
                        |(source, seq): &(Arc<Source>, u64)| source == envelope.source() && envelope.seq() <= *seq;
                    if self.had.iter().any(had) {
                        continue;
                    }
                }
                _ => {}
            }
            return Poll::Ready(delivery);
        }
    }
}

impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.poll(context)
    }
}
