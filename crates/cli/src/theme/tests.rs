mod any;
mod banners;
mod colours;
mod lines;
mod nodes;

use serde_json::{Value, json};

use super::Classic;
use super::screen::Screen;

fn message(instance: &str, topic: &str, event: &str, payload: &Value) -> Vec<u8> {
    let message = json!({
        "id": "x/a/1/1", "instance": instance, "topic": topic, "event": event, "originating_node": "b",
        "reporting_node": "a", "timestamp": "2026-11-21T10:57:54.123Z", "signed": true, "payload": payload,
    });
    message.to_string().into_bytes()
}

fn on_pipe(instance: &str, topic: &str, event: &str, payload: &Value) -> String {
    let mut classic = Classic::new(|| Screen::PIPE);
    classic.render(&message(instance, topic, event, payload)).unwrap()
}

fn on_terminal(instance: &str, topic: &str, event: &str, payload: &Value) -> String {
    let mut classic = Classic::new(|| Screen::plain(80));
    classic.render(&message(instance, topic, event, payload)).unwrap()
}

fn coloured(instance: &str, topic: &str, event: &str, payload: &Value) -> String {
    let mut classic = Classic::new(|| Screen::COLOURED);
    classic.render(&message(instance, topic, event, payload)).unwrap()
}

fn log_event(component: &str, event_type: &str, metadata: Value) -> Value {
    json!({
        "component": component, "event_type": event_type, "store_id": "main", "pid": "<0.9.0>", "message": "as it is",
        "metadata": metadata,
    })
}
