//! Several subscriptions read as one: each in turn, and where all of them stand.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bellwether::{Delivery, GapCause, Instance, LiveReport, Node, Subscription};
use bellwether_access::Permit;
use futures_core::Stream;

use bellwether_delivery::Beginning;
use bellwether_delivery::Place;
use bellwether_delivery::ResumeToken;

use crate::client::{Client, denied};
use crate::error::ApiError;

/// Deliveries taken from one subscription before it is the next one's turn.
const TURN_DELIVERIES: usize = 64;

/// A subscription of a client: one of each instance that its patterns name. Dropped, it unsubscribes.
pub(crate) struct Merged {
    subscriptions: Vec<Subscription>,
    /// Whose turn it is, and what it has taken of it. Who reads in pieces does not end a turn: pieces that always filled in
    /// the same subscription's turn would give it less than its share.
    turn: usize,
    taken_in_turn: usize,
    /// The instance whose subscription was told that it reads too slowly, and ends.
    disconnected: Option<Instance>,
    /// While the subscriptions are not live on every node: resolves when they are.
    live: Option<Pin<Box<dyn Future<Output = LiveReport> + Send>>>,
    /// If anybody asks where they stand.
    place: Option<Place>,
    _permits: Vec<Permit>,
}

impl Merged {
    pub(crate) fn new(
        node: &Node,
        subscriptions: Vec<Subscription>,
        report: &LiveReport,
        permits: Vec<Permit>,
    ) -> Self {
        Self {
            live: (!report.is_complete()).then(|| live_on_all(node, &subscriptions)),
            subscriptions,
            turn: 0,
            taken_in_turn: 0,
            disconnected: None,
            place: None,
            _permits: permits,
        }
    }

    /// Follows where the stream stands, which began there.
    pub(crate) fn with_place(mut self, node: &Node, from: &Beginning) -> Self {
        let mut place = Place::default();
        for subscription in &self.subscriptions {
            place.begin(subscription, &from.of(subscription.instance()), node);
        }
        self.place = Some(place);
        self
    }

    /// Whether its client may still have it: of every instance anything.
    pub(crate) fn may_go_on(&self, client: &Client) -> Result<(), ApiError> {
        let caller = client.caller();
        let mut each = self.subscriptions.iter();
        each.try_for_each(|subscription| caller.may_go_on(subscription.instance(), subscription.patterns()))
            .map_err(|err| denied(&err))
    }

    /// Behind what was handed out, if that is followed and can be said.
    pub(crate) fn token(&mut self) -> Option<&mut ResumeToken> {
        self.place.as_mut().and_then(Place::token)
    }

    /// Ready once, when subscriptions that were not live on every node are.
    pub(crate) fn poll_live(&mut self, context: &mut Context<'_>) -> Poll<LiveReport> {
        let Some(live) = &mut self.live else {
            return Poll::Pending;
        };
        let report = std::task::ready!(live.as_mut().poll(context));
        self.live = None;
        if let Some(place) = &mut self.place {
            for subscription in &self.subscriptions {
                place.place(subscription.instance(), &subscription.positions());
            }
        }
        Poll::Ready(report)
    }

    /// The next delivery of any of them. `None` once the node has stopped and everything was handed out, or one of them
    /// was disconnected: to go on without it would be a hole that nobody sees.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let mut asleep_in_a_row = 0;
        while asleep_in_a_row < self.subscriptions.len() {
            self.turn %= self.subscriptions.len();
            let Some(subscription) = self.subscriptions.get_mut(self.turn) else {
                break;
            };
            match Pin::new(&mut *subscription).poll_next(context) {
                Poll::Ready(Some(delivery)) => {
                    if let Some(place) = &mut self.place {
                        if let Delivery::Live(live) = &delivery {
                            place.went_live(live.instance, &subscription.positions());
                        }
                        place.pass(&delivery);
                    }
                    if let Delivery::Gap(gap) = &delivery
                        && gap.cause == GapCause::Disconnected
                    {
                        self.disconnected = Some(gap.instance);
                    }
                    self.taken_in_turn += 1;
                    if self.taken_in_turn == TURN_DELIVERIES {
                        self.next_turn();
                    }
                    return Poll::Ready(Some(delivery));
                }
                Poll::Ready(None) if self.disconnected == Some(subscription.instance()) => {
                    self.subscriptions.clear();
                    self.live = None;
                }
                Poll::Ready(None) => {
                    drop(self.subscriptions.remove(self.turn));
                    asleep_in_a_row = 0;
                    self.taken_in_turn = 0;
                }
                Poll::Pending => {
                    asleep_in_a_row += 1;
                    self.next_turn();
                }
            }
        }
        match self.subscriptions.is_empty() {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    }

    /// Whether it has ended because it was read too slowly.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.disconnected.is_some()
    }

    fn next_turn(&mut self) {
        self.turn += 1;
        self.taken_in_turn = 0;
    }
}

/// What holds for several subscriptions together: a node counts as live only if it is for each of them.
pub(crate) fn merge_reports(reports: Vec<LiveReport>) -> LiveReport {
    let nodes = reports.iter().map(|report| report.nodes).max().unwrap_or_default();
    let joined = reports.iter().all(|report| report.joined);
    let not_yet: BTreeSet<_> = reports.into_iter().flat_map(|report| report.not_yet).collect();
    LiveReport {
        live: nodes.saturating_sub(not_yet.len()),
        nodes,
        not_yet: not_yet.into_iter().collect(),
        joined,
    }
}

/// Does not borrow the subscriptions, which must be read meanwhile.
fn live_on_all(node: &Node, subscriptions: &[Subscription]) -> Pin<Box<dyn Future<Output = LiveReport> + Send>> {
    let each: Vec<_> = subscriptions
        .iter()
        .map(|subscription| node.became_live(subscription))
        .collect();
    Box::pin(async move {
        let mut reports = Vec::new();
        for live in each {
            reports.push(live.await);
        }
        merge_reports(reports)
    })
}

#[cfg(test)]
mod tests {
    use bellwether::NodeId;

    use super::*;

    fn report(live: usize, nodes: usize, not_yet: &[&str]) -> LiveReport {
        LiveReport {
            live,
            nodes,
            not_yet: not_yet.iter().map(|id| NodeId::new(id).unwrap()).collect(),
            joined: true,
        }
    }

    #[test]
    fn a_node_is_live_only_if_it_is_for_every_subscription() {
        assert_eq!(
            merge_reports(vec![report(3, 3, &[]), report(3, 3, &[])]),
            report(3, 3, &[])
        );
        assert_eq!(
            merge_reports(vec![report(3, 3, &[]), report(2, 3, &["c"])]),
            report(2, 3, &["c"])
        );
        assert_eq!(
            merge_reports(vec![report(2, 3, &["c"]), report(1, 3, &["b", "c"])]),
            report(1, 3, &["b", "c"])
        );
    }
}
