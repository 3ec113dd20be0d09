//! Subscribers: tasks that subscribe on a node and write down what they are handed.

use std::time::Duration;

use bellwether::{Delivery, Instance, MemberState, Node, NodeId, Pattern, Source, SubscribeError, Subscription};
use bellwether_history::{Feed, Kind, Run};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::draw::Fingerprint;
use crate::plan::SubscriptionPlan;
use crate::record::Record;
use crate::watcher::Watcher;

/// How often it is looked whether a node has joined.
const LOOK: Duration = Duration::from_millis(20);

/// How fast the subscribers of a node read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As planned.
    Planned,
    /// Not at all.
    Stopped,
    /// At once whatever there is.
    Full,
}

/// Subscribes in the name of one run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// On which node.
    pub node: Node,
    /// In which run of it.
    pub run: Run,
    /// Where it is written down.
    pub record: Record,
    /// The node's view, which a subscription is judged by.
    pub watcher: Watcher,
    /// How fast it reads.
    pub pace: watch::Receiver<Pace>,
    /// Counts the subscriptions of the run.
    pub open: watch::Sender<usize>,
}

impl Subscriber {
    /// Subscribes and reads as planned, until the node stops.
    pub async fn run(mut self, plan: SubscriptionPlan) {
        tokio::time::sleep(plan.after).await;
        loop {
            let until = plan.stays.map(|stays| Instant::now() + stays);
            let ended = self.subscribe(&plan, until).await;
            match ended {
                Ended::Over => {}
                Ended::NodeStopped => return,
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn subscribe(&mut self, plan: &SubscriptionPlan, until: Option<Instant>) -> Ended {
        let sub = self.record.next_subscription();
        let patterns = plan.patterns.iter().map(String::as_str);
        let call = Kind::subscribe_call(sub, plan.instance, patterns, "live");
        self.record.of(&self.run, call);
        let patterns = plan
            .patterns
            .iter()
            .map(|text| Pattern::new(text).expect("patterns of plans are valid"));
        let subscribed = self.node.subscribe(plan.instance, patterns).await;
        let (subscription, report) = match subscribed {
            Ok(subscribed) => subscribed,
            Err(SubscribeError::Closed) => return Ended::NodeStopped,
            Err(err) => {
                self.record
                    .violation(format!("{} cannot subscribe: {err}", self.run.node));
                return Ended::NodeStopped;
            }
        };
        self.open.send_modify(|open| *open += 1);
        // Aborted when it is dropped, as with the reader when its node is killed.
        let mut confirming = JoinSet::new();
        if !self.node.readiness().ready {
            self.record.reached("subscribed before the first join");
            confirming.spawn(self.clone().accept_late(sub, &subscription));
        } else {
            // What the node promises, it promises for the members it knows at this very moment.
            self.watcher.look();
            let unconfirmed = report.not_yet.iter().map(|node| node.as_str().into()).collect();
            self.record.of(&self.run, Kind::SubscribeOk { sub, unconfirmed });
            if !report.is_complete() {
                self.record.reached("subscribed with some not confirmed");
                confirming.spawn(self.clone().confirm(sub, &subscription, report.not_yet));
            }
        }
        let ended = self.read(sub, subscription, plan.each, until).await;
        drop(confirming);
        self.open.send_modify(|open| *open -= 1);
        if matches!(ended, Ended::Over) {
            self.record.of(&self.run, Kind::Unsubscribe { sub });
        }
        ended
    }

    /// A node that has not joined yet knows nobody, and promises nothing of nodes that it will link to until it has:
    /// there the subscription is accepted when the first join is done and all members have confirmed.
    fn accept_late(self, sub: u64, subscription: &Subscription) -> impl Future<Output = ()> + Send + use<> {
        let live = self.node.became_live(subscription);
        async move {
            while !self.node.readiness().ready {
                tokio::time::sleep(LOOK).await;
            }
            let report = live.await;
            self.watcher.look();
            let unconfirmed = report.not_yet.iter().map(|node| node.as_str().into()).collect();
            self.record.of(&self.run, Kind::SubscribeOk { sub, unconfirmed });
        }
    }

    /// Writes down when the nodes confirm that had not.
    fn confirm(
        self,
        sub: u64,
        subscription: &Subscription,
        not_yet: Vec<NodeId>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let live = self.node.became_live(subscription);
        async move {
            if !live.await.is_complete() {
                return;
            }
            self.watcher.look();
            for member in self.node.members() {
                if member.state != MemberState::Down && not_yet.contains(&member.node) {
                    let source = member.node.as_str().into();
                    self.record.of(&self.run, Kind::Confirmed { sub, source });
                    self.record.reached("confirmed late");
                }
            }
        }
    }

    async fn read(
        &mut self,
        sub: u64,
        mut subscription: Subscription,
        each: Duration,
        until: Option<Instant>,
    ) -> Ended {
        let over = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let mut over = std::pin::pin!(over);
        loop {
            tokio::select! {
                biased;
                () = &mut over => return Ended::Over,
                _ = self.pace.wait_for(|pace| *pace != Pace::Stopped) => {}
            }
            let delivery = tokio::select! {
                biased;
                () = &mut over => return Ended::Over,
                delivery = subscription.next() => delivery,
            };
            let Some(delivery) = delivery else {
                return Ended::NodeStopped;
            };
            self.record
                .of(&self.run, kind_of(sub, subscription.instance(), delivery));
            if !each.is_zero() && *self.pace.borrow_and_update() == Pace::Planned {
                tokio::select! {
                    biased;
                    () = &mut over => return Ended::Over,
                    _ = self.pace.wait_for(|pace| *pace == Pace::Full) => {}
                    () = tokio::time::sleep(each) => {}
                }
            }
        }
    }
}

/// Why a subscriber reads no more.
enum Ended {
    /// It has had enough.
    Over,
    /// There is no more.
    NodeStopped,
}

fn kind_of(sub: u64, instance: Instance, delivery: Delivery) -> Kind {
    let feed = |source: &Source| Feed::new(source.node.as_str(), source.epoch.0, instance);
    match delivery {
        Delivery::Message(message) => {
            let hash = Fingerprint::of(message.payload());
            Kind::deliver(sub, &feed(message.source()), message.seq(), message.topic(), hash)
        }
        Delivery::Gap(gap) => {
            let (feed, cause, seqs) = (feed(&gap.source), gap.cause.name(), gap.first..=gap.last);
            match gap.exact {
                true => Kind::exact_gap(sub, &feed, seqs, gap.count, cause),
                false => Kind::gap_up_to(sub, &feed, seqs, gap.count, cause),
            }
        }
        Delivery::EpochEnded(end) => Kind::epoch_ended(sub, &feed(&end.source), end.last_seq, end.tail_unknown),
        other => unreachable!("a delivery of a new kind: {other:?}"),
    }
}
