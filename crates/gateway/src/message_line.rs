//! A message as its publisher writes it in JSON: a line of a [batch](crate::batch), or a frame of a
//! [socket](crate::socket).
//!
//! `{"instance":"events","topic":"orders:new","event":"order","payload":{"n":1}}`. Needed are `instance` and `topic`. The
//! payload is one of
//!
//! - `payload`: any JSON, carried untouched; a string under a `content_type` of `text/…` is that text,
//! - `text`: a string, `text/plain` unless `content_type` says otherwise,
//! - `payload_base64`: bytes, `application/octet-stream` unless `content_type` says otherwise,
//!
//! or it is empty. Also: `event`, `content_type`, `originating_node`, `correlation_id`, `causation_id`, `schema_version`,
//! `headers` (an object of strings, or lists of strings), `reply_to` (`instance/topic`); `wait`, `confirm` and
//! `confirm_within`, as texts, for this one message; and `ref`, any text of at most 128 bytes, which the answer repeats.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU16;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether::{ContentType, Headers};
use serde::de::{Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::api::parse_instance;
use crate::assurance::Wanted;
use crate::body::parse_json;
use crate::error::{ApiError, Reason};
use crate::outgoing::{Outgoing, draft, parse_node, parse_reply_to};

/// Longest `ref`.
pub(crate) const MAX_REF_BYTES: usize = 128;

/// One message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageLine<'a> {
    /// Which frame of a socket it is was read before; a line of a batch may say it, too.
    #[serde(rename = "op")]
    _op: Option<IgnoredAny>,
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    instance: String,
    topic: String,
    event: Option<String>,
    #[serde(borrow, default, deserialize_with = "given")]
    payload: Option<&'a RawValue>,
    text: Option<String>,
    payload_base64: Option<String>,
    content_type: Option<String>,
    originating_node: Option<String>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    schema_version: Option<NonZeroU16>,
    headers: Option<Headers>,
    reply_to: Option<String>,
    wait: Option<Flag>,
    confirm: Option<Flag>,
    confirm_within: Option<Flag>,
}

impl<'a> MessageLine<'a> {
    /// Reads one line. A list would be read as the fields of an object in their order.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, ApiError> {
        if line.trim_ascii_start().first() != Some(&b'{') {
            let words =
                "a line is a JSON object such as {\"instance\":\"events\",\"topic\":\"orders:new\",\"text\":\"hi\"}";
            return Err(ApiError::new(Reason::BadJson, words));
        }
        let parsed = parse_json(line);
        parsed.map_err(|err| ApiError::new(err.reason(), err.words().replace("the body", "the line")))
    }

    /// The message; where it says nothing of waiting, `wanted` stands.
    pub(crate) fn outgoing(self, wanted: &Wanted) -> Result<Outgoing, ApiError> {
        let instance = parse_instance(&self.instance)?;
        let assurance = Wanted {
            wait: text_or(self.wait, wanted.wait.as_ref()),
            confirm: text_or(self.confirm, wanted.confirm.as_ref()),
            confirm_within: text_or(self.confirm_within, wanted.confirm_within.as_ref()),
        }
        .assurance()?;
        let mut draft = draft(instance, &self.topic, self.event)?;
        let content_type = self.content_type.filter(|name| !name.is_empty());
        let content_type = content_type.as_deref().map(ContentType::from_name);
        (draft.content_type, draft.payload) = match (self.payload, self.text, self.payload_base64) {
            (None, None, None) => (content_type.unwrap_or(ContentType::Bytes), Vec::new()),
            (Some(json), None, None) => {
                let content_type = content_type.unwrap_or(ContentType::Json);
                let payload = json_payload(&content_type, json.get())?;
                (content_type, payload)
            }
            (None, Some(text), None) => (content_type.unwrap_or(ContentType::Text), text.into_bytes()),
            (None, None, Some(text)) => (content_type.unwrap_or(ContentType::Bytes), base64(&text)?),
            _ => {
                let words = "give one of `payload`, `text` and `payload_base64`";
                return Err(ApiError::new(Reason::BadField, words));
            }
        };
        draft.originating_node = self.originating_node.as_deref().map(parse_node).transpose()?;
        draft.correlation_id = self.correlation_id;
        draft.causation_id = self.causation_id;
        draft.schema_version = self.schema_version.map_or(draft.schema_version, NonZeroU16::get);
        draft.headers = self.headers.unwrap_or_default();
        draft.reply_to = self.reply_to.map(parse_reply_to).transpose()?;
        Ok(Outgoing {
            instance,
            draft,
            assurance,
        })
    }
}

fn text_or(own: Option<Flag>, wanted: Option<&String>) -> Option<String> {
    own.map(|flag| flag.0).or_else(|| wanted.cloned())
}

/// JSON under a content type: as it is, or the text that a JSON string says.
pub(crate) fn json_payload(content_type: &ContentType, json: &str) -> Result<Vec<u8>, ApiError> {
    if content_type.is_json() {
        return Ok(json.as_bytes().to_vec());
    }
    serde_json::from_str::<Cow<'_, str>>(json)
        .map(|text| text.into_owned().into_bytes())
        .map_err(|_| {
            let words = "a payload that is no JSON by its content type must be a string, or be given in base64";
            ApiError::new(Reason::BadField, words)
        })
}

/// Bytes in base64.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>, ApiError> {
    STANDARD
        .decode(text)
        .map_err(|err| ApiError::new(Reason::BadField, format!("the base64 of the payload is wrong: {err}")))
}

/// `null` is a payload like any other.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A parameter: text, or a number or truth value that is read as its text.
#[derive(Debug)]
struct Flag(String);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;

        impl Visitor<'_> for Value {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number, true or false")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                Ok(Flag(text.to_owned()))
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(flag.to_string()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Flag, E> {
                Ok(Flag(number.to_string()))
            }
        }

        deserializer.deserialize_any(Value)
    }
}
