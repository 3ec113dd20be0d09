//! Emitters that start and end, and what they log.

use serde_json::Value;

use super::banner::{Banner, Frame, Row};
use super::class::Class;
use super::component::Component;
use super::fields::ABSENT;
use super::line::Line;
use super::message::Message;

/// What an emitter does that is worth a banner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Start,
    End,
}

/// The banner of a process lifecycle message that tells of an emitter.
pub(super) fn lifecycle_banner(message: &Message<'_>) -> Option<Banner> {
    let event = message
        .fields()
        .value(&["event", "event_type"])
        .and_then(Value::as_str)?;
    let (component, turn) = match event {
        "emitter_worker_started" => (Component::EmitterWorker, Turn::Start),
        "emitter_worker_terminated" => (Component::EmitterWorker, Turn::End),
        "emitter_pool_started" => (Component::EmitterPool, Turn::Start),
        "emitter_pool_stopped" => (Component::EmitterPool, Turn::End),
        _ => return None,
    };
    banner(message, component, turn)
}

/// What a log event is drawn as.
#[derive(Debug)]
pub(super) enum LogEvent {
    Banner(Banner),
    Line(Line),
}

/// A log event of a known component.
pub(super) fn log_event(message: &Message<'_>) -> Option<LogEvent> {
    let fields = message.fields();
    let component = fields.value(&["component"]).and_then(Value::as_str);
    let component = component.and_then(Component::named)?;
    let event_type = fields.text_or_absent(&["event_type"]);
    let turn = match event_type.as_str() {
        "startup" => Some(Turn::Start),
        "shutdown" => Some(Turn::End),
        _ => None,
    };
    if let Some(banner) = turn.and_then(|turn| banner(message, component, turn)) {
        return Some(LogEvent::Banner(banner));
    }
    let class = match event_type.as_str() {
        "startup" => Class::Success,
        "shutdown" | "error" => Class::Failure,
        "health" => Class::Health,
        _ => Class::Action,
    };
    let text = format!(
        "{}{}",
        log_prefix(message, component, &event_type),
        fields.text_or_absent(&["message"])
    );
    Some(LogEvent::Line(message.says(Some(component), class, &text)))
}

/// `[EmitterWorker:main] `, with the event type where that is no usual one; nothing for components that are no emitters.
fn log_prefix(message: &Message<'_>, component: Component, event_type: &str) -> String {
    let Some(prefix) = component.log_prefix() else {
        return String::new();
    };
    let store = message.fields().text_or_absent(&["store_id", "store"]);
    match event_type {
        "action" | "error" | "startup" | "shutdown" | ABSENT => format!("[{prefix}:{store}] "),
        "health" => format!("[{prefix}:{store}:Health] "),
        other => format!("[{prefix}:{store}:{other}] "),
    }
}

fn banner(message: &Message<'_>, component: Component, turn: Turn) -> Option<Banner> {
    let (frame, title, rows) = match (component, turn) {
        (Component::EmitterWorker, Turn::Start) => (
            Frame::SingleLine,
            "★ EMITTER WORKER ACTIVATION ★",
            worker_started(message),
        ),
        (Component::EmitterWorker, Turn::End) => (
            Frame::DoubleLine,
            "💀 EMITTER WORKER TERMINATION 💀",
            worker_ended(message),
        ),
        (Component::EmitterPool, Turn::Start) => {
            (Frame::HeavyLine, "🚀 EMITTER POOL STARTUP 🚀", pool_started(message))
        }
        (Component::EmitterPool, Turn::End) => (Frame::HeavyLine, "🚨 EMITTER POOL SHUTDOWN 🚨", pool_ended(message)),
        (Component::EmitterSystem, Turn::Start) => {
            (Frame::Rules, "🔥 EMITTER SYSTEM STARTUP 🔥", system_started(message))
        }
        (Component::EmitterSystem, Turn::End) => (Frame::Rules, "🚨 EMITTER SYSTEM SHUTDOWN 🚨", system_ended(message)),
        _ => return None,
    };
    let class = match turn {
        Turn::Start => Class::Success,
        Turn::End => Class::Failure,
    };
    Some(Banner {
        frame,
        title,
        speaker: message.speaker(Some(component), class),
        rows,
    })
}

const STORE: [&str; 2] = ["store", "store_id"];
const SUBSCRIBER: [&str; 2] = ["subscriber", "subscriber_pid"];

fn worker_started(message: &Message<'_>) -> Vec<Row> {
    vec![
        field(message, "Topic", &["topic", "sub_topic"]),
        field(message, "Store", &STORE),
        field(message, "Scheduler", &["scheduler_id", "scheduler"]),
        field(message, "PID", &["pid"]),
        field(message, "Subscriber", &SUBSCRIBER),
    ]
}

fn worker_ended(message: &Message<'_>) -> Vec<Row> {
    vec![
        field(message, "Reason", &["reason"]),
        field(message, "Store", &STORE),
        field(message, "Selector", &["selector", "sub_topic"]),
        field(message, "Subscriber", &SUBSCRIBER),
        field(message, "PID", &["pid"]),
    ]
}

fn pool_started(message: &Message<'_>) -> Vec<Row> {
    vec![
        Row::Field("Pool Name", pool_name(message)),
        field(message, "Store ID", &STORE),
        field(message, "Topic", &["sub_topic", "topic"]),
        field(message, "Workers", &["emitter_count", "workers"]),
        field(message, "PID", &["pid"]),
    ]
}

fn pool_ended(message: &Message<'_>) -> Vec<Row> {
    vec![
        Row::Field("Pool Name", pool_name(message)),
        field(message, "Store ID", &STORE),
        field(message, "Topic", &["sub_topic", "topic"]),
        field(message, "Reason", &["reason"]),
    ]
}

fn system_started(message: &Message<'_>) -> Vec<Row> {
    vec![
        Row::Text(message.fields().text_or_absent(&["message"])),
        field(message, "Components", &["components"]),
        field(message, "Max Restarts", &["max_restarts"]),
    ]
}

fn system_ended(message: &Message<'_>) -> Vec<Row> {
    vec![
        Row::Text(message.fields().text_or_absent(&["message"])),
        field(message, "Reason", &["reason"]),
    ]
}

fn field(message: &Message<'_>, name: &'static str, keys: &[&str]) -> Row {
    Row::Field(name, message.fields().text_or_absent(keys))
}

/// As it is said, or as pools are named after their store and topic.
fn pool_name(message: &Message<'_>) -> String {
    let fields = message.fields();
    let named_after = || {
        let (store, topic) = (fields.text(&STORE)?, fields.text(&["sub_topic", "topic"])?);
        Some(format!("{store}:{topic}_emitter_pool"))
    };
    let name = fields.text(&["pool_name", "name"]);
    name.or_else(named_after).unwrap_or_else(|| ABSENT.to_owned())
}
