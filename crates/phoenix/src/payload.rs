//! How a message looks to the handlers of a channel.

use std::fmt;

use bellwether::{Delivery, Envelope, Instance};
use bellwether_delivery::json::{EpochEndedJson, GapJson, LiveJson};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The one key of a payload that is ours: `{"id","topic","originating_node","reporting_node","timestamp","cursor"}`.
pub const METADATA: &str = "_bellwether";

/// The event of a message whose own tag would be taken for a word of the protocol.
const PLAIN_EVENT: &str = "message";

/// What a channel's handlers get.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown<'a> {
    /// An event with JSON.
    Json {
        /// Its name.
        event: &'a str,
        /// A JSON object.
        payload: String,
    },
    /// An event with bytes.
    Bytes {
        /// Its name.
        event: &'a str,
        /// The payload as it is.
        data: &'a [u8],
    },
}

/// What is shown of a delivery; `cursor` is the place behind it. `None` if it is nothing for a client.
pub(crate) fn show<'a>(delivery: &'a Delivery, cursor: Option<&str>) -> Option<Shown<'a>> {
    Some(match delivery {
        Delivery::Message(envelope) => message(envelope, cursor),
        Delivery::Gap(gap) => notice("gap", &GapJson::new(gap), cursor),
        Delivery::EpochEnded(ended) => notice("epoch_ended", &EpochEndedJson::new(ended), cursor),
        Delivery::Live(live) => notice("live", &LiveJson::new(live), cursor),
        _ => return None,
    })
}

/// Something that is no message: its form, and nothing but the cursor beside it.
pub(crate) fn notice<'a>(event: &'a str, form: &impl Serialize, cursor: Option<&str>) -> Shown<'a> {
    #[derive(Serialize)]
    struct Place<'a> {
        cursor: Option<&'a str>,
    }

    let form = serde_json::to_string(form).unwrap_or_else(|_| "{}".to_owned());
    Shown::Json {
        event,
        payload: with_metadata(&form, &Place { cursor }),
    }
}

fn message<'a>(envelope: &'a Envelope, cursor: Option<&str>) -> Shown<'a> {
    let head = envelope.head();
    let event = if is_of_the_protocol(head.event) {
        PLAIN_EVENT
    } else {
        head.event
    };
    let data = envelope.payload();
    let json = head.content_type().is_json().then(|| std::str::from_utf8(data).ok());
    let json = json
        .flatten()
        .and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    let Some(json) = json else {
        return Shown::Bytes { event, data };
    };
    let metadata = Metadata {
        envelope,
        hidden_event: (event != head.event).then_some(head.event),
        cursor,
    };
    Shown::Json {
        event,
        payload: with_metadata(json.get(), &metadata),
    }
}

/// Whether a client would take an event for a word of the protocol: who publishes must not close the channels of others.
fn is_of_the_protocol(event: &str) -> bool {
    event.starts_with("phx_") || event.starts_with("chan_reply_")
}

/// The object with our key as its last, so that it goes before one of its own of the same name; anything else as the
/// `payload` of an object.
fn with_metadata(json: &str, metadata: &impl Serialize) -> String {
    let metadata = serde_json::to_string(metadata).unwrap_or_else(|_| "{}".to_owned());
    let fields = json.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match fields.map(str::trim) {
        Some("") => format!(r#"{{"{METADATA}":{metadata}}}"#),
        Some(fields) => format!(r#"{{{fields},"{METADATA}":{metadata}}}"#),
        None => format!(r#"{{"payload":{json},"{METADATA}":{metadata}}}"#),
    }
}

struct Metadata<'a> {
    envelope: &'a Envelope,
    /// Its tag, where the event has another name.
    hidden_event: Option<&'a str>,
    cursor: Option<&'a str>,
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let envelope = self.envelope;
        let head = envelope.head();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &envelope.id())?;
        map.serialize_entry("topic", &channel_topic(envelope.instance(), head.topic))?;
        if let Some(event) = self.hidden_event {
            map.serialize_entry("event", event)?;
        }
        map.serialize_entry("originating_node", envelope.originating_node())?;
        map.serialize_entry("reporting_node", envelope.reporting_node())?;
        map.serialize_entry("timestamp", &envelope.timestamp())?;
        for (name, id) in [
            ("correlation_id", head.correlation_id),
            ("causation_id", head.causation_id),
        ] {
            if let Some(id) = id {
                map.serialize_entry(name, id)?;
            }
        }
        if let Some((instance, topic)) = head.reply_to().and_then(|address| address.split_once('/')) {
            map.serialize_entry("reply_to", &format!("{instance}:{topic}"))?;
        }
        if !head.headers().is_empty() {
            map.serialize_entry("headers", &head.headers())?;
        }
        map.serialize_entry("cursor", &self.cursor)?;
        map.end()
    }
}

/// A topic as a channel has it.
pub(crate) fn channel_topic(instance: Instance, topic: &str) -> String {
    format!("{instance}:{topic}")
}

/// What a client publishes, without our key: what it has received it may publish as it is.
pub(crate) fn without_metadata(json: &str) -> String {
    let object = json
        .contains(METADATA)
        .then(|| serde_json::from_str::<Fields<'_>>(json).ok());
    let Some(Fields(fields)) = object.flatten() else {
        return json.to_owned();
    };
    let own = fields.into_iter().filter(|(name, _)| name != METADATA);
    let own: Vec<_> = own
        .map(|(name, value)| {
            let name = serde_json::to_string(&name).unwrap_or_default();
            format!("{name}:{}", value.get())
        })
        .collect();
    format!("{{{}}}", own.join(","))
}

/// The fields of an object, each value as it was written.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_key_stands_last_in_an_object_and_beside_anything_else() {
        let metadata = serde_json::json!({"id": 1});
        for (json, shown) in [
            (r#"{"a": 1.0}"#, r#"{"a": 1.0,"_bellwether":{"id":1}}"#),
            ("{ }", r#"{"_bellwether":{"id":1}}"#),
            ("[1,2]", r#"{"payload":[1,2],"_bellwether":{"id":1}}"#),
            (r#""{}""#, r#"{"payload":"{}","_bellwether":{"id":1}}"#),
            ("null", r#"{"payload":null,"_bellwether":{"id":1}}"#),
        ] {
            assert_eq!(with_metadata(json, &metadata), shown);
            assert!(serde_json::from_str::<serde_json::Value>(shown).is_ok());
        }
        let forged = with_metadata(r#"{"_bellwether":{"id":"forged"}}"#, &metadata);
        let read: serde_json::Value = serde_json::from_str(&forged).unwrap();
        assert_eq!(read["_bellwether"]["id"], 1, "the last of two counts");
    }

    #[test]
    fn what_was_received_is_published_without_our_key_and_else_untouched() {
        for (json, published) in [
            (r#"{"a": 1.0, "b":[ 1 ]}"#, r#"{"a": 1.0, "b":[ 1 ]}"#),
            (r#"{"a": 1.0,"_bellwether":{"id":1}}"#, r#"{"a":1.0}"#),
            (r#"{"_bellwether":1,"b\"":[ 1 ],"_bellwether":2}"#, r#"{"b\"":[ 1 ]}"#),
            (r#"["_bellwether"]"#, r#"["_bellwether"]"#),
            (r#"{"a":{"_bellwether":1}}"#, r#"{"a":{"_bellwether":1}}"#),
        ] {
            assert_eq!(without_metadata(json), published);
        }
    }

    #[test]
    fn words_of_the_protocol_are_no_events() {
        for event in ["phx_close", "phx_error", "phx_reply", "chan_reply_7"] {
            assert!(is_of_the_protocol(event), "{event}");
        }
        for event in ["system_alert", "gap", "Phx_close", "reply"] {
            assert!(!is_of_the_protocol(event), "{event}");
        }
    }
}
