//! The class of a message that no rule names, by the words it uses.

use serde_json::Value;

use super::class::Class;
use super::message::Message;

/// Fields whose words say how things stand.
const TELLING: [&str; 7] = ["severity", "status", "level", "event", "event_type", "result", "state"];
/// Longer text is prose, and no status.
const MAX_STATUS_BYTES: usize = 128;

const FAILURE: [&str; 12] = [
    "critical",
    "crashed",
    "down",
    "emergency",
    "error",
    "errors",
    "fail",
    "failed",
    "failure",
    "fatal",
    "nodedown",
    "unhealthy",
];
const SUCCESS: [&str; 10] = [
    "healthy",
    "nodeup",
    "ok",
    "pass",
    "reconnected",
    "recovered",
    "resolved",
    "started",
    "succeeded",
    "success",
];

/// Failure before success, each told by the event, by a status field, or by an alert's topic; then what the instance is
/// for, otherwise `rest`.
pub(super) fn class(message: &Message<'_>, rest: Class) -> Class {
    let topic = if message.instance == "alerts" {
        &*message.topic
    } else {
        ""
    };
    let fields = message.fields();
    let statuses = TELLING
        .iter()
        .filter_map(|key| fields.value(&[*key]).and_then(Value::as_str));
    let told: Vec<&str> = statuses.chain([&*message.event, topic]).collect();
    if told.iter().any(|text| says_one_of(text, &FAILURE)) {
        Class::Failure
    } else if told.iter().any(|text| says_one_of(text, &SUCCESS)) {
        Class::Success
    } else if message.instance == "health" {
        Class::Health
    } else {
        rest
    }
}

fn says_one_of(text: &str, words: &[&str]) -> bool {
    let mut said = text.split(|character: char| !character.is_alphanumeric());
    text.len() <= MAX_STATUS_BYTES && said.any(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(instance: &str, topic: &str, event: &str, payload: &str) -> Class {
        let json = format!(
            r#"{{"id":"x","instance":"{instance}","topic":"{topic}","event":"{event}","originating_node":"b",
                "reporting_node":"a","timestamp":"2026-11-21T10:57:54.123Z","payload":{payload}}}"#
        );
        class(&Message::of(json.as_bytes()).unwrap(), Class::Action)
    }

    #[test]
    fn a_class_is_chosen_by_what_is_said() {
        for (instance, topic, event, payload, expected) in [
            ("alerts", "a", "critical_alert", "{}", Class::Failure),
            ("alerts", "system_alerts:critical", "message", "{}", Class::Failure),
            ("events", "system_alerts:critical", "message", "{}", Class::Action),
            ("health", "h", "checked", r#"{"status":"unhealthy"}"#, Class::Failure),
            ("health", "h", "checked", r#"{"status":"healthy"}"#, Class::Success),
            ("health", "h", "checked", r#"{"status":"degraded"}"#, Class::Health),
            ("logging", "l", "log_entry", r#"{"level":"ERROR"}"#, Class::Failure),
            ("logging", "l", "log_entry", r#"{"level":"info"}"#, Class::Action),
            ("lifecycle", "l", "x", r#"{"event":"store_started"}"#, Class::Success),
            ("lifecycle", "l", "x", r#"{"event":"down"}"#, Class::Failure),
            (
                "system",
                "s",
                "registration_failed",
                r#"{"status":"ok"}"#,
                Class::Failure,
            ),
            ("system", "s", "recovered", "{}", Class::Success),
            ("metrics", "m", "performance_metric", r#"{"value":1}"#, Class::Action),
            ("events", "e", "order_placed", r#"{"note":"critical"}"#, Class::Action),
            ("events", "e", "breakdown", "7", Class::Action),
        ] {
            let class = class_of(instance, topic, event, payload);
            assert_eq!(class, expected, "{instance} {topic} {event} {payload}");
        }
    }
}
