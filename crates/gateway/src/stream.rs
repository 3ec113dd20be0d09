//! The body of a subscription's answer: several subscriptions merged into one stream of bytes.
//!
//! Pulled by the connection, so it renders only as fast as its client reads. What the client leaves waits in the
//! subscriptions' own bounded queues, whose policy tells it of gaps; nothing else is queued here. So is what a session that is
//! not well must wait for.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bellwether::{Delivery, GapCause, Instance, LiveReport, Node, Subscription};
use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, Sleep};

use crate::rendering::Rendering;
use crate::session::Session;

/// A chunk is sent once it has this many bytes, or nothing more is ready. It may exceed them by one delivery.
const CHUNK_BYTES: usize = 64 * 1024;
/// Deliveries taken from one subscription before it is the next one's turn.
const TURN_DELIVERIES: usize = 64;
/// An idle stream of server-sent events says something this often, so that nobody between takes it for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Ends once the node has stopped and everything was handed out, or one of its subscriptions was disconnected: a stream
/// that went on without it would be a hole that nobody sees. Dropping it unsubscribes.
pub(crate) struct DeliveryStream {
    subscriptions: Vec<Subscription>,
    /// Whose turn it is, and what it has taken of it. A full chunk does not end a turn: chunks that always filled in
    /// the same subscription's turn would give it less than its share.
    turn: usize,
    taken_in_turn: usize,
    /// The instance whose subscription was told that it reads too slowly, and ends.
    disconnected: Option<Instance>,
    rendering: Rendering,
    chunk: Vec<u8>,
    /// While the subscriptions are not live on every node: resolves when they are.
    live: Option<Pin<Box<dyn Future<Output = LiveReport> + Send>>>,
    /// Moved on with every chunk; `None` if the form has no comments.
    heartbeat: Option<Pin<Box<Sleep>>>,
    /// If the client has given it a name: whether deliveries may go.
    session: Option<Session>,
}

impl DeliveryStream {
    /// Begins with the report.
    pub(crate) fn new(
        node: &Node,
        subscriptions: Vec<Subscription>,
        report: &LiveReport,
        mut rendering: Rendering,
        session: Option<Session>,
    ) -> Self {
        let mut chunk = Vec::new();
        rendering.subscribed(report, &mut chunk);
        Self {
            live: (!report.is_complete()).then(|| live_on_all(node, &subscriptions)),
            subscriptions,
            turn: 0,
            taken_in_turn: 0,
            disconnected: None,
            chunk,
            heartbeat: matches!(rendering, Rendering::Sse(_)).then(|| Box::pin(tokio::time::sleep(HEARTBEAT))),
            rendering,
            session,
        }
    }

    /// Says so once the subscriptions are live on every node.
    fn poll_live(&mut self, context: &mut Context<'_>) {
        if let Some(live) = &mut self.live
            && let Poll::Ready(report) = live.as_mut().poll(context)
        {
            if let Some(place) = self.rendering.place() {
                for subscription in &self.subscriptions {
                    place.place(subscription.instance(), &subscription.positions());
                }
            }
            self.rendering.subscribed(&report, &mut self.chunk);
            self.live = None;
        }
    }

    /// Renders what is ready, each subscription in turn, until the chunk is full or all subscriptions sleep.
    fn fill(&mut self, context: &mut Context<'_>) {
        let mut asleep_in_a_row = 0;
        while self.chunk.len() < CHUNK_BYTES && asleep_in_a_row < self.subscriptions.len() {
            if let Some(session) = &mut self.session
                && session.poll_turn(context).is_pending()
            {
                return;
            }
            self.turn %= self.subscriptions.len();
            let Some(subscription) = self.subscriptions.get_mut(self.turn) else {
                return;
            };
            match Pin::new(&mut *subscription).poll_next(context) {
                Poll::Ready(Some(delivery)) => {
                    match (&delivery, self.rendering.place()) {
                        (Delivery::Live(live), Some(place)) => {
                            place.went_live(live.instance, &subscription.positions());
                        }
                        (Delivery::Gap(gap), _) if gap.cause == GapCause::Disconnected => {
                            self.disconnected = Some(gap.instance);
                        }
                        _ => {}
                    }
                    if let Some(session) = &mut self.session {
                        session.on_delivery(&delivery);
                    }
                    self.rendering.delivery(&delivery, &mut self.chunk);
                    asleep_in_a_row = 0;
                    self.taken_in_turn += 1;
                    if self.taken_in_turn == TURN_DELIVERIES {
                        self.next_turn();
                    }
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
    }

    fn next_turn(&mut self) {
        self.turn += 1;
        self.taken_in_turn = 0;
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
        self.poll_live(context);
        self.fill(context);
        if self.chunk.is_empty() && self.subscriptions.is_empty() {
            return Poll::Ready(None);
        }
        self.poll_heartbeat(context);
        if self.chunk.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(std::mem::take(&mut self.chunk).into())))
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
