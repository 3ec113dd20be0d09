//! The task that publishes what waits, what was left out, and summaries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_catalogue::families::logging::{LogEntry, LogSummary};
use bellwether_catalogue::field::Object;
use bellwether_monitor::log_level::LogLevel;
use bellwether_monitor::log_summary::{LogTotals, TopError};
use serde_json::{Value, json};

use super::attached::Attached;
use super::busy::Busy;
use super::record::Record;
use super::shared::Shared;
use crate::ticks::every;

/// How often it is told, at most, what was left out.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);
/// Records that are published before other tasks have their turn.
const BATCH: usize = 64;
/// What wrote the bridge's own records.
const MODULE: &str = "bellwether::log_bridge";

/// Detaches the bridge when the task is dropped: when its node stops.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) shared: Arc<Shared>,
    pub(super) attached: Arc<Attached>,
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.shared.detach();
    }
}

/// Publishes until the node stops.
pub(super) async fn run(attachment: Attachment) {
    let (shared, attached) = (&*attachment.shared, &*attachment.attached);
    let mut notices = every(NOTICE_INTERVAL);
    let mut summaries = every(shared.settings.summarise_every());
    let mut told_failed = 0;
    // What was logged before.
    shared.filled.notify_one();
    loop {
        tokio::select! {
            () = shared.filled.notified() => {
                while publish_some(shared, attached) {
                    tokio::task::yield_now().await;
                }
            }
            _ = notices.tick() => {
                tell_left_out(shared, attached);
                warn_of_failed(shared, &mut told_failed);
            }
            _ = summaries.tick() => summarise(shared, attached),
        }
    }
}

/// Publishes a batch of what waits. Whether more may wait.
pub(super) fn publish_some(shared: &Shared, attached: &Attached) -> bool {
    hand_out(shared, |record| attached.publish_record(record, &shared.counts))
}

/// Hands out a batch of what waits; what this thread logs meanwhile is not looked at. Whether more may wait.
pub(super) fn hand_out(shared: &Shared, mut publish: impl FnMut(Record)) -> bool {
    let Some(_busy) = Busy::enter() else {
        return false;
    };
    let _in_order = shared.publishing();
    for _ in 0..BATCH {
        match shared.queue.pop() {
            Some(record) => publish(record),
            None => return false,
        }
    }
    true
}

fn tell_left_out(shared: &Shared, attached: &Attached) {
    if !attached.integration.enabled() {
        return;
    }
    let _busy = Busy::enter();
    let (rate_limited, by_filter) = shared.judging().limited();
    if let Some(entry) = left_out(shared.queue.left_out(), rate_limited, by_filter) {
        attached.publish_entry(&entry, LogLevel::Warn, &shared.counts);
    }
}

/// The record of what was left out; none if nothing was.
fn left_out(queue_full: u64, rate_limited: u64, by_filter: BTreeMap<String, u64>) -> Option<LogEntry> {
    let by_filters = by_filter.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let all = queue_full.saturating_add(rate_limited).saturating_add(by_filters);
    let words = match all {
        0 => return None,
        1 => "1 record was left out".to_owned(),
        all => format!("{all} records were left out"),
    };
    let metadata: Value = json!({
        "left_out": all, "queue_full": queue_full, "rate_limited": rate_limited, "limited_by_filter": by_filter,
    });
    Some(LogEntry::new(LogLevel::Warn.name(), words, MODULE).metadata(metadata))
}

/// In the program's other logs: it is no use to publish it.
fn warn_of_failed(shared: &Shared, told: &mut u64) {
    let _busy = Busy::enter();
    let failed = shared.counts.failed.load(Ordering::Relaxed);
    if failed > *told {
        tracing::warn!(count = failed - *told, "log records were not published");
        *told = failed;
    }
}

fn summarise(shared: &Shared, attached: &Attached) {
    let totals = shared.judging().close(shared.elapsed());
    if let Some(totals) = totals.filter(|_| attached.integration.enabled()) {
        let _busy = Busy::enter();
        attached.publish(&summary(totals), None, &shared.counts);
    }
}

fn summary(totals: LogTotals) -> LogSummary {
    let counts = totals.log_counts.iter();
    let counts: BTreeMap<String, u64> = counts.map(|(level, count)| (level.name().to_owned(), *count)).collect();
    let top: Vec<Object> = totals.top_errors.into_iter().map(top_error).collect();
    LogSummary::new(period(totals.period), counts)
        .top_errors(top)
        .error_rate(totals.error_rate)
        .total_logs(totals.total_logs)
}

fn top_error(error: TopError) -> Object {
    match json!(error) {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// A period's name, as `last_minute` or `last_90_seconds`.
fn period(length: Duration) -> String {
    match (length + Duration::from_millis(500)).as_secs() {
        60 => "last_minute".to_owned(),
        3600 => "last_hour".to_owned(),
        86_400 => "last_day".to_owned(),
        1 => "last_second".to_owned(),
        seconds => format!("last_{seconds}_seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_told_once_with_its_reasons() {
        assert!(left_out(0, 0, BTreeMap::new()).is_none());
        assert_eq!(
            left_out(0, 1, BTreeMap::new()).unwrap().message,
            "1 record was left out"
        );
        let entry = left_out(2, 3, BTreeMap::from([("a".to_owned(), 4), ("b".to_owned(), 5)])).unwrap();
        assert_eq!(entry.message, "14 records were left out");
        let expected = json!({
            "left_out": 14, "queue_full": 2, "rate_limited": 3, "limited_by_filter": {"a": 4, "b": 5},
        });
        assert_eq!(Value::Object(entry.metadata), expected);
    }

    #[test]
    fn a_period_has_a_name() {
        for (ms, name) in [
            (60_020, "last_minute"),
            (3_599_900, "last_hour"),
            (86_400_000, "last_day"),
            (1_000, "last_second"),
            (90_000, "last_90_seconds"),
        ] {
            assert_eq!(period(Duration::from_millis(ms)), name);
        }
    }
}
