//! One worker: takes what waits in its lane, one event after the other, and hands it over.

use std::sync::Arc;
use std::time::Duration;

use bellwether_broker::PublishError;
use bellwether_catalogue::EventRecord;
use bellwether_catalogue::families::events::BATCH;
use bellwether_message::{Draft, Instance};
use bellwether_monitor::breaker::Permit;
use bellwether_monitor::emission::Next;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::core::{Core, Stop};
use super::lane::Lane;
use super::subscriber::{Delivering, Subscriber};
use super::told;

/// An event that failed is tried again after so long,
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// and each time after twice as long, up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Works until the pool ends and, unless it ends at once, nothing waits any more. `_alive` is dropped with it.
pub(super) async fn run(core: Arc<Core>, index: usize, _alive: mpsc::Sender<()>) {
    let Some(lane) = core.lanes.get(index) else { return };
    told::worker_started(&core, index);
    let mut worker = Worker {
        core: &core,
        lane,
        stop: core.stop.subscribe(),
        subscriber: core.subscriber.subscribe(),
        has_given_up: false,
    };
    while let Some(record) = worker.next().await {
        if let Outcome::GivenUp = worker.deliver(record).await {
            core.lose(1);
        }
        // Publishing never waits: others have their turn all the same.
        tokio::task::consume_budget().await;
    }
    let reason = core.stop.borrow().as_ref().map(|stop| stop.reason.clone());
    told::worker_terminated(&core, index, reason.as_deref().unwrap_or("ended"));
}

struct Worker<'a> {
    core: &'a Core,
    lane: &'a Lane,
    stop: watch::Receiver<Option<Stop>>,
    subscriber: watch::Receiver<Option<Subscriber>>,
    /// The last event was given up. Its failures may be what pauses the subscription, and with it gone nobody would try
    /// any more: so the next one is taken past the pause.
    has_given_up: bool,
}

/// What became of an event.
enum Outcome {
    Delivered,
    GivenUp,
}

/// What became of one attempt to hand an event over.
enum Attempt {
    Delivered,
    /// It may work another time.
    Failed(String),
    /// It never will.
    Refused(String),
    /// There is nobody to hand it to any more.
    Gone(String),
    /// Somebody else is to have it; it was not handed over.
    Swapped,
    /// The pool ends at once.
    Stopped,
}

impl Worker<'_> {
    /// The next event; none when the worker is to end.
    async fn next(&mut self) -> Option<EventRecord> {
        loop {
            let stop = self.stop.borrow_and_update().clone();
            if stop.as_ref().is_some_and(|stop| stop.is_at_once) {
                return None;
            }
            let now = self.core.now();
            let next = match self.has_given_up {
                true => self.lane.next_anyway(now),
                false => self.lane.next(now),
            };
            let wait = match next {
                Next::Item(record) => return Some(record),
                // They were counted and told when they had to go.
                Next::Lost(_) => continue,
                Next::Empty if stop.is_some() => return None,
                Next::Empty | Next::Paused => None,
                Next::WaitUntil(at) => Some(at.saturating_sub(now)),
            };
            tokio::select! {
                () = self.lane.changed() => {}
                _ = self.stop.changed() => {}
                () = pause(wait) => {}
            }
        }
    }

    /// Hands an event over, again and again if need be. While this goes on nothing else of the lane does, so the order
    /// holds; and whatever the subscription's health says, since only a success can make it better. The breaker says when.
    async fn deliver(&mut self, record: EventRecord) -> Outcome {
        let mut attempts = 0_u32;
        let mut wait = FIRST_WAIT;
        loop {
            if let Permit::Refused { retry_in } = self.core.breaker.permit() {
                // Another worker's probe, or somebody by hand, may close it long before.
                if self.rest(retry_in.min(LONGEST_WAIT)).await {
                    (attempts, wait) = (0, FIRST_WAIT);
                }
                if self.is_at_once() {
                    return Outcome::GivenUp;
                }
                continue;
            }
            match self.attempt(&record).await {
                Attempt::Delivered => {
                    self.core.breaker.success();
                    self.core.delivered(&record.event_stream_id, record.event_number);
                    self.has_given_up = false;
                    return Outcome::Delivered;
                }
                Attempt::Swapped => (attempts, wait) = (0, FIRST_WAIT),
                Attempt::Stopped => return Outcome::GivenUp,
                Attempt::Gone(reason) => {
                    self.core.breaker.failure();
                    self.core.failed(&record, &reason);
                    self.core.fail(&reason);
                    return Outcome::GivenUp;
                }
                Attempt::Refused(err) => {
                    self.core.breaker.failure();
                    self.core.failed(&record, &err);
                    self.has_given_up = true;
                    return Outcome::GivenUp;
                }
                Attempt::Failed(err) => {
                    self.core.breaker.failure();
                    self.core.failed(&record, &err);
                    attempts = attempts.saturating_add(1);
                    if self
                        .core
                        .settings
                        .max_attempts
                        .is_some_and(|most| attempts >= most.get())
                    {
                        self.has_given_up = true;
                        return Outcome::GivenUp;
                    }
                    let is_swapped = self.rest(wait).await;
                    wait = wait.saturating_mul(2).min(LONGEST_WAIT);
                    if is_swapped {
                        (attempts, wait) = (0, FIRST_WAIT);
                    }
                }
            }
            if self.is_at_once() {
                return Outcome::GivenUp;
            }
        }
    }

    async fn attempt(&mut self, record: &EventRecord) -> Attempt {
        let subscriber = self.subscriber.borrow_and_update().clone();
        match subscriber {
            None => self.publish(record),
            Some(Subscriber::Channel(sender)) => self.send(&sender, record).await,
            Some(Subscriber::Function(function)) => {
                let batch = record.batch();
                // Within the task: it may panic before its first wait, too.
                let delivering: Delivering = Box::pin(async move { function(batch).await });
                self.call(delivering).await
            }
        }
    }

    fn publish(&self, record: &EventRecord) -> Attempt {
        let payload = match serde_json::to_string(std::slice::from_ref(record)) {
            Ok(payload) => payload,
            Err(err) => return Attempt::Refused(err.to_string()),
        };
        let draft = Draft::new(self.core.topic.clone(), BATCH).json(payload);
        match self.core.node.publish(Instance::Events, &draft) {
            Ok(_) => Attempt::Delivered,
            Err(err @ PublishError::Closed) => Attempt::Gone(err.to_string()),
            Err(err) => Attempt::Refused(err.to_string()),
        }
    }

    /// Waits for room without holding the event's place in the channel: a swap meanwhile takes it elsewhere.
    async fn send(&mut self, sender: &mpsc::Sender<Vec<EventRecord>>, record: &EventRecord) -> Attempt {
        let room = tokio::select! {
            biased;
            _ = self.subscriber.changed() => return Attempt::Swapped,
            room = sender.reserve() => room,
            () = at_once(&mut self.stop) => return Attempt::Stopped,
        };
        match room {
            Ok(room) => {
                room.send(record.batch());
                Attempt::Delivered
            }
            Err(_) if self.subscriber.has_changed().unwrap_or_default() => Attempt::Swapped,
            Err(_) => Attempt::Gone("the subscriber is gone".to_owned()),
        }
    }

    /// In a task of its own: if it panics, that is its failure and not the node's. A call that has begun is never left to
    /// somebody else: the event would be doubled.
    async fn call(&mut self, delivering: Delivering) -> Attempt {
        let mut task = JoinSet::new();
        task.spawn(delivering);
        let timeout = self.core.settings.delivery_timeout;
        tokio::select! {
            done = task.join_next() => match done {
                Some(Ok(Ok(()))) => Attempt::Delivered,
                Some(Ok(Err(err))) => Attempt::Failed(err),
                Some(Err(err)) if err.is_panic() => Attempt::Failed("the subscriber panicked".to_owned()),
                Some(Err(_)) | None => Attempt::Failed("the subscriber was cancelled".to_owned()),
            },
            () = tokio::time::sleep(timeout) => {
                Attempt::Failed(format!("the subscriber did not return within {} ms", timeout.as_millis()))
            }
            () = at_once(&mut self.stop) => Attempt::Stopped,
        }
    }

    /// Waits before the next attempt. A swap ends it, and so does the end of the pool. Whether it was a swap.
    async fn rest(&mut self, wait: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(wait) => false,
            _ = self.subscriber.changed() => true,
            () = at_once(&mut self.stop) => false,
        }
    }

    fn is_at_once(&self) -> bool {
        self.stop.borrow().as_ref().is_some_and(|stop| stop.is_at_once)
    }
}

/// Waits until the pool ends at once. Cancel safe.
async fn at_once(stop: &mut watch::Receiver<Option<Stop>>) {
    let is_at_once = |stop: &Option<Stop>| stop.as_ref().is_some_and(|stop| stop.is_at_once);
    // An error means that the pool is gone, which ends it too.
    drop(stop.wait_for(is_at_once).await);
}

async fn pause(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
