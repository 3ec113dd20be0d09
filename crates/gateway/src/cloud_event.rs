//! CloudEvents 1.0, both ways: as one is published, and as deliveries are told in that form.
//!
//! | attribute | published, it is | of a message that is delivered |
//! | --- | --- | --- |
//! | `specversion` | `1.0`, needed | `1.0` |
//! | `type` | the event tag, needed | the event tag |
//! | `subject` | the topic, unless the path has one | the topic |
//! | `source` | the originating node, if it is the name of one; else the header `ce-source`; needed | that header, else the originating node |
//! | `id` | the header `ce-id`, needed | that header, else the message's id |
//! | `time` | the header `ce-time`, a time in RFC 3339 | that header, else the message's time |
//! | `datacontenttype` | the content type; `application/json` in a JSON event that says none | the content type |
//! | `dataschema` | the header `ce-dataschema` | that header |
//! | `instance` | the instance, unless the path has one; `events` if none is named | the instance |
//! | `correlationid`, `causationid`, `schemaversion` | the fields of those names | those fields |
//! | `traceparent`, `tracestate` | the headers of those names | those headers |
//! | any other | a header, `ce-` before its name | those headers |
//!
//! With the attributes in headers (`ce-type`, `ce-source`, …; values percent-encoded) the body is the data; in JSON it is
//! `data` or `data_base64`. Delivered, a message also has `messageid`, `reportingnode` and `originatingnode`. Its other headers have
//! no place in the form and are left out: the other formats have them.

mod delivery;

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use axum::http::HeaderMap;
use bellwether::{ContentType, Headers, Instance, NodeId, TRACEPARENT, TRACESTATE, Timestamp, Topic};
use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) use self::delivery::{DeliveryEvent, EventIds};
use crate::api::parse_instance;
use crate::body::{cut, parse_json};
use crate::error::{ApiError, Reason};
use crate::message_line::{base64, json_payload};
use crate::outgoing::{Outgoing, draft};
use bellwether_delivery::Assurance;

/// What the headers that are attributes begin with, of requests and of messages.
const PREFIX: &str = "ce-";

const SPEC_VERSION: &str = "1.0";

/// An event as it is given.
#[derive(Debug, Default)]
pub(crate) struct CloudEvent {
    /// All but `datacontenttype`.
    attributes: BTreeMap<String, String>,
    content_type: Option<ContentType>,
    data: Vec<u8>,
}

/// Where an event goes.
#[derive(Debug)]
pub(crate) enum EventPlace {
    /// The request says so.
    At(Instance, Topic),
    /// Its attributes say so.
    InEvent,
}

/// Whether a request has an event in its headers.
pub(crate) fn is_in_headers(headers: &HeaderMap) -> bool {
    ["ce-specversion", "ce-type", "ce-source", "ce-id"]
        .into_iter()
        .any(|name| headers.contains_key(name))
}

impl CloudEvent {
    /// The attributes that a request has in its headers.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut event = Self::default();
        for (name, value) in headers {
            if let Some(name) = name.as_str().strip_prefix(PREFIX) {
                let text = percent_decoded(value.as_bytes())
                    .ok_or_else(|| wrong(format!("the header {PREFIX}{name} is not percent-encoded UTF-8")))?;
                event.set(name, text)?;
            }
        }
        Ok(event)
    }

    /// An event in JSON.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, ApiError> {
        let mut fields: BTreeMap<String, &RawValue> = parse_json(json)?;
        let mut event = Self::default();
        let data = fields.remove("data");
        let data_base64 = fields.remove("data_base64");
        for (name, value) in fields {
            let text = match serde_json::from_str(value.get()) {
                Ok(Value::String(text)) => text,
                Ok(Value::Bool(flag)) => flag.to_string(),
                Ok(Value::Number(number)) if number.is_i64() => number.to_string(),
                Ok(Value::Null) => continue,
                _ => {
                    let name = cut(&name.escape_debug().to_string());
                    let words = format!("the attribute `{name}` must be a text, a whole number or a truth value");
                    return Err(wrong(words));
                }
            };
            match name.as_str() {
                "datacontenttype" => event.content_type = Some(ContentType::from_name(&text)),
                name => event.set(name, text)?,
            }
        }
        match (data, data_base64) {
            (Some(_), Some(_)) => return Err(wrong("give one of `data` and `data_base64`")),
            (Some(data), None) => {
                let content_type = event.content_type.get_or_insert(ContentType::Json);
                event.data = json_payload(content_type, data.get())?;
            }
            (None, Some(data)) => {
                let text: String = parse_json(data.get().as_bytes())?;
                event.data = base64(&text)?;
            }
            (None, None) => {}
        }
        Ok(event)
    }

    /// What its body is.
    pub(crate) fn set_data(&mut self, content_type: ContentType, data: Vec<u8>) {
        self.content_type = Some(content_type);
        self.data = data;
    }

    fn set(&mut self, name: &str, text: String) -> Result<(), ApiError> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if name.is_empty() || !name.bytes().all(is_name) {
            let name = cut(&name.escape_debug().to_string());
            let words = format!("`{name}` is no name of an attribute: those have lower-case letters and digits");
            return Err(wrong(words));
        }
        match self.attributes.insert(name.to_owned(), text) {
            None => Ok(()),
            Some(_) => Err(wrong(format!("the attribute `{}` is given twice", cut(name)))),
        }
    }

    /// The attribute, which an event must have.
    fn need(&mut self, name: &str, example: &str) -> Result<String, ApiError> {
        match self.attributes.remove(name) {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(wrong(format!(
                "a CloudEvent needs the attribute `{name}`, for example {example}"
            ))),
        }
    }

    /// The message that it is.
    pub(crate) fn outgoing(mut self, place: EventPlace, assurance: Assurance) -> Result<Outgoing, ApiError> {
        let version = self.need("specversion", "1.0")?;
        if version != SPEC_VERSION {
            let words = format!("`specversion` is {}; this node takes {SPEC_VERSION}", excerpt(&version));
            return Err(wrong(words));
        }
        let id = self.need("id", "order-7")?;
        let source = self.need("source", "/shop/orders")?;
        let event_type = self.need("type", "order_placed")?;
        if let Some(time) = self.attributes.get("time") {
            time.parse::<Timestamp>()
                .map_err(|err| wrong(format!("`time` is wrong: {err}")))?;
        }
        let subject = self.attributes.get("subject").cloned();
        let (instance, mut draft) = match place {
            EventPlace::At(instance, topic) => {
                // Where it goes is its subject again when it is delivered.
                if subject.as_deref() == Some(topic.as_str()) {
                    self.attributes.remove("subject");
                }
                (instance, draft(instance, topic.as_str(), Some(event_type))?)
            }
            EventPlace::InEvent => {
                let Some(subject) = self.attributes.remove("subject") else {
                    let words = "the attribute `subject` says which topic the event goes to, for example orders:new; or \
                                 post it to /v1/publish/{instance}/{topic}";
                    return Err(wrong(words));
                };
                let instance = self.attributes.remove("instance");
                let instance = instance.map_or(Ok(Instance::Events), |name| parse_instance(&name))?;
                (instance, draft(instance, &subject, Some(event_type))?)
            }
        };
        draft.correlation_id = self.attributes.remove("correlationid");
        draft.causation_id = self.attributes.remove("causationid");
        if let Some(version) = self.attributes.remove("schemaversion") {
            let version = version
                .parse::<NonZeroU16>()
                .map_err(|_| wrong("`schemaversion` must be a whole number from 1 to 65535"))?;
            draft.schema_version = version.get();
        }
        let mut headers = Headers::default();
        let mut keep = |name: &str, text: &str| {
            let kept = match name {
                // What every door and library calls them.
                TRACEPARENT | TRACESTATE => headers.push(name, text),
                name => headers.push(&format!("{PREFIX}{name}"), text),
            };
            kept.map_err(|err| wrong(format!("the attribute `{name}` cannot be kept: {err}")))
        };
        keep("id", &id)?;
        match NodeId::new(&source) {
            Ok(node) => draft.originating_node = Some(node),
            Err(_) => keep("source", &source)?,
        }
        for (name, text) in &self.attributes {
            keep(name, text)?;
        }
        draft.headers = headers;
        draft.content_type = self.content_type.unwrap_or(ContentType::Bytes);
        draft.payload = self.data;
        Ok(Outgoing {
            instance,
            draft,
            assurance,
        })
    }
}

fn wrong(words: impl Into<String>) -> ApiError {
    ApiError::new(Reason::BadCloudEvent, words)
}

fn excerpt(text: &str) -> String {
    format!("`{}`", cut(&text.escape_debug().to_string()))
}

/// `None` where that is not UTF-8, or a `%` is not followed by two digits.
fn percent_decoded(text: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                decoded.push(u8::try_from(high * 16 + low).ok()?);
            }
            byte => decoded.push(*byte),
        }
    }
    String::from_utf8(decoded).ok()
}
