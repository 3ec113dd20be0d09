//! The one JSON form of a message, shown by every door: HTTP, SSE, NDJSON and the command line.

use std::borrow::Cow;

use base64::Engine;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::Envelope;

/// Shows an envelope as JSON.
///
/// `{"id","instance","topic","event","originating_node","reporting_node","timestamp","correlation_id","causation_id",
/// "schema_version","content_type","signed","payload"}`; `"reply_to"` and `"headers"` only where there are any. Absent ids are null. The payload is the JSON value itself for
/// JSON content (untouched), a string for `text/…`, and otherwise `payload_base64`. A payload that is not what its
/// content type says is shown as `payload_base64`, so that nothing is lost.
#[derive(Debug, Clone, Copy)]
pub struct MessageJson<'a> {
    envelope: &'a Envelope,
    received_on: Option<&'a str>,
}

impl<'a> MessageJson<'a> {
    /// The form of `envelope`.
    pub fn new(envelope: &'a Envelope) -> Self {
        Self {
            envelope,
            received_on: None,
        }
    }

    /// Adds `received_on`: where several nodes deliver to one output, which of them did.
    #[must_use]
    pub fn received_on(mut self, node: &'a str) -> Self {
        self.received_on = Some(node);
        self
    }
}

impl Serialize for MessageJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let envelope = self.envelope;
        let head = envelope.head();
        let content_type = head.content_type();
        let payload = envelope.payload();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &envelope.id())?;
        map.serialize_entry("instance", &envelope.instance())?;
        map.serialize_entry("topic", head.topic)?;
        map.serialize_entry("event", head.event)?;
        map.serialize_entry(
            "originating_node",
            head.originating_node.unwrap_or(envelope.reporting_node()),
        )?;
        map.serialize_entry("reporting_node", envelope.reporting_node())?;
        if let Some(node) = self.received_on {
            map.serialize_entry("received_on", node)?;
        }
        map.serialize_entry("timestamp", &head.timestamp(envelope.source().epoch))?;
        map.serialize_entry("correlation_id", &head.correlation_id)?;
        map.serialize_entry("causation_id", &head.causation_id)?;
        map.serialize_entry("schema_version", &head.schema_version)?;
        if let Some(address) = head.reply_to() {
            map.serialize_entry("reply_to", address)?;
        }
        if !head.headers().is_empty() {
            map.serialize_entry("headers", &head.headers())?;
        }
        map.serialize_entry("content_type", content_type.name())?;
        map.serialize_entry("signed", &envelope.is_signed())?;
        match std::str::from_utf8(payload) {
            Ok(text) if content_type.is_json() && is_json(text) => {
                map.serialize_entry("payload", &serde_json::from_str::<&RawValue>(&on_one_line(text)).ok())?;
            }
            Ok(text) if content_type.is_text() => map.serialize_entry("payload", text)?,
            _ => {
                let base64 = base64::engine::general_purpose::STANDARD.encode(payload);
                map.serialize_entry("payload_base64", &base64)?;
            }
        }
        map.end()
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// A JSON string cannot hold a raw line break, so in valid JSON every one is white space between tokens; left in, it
/// would break a line-based output in two.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r']) {
        Cow::Owned(text.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{ContentType, Draft, Epoch, Headers, Instance, NodeId, Sealer, Source, Timestamp, Topic};

    fn json(draft: &Draft) -> String {
        let source = Arc::new(Source {
            node: NodeId::new("a").unwrap(),
            epoch: Epoch(1),
        });
        let sealer = Sealer::new("c", None, source, Instance::Alerts);
        let envelope = sealer.seal_one(draft, 1, Timestamp::from_millis(0)).unwrap();
        serde_json::to_string(&MessageJson::new(&envelope)).unwrap()
    }

    fn draft() -> Draft {
        Draft::new(Topic::new("t").unwrap(), "e")
    }

    #[test]
    fn the_form_is_fixed() {
        assert_eq!(
            json(&draft().json(r#"{"n": 1.0, "a":1e2}"#)),
            r#"{"id":"alerts/a/1/1","instance":"alerts","topic":"t","event":"e","originating_node":"a","reporting_node":"a","timestamp":"1970-01-01T00:00:00.000Z","correlation_id":null,"causation_id":null,"schema_version":1,"content_type":"application/json","signed":false,"payload":{"n": 1.0, "a":1e2}}"#
        );
    }

    #[test]
    fn what_only_some_messages_have_is_shown_of_those_alone() {
        let mut headers = Headers::default();
        headers.push("Trace", "17").unwrap();
        let full = json(&draft().json("{}").reply_to("events/inbox").headers(headers));
        let expected = r#""schema_version":1,"reply_to":"events/inbox","headers":{"Trace":"17"},"content_type":"#;
        assert!(full.contains(expected), "{full}");
    }

    #[test]
    fn payloads_follow_their_content_type() {
        assert!(
            json(&draft().text("a\"b")).ends_with(r#""content_type":"text/plain","signed":false,"payload":"a\"b"}"#)
        );
        assert!(
            json(&draft().json("{\n \"a\":1}")).ends_with(r#""payload":{  "a":1}}"#),
            "stays one line"
        );
        assert!(json(&draft().payload(ContentType::Bytes, vec![0, 255])).ends_with(r#""payload_base64":"AP8="}"#));
        assert!(
            json(&draft().json("not json")).ends_with(r#""payload_base64":"bm90IGpzb24="}"#),
            "a false label loses nothing"
        );
        assert!(json(&draft().payload(ContentType::Text, vec![0xff])).ends_with(r#""payload_base64":"/w=="}"#));
    }
}
