//! A message as it is received.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether_message::{ContentType, Headers, Instance, MessageId, NodeId, Timestamp, Topic};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A message that was published somewhere in the mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Which message it is: unique in the mesh, and rising within the feed of a node.
    pub id: MessageId,
    /// Where it was published.
    pub instance: Instance,
    /// Its topic inside the instance.
    pub topic: Topic,
    /// The tag that names its type.
    pub event: String,
    /// Where the event arose, as the publisher says.
    pub originating_node: NodeId,
    /// The node that published it, as the mesh has verified.
    pub reporting_node: NodeId,
    /// When it was published, by that node's clock.
    pub timestamp: Timestamp,
    /// Ties messages of one story together.
    pub correlation_id: Option<String>,
    /// The id of the message that led to this one.
    pub causation_id: Option<String>,
    /// Version of the payload's shape.
    pub schema_version: u16,
    /// What the payload's bytes are.
    pub content_type: ContentType,
    /// Whether the mesh has verified a signature.
    pub signed: bool,
    /// The payload. White space between the tokens of JSON may differ from what was published: line breaks are spaces.
    pub payload: Bytes,
    /// Where an answer is expected, `instance/topic`.
    pub reply_to: Option<String>,
    /// What its publisher added beside the payload. Values of one name stand together.
    pub headers: Headers,
    json: Bytes,
}

/// Its JSON form.
#[derive(Deserialize)]
struct Form<'a> {
    id: MessageId,
    instance: Instance,
    topic: Topic,
    event: String,
    originating_node: NodeId,
    reporting_node: NodeId,
    timestamp: Timestamp,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    schema_version: u16,
    #[serde(borrow)]
    content_type: Cow<'a, str>,
    signed: bool,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    payload_base64: Option<Cow<'a, str>>,
    #[serde(default)]
    reply_to: Option<String>,
    #[serde(default, deserialize_with = "Headers::deserialize_known")]
    headers: Headers,
}

impl Message {
    /// Reads the JSON form; none if it has not that form.
    pub(crate) fn of(json: &Bytes) -> Option<Self> {
        let form: Form<'_> = serde_json::from_slice(json).ok()?;
        let content_type = ContentType::from_name(&form.content_type);
        let payload = match (form.payload, form.payload_base64) {
            (_, Some(base64)) => STANDARD.decode(base64.as_bytes()).ok()?.into(),
            (Some(text), None) if content_type.is_text() && !content_type.is_json() => {
                serde_json::from_str::<String>(text.get()).ok()?.into()
            }
            (Some(value), None) => Bytes::copy_from_slice(value.get().as_bytes()),
            // JSON's null, which is no value to serde.
            (None, None) => Bytes::from_static(b"null"),
        };
        Some(Self {
            id: form.id,
            instance: form.instance,
            topic: form.topic,
            event: form.event,
            originating_node: form.originating_node,
            reporting_node: form.reporting_node,
            timestamp: form.timestamp,
            correlation_id: form.correlation_id,
            causation_id: form.causation_id,
            schema_version: form.schema_version,
            content_type,
            signed: form.signed,
            payload,
            reply_to: form.reply_to,
            headers: form.headers,
            json: json.clone(),
        })
    }

    /// All of it in its JSON form, as the node wrote it.
    pub fn as_json(&self) -> &Bytes {
        &self.json
    }

    /// The payload as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn text(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(&self.payload)
    }

    /// The payload read as JSON.
    ///
    /// # Errors
    /// If it is no JSON, or not such a value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(rest: &str) -> Option<Message> {
        let json = format!(
            "{{\"id\":\"alerts/a/1/7\",\"instance\":\"alerts\",\"topic\":\"t:\\u00e9\",\"event\":\"e\\\"\",\
             \"originating_node\":\"b\",\"reporting_node\":\"a\",\"timestamp\":\"2026-11-21T10:57:54.123Z\",\
             \"correlation_id\":\"7\",\"causation_id\":null,\"schema_version\":2,\"signed\":true,{rest}}}"
        );
        Message::of(&json.into())
    }

    #[test]
    fn payloads_come_back_as_they_were_given() {
        for (rest, payload) in [
            (
                r#""content_type":"application/json","payload":{"n": 1.0}"#,
                &br#"{"n": 1.0}"#[..],
            ),
            (r#""content_type":"application/json","payload":null"#, b"null"),
            (r#""content_type":"text/plain","payload":"a\"b\n""#, b"a\"b\n"),
            (r#""content_type":"text/csv","payload":"1;2""#, b"1;2"),
            (
                r#""content_type":"application/octet-stream","payload_base64":"AP8=""#,
                b"\0\xff",
            ),
            (r#""content_type":"application/json","payload_base64":"bm8=""#, b"no"),
        ] {
            let message = message(rest).expect(rest);
            assert_eq!(message.payload, payload, "{rest}");
            assert_eq!((message.topic.as_str(), message.event.as_str()), ("t:é", "e\""));
            assert_eq!((message.id.seq, message.schema_version), (7, 2));
        }
    }

    #[test]
    fn headers_and_where_to_answer_are_read() {
        let rest = r#""content_type":"text/plain","payload":"","reply_to":"events/_inbox:x:1","headers":{"b":["2","3"],"A":"1","bad name":"x"},"novelty":{}"#;
        let message = message(rest).unwrap();
        assert_eq!(message.reply_to.as_deref(), Some("events/_inbox:x:1"));
        let headers: Vec<_> = message.headers.view().iter().collect();
        assert_eq!(headers, [("b", "2"), ("b", "3"), ("A", "1")]);
    }

    #[test]
    fn what_is_no_message_is_none() {
        assert_eq!(message(r#""content_type":"text/plain","payload":7"#), None);
        assert_eq!(message(r#""content_type":"text/plain","payload_base64":"!""#), None);
        assert_eq!(Message::of(&Bytes::from_static(b"{}")), None);
    }
}
