//! Which of the messages that come are printed. Pure.

use std::borrow::Cow;

use bellwether_message::NodeId;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a message has to be like; by default anything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// One of these event tags, if there are any.
    pub(crate) events: Vec<String>,
    /// It arose on one of these nodes or was published by one, if there are any.
    pub(crate) origins: Vec<NodeId>,
    /// Its event, topic or payload holds this.
    pub(crate) text: Option<Text>,
    /// It says that it is at least so severe.
    pub(crate) severity: Option<Severity>,
    /// It is none of the mesh's own, whose topics begin with `$`.
    pub(crate) without_reserved: bool,
}

/// Text to look for: whatever its case, unless it has capital letters itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text {
    wanted: String,
    as_written: bool,
}

/// How bad something is. Families have words of their own, which are read as one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Severity {
    #[value(alias = "low")]
    Info,
    #[value(alias = "medium")]
    Warning,
    #[value(alias = "high")]
    Error,
    Critical,
}

/// What is looked at of a message's JSON form.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    originating_node: Cow<'a, str>,
    #[serde(borrow)]
    reporting_node: Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl Filter {
    /// Whether a message, given in its JSON form, is printed. What cannot be read is: it is not for us to hide.
    pub(super) fn passes(&self, json: &[u8]) -> bool {
        if *self == Self::default() {
            return true;
        }
        serde_json::from_slice(json).map_or(true, |message| self.wants(&message))
    }

    fn wants(&self, message: &Message<'_>) -> bool {
        let is_one_of = |nodes: &[NodeId], node: &str| nodes.iter().any(|wanted| wanted.as_str() == node);
        if self.without_reserved && message.topic.starts_with('$') {
            return false;
        }
        let is_event = self.events.is_empty() || self.events.iter().any(|event| *event == message.event);
        let is_origin = self.origins.is_empty()
            || is_one_of(&self.origins, &message.originating_node)
            || is_one_of(&self.origins, &message.reporting_node);
        is_event
            && is_origin
            && self.text.as_ref().is_none_or(|text| text.is_in(message))
            && self.severity.is_none_or(|least| severity(message) >= Some(least))
    }
}

impl Text {
    pub(crate) fn new(wanted: &str) -> Self {
        let as_written = wanted.chars().any(char::is_uppercase);
        Self {
            wanted: wanted.to_owned(),
            as_written,
        }
    }

    fn is_in(&self, message: &Message<'_>) -> bool {
        let payload = message.payload.map_or(Cow::Borrowed("null"), |value| {
            serde_json::from_str::<String>(value.get()).map_or(Cow::Borrowed(value.get()), Cow::Owned)
        });
        [&*message.topic, &*message.event, &*payload]
            .iter()
            .any(|text| match self.as_written {
                true => text.contains(&self.wanted),
                false => text.to_lowercase().contains(&self.wanted),
            })
    }
}

/// What a message says of how bad it is, if it does in words that are known.
fn severity(message: &Message<'_>) -> Option<Severity> {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        severity: Option<Cow<'a, str>>,
        /// As log lines have it.
        #[serde(borrow)]
        level: Option<Cow<'a, str>>,
    }

    let said: Said<'_> = serde_json::from_str(message.payload?.get()).ok()?;
    let word = said.severity.or(said.level)?.to_ascii_lowercase();
    Some(match &*word {
        "debug" | "info" | "notice" | "low" => Severity::Info,
        "warning" | "warn" | "medium" => Severity::Warning,
        "error" | "high" => Severity::Error,
        "critical" | "alert" | "emergency" => Severity::Critical,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, event: &str, payload: &str) -> String {
        format!(
            "{{\"id\":\"alerts/a/1/1\",\"instance\":\"alerts\",\"topic\":\"{topic}\",\"event\":\"{event}\",\
             \"originating_node\":\"b\",\"reporting_node\":\"a\",\"timestamp\":\"2026-11-21T10:57:54.123Z\",\
             \"payload\":{payload}}}"
        )
    }

    fn passes(filter: &Filter) -> bool {
        filter.passes(
            message(
                "system_alerts:high",
                "raised",
                r#"{"severity":"error","message":"Disk full"}"#,
            )
            .as_bytes(),
        )
    }

    #[test]
    fn without_a_wish_everything_passes() {
        assert!(passes(&Filter::default()));
        assert!(Filter::default().passes(b"no message"));
    }

    #[test]
    fn events_and_nodes_are_any_of_those_named() {
        let events = |events: &[&str]| Filter {
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            ..Filter::default()
        };
        assert!(passes(&events(&["other", "raised"])));
        assert!(!passes(&events(&["raise"])));
        let origins = |nodes: &[&str]| Filter {
            origins: nodes.iter().map(|node| NodeId::new(node).unwrap()).collect(),
            ..Filter::default()
        };
        for (nodes, expected) in [(&["a"][..], true), (&["b"], true), (&["c", "b"], true), (&["c"], false)] {
            assert_eq!(passes(&origins(nodes)), expected, "{nodes:?}");
        }
    }

    #[test]
    fn text_is_found_in_topic_event_and_payload_and_capitals_are_meant() {
        let text = |wanted: &str| Filter {
            text: Some(Text::new(wanted)),
            ..Filter::default()
        };
        for (wanted, expected) in [
            ("disk full", true),
            ("Disk", true),
            ("DISK", false),
            ("alerts:high", true),
            ("raised", true),
            ("disk empty", false),
            // When it was published is not what it says.
            ("2026", false),
        ] {
            assert_eq!(passes(&text(wanted)), expected, "{wanted}");
        }
        let quoted = message("t", "e", r#""say \"no\"""#);
        assert!(text("say \"no\"").passes(quoted.as_bytes()));
    }

    #[test]
    fn only_what_is_known_to_be_as_severe_passes() {
        let least = |severity| Filter {
            severity: Some(severity),
            ..Filter::default()
        };
        assert!(passes(&least(Severity::Warning)) && passes(&least(Severity::Error)));
        assert!(!passes(&least(Severity::Critical)));
        for (payload, expected) in [
            (r#"{"severity":"CRITICAL"}"#, true),
            (r#"{"level":"error"}"#, true),
            (r#"{"level":"info"}"#, false),
            (r#"{"severity":"purple"}"#, false),
            (r#"{"severity":7}"#, false),
            ("{}", false),
            ("7", false),
        ] {
            let json = message("t", "e", payload);
            assert_eq!(least(Severity::Warning).passes(json.as_bytes()), expected, "{payload}");
        }
    }

    #[test]
    fn what_the_mesh_says_to_itself_can_be_left_out() {
        let json = message("$bw:snapshot:a", "snapshot", "{}");
        let filter = Filter {
            without_reserved: true,
            ..Filter::default()
        };
        assert!(!filter.passes(json.as_bytes()));
        assert!(passes(&filter) && Filter::default().passes(json.as_bytes()));
    }
}
