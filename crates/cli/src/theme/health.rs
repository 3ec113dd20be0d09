//! What emitters hear of the health of subscriptions.

use super::class::Class;
use super::component::Component;
use super::emission::Emission;
use super::fields::{ABSENT, Fields, shown};
use super::line::Line;
use super::message::Message;

const EMITTER: Option<Component> = Some(Component::EmitterWorker);

/// A health event, and what it changes.
pub(super) fn event(message: &Message<'_>, emission: &mut Emission) -> Option<Vec<Line>> {
    let fields = message.fields();
    fields.value(&["subscription_name", "event_type"])?;
    let in_topic = || message.topic_level(2).map(str::to_owned);
    let name = fields.text(&["subscription_name"]).or_else(in_topic);
    let name = name.unwrap_or_else(|| ABSENT.to_owned());
    let event_type = fields.text_or_absent(&["event_type"]);
    let metadata = message.payload().get("metadata").map_or(ABSENT.to_owned(), shown);
    let mut lines = vec![message.says(
        EMITTER,
        Class::Health,
        &format!("📡 HEALTH EVENT: {name} -> {event_type} ({metadata})"),
    )];
    let store = message.store().unwrap_or_default();
    if let Some(is_on) = emission.on_event(&store, &name, &event_type) {
        let state = if is_on { "HEALTHY" } else { "UNHEALTHY" };
        let text = format!("🏥 HEALTH IMPACT: {name} is {state} ({event_type})");
        lines.push(message.says(EMITTER, Class::Health, &text));
    }
    Some(lines)
}

/// How many subscriptions of a store are healthy, as its producer or as its consumers name the fields.
pub(super) fn summary(message: &Message<'_>) -> Option<Line> {
    let fields = message.fields();
    fields.value(&[
        "total_subscriptions",
        "healthy",
        "healthy_subscriptions",
        "unhealthy_subscriptions",
    ])?;
    let store = message.store().unwrap_or(ABSENT.into());
    let healthy = fields.text_or_absent(&["healthy_subscriptions", "healthy"]);
    let total = fields.text(&["total_subscriptions"]);
    let total = total.or_else(|| sum(fields).map(|sum| sum.to_string()));
    let total = total.unwrap_or_else(|| ABSENT.to_owned());
    let text = format!("📈 HEALTH SUMMARY: Store {store} - {healthy}/{total} healthy subscriptions");
    Some(message.says(EMITTER, Class::Health, &text))
}

/// All subscriptions, where only those in each state are counted.
fn sum(fields: Fields<'_>) -> Option<u64> {
    if let Some(unhealthy) = fields.count(&["unhealthy_subscriptions"]) {
        let healthy = fields.count(&["healthy_subscriptions", "healthy"])?;
        return healthy.checked_add(unhealthy);
    }
    let states = ["healthy", "degraded", "failed", "registering", "unknown"];
    let counts = states.map(|state| fields.count(&[state]));
    let known = counts.iter().flatten();
    (known.clone().count() > 1).then(|| known.fold(0, |sum: u64, count| sum.saturating_add(*count)))
}
