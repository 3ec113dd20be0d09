//! What emitters hear of a store's metrics, and what they broadcast.

use serde_json::Value;

use super::class::Class;
use super::component::Component;
use super::fields::{ABSENT, Fields};
use super::line::Line;
use super::message::Message;

const EMITTER: Option<Component> = Some(Component::EmitterWorker);
/// As many events of one batch are shown. The original sends one at a time.
const MAX_EVENTS: usize = 64;

/// One metric of a store.
pub(super) fn event(message: &Message<'_>) -> Option<Line> {
    let fields = message.fields();
    fields.value(&["metric_name", "value"])?;
    let store = message.store().unwrap_or(ABSENT.into());
    let name = fields.text_or_absent(&["metric_name"]);
    let value = fields.text_or_absent(&["value"]);
    let timestamp = fields.text(&["timestamp"]);
    let timestamp = timestamp.as_deref().unwrap_or(&message.timestamp);
    let text = format!("📈 METRICS EVENT: {store} -> {name}={value} @{timestamp}");
    Some(message.says(EMITTER, Class::Action, &text))
}

/// How busy a store is.
pub(super) fn summary(message: &Message<'_>) -> Option<Line> {
    let fields = message.fields();
    fields.value(&["events_per_second", "total_events", "active_subscriptions"])?;
    let store = message.store().unwrap_or(ABSENT.into());
    let eps = fields.text_or_absent(&["events_per_second"]);
    let total = fields.text_or_absent(&["total_events"]);
    let active = fields.text_or_absent(&["active_subscriptions"]);
    let text = format!("📉 METRICS SUMMARY: Store {store} - {eps} eps, {total} total, {active} active subs");
    Some(message.says(EMITTER, Class::Action, &text))
}

/// A batch of events, one line each.
pub(super) fn broadcasts(message: &Message<'_>) -> Option<Vec<Line>> {
    let events = match message.payload() {
        Value::Array(events) => events.as_slice(),
        event => std::slice::from_ref(event),
    };
    let is_event = |event: &Value| Fields::of(event).value(&["event_id", "event_type"]).is_some();
    if events.is_empty() || !events.iter().all(is_event) {
        return None;
    }
    let shown = events.iter().take(MAX_EVENTS).map(|event| {
        let fields = Fields::of(event);
        let id = fields.text_or_absent(&["event_id"]);
        let event_type = fields.text_or_absent(&["event_type"]);
        format!("⚡ BROADCASTING Event: {id}({event_type}) - Topic: {}", message.topic)
    });
    let left_out = events.len().saturating_sub(MAX_EVENTS);
    let rest = (left_out > 0).then(|| format!("⚡ BROADCASTING {left_out} more events - Topic: {}", message.topic));
    let lines = shown
        .chain(rest)
        .map(|text| message.says(EMITTER, Class::Action, &text));
    Some(lines.collect())
}
