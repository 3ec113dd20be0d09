//! A subscription of a node: what is kept, if it was asked for, and then what is published.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bellwether_broker::{Delivery, EpochEnded, Live, Position};
use bellwether_message::{Instance, Pattern, Source};
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::replay::{Handover, Item};
use crate::spans::Spans;

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
    /// Feeds of which everything up to a seq was handed out before, and which may bring some of it once more: their
    /// source was not there to be asked, or its replay came further than their link.
    had: Vec<(Arc<Source>, u64)>,
    /// Comes next.
    next: Option<Delivery>,
    spans: Spans,
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
            next: None,
            spans: Spans::none(),
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
            next: None,
            spans: Spans::none(),
        }
    }

    /// From now on, what it hands out is told by these.
    pub(crate) fn traced(mut self, spans: &Spans) -> Self {
        self.spans = spans.clone();
        self
    }

    /// Of the node itself, which nobody would call a receiver of its messages.
    pub(crate) fn untraced(self) -> Self {
        self.traced(&Spans::none())
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
        let delivery = std::task::ready!(self.poll_delivery(context));
        if let Some(Delivery::Message(envelope)) = &delivery {
            self.spans.delivered(envelope, &self.patterns);
        }
        Poll::Ready(delivery)
    }

    fn poll_delivery(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if let Some(delivery) = self.next.take() {
            return Poll::Ready(Some(delivery));
        }
        loop {
            let delivery = match &mut self.state {
                State::Live(subscription) => std::task::ready!(Pin::new(subscription).poll_next(context)),
                State::Replaying(items) => match std::task::ready!(items.poll_recv(context)) {
                    Some(Item::Delivery(delivery)) => Some(delivery),
                    Some(Item::Live(handover)) => Some(Delivery::Live(self.hand_over(handover))),
                    // The node stops.
                    None => {
                        self.state = State::Ended;
                        None
                    }
                },
                State::Ended => None,
            };
            let is_live = matches!(self.state, State::Live(_));
            match delivery {
                Some(delivery) if is_live && !self.had.is_empty() => {
                    if let Some(delivery) = self.not_had(delivery) {
                        return Poll::Ready(Some(delivery));
                    }
                }
                delivery => return Poll::Ready(delivery),
            }
        }
    }

    fn hand_over(&mut self, handover: Handover) -> Live {
        let positions = handover.subscription.positions();
        let is_open = |source: &Arc<Source>| {
            let mut positions = positions.iter();
            positions.any(|position| position.source == *source && position.live_from.is_some())
        };
        self.had.retain(|(source, _)| !is_open(source));
        self.had.extend(handover.ahead);
        self.state = State::Live(handover.subscription);
        handover.live
    }

    /// What of a delivery was not handed out before. The first message of a newer run comes behind the end of the run
    /// that was had.
    fn not_had(&mut self, delivery: Delivery) -> Option<Delivery> {
        match delivery {
            Delivery::Message(envelope) => {
                let source = envelope.source();
                if let Some(had) = self.had_of(source) {
                    if envelope.seq() <= had {
                        return None;
                    }
                    self.had.retain(|(known, _)| known != source);
                }
                let is_over = |(known, _): &(Arc<Source>, u64)| known.node == source.node && known.epoch < source.epoch;
                let Some(over) = self.had.iter().position(is_over) else {
                    return Some(Delivery::Message(envelope));
                };
                let (source, last_seq) = self.had.swap_remove(over);
                self.had.retain(|(known, _)| *known != source);
                self.next = Some(Delivery::Message(envelope));
                Some(Delivery::EpochEnded(EpochEnded {
                    source,
                    instance: self.instance,
                    last_seq,
                    tail_unknown: true,
                }))
            }
            Delivery::Gap(mut gap) => {
                let had = self.had_of(&gap.source).unwrap_or(0);
                if gap.last <= had {
                    return None;
                }
                gap.first = gap.first.max(had + 1);
                gap.count = gap.count.min(gap.last - gap.first + 1);
                Some(Delivery::Gap(gap))
            }
            Delivery::EpochEnded(ended) => {
                self.had.retain(|(known, _)| *known != ended.source);
                Some(Delivery::EpochEnded(ended))
            }
            other => Some(other),
        }
    }

    fn had_of(&self, source: &Arc<Source>) -> Option<u64> {
        let of_it = self.had.iter().filter(|(known, _)| known == source);
        of_it.map(|(_, seq)| *seq).max()
    }
}

impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use bellwether_broker::{Broker, InstanceSettings};
    use bellwether_message::{Draft, Epoch, NodeId, Topic};

    use super::*;

    const INSTANCE: Instance = Instance::Events;

    fn source(node: &str, epoch: u64) -> Arc<Source> {
        Arc::new(Source {
            node: NodeId::new(node).unwrap(),
            epoch: Epoch(epoch),
        })
    }

    fn broker(epoch: u64) -> Broker {
        let settings = Instance::ALL.map(InstanceSettings::default_for);
        Broker::new("c", (*source("a", epoch)).clone(), None, &settings)
    }

    /// What comes of a subscription that was handed over, in a few words, once the broker has published five messages.
    async fn after_handover(
        broker: &Broker,
        had: Vec<(Arc<Source>, u64)>,
        ahead: Vec<(Arc<Source>, u64)>,
    ) -> Vec<String> {
        let patterns = [Pattern::new("t").unwrap()];
        let (items, inbox) = mpsc::channel(1);
        let mut subscription = Subscription::replaying(INSTANCE, patterns.clone().into(), inbox, had);
        let handover = Handover {
            live: Live {
                instance: INSTANCE,
                replayed: 0,
                incomplete: Vec::new(),
            },
            subscription: broker.subscribe(INSTANCE, patterns).unwrap(),
            ahead,
        };
        items.send(Item::Live(handover)).await.unwrap();
        for _ in 0..5 {
            let draft = Draft::new(Topic::new("t").unwrap(), "e").text("x");
            broker.publish(INSTANCE, &draft).unwrap();
        }
        let mut told = Vec::new();
        while let Some(delivery) = subscription.try_next() {
            told.push(match delivery {
                Delivery::Message(envelope) => format!("{}", envelope.seq()),
                Delivery::EpochEnded(ended) => format!("ended {} {}", ended.source.epoch, ended.last_seq),
                Delivery::Live(_) => "live".to_owned(),
                other => panic!("{other:?}"),
            });
        }
        told
    }

    #[tokio::test]
    async fn what_a_replay_brought_before_its_link_did_does_not_come_twice() {
        let ahead = vec![(source("a", 1), 3)];
        let told = after_handover(&broker(1), Vec::new(), ahead).await;
        assert_eq!(told, ["live", "4", "5"]);
    }

    #[tokio::test]
    async fn a_newer_run_of_a_node_that_could_not_be_asked_comes_behind_the_end_of_the_older() {
        let had = vec![(source("a", 1), 7), (source("b", 1), 9)];
        let told = after_handover(&broker(2), had, Vec::new()).await;
        assert_eq!(told, ["live", "ended 1 7", "1", "2", "3", "4", "5"]);
    }
}
