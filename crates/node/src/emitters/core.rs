//! What the parts of an emitter pool share.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_catalogue::EventRecord;
use bellwether_message::Topic;
use bellwether_monitor::emission::Emission;
use bellwether_monitor::subscription_health::HealthState;
use tokio::sync::watch;

use super::lane::{Lane, Put};
use super::news::{News, Untold};
use super::positions::Positions;
use super::selector::Selector;
use super::{Emitted, EmitterSettings, Subscriber, told};
use crate::node::Node;
use crate::subscription_health::BreakerState;
use crate::subscription_health::circuit_breaker::BreakerHandle;

/// A pool, as its handle, its workers and its keeper see it.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) node: Node,
    /// Without the subscriber.
    pub(super) settings: EmitterSettings,
    pub(super) selector: Selector,
    /// Of its store: what the events are published under.
    pub(super) sub_topic: String,
    pub(super) topic: Topic,
    /// Of all pools of this node's life.
    pub(super) number: u64,
    pub(super) lanes: Vec<Lane>,
    pub(super) subscriber: watch::Sender<Option<Subscriber>>,
    pub(super) stop: watch::Sender<Option<Stop>>,
    pub(super) emission: watch::Sender<Emission>,
    pub(super) breaker: BreakerHandle,
    pub(super) positions: Mutex<Positions>,
    pub(super) counts: Counts,
    news: Mutex<News>,
}

/// Why and how a pool is to end.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) reason: Arc<str>,
    /// What waits is lost; otherwise it still goes.
    pub(super) is_at_once: bool,
    /// Nobody asked for it.
    pub(super) is_failure: bool,
}

/// Totals since the pool began.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) matched: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) lost: AtomicU64,
    /// Of the last interval, in thousandths of an event per second.
    pub(super) pace: AtomicU64,
}

impl Core {
    pub(super) fn new(
        node: Node,
        mut settings: EmitterSettings,
        selector: Selector,
        sub_topic: String,
        topic: Topic,
        number: u64,
        breaker: BreakerHandle,
    ) -> Self {
        let share = settings.share();
        Self {
            selector,
            sub_topic,
            topic,
            number,
            lanes: (0..settings.pool_size.get()).map(|_| Lane::new(share)).collect(),
            // Taken out: one that is exchanged is to be let go.
            subscriber: watch::Sender::new(settings.subscriber.take()),
            stop: watch::Sender::new(None),
            emission: watch::Sender::new(Emission::On),
            breaker,
            positions: Mutex::new(Positions::new(settings.start_after.clone())),
            counts: Counts::default(),
            news: Mutex::new(News::new(settings.check_interval)),
            node,
            settings,
        }
    }

    pub(super) fn emit(&self, mut record: EventRecord) -> Emitted {
        record.complete(&self.node.stamp());
        if !self.selector.matches(&record) {
            return Emitted::NotMatched;
        }
        let before = self.settings.start_after.get(&record.event_stream_id);
        if before.is_some_and(|last| record.event_number <= *last) {
            return Emitted::Skipped;
        }
        let Some(lane) = self.lane_of(&record.event_stream_id) else {
            return Emitted::Stopped;
        };
        match lane.put(record) {
            Put::Closed => Emitted::Stopped,
            Put::In(emission, gone) => {
                add(&self.counts.matched, 1);
                if gone > 0 {
                    self.lose(gone);
                    return Emitted::Displaced { lost: gone };
                }
                match emission {
                    Emission::On => Emitted::Taken,
                    Emission::Throttled | Emission::Paused => Emitted::Held,
                }
            }
        }
    }

    /// One stream always has the same worker: with a random one two events of it could overtake each other.
    fn lane_of(&self, stream: &str) -> Option<&Lane> {
        let mut hasher = DefaultHasher::new();
        stream.hash(&mut hasher);
        let lanes = u64::try_from(self.lanes.len()).unwrap_or(1).max(1);
        let place = usize::try_from(hasher.finish() % lanes).unwrap_or_default();
        self.lanes.get(place)
    }

    /// From now on events go like this.
    pub(super) fn set_emission(&self, emission: Emission) {
        let before = self.emission.send_replace(emission);
        for lane in &self.lanes {
            lane.set(emission);
        }
        if before != emission {
            told::emission(self, before, emission);
        }
    }

    pub(super) fn swap(&self, subscriber: Option<Subscriber>) {
        // The new one is not to pay for the old one. Workers that wait for the breaker are woken by the exchange.
        self.breaker.reset();
        self.subscriber.send_replace(subscriber);
    }

    /// Begins to end it, as somebody wants: what waits may still go.
    pub(super) fn begin_stop(&self, reason: &str) {
        self.end(reason, false, false);
    }

    /// Ends it, as it cannot go on.
    pub(super) fn fail(&self, reason: &str) {
        self.end(reason, true, true);
    }

    /// The time for what waits is over.
    pub(super) fn stop_draining(&self) {
        self.end("", true, false);
    }

    /// Nothing is taken any more. The first reason stays.
    pub(super) fn end(&self, reason: &str, is_at_once: bool, is_failure: bool) {
        for lane in &self.lanes {
            lane.close();
        }
        self.stop.send_modify(|stop| match stop {
            Some(stop) => stop.is_at_once |= is_at_once,
            None => {
                *stop = Some(Stop {
                    reason: reason.into(),
                    is_at_once,
                    is_failure,
                });
            }
        });
    }

    /// How many events wait.
    pub(super) fn held(&self) -> u64 {
        let held: usize = self.lanes.iter().map(Lane::len).sum();
        u64::try_from(held).unwrap_or(u64::MAX)
    }

    pub(super) fn now(&self) -> Duration {
        self.node.uptime()
    }

    /// An event has reached whom it was for.
    pub(super) fn delivered(&self, stream: &str, number: u64) {
        add(&self.counts.delivered, 1);
        self.positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .emitted(stream, number);
        if self.news(|news, now| news.success(now)) {
            told::success(self);
        }
    }

    /// An event has not; it may be tried again.
    pub(super) fn failed(&self, record: &EventRecord, err: &str) {
        add(&self.counts.failed, 1);
        if self.news(|news, _| news.failure()) {
            told::failure(self, record, err);
        }
    }

    /// Events will never be delivered.
    pub(super) fn lose(&self, count: u64) {
        add(&self.counts.lost, count);
        if let Some(count) = self.news(|news, now| news.lost(count, now)) {
            told::lost(self, count);
        }
    }

    /// An interval is over: tells what has piled up, and that the pool lives.
    pub(super) fn check(&self) {
        let Untold {
            is_success,
            failures,
            lost,
        } = self.news(News::check);
        if failures > 0 {
            told::failures(self, failures);
        }
        if lost > 0 {
            told::lost(self, lost);
        }
        if is_success {
            told::success(self);
        }
        if self.may_say_that_it_lives() {
            told::heartbeat(self);
        }
    }

    /// The pool has ended: tells what losses were not told yet.
    pub(super) fn check_last(&self) {
        if let Some(count) = self.news(|news, _| news.rest()) {
            told::lost(self, count);
        }
    }

    /// A heartbeat makes a subscription healthy. So there is none while somebody has told bad news of it, which only good
    /// news may end; but there is while this pool's own breaker is open, as silence would look like a death.
    fn may_say_that_it_lives(&self) -> bool {
        let health = self.node.subscription_health();
        let record = health.record(&self.settings.store, &self.settings.name);
        let is_well =
            record.is_none_or(|record| matches!(record.current_status, HealthState::Healthy | HealthState::Unknown));
        is_well || self.breaker.state() != BreakerState::Closed
    }

    fn news<T>(&self, change: impl FnOnce(&mut News, Duration) -> T) -> T {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut news, self.now())
    }
}

/// Totals are for people to read; they need no order among each other.
fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

pub(super) fn value(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
