//! Which events a subscription of a store is for.

use std::borrow::Cow;

use bellwether_catalogue::EventRecord;
use bellwether_catalogue::field::Object;
use bellwether_catalogue::topics::StoreSubscription;
use serde_json::Value;

/// The selector of every stream.
const ALL: &str = "$all";

/// A selector that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selector {
    /// Every event.
    All,
    /// Those of one stream.
    Stream(String),
    /// Those of one type.
    Type(String),
    /// Those whose record says all of this.
    Pattern(Object),
    /// Those whose data say all of this.
    Payload(Object),
}

impl Selector {
    pub(super) fn new(subscription: StoreSubscription, text: &str) -> Result<Self, SelectorError> {
        match subscription {
            StoreSubscription::ByStream if text == ALL => Ok(Self::All),
            StoreSubscription::ByStream => match text.strip_prefix('$') {
                Some(stream) if !stream.is_empty() => Ok(Self::Stream(stream.to_owned())),
                _ => Err(SelectorError::Stream { text: text.to_owned() }),
            },
            StoreSubscription::ByEventType if text.is_empty() => Err(SelectorError::EmptyType),
            StoreSubscription::ByEventType => Ok(Self::Type(text.to_owned())),
            StoreSubscription::ByEventPattern => Ok(Self::Pattern(object(text)?)),
            StoreSubscription::ByEventPayload => Ok(Self::Payload(object(text)?)),
        }
    }

    /// Whether an event is for the subscription.
    pub(super) fn matches(&self, record: &EventRecord) -> bool {
        match self {
            Self::All => true,
            Self::Stream(stream) => record.event_stream_id == *stream,
            Self::Type(kind) => record.event_type == *kind,
            Self::Pattern(pattern) => pattern
                .iter()
                .all(|(key, wanted)| field(record, key).is_some_and(|value| says(&value, wanted))),
            Self::Payload(pattern) => says_all(&record.data, pattern),
        }
    }
}

fn object(text: &str) -> Result<Object, SelectorError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(SelectorError::NoObject),
        Err(err) => Err(SelectorError::NoJson {
            reason: err.to_string(),
        }),
    }
}

/// Whether a value says everything that is wanted: of an object every key, in turn; anything else must be equal. As deep
/// as the pattern, which was read from text, so no deeper than its reader allows.
fn says(value: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(wanted) => says_all(value, wanted),
        wanted => value == wanted,
    }
}

fn says_all(value: &Value, wanted: &Object) -> bool {
    let Value::Object(value) = value else {
        return false;
    };
    wanted
        .iter()
        .all(|(key, wanted)| value.get(key).is_some_and(|value| says(value, wanted)))
}

/// A field of a record as its JSON has it.
fn field<'a>(record: &'a EventRecord, key: &str) -> Option<Cow<'a, Value>> {
    let made = |value: Value| Some(Cow::Owned(value));
    match key {
        "event_stream_id" => made(record.event_stream_id.as_str().into()),
        "event_number" => made(record.event_number.into()),
        "event_id" => made(record.event_id.as_str().into()),
        "event_type" => made(record.event_type.as_str().into()),
        "data_content_type" => made(record.data_content_type.into()),
        "metadata_content_type" => made(record.metadata_content_type.into()),
        "data" => Some(Cow::Borrowed(&record.data)),
        "metadata" => record.metadata.as_ref().map(Cow::Borrowed),
        "created" => made(record.created?.to_string().into()),
        "created_epoch" => made(record.created_epoch?.into()),
        other => record.extra.get(other).map(Cow::Borrowed),
    }
}

/// Why a selector selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// It names no stream.
    #[error("{text:?} names no stream: write `$all`, or `$` and the stream's id")]
    Stream {
        /// What was given.
        text: String,
    },
    /// It names no type.
    #[error("the selector is empty: write a type of event, as `temperature_measured:v1`")]
    EmptyType,
    /// It is no JSON.
    #[error("the selector is no JSON ({reason}): write an object with what an event must say")]
    NoJson {
        /// What is wrong with it.
        reason: String,
    },
    /// It is another kind of JSON.
    #[error("the selector is JSON but no object: write an object with what an event must say")]
    NoObject,
}

#[cfg(test)]
mod tests {
    use bellwether_catalogue::topics::StoreSubscription::{ByEventPattern, ByEventPayload, ByEventType, ByStream};
    use serde_json::json;

    use super::*;

    fn record() -> EventRecord {
        let data = json!({"amount": 7, "buyer": {"name": "ann", "age": 40}, "tags": ["a", "b"], "note": null});
        let mut record = EventRecord::new("orders", 3, "id-3", "paid:v1", data).metadata(json!({"user": "ann"}));
        record.extra.insert("region".to_owned(), json!("eu"));
        record
    }

    fn matches(subscription: StoreSubscription, selector: &str) -> bool {
        Selector::new(subscription, selector).unwrap().matches(&record())
    }

    #[test]
    fn streams_are_chosen_by_their_whole_id() {
        assert!(matches(ByStream, "$all"));
        assert!(matches(ByStream, "$orders"));
        assert!(!matches(ByStream, "$order"));
        assert!(!matches(ByStream, "$orders2"));
        assert!(!matches(ByStream, "$paid:v1"));
    }

    #[test]
    fn types_are_chosen_by_their_whole_name() {
        assert!(matches(ByEventType, "paid:v1"));
        assert!(!matches(ByEventType, "paid"));
        assert!(!matches(ByEventType, "orders"));
    }

    #[test]
    fn a_pattern_is_asked_of_the_record_and_a_payload_of_its_data() {
        let everything = [
            json!({}),
            json!({"event_type": "paid:v1", "event_number": 3}),
            json!({"event_stream_id": "orders", "event_id": "id-3"}),
            json!({"data": {"buyer": {"name": "ann"}}, "metadata": {"user": "ann"}, "region": "eu"}),
            json!({"data_content_type": null}),
        ];
        for pattern in everything {
            assert!(matches(ByEventPattern, &pattern.to_string()), "{pattern}");
        }
        let nothing = [
            json!({"event_type": "paid:v1", "event_number": 4}),
            json!({"event_number": "3"}),
            json!({"data": {"buyer": {"name": "bob"}}}),
            json!({"data": {"buyer": {"surname": null}}}),
            json!({"amount": 7}),
            json!({"created": null}),
        ];
        for pattern in nothing {
            assert!(!matches(ByEventPattern, &pattern.to_string()), "{pattern}");
        }
        for (pattern, is_match) in [
            (json!({"amount": 7}), true),
            (json!({"amount": 7, "buyer": {"age": 40}, "note": null}), true),
            (json!({"tags": ["a", "b"]}), true),
            (json!({"tags": ["a"]}), false),
            (json!({"buyer": {}}), true),
            (json!({"amount": {}}), false),
            (json!({"missing": null}), false),
            (json!({"event_type": "paid:v1"}), false),
        ] {
            assert_eq!(matches(ByEventPayload, &pattern.to_string()), is_match, "{pattern}");
        }
        let text = EventRecord::new("s", 0, "i", "t", json!("amount"));
        assert!(!Selector::new(ByEventPayload, "{}").unwrap().matches(&text));
    }

    #[test]
    fn every_field_of_a_record_can_be_asked_as_json_has_it() {
        let mut record = record();
        record.created = Some(bellwether_message::Timestamp::from_millis(1_000));
        record.created_epoch = Some(1_000_000);
        record.data_content_type = Some(1);
        let Value::Object(json) = serde_json::to_value(&record).unwrap() else {
            panic!("a record is an object");
        };
        assert!(json.len() >= 11);
        for (key, value) in &json {
            assert_eq!(field(&record, key).as_deref(), Some(value), "{key}");
        }
    }

    #[test]
    fn selectors_that_would_select_nothing_are_refused_with_what_would_be_right() {
        for (subscription, selector, words) in [
            (ByStream, "orders", "write `$all`, or `$`"),
            (ByStream, "$", "names no stream"),
            (ByStream, "", "names no stream"),
            (ByEventType, "", "write a type of event"),
            (ByEventPattern, "{", "is no JSON"),
            (ByEventPattern, "", "is no JSON"),
            (ByEventPayload, "[1]", "no object"),
            (ByEventPayload, "null", "no object"),
        ] {
            let err = Selector::new(subscription, selector).unwrap_err().to_string();
            assert!(err.contains(words), "{subscription} {selector:?}: {err}");
        }
    }
}
