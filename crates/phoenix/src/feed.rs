//! What one channel receives: its subscription, and where it stands in it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bellwether::{Delivery, GapCause, LiveReport, Node, ReplayFrom, Subscription};
use bellwether_access::{Caller, Permit};
use bellwether_delivery::Place;
use futures_core::Stream;

use crate::channels::ChannelId;

/// The subscription of one channel. Dropping it unsubscribes.
pub(crate) struct Feed {
    channel: ChannelId,
    subscription: Subscription,
    place: Place,
    /// While the subscription is not live on every node: resolves when it is.
    live: Option<Pin<Box<dyn Future<Output = LiveReport> + Send>>>,
    /// It read too slowly, was told so, and ends.
    is_disconnected: bool,
    _permit: Permit,
}

/// What a feed has to tell.
#[derive(Debug)]
pub(crate) enum Told {
    /// Something was delivered.
    Delivery(Delivery),
    /// The subscription is now live on every node.
    Live(LiveReport),
    /// Nothing more comes: the node stops.
    Ended,
    /// Nothing more comes: the subscription read too slowly, in an instance that ends those.
    Disconnected,
}

impl Feed {
    /// Whether its client may still have it.
    pub(crate) fn may_go_on(&self, caller: &Caller) -> bool {
        let subscription = &self.subscription;
        caller
            .may_go_on(subscription.instance(), subscription.patterns())
            .is_ok()
    }

    /// Of a subscription that has just begun.
    pub(crate) fn new(
        node: &Node,
        channel: ChannelId,
        subscription: Subscription,
        report: &LiveReport,
        from: &ReplayFrom,
        permit: Permit,
    ) -> Self {
        let mut place = Place::default();
        place.begin(&subscription, from, node);
        let live = node.became_live(&subscription);
        Self {
            channel,
            place,
            live: (!report.is_complete()).then(|| Box::pin(live) as _),
            subscription,
            is_disconnected: false,
            _permit: permit,
        }
    }

    /// Whose it is.
    pub(crate) fn channel(&self) -> ChannelId {
        self.channel
    }

    /// With what a join goes on behind what was told so far; `None` while nobody can say.
    pub(crate) fn cursor(&mut self) -> Option<String> {
        let mut word = Vec::new();
        self.place.token()?.write(&mut word);
        String::from_utf8(word).ok()
    }

    /// What it has to tell next. The cursor stands behind it at once.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Told> {
        if let Some(live) = &mut self.live
            && let Poll::Ready(report) = live.as_mut().poll(context)
        {
            self.live = None;
            self.place
                .place(self.subscription.instance(), &self.subscription.positions());
            return Poll::Ready(Told::Live(report));
        }
        Poll::Ready(match ready!(Pin::new(&mut self.subscription).poll_next(context)) {
            Some(delivery) => {
                match &delivery {
                    Delivery::Live(live) => self.place.went_live(live.instance, &self.subscription.positions()),
                    Delivery::Gap(gap) if gap.cause == GapCause::Disconnected => self.is_disconnected = true,
                    _ => {}
                }
                self.place.pass(&delivery);
                Told::Delivery(delivery)
            }
            None if self.is_disconnected => Told::Disconnected,
            None => Told::Ended,
        })
    }
}
