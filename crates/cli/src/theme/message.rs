//! A message as it came, and how what it says begins.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::class::Class;
use super::columns::cut;
use super::component::Component;
use super::fields::Fields;
use super::line::Line;
use super::style::TEXT;

/// A larger payload is not looked into: read as a tree it takes many times its length. No typed message comes near.
const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
/// As much of a process id is shown. Publishers put process names there too.
const MAX_PID_COLUMNS: usize = 48;

/// What is looked at of a message's JSON form.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) instance: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) topic: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) event: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) originating_node: Cow<'a, str>,
    #[serde(borrow)]
    reporting_node: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) timestamp: Cow<'a, str>,
    received_on: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "payload")]
    raw_payload: Option<&'a RawValue>,
    #[serde(skip)]
    payload: Value,
}

impl<'a> Message<'a> {
    /// # Errors
    /// If `json` is no message.
    pub(super) fn of(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut message: Self = serde_json::from_slice(json)?;
        message.payload = message
            .raw_payload
            .filter(|raw| raw.get().len() <= MAX_PAYLOAD_BYTES)
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        Ok(message)
    }

    /// Its payload; null where that is too large or too deep to be looked into, or no JSON.
    pub(super) fn payload(&self) -> &Value {
        &self.payload
    }

    /// The fields of its payload, none if that is no object.
    pub(super) fn fields(&self) -> Fields<'_> {
        Fields::of(&self.payload)
    }

    /// The level of its topic at this place, from 0.
    pub(super) fn topic_level(&self, place: usize) -> Option<&str> {
        self.topic.split(':').nth(place).filter(|level| !level.is_empty())
    }

    /// The store that it is about: its payload says so, or its topic, such as `health_summary:main`.
    pub(super) fn store(&self) -> Option<Cow<'_, str>> {
        let said = self.fields().text(&["store_id", "store"]).map(Cow::Owned);
        said.or_else(|| self.topic_level(1).map(Cow::Borrowed))
    }

    /// `[pid]`, in the colour of its class; without a process id the reporting node stands for it.
    pub(super) fn speaker(&self, component: Option<Component>, class: Class) -> Line {
        let pid = self.fields().text(&["pid"]);
        let pid = pid.as_deref().unwrap_or(&self.reporting_node);
        speaker(pid, component, class)
    }

    /// One line: who says it, and `text`.
    pub(super) fn says(&self, component: Option<Component>, class: Class, text: &str) -> Line {
        let line = says(self.speaker(component, class), component, text);
        match &self.received_on {
            Some(node) => line.then(style_of_text(component), &format!(" (on {node})")),
            None => line,
        }
    }
}

/// `[pid]`.
pub(super) fn speaker(pid: &str, component: Option<Component>, class: Class) -> Line {
    let pid = crate::output::printable(pid);
    Line::default()
        .then(None, "[")
        .then(class.style(component), &cut(&pid, MAX_PID_COLUMNS))
        .then(None, "]")
}

/// `speaker`, the label and `text`.
pub(super) fn says(speaker: Line, component: Option<Component>, text: &str) -> Line {
    let line = match component {
        Some(emitter) if emitter.is_emitter() => {
            let label = super::style::LABEL;
            speaker.then(None, " [").then(label, emitter.label()).then(None, "] ")
        }
        Some(other) => speaker.then(None, &format!(" [{}] ", other.label())),
        None => speaker.then(None, " "),
    };
    line.then(style_of_text(component), text)
}

/// Only the process id of components that are no emitters has a colour.
fn style_of_text(component: Option<Component>) -> Option<super::style::Style> {
    component.is_none_or(Component::is_emitter).then_some(TEXT)
}
