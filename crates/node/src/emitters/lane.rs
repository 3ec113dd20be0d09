//! What waits for one worker.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_catalogue::EventRecord;
use bellwether_monitor::emission::{Emission, EmissionQueue, EmissionSettings, Next};
use serde_json::Value;
use tokio::sync::Notify;

/// What a value or a record costs beside its text.
const OVERHEAD_BYTES: usize = 32;

/// The events of one worker, in their order.
#[derive(Debug)]
pub(super) struct Lane {
    state: Mutex<State>,
    /// The worker waits for it.
    wake: Notify,
}

#[derive(Debug)]
struct State {
    queue: EmissionQueue<EventRecord>,
    is_closed: bool,
}

/// What became of an event that was put into a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It waits for the worker, with this emission, and so many older ones had to go for it.
    In(Emission, u64),
    /// Nothing is taken any more.
    Closed,
}

impl Lane {
    pub(super) fn new(settings: EmissionSettings) -> Self {
        Self {
            state: Mutex::new(State {
                queue: EmissionQueue::new(settings),
                is_closed: false,
            }),
            wake: Notify::new(),
        }
    }

    pub(super) fn put(&self, record: EventRecord) -> Put {
        let cost = cost(&record);
        let mut state = self.lock();
        if state.is_closed {
            return Put::Closed;
        }
        let before = state.queue.len();
        state.queue.push(record, cost);
        let gone = (before + 1).saturating_sub(state.queue.len());
        let emission = state.queue.emission();
        drop(state);
        self.wake.notify_one();
        Put::In(emission, u64::try_from(gone).unwrap_or(u64::MAX))
    }

    /// What the worker is to do.
    pub(super) fn next(&self, now: Duration) -> Next<EventRecord> {
        self.lock().queue.next(now)
    }

    /// The same, as if events went as they come.
    pub(super) fn next_anyway(&self, now: Duration) -> Next<EventRecord> {
        let mut state = self.lock();
        let emission = state.queue.emission();
        state.queue.set(Emission::On);
        let next = state.queue.next(now);
        state.queue.set(emission);
        next
    }

    /// From now on events go like this.
    pub(super) fn set(&self, emission: Emission) {
        self.lock().queue.set(emission);
        self.wake.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_one();
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// Waits until there may be something new to do. Cancel safe.
    pub(super) async fn changed(&self) {
        self.wake.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a record holds in memory, near enough.
fn cost(record: &EventRecord) -> usize {
    let texts = record.event_stream_id.len() + record.event_id.len() + record.event_type.len();
    let metadata = record.metadata.as_ref().map_or(0, size);
    let extra: usize = record.extra.iter().map(|(key, value)| key.len() + size(value)).sum();
    size_of::<EventRecord>() + texts + size(&record.data) + metadata + extra
}

fn size(value: &Value) -> usize {
    let content = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(size).sum(),
        Value::Object(object) => object.iter().map(|(key, value)| key.len() + size(value)).sum(),
    };
    content + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lane(max_messages: usize) -> Lane {
        Lane::new(EmissionSettings {
            max_messages: max_messages.try_into().unwrap(),
            ..EmissionSettings::default()
        })
    }

    fn record(number: u64) -> EventRecord {
        EventRecord::new("s", number, "i", "t", json!({"text": "x".repeat(1_000)}))
    }

    fn next(lane: &Lane) -> Option<u64> {
        match lane.next(Duration::ZERO) {
            Next::Item(record) => Some(record.event_number),
            _ => None,
        }
    }

    #[test]
    fn what_is_paused_waits_and_goes_in_order() {
        let lane = lane(10);
        assert_eq!(lane.put(record(0)), Put::In(Emission::On, 0));
        lane.set(Emission::Paused);
        assert_eq!(lane.put(record(1)), Put::In(Emission::Paused, 0));
        assert_eq!((next(&lane), lane.len()), (None, 2));
        lane.set(Emission::On);
        assert_eq!([next(&lane), next(&lane), next(&lane)], [Some(0), Some(1), None]);
    }

    #[test]
    fn for_one_too_many_the_oldest_goes_and_is_told_by_count() {
        let lane = lane(2);
        lane.set(Emission::Paused);
        assert_eq!(lane.put(record(0)), Put::In(Emission::Paused, 0));
        assert_eq!(lane.put(record(1)), Put::In(Emission::Paused, 0));
        assert_eq!(lane.put(record(2)), Put::In(Emission::Paused, 1));
        lane.set(Emission::On);
        assert_eq!(lane.next(Duration::ZERO), Next::Lost(1));
        assert_eq!([next(&lane), next(&lane)], [Some(1), Some(2)]);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let lane = Lane::new(EmissionSettings {
            max_bytes: 5_000,
            ..EmissionSettings::default()
        });
        lane.set(Emission::Paused);
        let puts: Vec<Put> = (0..8).map(|number| lane.put(record(number))).collect();
        assert_eq!(puts.last(), Some(&Put::In(Emission::Paused, 1)));
        assert!((2..5).contains(&lane.len()), "{}", lane.len());
    }

    #[test]
    fn one_can_be_taken_past_the_pause_and_the_pause_stays() {
        let lane = lane(10);
        lane.set(Emission::Paused);
        lane.put(record(0));
        lane.put(record(1));
        assert!(matches!(lane.next_anyway(Duration::ZERO), Next::Item(record) if record.event_number == 0));
        assert_eq!(lane.next(Duration::ZERO), Next::Paused);
    }

    #[test]
    fn a_closed_lane_takes_nothing_and_gives_what_it_has() {
        let lane = lane(10);
        lane.put(record(0));
        lane.close();
        assert_eq!(lane.put(record(1)), Put::Closed);
        assert_eq!([next(&lane), next(&lane)], [Some(0), None]);
    }

    #[test]
    fn everything_that_a_record_carries_costs() {
        let plain = cost(&EventRecord::new("s", 0, "i", "t", Value::Null));
        let long = "x".repeat(10_000);
        let mut extra = EventRecord::new("s", 0, "i", "t", Value::Null);
        extra.extra.insert("more".to_owned(), json!([long]));
        for heavy in [
            EventRecord::new(long.as_str(), 0, "i", "t", Value::Null),
            EventRecord::new("s", 0, "i", "t", json!({"deep": {"list": [long]}})),
            EventRecord::new("s", 0, "i", "t", Value::Null).metadata(json!({long.as_str(): 1})),
            extra,
        ] {
            assert!(cost(&heavy) >= plain + 9_999);
        }
    }
}
