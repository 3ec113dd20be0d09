//! Which component a message comes from, as far as it says so.

use serde_json::Value;

use super::component::Component;
use super::message::Message;

/// Fields that name a component, the most telling first.
const NAMES: [&str; 7] = [
    "component",
    "module",
    "process_type",
    "name",
    "pid",
    "source",
    "metric_name",
];

/// The component that says `message`.
pub(super) fn component(message: &Message<'_>) -> Option<Component> {
    let fields = message.fields();
    let named = |key: &&str| fields.value(&[*key]).and_then(Value::as_str).and_then(Component::named);
    of_alert(message)
        .or_else(|| NAMES.iter().find_map(named))
        .or_else(|| of_event(message))
        .or_else(|| of_package(message))
}

/// What an alert is about: its type, or its topic, which is named after it.
pub(super) fn alert_kind(message: &Message<'_>) -> Option<String> {
    if message.instance != "alerts" {
        return None;
    }
    let kind = message.fields().text(&["alert_type", "event_type"]);
    let kind = kind.filter(|kind| is_kind(kind));
    kind.or_else(|| {
        [&message.event, &message.topic]
            .into_iter()
            .find(|text| is_kind(text))
            .map(|text| text.to_string())
    })
}

fn is_kind(text: &str) -> bool {
    text == "node_failure" || text == "persistence_failure" || text.starts_with("store_")
}

fn of_alert(message: &Message<'_>) -> Option<Component> {
    match alert_kind(message)?.as_str() {
        "node_failure" => Some(Component::NodeMonitor),
        "persistence_failure" => Some(Component::PersistenceWorker),
        _ => Some(Component::Store),
    }
}

fn of_event(message: &Message<'_>) -> Option<Component> {
    let event = message.fields().value(&["event"]).and_then(Value::as_str)?;
    match event {
        "store_started" | "store_stopping" | "store_stopped" | "store_terminated" => Some(Component::Store),
        _ => None,
    }
}

/// Telemetry names the package that measured.
fn of_package(message: &Message<'_>) -> Option<Component> {
    let package = message.fields().value(&["package"]).and_then(Value::as_str)?;
    (package == "ex_esdb_gater").then_some(Component::GaterSystem)
}
