//! Topics with places in them: `subscription_health:{store_id}:{subscription_name}`.

use bellwether_message::{MAX_TOPIC_BYTES, Topic};

/// What stands in a place that has no value.
const ABSENT: &str = "unknown";

/// The template with every `{name}` replaced by what `value` has for it, made fit for one level of a topic.
pub(crate) fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let levels = template.split(':').map(|level| match place(level) {
        Some(name) => self::level(value(name).as_deref().unwrap_or(ABSENT)),
        None => level.to_owned(),
    });
    let topic = levels.collect::<Vec<_>>().join(":");
    match Topic::check(&topic) {
        Ok(()) => topic,
        // Too long: the beginning says enough.
        Err(_) => topic
            .chars()
            .take(MAX_TOPIC_BYTES / 4)
            .collect::<String>()
            .trim_end_matches(':')
            .to_owned(),
    }
}

/// The name in a level that is a place.
pub(crate) fn place(level: &str) -> Option<&str> {
    level.strip_prefix('{')?.strip_suffix('}')
}

/// Any text as one level of a topic: `:` and control characters become `_`, a wildcard its name, nothing `unknown`.
pub fn level(text: &str) -> String {
    match text {
        "" => ABSENT.to_owned(),
        "*" | "+" => "_".to_owned(),
        text => text
            .chars()
            .map(|character| {
                if character == ':' || character.is_control() {
                    '_'
                } else {
                    character
                }
            })
            .collect(),
    }
}
